"""The contacts of the caller. A stranger's contact is not there, on any route."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from contactbook import conditional
from contactbook.api import APIViewSet, validated
from contactbook.caching import hot_page
from contactbook.errors import Invalid, TooLarge, Unavailable
from contactbook.paging import page_headers

from . import avatars
from .birthdays import span
from .models import Book, Contact, ContactQuerySet
from .serializers import (
    COLUMNS,
    AvatarInput,
    BirthdaysQuery,
    ContactInput,
    ContactPath,
    FindPath,
    ListQuery,
    flat_changes,
    represent,
    represent_one,
)


class Contacts(APIViewSet):
    """What the routes below share: the caller's rows, the door to write them, and conditional answers."""

    cache_control = "private, no-cache"

    def contacts(self) -> ContactQuerySet:
        return Contact.objects.for_user(self.request.user.pk)

    def writing(self) -> AbstractContextManager[Book]:
        return Book.objects.writing(self.request.user.pk, "rest", self.request.headers.get("User-Agent", ""))

    def contact_id(self) -> int:
        return validated(ContactPath, self.kwargs, "path")["contact_id"]

    def asked_for(self, book: Book) -> Contact:
        """The contact of this route, in the locked book: what If-Match is compared with cannot change any more."""
        contact = book.get(self.contact_id())
        conditional.check_if_match(self.request, contact.etag)
        return contact

    def hot(self, name: str, asked: dict[str, Any], build: Callable[[], tuple[Any, dict[str, str]]]) -> HttpResponse:
        """A page kept until the book's next write."""
        owner = self.request.user.pk
        page = hot_page(f"{owner} {Book.objects.version(owner)} {name} {sorted(asked.items())}", build)
        return conditional.answer(self.request, page.content.encode(), page.etag, page.headers)

    def one(self, contact: Contact, status: int = 200, **headers: str) -> Response:
        return Response(represent_one(contact), status, headers={"ETag": contact.etag, **headers})


class ContactsViewSet(Contacts):
    limits = {"list": "contacts_list", "create": "contacts_create", "birthdays": "contacts_birthdays"}

    def list(self, request: Request) -> HttpResponse:
        asked = validated(ListQuery, request.query_params, "query")
        return self.hot("list", {**asked, "url": request.get_full_path()}, lambda: self.page(request, **asked))

    def page(self, request: Request, skip: int, limit: int, q: str | None = None) -> tuple[Any, dict[str, str]]:
        contacts = self.contacts().search(q) if q else self.contacts()
        rows = contacts.in_order().values(*COLUMNS)[skip : skip + limit]
        return [represent(row) for row in rows], page_headers(request, skip, limit, contacts.count())

    def create(self, request: Request) -> Response:
        changes = flat_changes(validated(ContactInput, request.data))
        with self.writing() as book:
            contact = book.create(changes)
        return self.one(contact, 201, Location=f"/api/contacts/{contact.pk}")

    def birthdays(self, request: Request) -> HttpResponse:
        asked = validated(BirthdaysQuery, request.query_params, "query")
        start, end = span(request.user.today(), asked["days_range"], asked["across_year"] == "true")
        leap_day = request.user.leap_day

        def build() -> tuple[Any, dict[str, str]]:
            rows = self.contacts().birthdays_between(start, end, leap_day).values(*COLUMNS)
            return [represent(row) for row in rows], {}

        return self.hot("birthdays", {"start": start, "end": end, "leap_day": leap_day}, build)


class ContactViewSet(Contacts):
    limits = {"find": "contacts_find", "update": "contacts_update", "destroy": "contacts_delete"}

    def find(self, request: Request, contact_id: str) -> HttpResponse:
        query = validated(FindPath, {"query": contact_id}, "path")["query"]
        contact = self.contacts().find(query)
        if conditional.not_modified(request, contact.etag):
            return HttpResponse(status=304, headers={"ETag": contact.etag})
        return self.one(contact)

    def update(self, request: Request, contact_id: str) -> Response:
        values = validated(ContactInput, request.data)
        with self.writing() as book:
            contact = self.asked_for(book)
            book.change(contact, flat_changes(values, contact.phone))
        return self.one(contact)

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

    def replace(self, request: Request, contact_id: str) -> Response:
        upload = validated(AvatarInput, request.data)["file"]
        if upload.size > avatars.MAX_BYTES:
            raise TooLarge(f"The picture is larger than {avatars.MAX_BYTES} bytes.")
        conditional.check_if_match(request, self.contacts().by_id(self.contact_id()).etag)
        url = self.kept(upload)
        try:
            with self.writing() as book:
                contact = book.change(self.asked_for(book), {"avatar": url})
        except Exception:
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
