"""Serializers of duplicates and merges."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from contactbook.api.fields import BoundedList, Flag, Number, Text
from contactbook.api.serializers import PathSerializer
from contactbook.db.fields import MAX_BIGINT
from contacts.merging import MOST
from contacts.serializers.contacts import ContactOutput, WholeContactOutput

KEY = "0f343b0931126a20f133d67c2b018a3b"  # pragma: allowlist secret
SECOND = {**ContactOutput.example, "id": 2, "email": "ada@example.net"}


class DuplicatesPath(PathSerializer):
    """The path of one set of duplicates."""

    example = {"key": KEY}
    key = Text(max_length=255, help_text="The `key` of the set, from the list of duplicates.")


class ReasonOutput(serializers.Serializer):
    """Something that contacts have in common."""

    kind = serializers.ChoiceField(
        ["email", "phone", "name", "name_and_birthday"],
        help_text="`email` and `phone`: the same address or number. `name`: the same name in any order. "
        "`name_and_birthday`: the same or nearly the same name, and the same birthday.",
    )
    value = serializers.CharField(help_text="The address, the number, the name, or the name and the birthday.")


class DuplicatesOutput(serializers.Serializer):
    """Contacts that may be the same person."""

    example = {
        "key": KEY,
        "score": 0.9,
        "reasons": [{"kind": "name_and_birthday", "value": "Ada Lovelace, 1815-12-10"}],
        "contacts": [ContactOutput.example, SECOND],
    }
    key = serializers.CharField(
        max_length=32, help_text="Names the set while its contacts and what makes them alike stay the same."
    )
    score = serializers.FloatField(
        min_value=0, max_value=1, help_text="How sure it is, from 0 to 1, by the two contacts that are least alike."
    )
    reasons = ReasonOutput(many=True, help_text="What the contacts have in common.")
    contacts = ContactOutput(many=True, help_text=f"The contacts, by id. At most {MOST}.")


@extend_schema_field(
    {
        "type": "array",
        "items": {"type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_BIGINT},
        "minItems": 2,
        "maxItems": MOST,
        "uniqueItems": True,
    }
)
class ContactIds(BoundedList):
    """The ids of several contacts, each once."""

    child = Number(min_value=1, max_value=MAX_BIGINT)


class MergeInput(serializers.Serializer):
    """The contacts to merge."""

    example = {"ids": [1, 2], "dry_run": True}
    ids = ContactIds(
        min_length=2,
        max_length=MOST,
        help_text=f"The ids of 2 to {MOST} contacts. The first is kept, the others go to the trash.",
    )
    dry_run = Flag(required=False, default=False, help_text="Whether only to show what the merge would give.")

    def validate_ids(self, ids: list[int]) -> list[int]:
        if len(set(ids)) < len(ids):
            raise serializers.ValidationError("Each contact is named once.")
        return ids


class MergeOutput(serializers.Serializer):
    """What a merge gave, or would give."""

    example: dict[str, Any] = {
        "contact": WholeContactOutput.example,
        "conflicts": {"birthday": ["1815-12-10", "1815-12-01"]},
        "change": 3,
    }
    contact = WholeContactOutput(help_text="The contact that is kept, after the merge.")
    conflicts = serializers.DictField(
        child=serializers.ListField(min_length=2),
        help_text="What can have one value and differs: the value that is kept, then the others. Those are in a note "
        "of the contact.",
    )
    change = serializers.IntegerField(
        allow_null=True, help_text="A change by which `undo` takes back the whole merge. Null in a dry run."
    )
