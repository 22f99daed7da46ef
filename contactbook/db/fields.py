"""Limits of database columns."""

from typing import Any, TypeGuard

MAX_BIGINT = 2**63 - 1


def is_bigint(value: Any) -> TypeGuard[int]:
    return type(value) is int and abs(value) <= MAX_BIGINT
