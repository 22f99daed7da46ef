"""Strict serializer fields: each accepts its own JSON type only, where DRF's fields convert other types."""

import re
from typing import Any

from rest_framework import serializers

# The characters that str.strip() removes, as a character class of any dialect of regular expressions.
SPACES = r"\u0009-\u000d\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
ANY = r"^[^\u0000]*$"
# Characters that are not shown: those of Unicode's Default_Ignorable_Code_Point up to U+FFFF, and the Braille blank.
IGNORABLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
)
INVISIBLE = re.compile(f"[{SPACES}{IGNORABLE}" + r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]*")
NOT_BLANK = rf"^[^\u0000]*[^\u0000{SPACES}][^\u0000]*$"


class DescribedField(serializers.Field):
    """A field with a JSON Schema of its own. Null, lengths and bounds come from its validators."""

    @property
    def openapi(self) -> dict[str, Any]:
        raise NotImplementedError


class Text(DescribedField, serializers.CharField):
    """A JSON string; DRF's field also accepts numbers. The maximum length applies before spaces are removed."""

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


class Name(Text):
    """A name with at least one visible character."""

    @property
    def openapi(self) -> dict[str, Any]:
        return {**super().openapi, "pattern": rf"^[^\u0000]*[^\u0000{SPACES}{IGNORABLE}][^\u0000]*$"}

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if INVISIBLE.fullmatch(name):
            self.fail("blank")
        return name


class EmptyIsNull(serializers.Field):
    """A mixin for optional fields: `""` means null."""

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        return super().validate_empty_values(None if data == "" else data)


class Count(serializers.IntegerField):
    """An integer in a query or path, in ASCII digits; DRF's field also accepts ` 5`, `5.0`, `1_000` and `٥`."""

    def to_internal_value(self, data: Any) -> int:
        if not re.fullmatch(r"-?[0-9]{1,20}", str(data)):
            self.fail("invalid")
        return super().to_internal_value(data)


class Number(serializers.IntegerField):
    """A JSON integer; DRF's field also accepts strings."""

    def to_internal_value(self, data: Any) -> int:
        number = whole(data)
        if number is None:
            self.fail("invalid")
        return number


class OptionalNumber(EmptyIsNull, Number):
    """A JSON integer, null, or `""`, which means null."""


class OptionalChoice(EmptyIsNull, serializers.ChoiceField):
    """One of the choices, null, or `""`, which means null."""


def whole(data: Any) -> int | None:
    """Return a JSON number as an integer, None if it is not one. 1.0 is an integer, as in JSON Schema."""
    if isinstance(data, bool) or not isinstance(data, int | float) or data != data // 1:
        return None
    return int(data)  # infinity and NaN were excluded: x // 1 is NaN for both


class BoundedList(serializers.ListField):
    """A list whose length is checked first: a fault for each of 200,000 elements takes 5 s and 380 MB."""

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list):
            self.run_validators(data)
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """A JSON boolean; DRF's field also accepts "yes", "t", 1 …"""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data
