"""Limits of database columns."""

MAX_BIGINT = 2**63 - 1
