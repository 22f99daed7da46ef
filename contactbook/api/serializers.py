"""Base serializers for query parameters and path variables."""

from rest_framework import serializers

from contactbook.api.exceptions import Invalid


class QuerySerializer(serializers.Serializer):
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
