"""Serializers of POST /api/contacts/batch."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from rest_framework import serializers

from contactbook.api.fields import BoundedList, Flag, Number
from contactbook.db.fields import MAX_BIGINT
from contacts.serializers.contacts import CreateContactInput, WholeContactOutput
from contacts.serializers.fields import OptionalText

MAX_ITEMS = 1000


class Anything(serializers.JSONField):
    """Any JSON; it is validated later."""

    def to_internal_value(self, data: Any) -> Any:
        return data


class AnyContact(Anything):
    """The contact of an item, which is validated when the item is written."""


class AnyItems(BoundedList):
    """The items of a batch, of which each is validated when it is written."""

    child = Anything(allow_null=True)


class AnyContactExtension(OpenApiSerializerFieldExtension):
    """Declares in the OpenAPI document the contact that an item should have."""

    target_class = AnyContact

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        reference: dict[str, Any] = auto_schema.resolve_serializer(CreateContactInput, direction).ref
        return reference


class AnyItemsExtension(OpenApiSerializerFieldExtension):
    """Declares in the OpenAPI document the items that a batch should have."""

    target_class = AnyItems

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        item = auto_schema.resolve_serializer(BatchItem, direction).ref
        return {"type": "array", "items": item, "maxItems": MAX_ITEMS}


class BatchItem(serializers.Serializer):
    """One write."""

    op = serializers.ChoiceField(
        ["create", "update", "delete"],
        help_text="`create` takes a `contact`, as `createContact` does; `update` an `id` and a `contact`, as "
        "`replaceContact` does; `delete` an `id`.",
    )
    id = Number(
        required=False,
        min_value=1,
        max_value=MAX_BIGINT,
        help_text="The number of the contact. Required to update and to delete.",
    )
    contact = AnyContact(required=False, help_text="The contact. Required to create and to update.")
    if_match = OptionalText(
        max_length=1000,
        help_text="An ETag of the contact: the item is a 412 if the contact was changed since. Null for no condition.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        needed = {"create": ["contact"], "update": ["id", "contact"], "delete": ["id"]}[attrs["op"]]
        missing = {name: ["This field is required."] for name in needed if name not in attrs}
        if missing:
            raise serializers.ValidationError(missing, "required")
        return attrs


class BatchInput(serializers.Serializer):
    """Writes, in the order in which they are done."""

    example = {
        "atomic": True,
        "items": [
            {"op": "create", "contact": {"fullname": "Grace Hopper", "email": "grace@example.org"}},
            {"op": "create", "contact": {"fullname": "Alan Turing", "birthday": "1912-06-23"}},
        ],
    }
    atomic = Flag(
        required=False,
        default=False,
        help_text="Whether one refused item makes the whole batch a 422, and nothing is done.",
    )
    items = AnyItems(max_length=MAX_ITEMS, help_text=f"The writes, at most {MAX_ITEMS:,}.")


class BatchResult(serializers.Serializer):
    """The answer to one item."""

    status = serializers.IntegerField(
        min_value=200, max_value=599, help_text="The status that the request for the item alone would have."
    )
    contact = WholeContactOutput(
        required=False,
        help_text="The contact as written, or as it was before it was deleted. Absent for a refused item.",
    )
    detail = serializers.JSONField(
        required=False, help_text="What is wrong with a refused item: a sentence, or a list of faults as in a 422."
    )


class BatchOutput(serializers.Serializer):
    """The answers to the items."""

    example = {"results": [{"status": 201, "contact": WholeContactOutput.example}]}
    results = BatchResult(many=True, help_text="One entry for each item, in their order.")
