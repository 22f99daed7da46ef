"""JSON out: byte for byte as Django REST framework renders it."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.renderers import JSONRenderer

from contactbook.api.renderers import as_json

pytestmark = pytest.mark.one_stack


class Pair(NamedTuple):
    one: int
    two: str


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth else "deep"


@pytest.mark.parametrize(
    "data",
    [
        date(1, 2, 3),
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
        datetime(2026, 1, 2, 3, 4, 5),
        timedelta(hours=1),
        Decimal("1.50"),
        UUID(int=7),
        Pair(1, "ü"),
        {"a": Pair(1, "b"), 2: "a key that is no text"},
        gettext_lazy("Yes"),
        2**80,
        [2**64, -(2**63) - 1],
        nested(300),
        '</script>\u2028\u2029\x00\x1f\x7f"\\/',
        None,
        [],
        1.5,
    ],
)
def test_data_is_rendered_as_django_rest_framework_renders_it(data):
    expected = JSONRenderer().render(data) if data is not None else b"null"
    assert as_json(data) == expected


scalars = st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])) | st.dates()


@given(st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text("ab\u2028é"), inner)))
def test_any_data_is_rendered_as_django_rest_framework_renders_it(data):
    assert as_json(data) == (JSONRenderer().render(data) if data is not None else b"null")
    json.loads(as_json(data))
