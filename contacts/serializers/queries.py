"""Serializers of the query parameters and paths of the contacts' routes."""

from typing import Any

from rest_framework import serializers

from contactbook.api.fields import Count, Text
from contactbook.api.serializers import PathSerializer, QuerySerializer
from contactbook.db.fields import MAX_BIGINT
from contacts.models import Contact
from contacts.serializers.fields import CursorField

MAX_SKIP = 2_147_483_647
MAX_LIMIT = 1000

# From the values of `order` to the column that is sorted by; ties are broken by id.
ORDERS = {
    "fullname": "fullname_folded",
    "-fullname": "-fullname_folded",
    "updated": "revision",
    "-updated": "-revision",
    "created": "id",
    "-created": "-id",
}
FILTERS = ("q", "group", "favourite", "updated_since")


class PageQuery(QuerySerializer):
    skip = Count(required=False, default=0, min_value=0, max_value=MAX_SKIP)
    limit = Count(required=False, default=100, min_value=0, max_value=MAX_LIMIT)


class ListQuery(QuerySerializer):
    skip = Count(required=False, min_value=0, max_value=MAX_SKIP)
    limit = Count(required=False, default=20, min_value=0, max_value=MAX_LIMIT)
    cursor = CursorField(required=False, allow_blank=True, max_length=4000)
    order = serializers.ChoiceField(list(ORDERS), required=False, default="fullname")
    q = Text(required=False, max_length=320)
    group = Text(required=False, max_length=255, trim_whitespace=False)
    favourite = serializers.ChoiceField(["true", "false"], required=False)
    updated_since = serializers.DateTimeField(required=False)
    fields = serializers.ChoiceField(["card"], required=False)  # type: ignore[assignment]
    kind = serializers.ChoiceField(
        Contact.Kind.choices, required=False, help_text="`group` lists the group cards of CardDAV in place of contacts."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        position, order = attrs.get("cursor"), attrs["order"]
        if position and (position.order != order or isinstance(position.value, str) != order.endswith("fullname")):
            raise serializers.ValidationError({"cursor": ["The cursor belongs to another order."]})
        return attrs


class BirthdaysQuery(QuerySerializer):
    days_range = Count(required=False, default=7, min_value=0, max_value=366)
    across_year = serializers.ChoiceField(["true", "false"], required=False, default="false")
    skip = Count(required=False, default=0, min_value=0, max_value=MAX_SKIP)
    limit = Count(required=False, default=MAX_LIMIT, min_value=0, max_value=MAX_LIMIT)


class ChangesQuery(QuerySerializer):
    since = Count(required=False, default=0, min_value=0, max_value=MAX_BIGINT)
    limit = Count(required=False, default=500, min_value=1, max_value=MAX_LIMIT)
    fields = serializers.ChoiceField(["card"], required=False)  # type: ignore[assignment]


class FindPath(PathSerializer):
    example = {"query": "string"}
    query = Text(max_length=320, trim_whitespace=False)


class ContactPath(PathSerializer):
    contact_id = Count()


class GroupPath(PathSerializer):
    group_id = Count()
