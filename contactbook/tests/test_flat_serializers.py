"""FlatSerializer: shallow copies of its fields must be enough."""

from collections.abc import Iterator

import pytest
from rest_framework import serializers

import contactbook.urls  # noqa: F401 - imports every serializer
from contactbook.api.serializers import FlatSerializer
from contacts.serializers.queries import ListQuery


def subclasses(kind: type[FlatSerializer]) -> Iterator[type[FlatSerializer]]:
    for each in kind.__subclasses__():
        yield each
        yield from subclasses(each)


@pytest.mark.parametrize("kind", sorted(subclasses(FlatSerializer), key=lambda each: each.__name__))
def test_no_field_has_fields_of_its_own(kind: type[FlatSerializer]) -> None:
    """A child's `parent` would be the field that all requests share."""
    for field in kind().fields.values():
        assert not isinstance(field, serializers.BaseSerializer) and not hasattr(field, "child")


def test_what_one_instance_binds_no_other_sees() -> None:
    one, other = ListQuery(data={"limit": "5"}), ListQuery(data={"limit": "x"})
    assert one.is_valid() and not other.is_valid()
    assert one.fields["limit"].parent is one and other.fields["limit"].parent is other
    one.fields["limit"].required = True
    assert not ListQuery().fields["limit"].required
