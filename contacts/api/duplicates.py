"""/api/contacts/duplicates and POST /api/contacts/merge."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from contactbook.api.conditional import check_if_match
from contactbook.api.pagination import SkipLimitPagination
from contactbook.api.schema import (
    ETAG,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    LINK,
    TOTAL_COUNT,
    Problem,
    path_variable,
)
from contacts import duplicates, merging
from contacts.api.base import ContactBookViewSet
from contacts.api.idempotency import idempotent
from contacts.models import Book, Dismissal, Version
from contacts.serializers.contacts import COLUMNS, represent, represent_contact
from contacts.serializers.duplicates import DuplicatesOutput, DuplicatesPath, MergeInput, MergeOutput
from contacts.serializers.queries import PageQuery


class DuplicateViewSet(ContactBookViewSet):
    """Contacts that may be the same person."""

    limits = {"list": "duplicates", "dismiss": "dismiss"}

    @extend_schema(
        operation_id="listDuplicates",
        summary="List contacts that may be the same person",
        description="Returns sets of contacts that are alike, surest first. Their names are the same or nearly the "
        "same, and an address, a number or the birthday in common adds to that; an address or a number alone is not "
        "enough, and what more than four contacts share counts for nothing. Nothing is changed: merge a set, or "
        "dismiss it.",
        parameters=[PageQuery, IF_NONE_MATCH, ETAG, TOTAL_COUNT, LINK],
        responses={200: DuplicatesOutput(many=True), 413: Problem},
    )
    def list(self, request: Request) -> HttpResponse:
        query = PageQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        page = query.validated_data
        parameters = {**page, "dismissed": Dismissal.objects.for_user(self.user.pk).newest()}
        return self.cached_response(request, parameters, lambda version: self.page(request, page, version))

    def page(self, request: Request, query: dict[str, int], version: Version) -> Response:
        sets = duplicates.current(self.user.pk, version, self.user.region)
        paginator = SkipLimitPagination(**query)
        paginator.parameters, paginator.total = query, len(sets)
        found = paginator.paginate_queryset(sets, request, self)
        rows = duplicates.rows_of(self.contacts(), found, COLUMNS)
        return paginator.get_paginated_response([shown(each, rows) for each in found])

    @extend_schema(
        operation_id="dismissDuplicates",
        summary="Dismiss duplicates",
        description="The set is not shown again until what makes its contacts alike changes in one of them. "
        "The contacts are not changed. 404 if there is no set with this key.",
        request=None,
        parameters=[path_variable("key", DuplicatesPath)],
        responses={204: None, 404: Problem},
    )
    def dismiss(self, request: Request, key: str) -> Response:
        path = DuplicatesPath(data=self.kwargs)
        path.is_valid(raise_exception=True)
        sets = duplicates.current(self.user.pk, Book.objects.version(self.user.pk), self.user.region)
        duplicates.dismiss(self.user.pk, path.validated_data["key"], sets)
        return Response(status=204)


class MergeViewSet(ContactBookViewSet):
    """Merging of contacts."""

    limits = {"merge": "merge"}

    @extend_schema(
        operation_id="mergeContacts",
        summary="Merge contacts",
        description="The first contact is kept, with every entry, label, picture and group of the others that it "
        "lacks. What can have one value and differs stays the first's, and is in `conflicts` and in a note. The "
        "others go to the trash. `undo` with the `change` of the answer takes back the whole merge, unless one of the "
        "contacts was changed since. `If-Match` is about the first contact. 404 if one of them is not there.",
        request=MergeInput,
        parameters=[IDEMPOTENCY_KEY, IF_MATCH, ETAG],
        responses={200: MergeOutput, 404: Problem, 413: Problem},
    )
    @idempotent
    def merge(self, request: Request) -> Response:
        serializer = MergeInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        with self.writing(quota=not given["dry_run"], via=merging.VIA) as book:
            contacts = book.get_all(given["ids"])
            check_if_match(request.headers.get("If-Match"), contacts[0].etag)
            merge = merging.Merge(contacts, self.user.region)
            change = merge.run(book, given["dry_run"])
        body = {"contact": represent_contact(merge.contact), "conflicts": merge.conflicts, "change": change}
        return Response(body, headers={"ETag": merge.contact.etag})


def shown(found: duplicates.Duplicates, rows: dict[int, dict[str, Any]]) -> dict[str, Any]:
    return {
        "key": found.key,
        "score": found.score / 100,
        "reasons": [{"kind": kind, "value": value} for kind, value in found.reasons],
        "contacts": [represent(rows[key]) for key in found.members[: merging.MOST] if key in rows],
    }
