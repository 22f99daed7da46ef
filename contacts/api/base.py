"""What the contacts' views share."""

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, cast

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Caller
from contactbook.api import conditional
from contactbook.api.viewsets import APIViewSet, validated
from contactbook.cache import responses as caching
from contactbook.cache.responses import Page
from contacts.api import idempotency
from contacts.models import Book, Contact, ContactQuerySet
from contacts.models.book import Version, book_key
from contacts.serializers.contacts import ContactPath, represent_one


class Contacts(APIViewSet):
    """The caller's rows, the door to write them, conditional answers, and POSTs that can be repeated."""

    cache_control = "private, no-cache"
    key: str  # of the page that is asked for

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method == "POST" and idempotency.HEADER in request.META:
            self.post = functools.partial(idempotency.once, self.post)  # type: ignore[has-type,arg-type]

    def remembered_keys(self, user_id: int) -> tuple[str, ...]:
        if self.request.method not in ("GET", "HEAD"):
            return ()
        self.key = caching.page_key(user_id, self.request.get_full_path())
        return book_key(user_id), self.key

    def is_counted(self) -> bool:
        return not (self.request.method == "POST" and idempotency.HEADER in self.request.META)

    def check_throttles(self, request: Request) -> None:
        if request.method == "POST" and idempotency.is_repeat(request):
            return idempotency.show_limit(request, self)
        return super().check_throttles(request)

    @property
    def caller(self) -> Caller:
        return cast(Caller, self.request.user)

    @property
    def known(self) -> caching.Said:
        """What `look_ahead` brought."""
        return cast(caching.Said, self.plain_request.known)

    def contacts(self) -> ContactQuerySet:
        return Contact.objects.for_user(self.caller.pk)

    def writing(self) -> AbstractContextManager[Book]:
        return Book.objects.writing(self.caller.pk, "rest", self.request.META.get("HTTP_USER_AGENT", ""))

    def contact_id(self) -> int:
        return validated(ContactPath, self.kwargs, "path")["contact_id"]

    def asked_for(self, book: Book) -> Contact:
        """The contact of this route, in the locked book: what If-Match is compared with cannot change any more."""
        contact = book.get(self.contact_id())
        conditional.check_if_match(self.request.META.get("HTTP_IF_MATCH"), contact.etag)
        return contact

    def hot(self, build: Callable[[Version], Page], *basis: str) -> HttpResponse:
        """A page kept until the book's next write, or until its further `basis` changes."""
        owner, known = self.caller.pk, self.known
        version = Book.objects.version(owner, known)
        page = caching.kept_page(self.key, [*version, *basis], known)
        if page is None:
            page = build(version)
            caching.keep_page(self.key, [*version, *basis], page, known)
        return conditional.answer(self.request, page.content, page.etag, page.headers)

    def one(self, contact: Contact, status: int = 200, **headers: str) -> Response:
        return Response(represent_one(contact), status, headers={"ETag": contact.etag, **headers})
