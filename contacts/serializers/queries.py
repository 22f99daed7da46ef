"""Serializers of the query parameters and paths of the contacts' routes."""

import re
from collections.abc import Callable
from typing import Any

from rest_framework import serializers

from contactbook.api.fields import Count, Text
from contactbook.api.serializers import PathSerializer, QuerySerializer
from contactbook.db.fields import MAX_BIGINT
from contacts.exporting import FORMATS
from contacts.models import Contact, ContactQuerySet
from contacts.models.key import ContactKeyQuerySet
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


SKIP = "The number of entries to leave out at the start."
LIMIT = "The number of entries of a page, at most."
WITH_CARD = "`card` shows every contact with its card."


class PageQuery(QuerySerializer):
    skip = Count(required=False, default=0, min_value=0, max_value=MAX_SKIP, help_text=SKIP)
    limit = Count(required=False, default=100, min_value=0, max_value=MAX_LIMIT, help_text=LIMIT)


class ListQuery(QuerySerializer):
    skip = Count(
        required=False,
        min_value=0,
        max_value=MAX_SKIP,
        help_text=f"{SKIP} Its cost grows with it; `cursor` has no such cost. The default is 0.",
    )
    limit = Count(required=False, default=20, min_value=0, max_value=MAX_LIMIT, help_text=LIMIT)
    cursor = CursorField(
        required=False,
        allow_blank=True,
        max_length=4000,
        help_text="Where the page begins, from the `Link` header of the page before. Empty for the first page.",
    )
    order = serializers.ChoiceField(
        list(ORDERS),
        required=False,
        default="fullname",
        help_text="What to sort by: the name, the last change, or the creation. `-` is for descending. "
        "Names are sorted without regard to case and diacritics.",
    )
    q = Text(
        required=False,
        max_length=320,
        help_text="Only contacts whose name or e-mail address contains this, without regard to case and diacritics, or "
        "that have this phone number in any spelling. From four digits on the end of a number is enough.",
    )
    group = Text(
        required=False,
        max_length=255,
        trim_whitespace=False,
        help_text="Only contacts in the group with exactly this name.",
    )
    favourite = serializers.ChoiceField(
        ["true", "false"], required=False, help_text="Only favourites, or only the others."
    )
    updated_since = serializers.DateTimeField(
        required=False, help_text="Only contacts that were changed at this time or later (RFC 3339)."
    )
    fields = serializers.ChoiceField(["card"], required=False, help_text=WITH_CARD)  # type: ignore[assignment]
    kind = serializers.ChoiceField(
        Contact.Kind.choices, required=False, help_text="`group` lists the group cards of CardDAV in place of contacts."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        position, order = attrs.get("cursor"), attrs["order"]
        if position and (position.order != order or isinstance(position.value, str) != order.endswith("fullname")):
            raise serializers.ValidationError({"cursor": ["The cursor belongs to another order."]})
        return attrs


class BirthdaysQuery(QuerySerializer):
    days_range = Count(
        required=False, default=7, min_value=0, max_value=366, help_text="The number of days to look ahead from today."
    )
    across_year = serializers.ChoiceField(
        ["true", "false"],
        required=False,
        default="false",
        help_text="Whether to look past 31 December; otherwise the list ends there.",
    )
    skip = Count(required=False, default=0, min_value=0, max_value=MAX_SKIP, help_text=SKIP)
    limit = Count(required=False, default=MAX_LIMIT, min_value=0, max_value=MAX_LIMIT, help_text=LIMIT)


class IdsField(Text):
    """Ids with commas between them, as many as a request line holds."""

    LENGTH = 7000  # characters; gunicorn takes a request line of 8,190
    PATTERN = r"^([0-9]{1,19}(,[0-9]{1,19})*)?$"
    default_error_messages = {"ids": "These are ids with commas between them."}

    @property
    def openapi(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": self.LENGTH, "pattern": self.PATTERN}

    def to_internal_value(self, data: Any) -> list[int]:  # type: ignore[override]
        text = super().to_internal_value(data)
        if not re.fullmatch(self.PATTERN, text, re.ASCII):
            self.fail("ids")
        return [int(each) for each in text.split(",") if int(each) <= MAX_BIGINT]


class ExportQuery(QuerySerializer):
    format = serializers.ChoiceField(
        list(FORMATS), required=False, default="vcard4", help_text="The format of the file."
    )
    ids = IdsField(
        required=False,
        max_length=IdsField.LENGTH,
        help_text="Only the contacts with these ids, with commas between them; at most 7,000 characters.",
    )
    group = Text(required=False, max_length=255, trim_whitespace=False, help_text="Only the contacts of this group.")
    q = Text(required=False, max_length=320, help_text="Only contacts that the list with this `q` has.")

    def select(self, contacts: ContactQuerySet, numbers: Callable[[str], ContactKeyQuerySet]) -> ContactQuerySet:
        """Return those of the contacts that meet the given criteria; `numbers` returns the numbers that `q` finds."""
        values = self.validated_data
        q = values.get("q", "")
        found = contacts.matching(q=q, group=values.get("group", ""), numbers=numbers(q))
        return found.filter(pk__in=values["ids"]) if "ids" in values else found


class ChangesQuery(QuerySerializer):
    since = Count(
        required=False,
        default=0,
        min_value=0,
        max_value=MAX_BIGINT,
        help_text="The `next` of the last answer; 0 for everything from the beginning.",
    )
    limit = Count(required=False, default=500, min_value=1, max_value=MAX_LIMIT, help_text=LIMIT)
    fields = serializers.ChoiceField(["card"], required=False, help_text=WITH_CARD)  # type: ignore[assignment]


class FindPath(PathSerializer):
    example = {"query": "ada"}
    query = Text(
        max_length=320,
        trim_whitespace=False,
        help_text="The id of a contact, or a part of its name or e-mail address, whatever the case and diacritics.",
    )


class ContactPath(PathSerializer):
    contact_id = Count()


class GroupPath(PathSerializer):
    group_id = Count()
