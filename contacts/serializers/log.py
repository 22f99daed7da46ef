"""Serializers of history, trash, undo, changes, batch and groups."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from contactbook.api.fields import Flag, Number, Text
from contactbook.db.fields import MAX_BIGINT
from contacts.cards.jscontact import FAVOURITE
from contacts.models import Change, Contact, Group
from contacts.serializers.contacts import ContactOutput, WholeContactOutput

MAX_ITEMS = 1000
WRITTEN_WITH = "The id of the app password with which a program wrote it; null for other interfaces."


class RestoreInput(serializers.Serializer):
    example = {"to": 1, "fields": ["phone"]}
    to = Number(min_value=1, max_value=MAX_BIGINT)
    fields = serializers.ListField(child=Text(max_length=255), required=False, allow_null=True, max_length=100)  # type: ignore[assignment]


EITHER = [{"required": ["change"]}, {"required": ["since"]}]


class UndoInput(serializers.Serializer):
    """Either one `change`, or all `since` one."""

    example = {"since": 1, "dry_run": True}

    change = Number(required=False, min_value=1, max_value=MAX_BIGINT)
    since = Number(required=False, min_value=0, max_value=MAX_BIGINT)
    app_password = Number(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MAX_BIGINT,
        help_text="With `since`: the id of an app password whose changes alone are undone; null for all changes.",
    )
    dry_run = Flag(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("change" in attrs) == ("since" in attrs):
            raise serializers.ValidationError("Give either change or since.")
        if "change" in attrs and attrs.get("app_password") is not None:
            raise serializers.ValidationError({"app_password": ["An app password goes with since."]})
        return attrs


class UndoInputExtension(OpenApiSerializerExtension):
    """Declares in the OpenAPI document that exactly one of the two is given."""

    target_class = UndoInput

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        return {**super().map_serializer(auto_schema, direction), "oneOf": EITHER}


class Anything(serializers.JSONField):
    """Any JSON; it is validated later."""

    def to_internal_value(self, data: Any) -> Any:
        return data


class BatchItem(serializers.Serializer):
    op = serializers.ChoiceField(["create", "update", "delete"])
    id = Number(required=False, min_value=1, max_value=MAX_BIGINT)
    contact = Anything(required=False)
    if_match = Text(required=False, allow_null=True, max_length=1000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        needed = {"create": ["contact"], "update": ["id", "contact"], "delete": ["id"]}[attrs["op"]]
        missing = {name: ["This field is required."] for name in needed if name not in attrs}
        if missing:
            raise serializers.ValidationError(missing, "required")
        return attrs


@extend_schema_field({"type": "array", "items": {}, "maxItems": MAX_ITEMS})
class BatchItems(serializers.ListField):
    child = Anything(allow_null=True)


class BatchInput(serializers.Serializer):
    example = {"atomic": True, "items": [{"op": "create", "contact": {"fullname": "Ada Lovelace"}}]}
    atomic = Flag(required=False, default=False)
    items = BatchItems(max_length=MAX_ITEMS)


class GroupInput(serializers.Serializer):
    example = {"name": "Family"}
    name = Text(min_length=1, max_length=255)

    def validate_name(self, name: str) -> str:
        if name == FAVOURITE:
            raise serializers.ValidationError("That name marks favourites.")
        return name


class GroupOutput(serializers.ModelSerializer):
    example = {"id": 1, "name": "Family"}

    class Meta:
        model = Group
        fields = ["id", "name"]


class DeletedContactOutput(WholeContactOutput):
    example = {**WholeContactOutput.example, "deleted_at": "2026-01-31T12:00:00Z"}
    deleted_at = serializers.DateTimeField()


class HistoryOutput(serializers.Serializer):
    example = {
        "change": 2,
        "at": "2026-01-31T12:00:00Z",
        "kind": "changed",
        "via": "rest",
        "client": "curl/8.5",
        "app_password": None,
        "fields": {"phone": [None, "+380 44 123 45 67"]},
    }
    change = serializers.IntegerField()
    at = serializers.DateTimeField()
    kind = serializers.ChoiceField(Change.Kind.choices)
    via = serializers.CharField(help_text="The interface: rest, carddav, admin, command …")
    client = serializers.CharField(help_text="The User-Agent of the program.")
    app_password = serializers.IntegerField(allow_null=True, help_text=WRITTEN_WITH)
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(min_length=2, max_length=2),
        allow_null=True,
        help_text="Each field that changed: [before, after]; null where the contents were erased.",
    )


class ChangeOutput(serializers.Serializer):
    change = serializers.IntegerField()
    kind = serializers.ChoiceField(Change.Kind.choices)
    id = serializers.IntegerField()
    card_kind = serializers.ChoiceField(
        Contact.Kind.choices, allow_null=True, help_text="`group` for a group card of CardDAV; null where purged."
    )
    app_password = serializers.IntegerField(allow_null=True, help_text=WRITTEN_WITH)
    contact = ContactOutput(allow_null=True)


@extend_schema_serializer(many=False)
class ChangesOutput(serializers.Serializer):
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
    changes = ChangeOutput(many=True)
    next = serializers.IntegerField(help_text="The next `since`.")
    more = serializers.BooleanField()


class UndoResult(serializers.Serializer):
    id = serializers.IntegerField()
    does = serializers.ChoiceField(["change", "delete", "restore", "nothing"])
    status = serializers.ChoiceField(["done", "conflict"])


class UndoOutput(serializers.Serializer):
    example = {"dry_run": True, "results": [{"id": 1, "does": "change", "status": "done"}]}
    dry_run = serializers.BooleanField()
    results = UndoResult(many=True)


class BatchResult(serializers.Serializer):
    status = serializers.IntegerField(min_value=200, max_value=599)
    contact = WholeContactOutput(required=False)
    detail = serializers.JSONField(required=False)


class BatchOutput(serializers.Serializer):
    example = {"results": [{"status": 201, "contact": WholeContactOutput.example}]}
    results = BatchResult(many=True)
