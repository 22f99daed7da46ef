"""The base of the contacts' viewsets: the caller's contacts, writing to the book, and cached responses."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import TokenUser
from contactbook.api.conditional import check_if_match, is_not_modified
from contactbook.api.renderers import as_json
from contactbook.api.viewsets import APIViewSet
from contactbook.cache import responses
from contactbook.cache.responses import CachedResponse
from contacts.models import Book, Contact, ContactKey, ContactQuerySet, Version
from contacts.models.key import ContactKeyQuerySet
from contacts.serializers.contacts import represent_contact
from contacts.serializers.queries import ContactPath


class ContactBookViewSet(APIViewSet):
    cache_control = "private, no-cache"

    @property
    def user(self) -> TokenUser:
        user: Any = self.request.user
        return user

    def contacts(self) -> ContactQuerySet:
        return Contact.objects.for_user(self.user.pk)

    def writing(self, quota: bool = False, via: str = "rest") -> AbstractContextManager[Book]:
        """Open the caller's book; with `quota` a write that adds to a full account is refused."""
        return Book.objects.writing(self.user.pk, via, self.request.headers.get("User-Agent", ""), quota=quota)

    def numbers(self, text: str) -> ContactKeyQuerySet:
        """Return the caller's phone numbers that a search for the text finds."""
        keys: ContactKeyQuerySet = ContactKey.objects.for_user(self.user.pk)
        return keys.with_number(text, self.user.region)

    def contact_id(self) -> int:
        path = ContactPath(data=self.kwargs)
        path.is_valid(raise_exception=True)
        contact_id: int = path.validated_data["contact_id"]
        return contact_id

    def get_contact_for_update(self, book: Book) -> Contact:
        """Return the contact of the path from the locked book, so that If-Match is compared with its newest state."""
        contact = book.get(self.contact_id())
        check_if_match(self.request.headers.get("If-Match"), contact.etag)
        return contact

    def contact_response(self, contact: Contact, status: int = 200, **headers: str) -> Response:
        return Response(represent_contact(contact), status, headers={"ETag": contact.etag, **headers})

    def cached_response(
        self, request: Request, parameters: Mapping[str, Any], build: Callable[[Version], Response]
    ) -> HttpResponse:
        """Answer a read from the response cache, or by `build` for the book's current version.

        The ETag is that of the response that `build` returns, else one derived from the cache key.
        """
        version, user = Book.objects.version(self.user.pk), self.user
        route = f"{request.path.rstrip('/')} {self.action}"
        parts = (*version, user.today(), user.leap_day, user.region, route)
        key = responses.response_key(user.pk, *parts, parameters=parameters)
        cached = responses.get(key)
        if cached is None:
            response = build(version)
            headers = {"ETag": f'"{key[:32]}"', **response.headers, "Content-Type": "application/json"}
            cached = CachedResponse(as_json(response.data), headers)
            responses.store(key, cached)
        if is_not_modified(request, cached.headers["ETag"]):
            not_modified = HttpResponse(status=304, headers=cached.headers)
            del not_modified["Content-Type"]
            return not_modified
        return HttpResponse(cached.content, headers=cached.headers)
