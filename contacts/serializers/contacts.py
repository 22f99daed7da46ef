"""Serializers of contacts: request bodies, responses, and the card that results from a body."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from contactbook.api.exceptions import Invalid
from contacts.avatars.references import public_url, with_public_urls, without_public_urls
from contacts.cards import jscontact, validation
from contacts.models import Contact
from contacts.serializers.fields import (
    CardField,
    FullName,
    IsoDate,
    OptionalText,
    Phone,
    PhoneNumber,
    Reference,
    digits,
)

FLAT = ("fullname", "email", "phone", "birthday", "additional", "avatar")
COLUMNS = (*FLAT, "id", "user_id")
CARD_COLUMNS = ("card", "uid", "created_at", "updated_at")
ALL_COLUMNS = (*COLUMNS, *CARD_COLUMNS, "revision")

# The contract's example.
EXAMPLE = {
    "fullname": "string",
    "email": "string",
    "phone_number": 0,
    "birthday": "2023-11-12",
    "additional": "string",
    "user_id": 0,
    "avatar": "string",
}


def represent(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a contact as the contract shows it, from COLUMNS; with its card if CARD_COLUMNS are there too."""
    shown = {
        "fullname": row["fullname"],
        "email": row["email"],
        "phone_number": digits(row["phone"]),
        "birthday": row["birthday"],
        "additional": row["additional"],
        "user_id": row["user_id"],
        "avatar": public_url(row["avatar"]),
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
            **with_public_urls(row["card"]),
        }
    return shown


def represent_contact(contact: Contact) -> dict[str, Any]:
    return represent({name: getattr(contact, name) for name in (*COLUMNS, *CARD_COLUMNS)})


class ContactInput(serializers.Serializer):
    example = EXAMPLE
    fullname = FullName(min_length=1, max_length=255)
    email = OptionalText(max_length=320)
    phone_number = PhoneNumber(max_length=255)
    phone = Phone(max_length=255)
    birthday = IsoDate()
    additional = OptionalText(max_length=65_535)
    avatar = Reference(max_length=2048)

    def flat_fields(self, stored_phone: str | None = None) -> dict[str, Any]:
        """Return the flat fields of a whole contact: a missing field is None, but a missing avatar is not changed."""
        values = self.validated_data
        fields = {name: values.get(name) for name in FLAT if name != "avatar" or name in values}
        return {**fields, "phone": phone_text(values, stored_phone)}


class NewContactInput(ContactInput):
    card = CardField(required=False)

    def new_card(self) -> jscontact.Card:
        values = self.validated_data
        card: Any = {"name": {"full": values["fullname"]}}
        if "card" in values:
            card = validated_card(completed(card, without_public_urls(values["card"])))
        return with_flat_fields(card, values)


class PatchInput(ContactInput):
    """JSON Merge Patch over the contact: a missing field is not changed, null removes."""

    example = {"email": "ada@example.org", "additional": None}
    fullname = FullName(min_length=1, max_length=255, required=False)
    card = CardField(required=False)

    def patched_card(self, stored: jscontact.Card) -> jscontact.Card:
        return patched(stored, self.validated_data)


def completed(card: jscontact.Card, given: Any) -> Any:
    """Return the given card merged into `card`. A null removes a known property; in unknown ones it is a value."""
    if not isinstance(given, dict):
        return given
    known = {name: value for name, value in given.items() if name in validation.PROPERTIES}
    unknown = {name: value for name, value in given.items() if name not in validation.PROPERTIES}
    return {**unknown, **jscontact.merged(card, known)}


def patched(stored: jscontact.Card, values: dict[str, Any]) -> jscontact.Card:
    """Return the card with a Merge Patch, then with the given flat fields; Invalid if the result is not a card."""
    if "card" in values:
        stored = validated_card(jscontact.merged(stored, without_public_urls(values["card"])), stored)
    return with_flat_fields(stored, values)


def with_flat_fields(card: jscontact.Card, values: dict[str, Any]) -> jscontact.Card:
    flat = {name: values[name] for name in FLAT if name in values}
    if values.keys() & {"phone", "phone_number"}:
        flat["phone"] = phone_text(values, jscontact.flatten(card).phone)
    return jscontact.with_flat(card, flat)


def validated_card(card: Any, stored: jscontact.Card | None = None) -> Any:
    """Return the card without the properties that the server sets; Invalid with every fault below `body.card`.

    A property that is as it was stored is not judged: an import stores what the model does not allow a client to set.
    """
    detail: dict[Any, Any] = {}
    for path, sentence in [*validation.faults(card), *group_fault(card)]:
        if stored and path and jscontact.same(card.get(path[0]), stored.get(path[0])):
            continue
        *parents, last = ["card", *path]
        node = detail
        for name in parents:
            node = node.setdefault(name, {})
        node[last] = [sentence]
    if detail:
        raise Invalid("body", detail)
    return {name: value for name, value in card.items() if name not in jscontact.SERVER_SET}


def group_fault(card: Any) -> list[validation.Fault]:
    is_group = isinstance(card, dict) and card.get("kind") == Contact.Kind.GROUP
    return [(["kind"], "Group cards are written by CardDAV alone.")] if is_group else []


def phone_text(values: dict[str, Any], stored: str | None) -> str | None:
    """Return the number's text out of `phone` and `phone_number`: the one that differs from the stored number wins."""
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


@extend_schema_field(OpenApiTypes.BINARY)
class Upload(serializers.FileField):
    pass


class AvatarInput(serializers.Serializer):
    file = Upload(allow_empty_file=True)


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


class ListedContactOutput(ContactOutput):
    card = serializers.DictField(required=False, help_text="With `fields=card`.")


class WholeContactOutput(ContactOutput):
    example = {**ContactOutput.example, "card": {"@type": "Card", "version": "1.0", "name": {"full": "string"}}}
    card = serializers.DictField(help_text="All of the contact, in JSContact form (RFC 9553).")
