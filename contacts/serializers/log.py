"""Serializers of history, trash, undo, changes and groups."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from contactbook.api.fields import BoundedList, Flag, Name, Number, Text
from contactbook.db.fields import MAX_BIGINT
from contacts.cards.jscontact import FAVOURITE
from contacts.models import Change, Contact, Group
from contacts.serializers.contacts import ContactOutput, ListedContactOutput, WholeContactOutput

WRITTEN_WITH = "The id of the app password with which a program wrote it; null for other interfaces."


class RestoreInput(serializers.Serializer):
    """The change to go back to."""

    example = {"to": 1, "fields": ["phone"]}
    to = Number(
        min_value=1,
        max_value=MAX_BIGINT,
        help_text="A change in the contact's history, but its deletion. The contact becomes what it was after it.",
    )
    fields = BoundedList(  # type: ignore[assignment]
        child=Text(max_length=255),
        required=False,
        allow_null=True,
        max_length=100,
        help_text="Only these fields, by the names that the history gives. Null for the whole contact.",
    )


class UndoInput(serializers.Serializer):
    """What to undo: either one `change`, or everything `since` one. Exactly one of the two is given."""

    example = {"since": 1, "dry_run": True}

    change = Number(
        required=False, min_value=1, max_value=MAX_BIGINT, help_text="The number of the one change to undo."
    )
    since = Number(
        required=False,
        min_value=0,
        max_value=MAX_BIGINT,
        help_text="Every contact becomes what it was after this change; 0 is before the first.",
    )
    app_password = Number(
        required=False,
        min_value=1,
        max_value=MAX_BIGINT,
        help_text="With `since`: the id of an app password whose changes alone are undone; all changes without it.",
    )
    dry_run = Flag(required=False, default=False, help_text="Whether only to say what would be done.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("change" in attrs) == ("since" in attrs):
            raise serializers.ValidationError("Give either change or since.")
        if "change" in attrs and "app_password" in attrs:
            raise serializers.ValidationError({"app_password": ["An app password goes with since."]})
        return attrs


class UndoInputExtension(OpenApiSerializerExtension):
    """Declares in the OpenAPI document that a body is required. Generators make an empty class of a `oneOf`."""

    target_class = UndoInput

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        return {**super().map_serializer(auto_schema, direction), "minProperties": 1}


class GroupInput(serializers.Serializer):
    """The name of a group."""

    example = {"name": "Family"}
    name = Name(
        min_length=1,
        max_length=255,
        help_text=f"The name, 1 to 255 characters, unique in the account; not `{FAVOURITE}`, which marks favourites.",
    )

    def validate_name(self, name: str) -> str:
        if name == FAVOURITE:
            raise serializers.ValidationError("That name marks favourites.")
        return name


class GroupOutput(serializers.ModelSerializer):
    """A group."""

    example = {"id": 1, "name": "Family"}

    class Meta:
        model = Group
        fields = ["id", "name"]
        extra_kwargs = {
            "id": {"help_text": "The number of the group, which a new name does not change."},
            "name": {"help_text": "The name. It stands among the `keywords` of the card of each contact in the group."},
        }


class DeletedContactOutput(WholeContactOutput):
    """A contact in the trash. What is unset is null."""

    example = {**WholeContactOutput.example, "deleted_at": "2026-01-31T12:00:00Z"}
    deleted_at = serializers.DateTimeField(help_text="When it was deleted, in UTC (RFC 3339).")


CHANGE = "The number of the change. An account's changes are numbered from 1."
KIND = "What was done to the contact. `purged` contacts are erased for good."


class HistoryOutput(serializers.Serializer):
    """A change of a contact."""

    example = {
        "change": 2,
        "at": "2026-01-31T12:00:00Z",
        "kind": "changed",
        "via": "rest",
        "client": "curl/8.5",
        "app_password": None,
        "fields": {"phone": [None, "+380 44 123 45 67"]},
    }
    change = serializers.IntegerField(help_text=CHANGE)
    at = serializers.DateTimeField(help_text="When it was done, in UTC (RFC 3339).")
    kind = serializers.ChoiceField(Change.Kind.choices, help_text=KIND)
    via = serializers.CharField(help_text="The interface that it came through, such as `rest`, `carddav` or `admin`.")
    client = serializers.CharField(help_text="The User-Agent of the program, at most 200 characters; may be empty.")
    app_password = serializers.IntegerField(allow_null=True, help_text=WRITTEN_WITH)
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(min_length=2, max_length=2),
        allow_null=True,
        help_text="Each field that was changed, as `[before, after]`. Null where the server has erased the contents "
        "since they were too old.",
    )


class ChangeOutput(serializers.Serializer):
    """The newest change of one contact."""

    change = serializers.IntegerField(help_text=CHANGE)
    kind = serializers.ChoiceField(Change.Kind.choices, help_text=KIND)
    id = serializers.IntegerField(help_text="The number of the contact.")
    card_kind = serializers.ChoiceField(
        Contact.Kind.choices, allow_null=True, help_text="`group` for a group card of CardDAV; null where purged."
    )
    app_password = serializers.IntegerField(allow_null=True, help_text=WRITTEN_WITH)
    contact = ListedContactOutput(allow_null=True, help_text="The contact as it is now. Null if it is deleted.")


@extend_schema_serializer(many=False)
class ChangesOutput(serializers.Serializer):
    """Changes, oldest first, and where to go on."""

    example = {
        "changes": [
            {
                "change": 1,
                "kind": "created",
                "id": 1,
                "card_kind": "individual",
                "app_password": None,
                "contact": ContactOutput.example,
            }
        ],
        "next": 1,
        "more": False,
    }
    changes = ChangeOutput(many=True, help_text="The contacts that were changed, each once.")
    next = serializers.IntegerField(help_text="The `since` of the next request.")
    more = serializers.BooleanField(help_text="Whether there are more changes already.")


class UndoResult(serializers.Serializer):
    """What an undo does to one contact."""

    id = serializers.IntegerField(help_text="The number of the contact.")
    does = serializers.ChoiceField(
        ["change", "delete", "restore", "nothing"],
        help_text="`change` takes its fields back, `delete` moves it to the trash, `restore` takes it out of it.",
    )
    status = serializers.ChoiceField(
        ["done", "conflict"],
        help_text="`conflict`: it was left as it is, since it was changed again, or the old contents are erased.",
    )


class UndoOutput(serializers.Serializer):
    """What an undo did, or would do."""

    example = {"dry_run": True, "results": [{"id": 1, "does": "delete", "status": "done"}]}
    dry_run = serializers.BooleanField(help_text="Whether nothing was done.")
    results = UndoResult(many=True, help_text="One entry for each contact.")
