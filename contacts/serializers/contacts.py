"""What the contacts routes read and answer."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from rest_framework import serializers

from contactbook.api import pagination as paging
from contactbook.api.exceptions import Invalid
from contactbook.api.fields import Count, Text, whole
from contacts.cards import jscontact
from contacts.cards import validation as cardcheck
from contacts.cards.jscontact import SERVERS_OWN
from contacts.models import Contact

PHONE_DIGITS = 15  # E.164's most
NO_DIGIT = re.compile(r"\D+")
FLAT = ("fullname", "email", "phone", "birthday", "additional", "avatar")
COLUMNS = (*FLAT, "id", "user_id")
CARD_COLUMNS = ("card", "uid", "created_at", "updated_at")


def digits(phone: str | None) -> int | None:
    """`phone_number`, the digits of `phone`: None where there are none, or more than the wire's integer may have."""
    found = NO_DIGIT.sub("", phone or "")
    return int(found) if 0 < len(found) <= PHONE_DIGITS else None


def represent(row: Mapping[str, Any]) -> dict[str, Any]:
    """A contact as the contract shows it, from COLUMNS; with its card where CARD_COLUMNS are there too."""
    shown = {
        "fullname": row["fullname"],
        "email": row["email"],
        "phone_number": digits(row["phone"]),
        "birthday": row["birthday"],
        "additional": row["additional"],
        "user_id": row["user_id"],
        "avatar": row["avatar"],
        "id": row["id"],
        "phone": row["phone"],
    }
    if "card" in row:
        shown["card"] = {
            "@type": "Card",
            "version": "1.0",
            "uid": row["uid"],
            "created": row["created_at"],
            "updated": row["updated_at"],
            **row["card"],
        }
    return shown


def represent_one(contact: Contact) -> dict[str, Any]:
    return represent({name: getattr(contact, name) for name in (*COLUMNS, *CARD_COLUMNS)})


class OptionalText(Text):
    """Text as given, where `""` means null."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, allow_null=True, allow_blank=True, trim_whitespace=False, **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> str | None:
        return super().run_validation(data) or None


class IsoDate(OptionalText):
    """`YYYY-MM-DD` in ASCII digits and no other spelling (date.fromisoformat takes several more)."""

    default_error_messages = {"date": "A date is written YYYY-MM-DD and must exist."}
    openapi = {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "maxLength": 0}, {"type": "null"}]}

    def run_validation(self, data: Any = serializers.empty) -> Any:
        text = super().run_validation(data)
        if text is None:
            return None
        try:
            return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) else self.fail("date")
        except ValueError:
            self.fail("date")


class Phone(OptionalText):
    """A number as text or as a JSON integer of at most 15 digits; it is the text that is kept."""

    default_error_messages = {"number": f"A number is text, or an integer of up to {PHONE_DIGITS} digits."}

    @property
    def openapi(self) -> dict[str, Any]:
        number = {"type": ["string", "integer", "null"], "minimum": 0, "maximum": 10**PHONE_DIGITS - 1}
        return {**super().openapi, **number}

    def to_internal_value(self, data: Any) -> str:
        number = whole(data)
        if number is not None:
            if not 0 <= number < 10**PHONE_DIGITS:
                self.fail("number")
            return str(number)
        return super().to_internal_value(data)


class PhoneNumber(Phone):
    """The contract's `phone_number`: as `Phone`, and with digits in it."""

    @property
    def openapi(self) -> dict[str, Any]:
        pattern = rf"^(?:[^0-9\u0000]*(?:[0-9][^0-9\u0000]*){{1,{PHONE_DIGITS}}})?$"
        return {**super().openapi, "pattern": pattern}

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
        return {**super().openapi, "pattern": cardcheck.SAFE_REFERENCE}

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not re.fullmatch(cardcheck.SAFE_REFERENCE, text):
            self.fail("scheme")
        return text


# The contract's own.
EXAMPLE = {
    "fullname": "string",
    "email": "string",
    "phone_number": 0,
    "birthday": "2023-11-12",
    "additional": "string",
    "user_id": 0,
    "avatar": "string",
}


class ContactInput(serializers.Serializer):
    example = EXAMPLE
    fullname = Text(min_length=1, max_length=255)
    email = OptionalText(max_length=320)
    phone_number = PhoneNumber(max_length=255)
    phone = Phone(max_length=255)
    birthday = IsoDate()
    additional = OptionalText(max_length=65_535)
    avatar = Reference(max_length=2048)


CARD_IN_WORDS = (
    "All of the contact, in JSContact form (RFC 9553): at most 256 KiB and 16 levels, "
    "no U+0000, no number beyond 2^53 - 1. Properties that are not known are kept."
)


class CardField(serializers.JSONField):
    openapi = {"type": "object", "description": CARD_IN_WORDS}

    def to_internal_value(self, data: Any) -> Any:
        """Bounded before anything walks through it."""
        fault = cardcheck.out_of_bounds(data)
        if fault:
            raise serializers.ValidationError(fault)
        return data


class NewContactInput(ContactInput):
    card = CardField(required=False)


def flat_changes(values: dict[str, Any], stored_phone: str | None = None) -> dict[str, Any]:
    """The flat fields of a whole contact: what was left out is None, but an avatar left out stays."""
    changes = {name: values.get(name) for name in FLAT if name != "avatar" or name in values}
    return {**changes, "phone": resolved_phone(values, stored_phone)}


def patched(stored: jscontact.Card, values: dict[str, Any]) -> jscontact.Card:
    """The stored card with a Merge Patch of it, and then the flat fields that are given; Invalid if that is no card."""
    card = checked(jscontact.merged(stored, values["card"]), "card") if "card" in values else stored
    flat = {name: values[name] for name in FLAT if name in values}
    if values.keys() & {"phone", "phone_number"}:
        flat["phone"] = resolved_phone(values, jscontact.flatten(card).phone)
    return jscontact.with_flat(card, flat)


def new_card(values: dict[str, Any]) -> jscontact.Card:
    return patched({"name": {"full": values["fullname"]}}, values)


def resolved_phone(values: dict[str, Any], stored: str | None) -> str | None:
    """The number's text out of `phone` and `phone_number`: the one that differs from what is stored wins."""
    text, number = values.get("phone"), values.get("phone_number")
    text_differs = "phone" in values and text != stored
    number_differs = "phone_number" in values and digits(number) != digits(stored)
    if text_differs and number_differs and digits(text) != digits(number):
        raise Invalid("body", {"phone_number": ["phone and phone_number are both new and disagree."]})
    if text_differs:
        return text
    if number_differs:
        return number
    return stored if values.keys() & {"phone", "phone_number"} else None


# From what `order` says to the column that is sorted by; ties are broken by id.
ORDERS = {
    "fullname": "fullname_folded",
    "-fullname": "-fullname_folded",
    "updated": "revision",
    "-updated": "-revision",
    "created": "id",
    "-created": "-id",
}
FILTERS = ("q", "group", "favourite", "updated_since")


class Cursor(Text):
    """What a Link header's cursor says; empty for the first page."""

    @property
    def openapi(self) -> dict[str, Any]:
        return {**super().openapi, "format": "cursor", "description": "Taken from a Link header as it is."}

    default_error_messages = {"cursor": "A cursor is taken from a Link header as it is."}

    def to_internal_value(self, data: Any) -> paging.Position | None:  # type: ignore[override]
        text = super().to_internal_value(data)
        if not text:
            return None
        try:
            return paging.decoded(text)
        except ValueError:
            self.fail("cursor")


class ListQuery(serializers.Serializer):
    skip = Count(required=False, min_value=0, max_value=2_147_483_647)
    limit = Count(required=False, default=20, min_value=0, max_value=1000)
    cursor = Cursor(required=False, allow_blank=True, max_length=4000)
    order = serializers.ChoiceField(list(ORDERS), required=False, default="fullname")
    q = Text(required=False, max_length=320)
    group = Text(required=False, max_length=255, trim_whitespace=False)
    favourite = serializers.ChoiceField(["true", "false"], required=False)
    updated_since = serializers.DateTimeField(required=False)
    fields = serializers.ChoiceField(["card"], required=False)  # type: ignore[assignment]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        position, order = attrs.get("cursor"), attrs["order"]
        if position and (position.order != order or isinstance(position.value, str) != order.endswith("fullname")):
            raise serializers.ValidationError({"cursor": ["The cursor belongs to another order."]})
        return attrs


class BirthdaysQuery(serializers.Serializer):
    days_range = Count(required=False, default=7, min_value=0, max_value=366)
    across_year = serializers.ChoiceField(["true", "false"], required=False, default="false")
    skip = Count(required=False, default=0, min_value=0, max_value=2_147_483_647)
    limit = Count(required=False, min_value=0, max_value=1000, help_text="All, if left out.")


class FindPath(serializers.Serializer):
    example = {"query": "string"}
    query = Text(max_length=320, trim_whitespace=False)


class ContactPath(serializers.Serializer):
    contact_id = Count()


class AvatarInput(serializers.Serializer):
    encoding = {"file": {"contentType": "image/jpeg, image/png, image/webp, image/gif"}}
    file = serializers.FileField(allow_empty_file=True)


class ContactOutput(serializers.Serializer):
    """A contact; what is unset is null."""

    example = {**EXAMPLE, "id": 1, "phone": "0"}

    fullname = serializers.CharField(max_length=255)
    email = serializers.CharField(allow_null=True)
    phone_number = serializers.IntegerField(allow_null=True, help_text="The digits of `phone`, if at most 15.")
    birthday = serializers.DateField(allow_null=True)
    additional = serializers.CharField(allow_null=True)
    user_id = serializers.IntegerField(help_text="The caller's.")
    avatar = serializers.CharField(allow_null=True)
    id = serializers.IntegerField()
    phone = serializers.CharField(allow_null=True, help_text="The number as it was given.")


def checked(card: Any, *where: str | int) -> Any:
    """The card without what the server says itself; Invalid with every fault placed below `where` in the body."""
    detail: dict[Any, Any] = {}
    for path, sentence in cardcheck.faults(card):
        places = [*where, *path]
        parents, last = places[:-1], places[-1]
        node = detail
        for name in parents:
            node = node.setdefault(name, {})
        node[last] = [sentence]
    if detail:
        raise Invalid("body", detail)
    return {name: value for name, value in card.items() if name not in SERVERS_OWN}


class PatchInput(ContactInput):
    """JSON Merge Patch over the contact: what is left out stays, null removes."""

    example = {"email": "ada@example.org", "additional": None}
    fullname = Text(min_length=1, max_length=255, required=False)
    card = CardField(required=False)


class ListedContactOutput(ContactOutput):
    card = serializers.DictField(required=False, help_text="With `fields=card`.")


class WholeContactOutput(ContactOutput):
    example = {**ContactOutput.example, "card": {"@type": "Card", "version": "1.0", "name": {"full": "string"}}}
    card = serializers.DictField(help_text="All of the contact, in JSContact form (RFC 9553).")
