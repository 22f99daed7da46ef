"""Fields that take their JSON type and nothing that merely resembles it."""

import re
from typing import Any

from rest_framework import serializers

# What str.strip() takes away, as written inside the brackets of any dialect's regular expressions.
SPACES = r"\u0009-\u000d\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
ANY = r"^[^\u0000]*$"
NOT_BLANK = rf"^[^\u0000]*[^\u0000{SPACES}][^\u0000]*$"


class DescribedField(serializers.Field):
    """A field that gives its JSON Schema, but for null and the lengths and bounds that its validators check."""

    @property
    def openapi(self) -> dict[str, Any]:
        raise NotImplementedError


class Text(DescribedField, serializers.CharField):
    """A JSON string; DRF's own also takes numbers. Its length is that of what came, blanks included."""

    @property
    def openapi(self) -> dict[str, Any]:
        schema = {
            "type": "string",
            "minLength": 0 if self.allow_blank else 1,
            "pattern": NOT_BLANK if self.trim_whitespace and not self.allow_blank else ANY,
        }
        return schema if self.max_length is None else {**schema, "maxLength": self.max_length}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return super().to_internal_value(data)


class Count(serializers.IntegerField):
    """An integer of a query or path: ASCII digits alone, where DRF's also takes ` 5`, `5.0`, `1_000` and `٥`."""

    def to_internal_value(self, data: Any) -> int:
        if not re.fullmatch(r"-?[0-9]{1,20}", str(data)):
            self.fail("invalid")
        return super().to_internal_value(data)


class Number(serializers.IntegerField):
    """A JSON integer; DRF's own also takes text."""

    def to_internal_value(self, data: Any) -> int:
        number = whole(data)
        if number is None:
            self.fail("invalid")
        return number


def whole(data: Any) -> int | None:
    """The integer that a JSON number is, 1.0 included (to JSON Schema they are the same), or None."""
    if isinstance(data, bool) or not isinstance(data, int | float) or data != data // 1:
        return None
    return int(data)  # infinity and NaN are gone: neither is its own floor


class Flag(serializers.BooleanField):
    """A JSON true or false; DRF's own also takes "yes", "t", 1 …"""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data
