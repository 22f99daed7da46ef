"""/api/contacts/, /api/contacts/bd and /api/contacts/{query or id}."""

from typing import Any

from django.db.models import F
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from contactbook.api.conditional import check_if_match
from contactbook.api.pagination import MAX_BYTES, KeyPagination, SkipLimitPagination
from contactbook.api.schema import (
    ETAG,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    LINK,
    LOCATION,
    TOTAL_COUNT,
    path_variable,
)
from contactbook.exceptions import NotFoundError
from contacts import search
from contacts.api.base import ContactBookViewSet
from contacts.api.idempotency import idempotent
from contacts.cards import jscontact
from contacts.cards.birthdays import span
from contacts.models import Contact, ContactQuerySet, Version, etag_of
from contacts.models.contact import ADDITIONAL_BYTES, NOT_FOUND
from contacts.serializers.contacts import (
    ALL_COLUMNS,
    CARD_COLUMNS,
    COLUMNS,
    ContactInput,
    ContactOutput,
    ListedContactOutput,
    NewContactInput,
    PatchInput,
    WholeContactOutput,
    represent,
)
from contacts.serializers.queries import FILTERS, ORDERS, BirthdaysQuery, FindPath, ListQuery

FEW = 5000  # contacts that match a filter, which are found before they are sorted
LARGE_CARD = 10_000  # bytes, with its history; on average
RESERVED = {"export"}  # the other reserved words have routes of their own


class ContactViewSet(ContactBookViewSet):
    limits = {
        "list": "contacts_list",
        "create": "contacts_create",
        "birthdays": "contacts_birthdays",
        "find": "contacts_find",
        "update": "contacts_update",
        "partial_update": "contacts_patch",
        "destroy": "contacts_delete",
    }

    @extend_schema(
        operation_id="listContacts",
        summary="List contacts",
        parameters=[ListQuery, IF_NONE_MATCH, ETAG, TOTAL_COUNT, LINK],
        responses={200: ListedContactOutput(many=True)},
    )
    def list(self, request: Request) -> HttpResponse:
        query = ListQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        parameters = query.validated_data
        return self.cached_response(request, parameters, lambda version: self.page(request, parameters, version))

    def page(self, request: Request, query: dict[str, Any], version: Version) -> Response:
        filters = {name: query[name] for name in FILTERS if name in query}
        contacts, total = self.contacts(), version.live
        if query.get("kind") == Contact.Kind.GROUP:
            contacts = Contact.objects.groups_of(self.user.pk).matching(**filters)
            total = contacts.count()
        elif filters:
            contacts, total = self.filtered(filters, version)
        column = ORDERS[query["order"]]
        columns = {*COLUMNS, *(CARD_COLUMNS if "fields" in query else ()), column.removeprefix("-")}
        paginator = KeyPagination(query["order"], column, query)
        paginator.parameters = ListQuery().get_fields()
        if version.bytes > MAX_BYTES:
            paginator.size = F("size") if "fields" in query else ADDITIONAL_BYTES
        paginator.total = total
        rows = paginator.paginate_queryset(contacts.values(*columns), request, self)
        return paginator.get_paginated_response([represent(row) for row in rows])

    def filtered(self, filters: dict[str, Any], version: Version) -> tuple[ContactQuerySet, int]:
        """Return the contacts that meet the filters, and their number. A book of large cards is searched once."""
        found = self.contacts().matching(**filters)
        if version.bytes > LARGE_CARD * version.live:
            keys = list(found.order_by().values_list("pk", flat=True)[: FEW + 1])
            if len(keys) <= FEW:
                return self.contacts().filter(pk__in=keys), len(keys)
        total = found.count()
        return (found.filtered_first() if total <= FEW else found), total

    @extend_schema(
        operation_id="createContact",
        summary="Add a contact",
        request=NewContactInput,
        parameters=[IDEMPOTENCY_KEY, ETAG, LOCATION],
        responses={201: WholeContactOutput},
    )
    @idempotent
    def create(self, request: Request) -> Response:
        serializer = NewContactInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        card = serializer.new_card()
        with self.writing(quota=True) as book:
            contact = book.create(card)
        return self.contact_response(contact, 201, Location=f"/api/contacts/{contact.pk}")

    @extend_schema(
        operation_id="listBirthdays",
        summary="List coming birthdays",
        parameters=[BirthdaysQuery, IF_NONE_MATCH, ETAG, LINK],
        responses={200: ContactOutput(many=True)},
    )
    def birthdays(self, request: Request) -> HttpResponse:
        query = BirthdaysQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        parameters = query.validated_data
        return self.cached_response(
            request, parameters, lambda version: self.birthdays_page(request, parameters, version)
        )

    def birthdays_page(self, request: Request, query: dict[str, Any], version: Version) -> Response:
        start, end = span(self.user.today(), query["days_range"], query["across_year"] == "true")
        paginator = SkipLimitPagination(query["skip"], query["limit"])
        paginator.parameters = BirthdaysQuery().get_fields()
        found = search.UpcomingBirthdays(self.contacts(), start, end, self.user.leap_day, COLUMNS)
        found.is_small = version.bytes <= MAX_BYTES
        rows = paginator.paginate_queryset(found, request, self)
        return paginator.get_paginated_response([represent(row) for row in rows])

    @extend_schema(
        operation_id="findContact",
        summary="Find a contact",
        parameters=[path_variable("contact_id", FindPath), IF_NONE_MATCH, ETAG],
        responses={200: WholeContactOutput},
    )
    def find(self, request: Request, contact_id: str) -> HttpResponse:
        path = FindPath(data={"query": contact_id})
        path.is_valid(raise_exception=True)
        text = path.validated_data["query"]
        if text in RESERVED:
            raise NotFoundError(NOT_FOUND)
        return self.cached_response(request, path.validated_data, lambda version: self.found(text, version.live))

    def found(self, text: str, live: int) -> Response:
        row = search.find(self.contacts(), text, live, ALL_COLUMNS)
        return Response(represent(row), headers={"ETag": etag_of(row["id"], row["revision"])})

    @extend_schema(
        operation_id="replaceContact",
        summary="Replace a contact's flat fields",
        request=ContactInput,
        parameters=[IF_MATCH, ETAG],
        responses={200: WholeContactOutput},
    )
    def update(self, request: Request, contact_id: str) -> Response:
        serializer = ContactInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        with self.writing(quota=True) as book:
            contact = book.get(self.contact_id())
            card = jscontact.with_flat(contact.card, serializer.flat_fields(contact.phone))
            if not jscontact.same(card, contact.card):
                check_if_match(request.headers.get("If-Match"), contact.etag)
            book.put_card(contact, card)
        return self.contact_response(contact)

    @extend_schema(
        operation_id="patchContact",
        summary="Change a contact",
        description="JSON Merge Patch (RFC 7396) over the contact and its card.",
        request=PatchInput,
        parameters=[IF_MATCH, ETAG],
        responses={200: WholeContactOutput},
    )
    def partial_update(self, request: Request, contact_id: str) -> Response:
        serializer = PatchInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        with self.writing(quota=True) as book:
            contact = self.get_contact_for_update(book)
            book.put_card(contact, serializer.patched_card(contact.card))
        return self.contact_response(contact)

    @extend_schema(
        operation_id="deleteContact",
        summary="Delete a contact",
        description="The contact goes to the trash, from which it can be restored.",
        parameters=[IF_MATCH, ETAG],
        responses={200: WholeContactOutput},
    )
    def destroy(self, request: Request, contact_id: str) -> Response:
        with self.writing() as book:
            contact = self.get_contact_for_update(book)
            response = self.contact_response(contact)
            book.delete(contact)
        return response
