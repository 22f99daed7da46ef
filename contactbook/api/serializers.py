"""Base serializers: of plain fields, of query parameters and of path variables."""

import copy

from rest_framework import serializers

from contactbook.api.exceptions import Invalid


class FlatSerializer(serializers.Serializer):
    """A serializer whose fields have no fields of their own, so a shallow copy of each is enough for a request.

    DRF's deep copies are made again from the arguments of each field, which takes a sixth of the time of a cached list.
    """

    def get_fields(self) -> dict[str, serializers.Field]:
        return {name: copy.copy(field) for name, field in self._declared_fields.items()}


class QuerySerializer(FlatSerializer):
    """Reads query parameters; a fault's `loc` begins with `query`."""

    loc = "query"

    def is_valid(self, *, raise_exception: bool = False) -> bool:
        valid = super().is_valid()
        if raise_exception and not valid:
            raise Invalid(self.loc, self.errors)
        return valid


class PathSerializer(QuerySerializer):
    """Reads the variables of a path; a fault's `loc` begins with `path`."""

    loc = "path"
