"""GET /api/contacts/changes."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from contactbook.api.schema import Problem
from contacts.api.base import ContactBookViewSet
from contacts.changes_feed import ChangesFeed
from contacts.models import Book
from contacts.serializers.contacts import CARD_COLUMNS, COLUMNS, represent
from contacts.serializers.log import ChangesOutput
from contacts.serializers.queries import ChangesQuery


@extend_schema(tags=["sync"])
class ChangesViewSet(ContactBookViewSet):
    limits = {"list": "contacts_changes"}

    @extend_schema(
        operation_id="listChanges",
        summary="List what changed since a change",
        description="Returns the contacts that were changed after `since`, each once in its newest state, the oldest "
        "change first. A program that keeps a copy begins with `since=0`, stores every `contact`, deletes where it "
        "is null, and goes on with `next` until `more` is false; later it asks again with the last `next`. Nothing is "
        "skipped. 409 if the server was restored from a backup: read everything again.",
        parameters=[ChangesQuery],
        responses={200: ChangesOutput, 409: Problem},
    )
    def list(self, request: Request) -> Response:
        query = ChangesQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        given = query.validated_data
        feed = ChangesFeed(Book.objects.of(self.user.pk), given["since"], given["limit"])
        columns = (*COLUMNS, *CARD_COLUMNS) if "fields" in given else COLUMNS
        changes = [representation(row) for row in feed.rows(columns)]
        return Response({"changes": changes, "next": feed.next_since, "more": feed.more})


def representation(row: dict[str, Any]) -> dict[str, Any]:
    contact = row["contact"] and represent(row["contact"])
    return {
        "change": row["number"],
        "kind": row["kind"],
        "id": row["contact_id"],
        "card_kind": row["card_kind"],
        "app_password": row["app_password"],
        "contact": contact,
    }
