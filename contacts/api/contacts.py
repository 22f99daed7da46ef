"""The contacts of the caller. A stranger's contact is not there, on any route."""

import functools
from datetime import date
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from contactbook.api import conditional
from contactbook.api import pagination as paging
from contactbook.api import viewsets as api
from contactbook.api.exceptions import Invalid, TooLarge, Unavailable
from contactbook.api.schema import documented
from contactbook.api.viewsets import validated
from contactbook.cache import responses as caching
from contacts import search as hot
from contacts.api.base import Contacts
from contacts.avatars import image as avatars
from contacts.cards.birthdays import span
from contacts.models.book import Version
from contacts.models.contact import NOT_FOUND, etag_of
from contacts.serializers.contacts import (
    CARD_COLUMNS,
    COLUMNS,
    FILTERS,
    ORDERS,
    AvatarInput,
    BirthdaysQuery,
    ContactInput,
    ContactOutput,
    FindPath,
    ListedContactOutput,
    ListQuery,
    NewContactInput,
    PatchInput,
    WholeContactOutput,
    flat_changes,
    new_card,
    patched,
    represent,
)

PLAIN = {"skip", "limit", "order"}  # what a list is mostly asked by
FEW = 1000  # contacts, which are quicker put in order than found by walking through a large book in order
FEW_FOUND = 5000  # the same of a text, of which the planner does not know how often this owner has it
RESERVED = {"export"}  # kept free for a route to come; the other reserved words have theirs


class ContactsViewSet(Contacts):
    limits = {"list": "contacts_list", "create": "contacts_create", "birthdays": "contacts_birthdays"}

    @documented(
        "listContacts",
        "List contacts",
        query=ListQuery,
        response=[ListedContactOutput],
        headers=("X-Total-Count", "Link"),
        etag=True,
    )
    def list(self, request: Request) -> HttpResponse:
        return self.hot(lambda version: self.page(request, version))

    def page(self, request: Request, version: Version) -> caching.Page:
        asked = api.asked(ListQuery, request)
        criteria = {name: asked[name] for name in FILTERS if name in asked}
        plain = asked.keys() <= PLAIN and asked["order"] == "fullname" and asked.get("skip", 0) < paging.DEEP
        source: Any = functools.partial(hot.listed, self.caller.pk) if plain else self.contacts().matching(**criteria)
        total = version.live
        if criteria:
            narrowed = hot.narrowed(source, self.caller.pk, criteria.get("q", ""), version.live)
            total = narrowed.count()
            source = narrowed.gathered() if total <= (FEW_FOUND if "q" in criteria else FEW) else source
        page = paging.Page(source, ORDERS[asked["order"]], asked)
        columns = (*COLUMNS, *CARD_COLUMNS) if "fields" in asked else COLUMNS
        shown = caching.rendered_list(map(represent, page.rows(columns)))
        return shown._replace(headers=page.headers(request, total))

    @documented(
        "createContact",
        "Add a contact",
        request=NewContactInput,
        response=WholeContactOutput,
        status=201,
        headers=("Location",),
        etag=True,
        idempotent=True,
    )
    def create(self, request: Request) -> Response:
        card = new_card(validated(NewContactInput, request.data))
        with self.writing() as book:
            contact = book.create(card)
        return self.one(contact, 201, Location=f"/api/contacts/{contact.pk}")

    @documented("listBirthdays", "Coming birthdays", query=BirthdaysQuery, response=[ContactOutput], etag=True)
    def birthdays(self, request: Request) -> HttpResponse:
        today, leap_day = self.caller.today(), self.caller.leap_day
        return self.hot(lambda _: self.birthdays_page(request, today, leap_day), str(today), leap_day)

    def birthdays_page(self, request: Request, today: date, leap_day: str) -> caching.Page:
        asked = api.asked(BirthdaysQuery, request)
        start, end = span(today, asked["days_range"], asked["across_year"] == "true")
        pages = hot.born_between(self.caller.pk, start, end, leap_day, asked.get("limit"), asked["skip"])
        return caching.rendered_list(represent(row) for page in pages for row in page)


class ContactViewSet(Contacts):
    limits = {
        "find": "contacts_find",
        "update": "contacts_update",
        "merge": "contacts_patch",
        "destroy": "contacts_delete",
    }

    @documented("findContact", "Find a contact", path=FindPath, response=WholeContactOutput, etag=True)
    def find(self, request: Request, contact_id: str) -> HttpResponse:
        return self.hot(lambda version: self.found(contact_id, version.live))

    def found(self, query: str, live: int) -> caching.Page:
        query = validated(FindPath, {"query": query}, "path")["query"]
        if query in RESERVED:
            raise Http404(NOT_FOUND)
        row = hot.found(self.caller.pk, query, live)
        return caching.rendered(represent(row), etag=etag_of(row["revision"]))

    @documented(
        "replaceContact",
        "Replace a contact's flat fields",
        request=ContactInput,
        response=WholeContactOutput,
        etag=True,
    )
    def update(self, request: Request, contact_id: str) -> Response:
        values = validated(ContactInput, request.data)
        with self.writing() as book:
            contact = self.asked_for(book)
            book.change(contact, flat_changes(values, contact.phone))
        return self.one(contact)

    @documented("patchContact", "Change a contact", request=PatchInput, response=WholeContactOutput, etag=True)
    def merge(self, request: Request, contact_id: str) -> Response:
        """JSON Merge Patch (RFC 7396) over the contact and its card."""
        values = validated(PatchInput, request.data)
        with self.writing() as book:
            contact = self.asked_for(book)
            book.put_card(contact, patched(contact.card, values))
        return self.one(contact)

    @documented("deleteContact", "Delete a contact", response=WholeContactOutput, etag=True)
    def destroy(self, request: Request, contact_id: str) -> Response:
        with self.writing() as book:
            contact = self.asked_for(book)
            answer = self.one(contact)
            book.delete(contact)
        return answer


class AvatarViewSet(Contacts):
    limits = {"replace": "contacts_avatar"}
    parser_classes = [MultiPartParser]
    max_body = avatars.MAX_BYTES + 64 * 1024  # the form around the file

    @documented(
        "replaceAvatar", "Upload a contact's picture", request=AvatarInput, response=WholeContactOutput, etag=True
    )
    def replace(self, request: Request, contact_id: str) -> Response:
        # Nobody's picture is looked at for a contact that is not there.
        conditional.check_if_match(request.headers.get("If-Match"), self.contacts().by_id(self.contact_id()).etag)
        upload = validated(AvatarInput, request.data)["file"]
        if upload.size > avatars.MAX_BYTES:
            raise TooLarge(f"The picture is larger than {avatars.MAX_BYTES} bytes.")
        url, written = self.kept(upload), False
        try:
            with self.writing() as book:
                contact = book.change(self.asked_for(book), {"avatar": url})
                written = True
        except Exception:
            # Once it is written, the commit may be done though nobody says so; if not, purge_history finds it unused.
            if not written:
                avatars.discard(url)
            raise
        return self.one(contact)

    def kept(self, upload: UploadedFile) -> str:
        try:
            return avatars.keep(avatars.render(upload))
        except avatars.NotAnImage as error:
            raise Invalid("body", {"file": [str(error)]}) from None
        except avatars.StorageUnavailable:
            raise Unavailable("The avatar cannot be stored right now; the old one stays.") from None
