"""Serializers of the query parameters and paths of the contacts' routes."""

from typing import Any

from rest_framework import serializers

from contactbook.api.fields import Count, Text
from contactbook.api.serializers import PathSerializer, QuerySerializer
from contactbook.db.fields import MAX_BIGINT
from contacts.exporting import FORMATS
from contacts.models import ContactQuerySet
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


class IdsField(Text):
    """Ids with commas between them, at most MAX_LIMIT."""

    default_error_messages = {"ids": f"These are at most {MAX_LIMIT} ids with commas between them."}

    def to_internal_value(self, data: Any) -> list[int]:  # type: ignore[override]
        ids = super().to_internal_value(data).split(",")
        if len(ids) > MAX_LIMIT or not all(each.isascii() and each.isdecimal() for each in ids):
            self.fail("ids")
        return [int(each) for each in ids if int(each) <= MAX_BIGINT]


class ExportQuery(QuerySerializer):
    format = serializers.ChoiceField(
        list(FORMATS), required=False, default="vcard4", help_text="The format of the file."
    )
    ids = IdsField(
        required=False,
        max_length=20 * MAX_LIMIT,
        help_text=f"Only the contacts with these ids, at most {MAX_LIMIT}, with commas between them.",
    )
    group = Text(required=False, max_length=255, trim_whitespace=False, help_text="Only the contacts of this group.")
    q = Text(required=False, max_length=320, help_text="Only contacts whose name or e-mail address contains this text.")

    def select(self, contacts: ContactQuerySet) -> ContactQuerySet:
        """Return those of the contacts that meet the given criteria."""
        values = self.validated_data
        found = contacts.matching(q=values.get("q", ""), group=values.get("group", ""))
        return found.filter(pk__in=values["ids"]) if "ids" in values else found


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
