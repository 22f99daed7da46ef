"""A request to a resource: its user, its target, its headers, and its body."""

import re
from dataclasses import dataclass
from functools import cached_property

from django.http import HttpRequest
from django.http.request import UnreadablePostError

from accounts.models import AppUser
from contacts.carddav import paths, xml
from contacts.carddav.errors import DavError
from contacts.carddav.paths import Kind, Target
from contacts.models import Book, Contact, ContactQuerySet

# RFC 7240 §2, without the parameters of a preference
PREFERENCE = re.compile(r'(?:^|,)\s*([^\s=;,]+)\s*=\s*"?([^\s=;,"]+)')


@dataclass
class DavRequest:
    http: HttpRequest
    user: AppUser
    target: Target

    @property
    def user_agent(self) -> str:
        return self.http.headers.get("User-Agent", "")

    @property
    def path(self) -> str:
        """The path of the target in its canonical spelling; that of a root as it was requested."""
        match self.target.kind:
            case Kind.PRINCIPAL:
                return paths.principal(self.user.pk)
            case Kind.HOME:
                return paths.home(self.user.pk)
            case Kind.BOOK:
                return paths.book(self.user.pk)
            case Kind.CARD:
                return paths.card(self.user.pk, self.target.name)
        return f"{self.http.path.rstrip('/')}/"

    @cached_property
    def book(self) -> Book:
        """The user's book. It is made at the first request, since its epoch is in every token."""
        return Book.objects.of(self.user.pk) or Book.objects.get_or_create(pk=self.user.pk)[0]

    @property
    def cards(self) -> ContactQuerySet:
        return Contact.objects.synced_of(self.user.pk)

    @property
    def depth(self) -> str:
        """RFC 4918 §10.2: `0`, `1`, or `infinity`, which is the default."""
        return self.http.headers.get("Depth", "infinity").strip().lower()

    @property
    def minimal(self) -> bool:
        """Whether the answer leaves out the properties that are not found (RFC 8144 §2.1; Brief is the older form)."""
        preferences = PREFERENCE.findall(self.http.headers.get("Prefer", "").lower())
        return ("return", "minimal") in preferences or self.http.headers.get("Brief", "").strip().lower() == "t"

    def body(self, limit: int, too_large: DavError) -> bytes:
        """Return the whole body; DavError if it has no length, is over the limit, was cut off, or is compressed."""
        if self.http.headers.get("Content-Encoding", "").strip().lower() not in ("", "identity"):
            sentence = "Send the body without a Content-Encoding."
            raise DavError(415, sentence, headers={"Accept-Encoding": "identity"})  # RFC 9110 §15.5.16
        given = self.http.META.get("CONTENT_LENGTH") or "0"
        if "HTTP_TRANSFER_ENCODING" in self.http.META and given == "0":
            raise DavError(411, "Send the body with its Content-Length.")
        if not given.isdecimal():
            raise DavError(400, "The Content-Length is no number.")
        if int(given) > limit:
            raise too_large
        try:
            body = self.http.read(int(given)) if int(given) else b""
        except (OSError, UnreadablePostError):
            body = b""
        if len(body) < int(given):
            raise DavError(400, "The body is shorter than its Content-Length.")
        return body

    def xml(self) -> xml.Element | None:
        """Return the root element of the body; None for an empty one."""
        too_large = DavError(413, f"The XML is larger than {xml.MAX_BYTES} bytes.")
        body = self.body(xml.MAX_BYTES, too_large)
        return xml.parse(body) if body.strip() else None
