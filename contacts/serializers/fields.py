"""Fields of a contact's flat form and of the queries of its routes."""

import re
from datetime import date
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from contactbook.api.fields import Text, whole
from contactbook.api.pagination import Position
from contacts.avatars.references import without_public_url
from contacts.cards import validation
from contacts.cards.folding import fold

PHONE_DIGITS = 15  # the most that E.164 allows
NOT_A_DIGIT = re.compile(r"\D+")


def digits(phone: str | None) -> int | None:
    """Return `phone_number`, the digits of `phone`; None where there are none, or more than 15."""
    found = NOT_A_DIGIT.sub("", phone or "")
    return int(found) if 0 < len(found) <= PHONE_DIGITS else None


class FullName(Text):
    """A name with at least one visible character."""

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if not fold(name):
            self.fail("blank")
        return name


class OptionalText(Text):
    """Text as given, where `""` means null."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, allow_null=True, allow_blank=True, trim_whitespace=False, **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> str | None:
        return super().run_validation(data) or None


class IsoDate(OptionalText):
    """`YYYY-MM-DD` in ASCII digits and no other spelling (date.fromisoformat takes several more)."""

    default_error_messages = {"date": "A date is written YYYY-MM-DD and must exist."}

    @property
    def openapi(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}

    def run_validation(self, data: Any = serializers.empty) -> Any:
        text = super().run_validation(data)
        if text is None:
            return None
        try:
            return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) else self.fail("date")
        except ValueError:
            self.fail("date")


class Phone(OptionalText):
    """A number as text or as a JSON integer of at most 15 digits, stored as text.

    The OpenAPI document declares a string only: many generated clients do not support several types.
    """

    default_error_messages = {"number": f"A number is text, or an integer of up to {PHONE_DIGITS} digits."}

    def to_internal_value(self, data: Any) -> str:
        number = whole(data)
        if number is not None:
            if not 0 <= number < 10**PHONE_DIGITS:
                self.fail("number")
            return str(number)
        return super().to_internal_value(data)


class PhoneNumber(Phone):
    """The contract's `phone_number`: as `Phone`, but with digits. The OpenAPI document declares an integer only."""

    @property
    def openapi(self) -> dict[str, Any]:
        return {"type": "integer", "format": "int64", "minimum": 0, "maximum": 10**PHONE_DIGITS - 1}

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if digits(text) is None:
            self.fail("number")
        return text


class Reference(OptionalText):
    """A URL reference; never fetched. Only http and https are safe to show."""

    default_error_messages = {"scheme": "An avatar is a URL whose scheme is http or https."}

    @property
    def openapi(self) -> dict[str, Any]:
        return {**super().openapi, "pattern": validation.SAFE_REFERENCE}

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not re.fullmatch(validation.SAFE_REFERENCE, text):
            self.fail("scheme")
        return without_public_url(text)


@extend_schema_field({"type": "object"})
class CardField(serializers.JSONField):
    def to_internal_value(self, data: Any) -> Any:
        """Check the bounds before anything walks through the card."""
        fault = validation.out_of_bounds(data)
        if fault:
            raise serializers.ValidationError(fault)
        return data


@extend_schema_field(OpenApiTypes.BINARY)
class UploadField(serializers.FileField):
    """A file of a form; an empty one is judged by its contents."""


class CursorField(Text):
    """The cursor of a Link header; empty for the first page."""

    default_error_messages = {"cursor": "A cursor is taken from a Link header as it is."}

    @property
    def openapi(self) -> dict[str, Any]:
        return {**super().openapi, "format": "cursor"}

    def to_internal_value(self, data: Any) -> Position | None:  # type: ignore[override]
        text = super().to_internal_value(data)
        if not text:
            return None
        try:
            return Position.decode(text)
        except ValueError:
            self.fail("cursor")
