"""Serializers of contacts: request bodies, responses, and the card that results from a body."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from rest_framework import serializers

from contactbook.api.exceptions import Invalid
from contactbook.api.serializers import FlatSerializer
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
    UploadField,
    digits,
)

FLAT = ("fullname", "email", "phone", "birthday", "additional", "avatar")
COLUMNS = (*FLAT, "id", "user_id")
CARD_COLUMNS = ("card", "uid", "created_at", "updated_at")
ALL_COLUMNS = (*COLUMNS, *CARD_COLUMNS, "revision")

EXAMPLE = {
    "fullname": "Ada Lovelace",
    "email": "ada@example.org",
    "phone": "+44 20 7946 0958",
    "birthday": "1815-12-10",
    "additional": "Met at the lecture on the engine.",
}
CARD = {
    "@type": "Card",
    "version": "1.0",
    "uid": "urn:uuid:8d4c8a4e-2f64-4a7e-9d6a-0c8b1f9f5c11",
    "created": "2026-01-31T12:00:00Z",
    "updated": "2026-01-31T12:00:00Z",
    "name": {"full": "Ada Lovelace"},
    "emails": {"email": {"address": "ada@example.org"}},
}
PHONE_NUMBER = "The digits of `phone` as a number."
CARD_TEXT = (
    "The whole contact as a JSContact card (RFC 9553): several addresses, numbers, dates, notes, and the groups as "
    "`keywords`. Properties that the server does not know are kept."
)
CARD_INPUT = f"{CARD_TEXT} At most 256 KiB, 5,000 values and 16 levels, no U+0000, no number beyond 2^53 - 1."


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


class ContactInput(FlatSerializer):
    """The flat fields of a contact."""

    example: dict[str, Any] = EXAMPLE
    fullname = FullName(
        min_length=1, max_length=255, help_text="The name, 1 to 255 characters, at least one of them visible."
    )
    email = OptionalText(
        max_length=320, help_text="The e-mail address as text, which is not checked. Null or empty for none."
    )
    phone_number = PhoneNumber(
        max_length=255,
        help_text=f"{PHONE_NUMBER} At most 15 of them. Null for none. Give this or `phone`.",
    )
    phone = Phone(
        max_length=255,
        help_text="The phone number as text, with its `+`, spaces and zeros. Null or empty for none.",
    )
    birthday = IsoDate(help_text="The day of birth, `YYYY-MM-DD`. Null or empty for none.")
    additional = OptionalText(max_length=65_535, help_text="A note, as text. Null or empty for none.")
    avatar = Reference(
        max_length=2048,
        help_text="The URL of a picture, http, https or relative, which the server never reads. Null for none.",
    )


class CreateContactInput(ContactInput):
    """A new contact: the flat fields, and optionally its card. A flat field wins over the card."""

    card = CardField(required=False, help_text=CARD_INPUT)


class PatchInput(ContactInput):
    """JSON Merge Patch (RFC 7396) over the contact: a missing field is not changed, null removes."""

    example: dict[str, Any] = {"email": "ada@example.org", "additional": None}
    fullname = FullName(
        min_length=1,
        max_length=255,
        required=False,
        help_text="The name, 1 to 255 characters, at least one of them visible. It cannot be removed.",
    )
    card = CardField(required=False, help_text=f"A merge patch of the card. {CARD_INPUT}")

    def patched_card(self, stored: jscontact.Card) -> jscontact.Card:
        return patched(stored, self.validated_data)


def flat_fields(values: dict[str, Any], stored_phone: str | None) -> dict[str, Any]:
    """Return the flat fields of a whole ContactInput: a missing field is None, but a missing avatar is not changed."""
    fields = {name: values.get(name) for name in FLAT if name != "avatar" or name in values}
    return {**fields, "phone": phone_text(values, stored_phone)}


def new_card(values: dict[str, Any]) -> jscontact.Card:
    """Return the card of a CreateContactInput."""
    card: Any = {"name": {"full": values["fullname"]}}
    if "card" in values:
        card = validated_card(completed(card, without_public_urls(values["card"])))
    return with_flat_fields(card, values)


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
    return with_flat(card, flat)


def with_flat(card: jscontact.Card, flat: dict[str, Any]) -> jscontact.Card:
    """Return the card with flat fields set; Invalid if it grows beyond the bounds of a card."""
    changed = jscontact.with_flat(card, flat)
    fault = validation.out_of_bounds(changed, validation.MAX_BYTES_WITH_FLAT)
    if fault and jscontact.size(changed) > jscontact.size(card):
        raise Invalid("body", [fault])
    return changed


def validated_card(card: Any, stored: jscontact.Card | None = None) -> Any:
    """Return the card without the properties that the server sets; Invalid with every fault below `body.card`.

    A property that is as it was stored is not judged: an import stores what the model does not allow a client to set.
    """
    detail: dict[Any, Any] = {}
    for path, sentence in [*validation.faults(card), *group_fault(card)]:
        if stored and is_as_stored(card, stored, path, sentence):
            continue
        *parents, last = ["card", *path]
        node = detail
        for name in parents:
            node = node.setdefault(name, {})
        node[last] = [sentence]
    if detail:
        raise Invalid("body", detail)
    return {name: value for name, value in card.items() if name not in jscontact.SERVER_SET}


def is_as_stored(card: Any, stored: jscontact.Card, path: list[str], sentence: str) -> bool:
    """Return whether a fault was stored already: in a property, or a bound that the card does not exceed further."""
    if path:
        return jscontact.same(card.get(path[0]), stored.get(path[0]))
    return validation.out_of_bounds(stored) == sentence and jscontact.size(card) <= jscontact.size(stored)


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


class AvatarInput(serializers.Serializer):
    """A form with a picture."""

    file = UploadField(
        allow_empty_file=True,
        help_text="A JPEG, PNG, WebP or GIF of at most 10 MB and 50 megapixels, fewer if it needs more memory.",
    )


class ContactOutput(serializers.Serializer):
    """A contact. What is unset is null."""

    example = {
        **EXAMPLE,
        "user_id": 1,
        "avatar": "https://contacts.example.org/media/avatars/065d0c9b7a3e4f52b8c1d2e3f4a5b6c7.jpg",
        "id": 1,
        "phone_number": 442079460958,
    }

    fullname = serializers.CharField(max_length=255, help_text="The name.")
    email = serializers.CharField(allow_null=True, help_text="The e-mail address as it was given. Null for none.")
    phone_number = serializers.IntegerField(
        allow_null=True, help_text=f"{PHONE_NUMBER} Null for no number, or one of more than 15 digits."
    )
    birthday = serializers.DateField(
        allow_null=True, help_text="The day of birth. Null for none, and where the card has no whole date."
    )
    additional = serializers.CharField(allow_null=True, help_text="The note. Null for none.")
    user_id = serializers.IntegerField(help_text="The number of the account that has the contact: the caller's.")
    avatar = serializers.CharField(
        allow_null=True,
        help_text="The URL of the picture. Pictures on this server have 250 × 250 pixels. Null for none.",
    )
    id = serializers.IntegerField(help_text="The number of the contact, which never changes.")
    phone = serializers.CharField(allow_null=True, help_text="The phone number as it was given. Null for none.")


class ListedContactOutput(ContactOutput):
    """A contact in a list. What is unset is null."""

    card = serializers.DictField(required=False, help_text=f"Only with `fields=card`. {CARD_TEXT}")


class CardOutput(serializers.Serializer):
    """A JSContact card (RFC 9553), with all of its properties."""

    example = {
        "@type": "Card",
        "version": "1.0",
        "uid": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "name": {"full": "Ada"},
    }
    uid = serializers.CharField(help_text="The same in every program that has the contact.")
    name = serializers.DictField(help_text="The name; `full` is the whole of it.")


class CardOutputExtension(OpenApiSerializerExtension):
    """Declares in the OpenAPI document that a card has more properties than the named ones."""

    target_class = CardOutput

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        return {**super().map_serializer(auto_schema, direction), "additionalProperties": {}}


class WholeContactOutput(ContactOutput):
    """A contact with its card. What is unset is null."""

    example = {**ContactOutput.example, "card": CARD}
    card = serializers.DictField(help_text=CARD_TEXT)
