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
    Problem,
    path_variable,
)
from contacts import search
from contacts.api.base import ContactBookViewSet
from contacts.api.idempotency import idempotent
from contacts.cards import jscontact
from contacts.cards.birthdays import span
from contacts.models import Contact, Version, etag_of
from contacts.models.contact import ADDITIONAL_BYTES
from contacts.serializers.contacts import (
    ALL_COLUMNS,
    CARD_COLUMNS,
    COLUMNS,
    ContactInput,
    ContactOutput,
    CreateContactInput,
    ListedContactOutput,
    PatchInput,
    WholeContactOutput,
    flat_fields,
    new_card,
    represent,
    with_flat,
)
from contacts.serializers.queries import FILTERS, ORDERS, BirthdaysQuery, FindPath, ListQuery


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
        description="Returns a page of your contacts, sorted by name unless `order` says otherwise. The filters `q`, "
        "`group`, `favourite` and `updated_since` are combined: a contact must meet each of them. `q` finds part of a "
        "name or of an e-mail address, and from four digits on a phone number in any spelling, or its end. "
        "`X-Total-Count` is the number of contacts that meet them. To read the whole book, begin with an empty "
        "`cursor` and follow the `next` URL of the `Link` header: each page costs the same, and a change of "
        "another contact moves none. A page by `skip` that is larger than 8 MB is a 413, which names a smaller "
        "`limit`; a page by cursor ends early.",
        parameters=[ListQuery, IF_NONE_MATCH, ETAG, TOTAL_COUNT, LINK],
        responses={200: ListedContactOutput(many=True), 413: Problem},
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
            filters["numbers"] = self.numbers(filters.get("q", ""))
            contacts, total = search.filtered(contacts, filters, version)
        column = ORDERS[query["order"]]
        columns = {*COLUMNS, *(CARD_COLUMNS if "fields" in query else ()), column.removeprefix("-")}
        paginator = KeyPagination(query["order"], column, query)
        paginator.parameters = query
        if version.bytes > MAX_BYTES:
            paginator.size = F("size") if "fields" in query else ADDITIONAL_BYTES
        paginator.total = total
        rows = paginator.paginate_queryset(contacts.values(*columns), request, self)
        return paginator.get_paginated_response([represent(row) for row in rows])

    @extend_schema(
        operation_id="createContact",
        summary="Add a contact",
        description="Adds a contact to your book. Only `fullname` is required. `Location` is the URL of the new "
        "contact. The same contact can be added twice: send an `Idempotency-Key` to repeat the request after a lost "
        "answer.",
        request=CreateContactInput,
        parameters=[IDEMPOTENCY_KEY, ETAG, LOCATION],
        responses={201: WholeContactOutput, 507: Problem},
    )
    @idempotent
    def create(self, request: Request) -> Response:
        serializer = CreateContactInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        card = new_card(serializer.validated_data)
        with self.writing(quota=True) as book:
            contact = book.create(card)
        return self.contact_response(contact, 201, Location=f"/api/contacts/{contact.pk}")

    @extend_schema(
        operation_id="listBirthdays",
        summary="List coming birthdays",
        description="Returns the contacts whose birthday is today or in the next `days_range` days, the next one "
        "first. Today is the date in your account's time zone. The list ends on 31 December unless `across_year` is "
        "true. A birthday of 29 February is on your `leap_day` in common years. Nobody is listed before their birth.",
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
        paginator.parameters = query
        found = search.UpcomingBirthdays(self.contacts(), start, end, self.user.leap_day, COLUMNS)
        found.is_small = version.bytes <= MAX_BYTES
        rows = paginator.paginate_queryset(found, request, self)
        return paginator.get_paginated_response([represent(row) for row in rows])

    @extend_schema(
        operation_id="findContact",
        summary="Find a contact",
        description="Returns one contact: the one with this id if the text is a number, else the first in the order "
        "of the list whose name contains the text, else the first whose e-mail address contains it, "
        "else the first with that phone number in any spelling, or with that end of it, from four digits on. "
        "`lukasz` finds `Łukasz`. Contacts in the trash are not found. 404 if there is none.",
        parameters=[path_variable("contact_id", FindPath), IF_NONE_MATCH, ETAG],
        responses={200: WholeContactOutput},
    )
    def find(self, request: Request, contact_id: str) -> HttpResponse:
        path = FindPath(data={"query": contact_id})
        path.is_valid(raise_exception=True)
        text = path.validated_data["query"]
        return self.cached_response(request, path.validated_data, lambda version: self.found(text, version.live))

    def found(self, text: str, live: int) -> Response:
        row = search.find(self.contacts(), text, live, ALL_COLUMNS, lambda: self.numbers(text))
        return Response(represent(row), headers={"ETag": etag_of(row["id"], row["revision"])})

    @extend_schema(
        operation_id="replaceContact",
        summary="Replace a contact's flat fields",
        description="Sets all flat fields. A field that is left out or null is removed, with every entry of the card "
        "that could stand for it; only a left-out `avatar` stays. The rest of the card stays too. A repeat changes "
        "nothing, and the history keeps what was there. To change single fields use `patchContact`.",
        request=ContactInput,
        parameters=[IF_MATCH, ETAG],
        responses={200: WholeContactOutput, 507: Problem},
    )
    def update(self, request: Request, contact_id: str) -> Response:
        serializer = ContactInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        with self.writing(quota=True) as book:
            contact = book.get(self.contact_id())
            card = with_flat(contact.card, flat_fields(serializer.validated_data, contact.phone))
            if not jscontact.same(card, contact.card):
                check_if_match(request.headers.get("If-Match"), contact.etag)
            book.put_card(contact, card)
        return self.contact_response(contact)

    @extend_schema(
        operation_id="patchContact",
        summary="Change a contact",
        description="Changes the fields that the body has, and no others: a JSON Merge Patch (RFC 7396), also with "
        "the media type `application/merge-patch+json`. Null removes a field. `card` is patched in depth: "
        '`{"card": {"keywords": {"Family": true}}}` puts the contact into a group. A flat field wins over the card.',
        request=PatchInput,
        parameters=[IF_MATCH, ETAG],
        responses={200: WholeContactOutput, 507: Problem},
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
        description="Moves the contact to the trash and returns it as it was. `restoreFromTrash` takes it out again. "
        "The server erases what has been in the trash for 90 days, unless its operator set another time.",
        parameters=[IF_MATCH, ETAG],
        responses={200: WholeContactOutput},
    )
    def destroy(self, request: Request, contact_id: str) -> Response:
        with self.writing() as book:
            contact = self.get_contact_for_update(book)
            response = self.contact_response(contact)
            book.delete(contact)
        return response
