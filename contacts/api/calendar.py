"""GET /feeds/{secret}/birthdays.ics: a birthday feed, for calendar programs, which cannot log in."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView

from contactbook.api.conditional import is_not_modified
from contactbook.api.schema import ETAG, IF_NONE_MATCH, Problem, sentence
from contactbook.api.throttling import RouteThrottle
from contactbook.api.viewsets import PublicViewSet
from contactbook.cache.responses import response_key
from contacts.cards import events
from contacts.exporting import in_pages
from contacts.models import Book, Contact, Feed, Version
from contacts.streaming import StreamedResponse, reserved_slot

TYPE = "text/calendar; charset=utf-8"
EXAMPLE = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"
LARGE_BOOK = 1000  # contacts; the feed of a smaller book is built at once and needs no reserved thread
BLOCK = 16 * 1024  # bytes
SECRET = OpenApiParameter(
    "secret",
    str,
    OpenApiParameter.PATH,
    description="The secret in the feed's `url`, shown when it was made.",
    examples=[OpenApiExample("secret", value="from-the-url")],
)


class FeedThrottle(RouteThrottle):
    """Counts the requests of each feed, and those with an unknown secret by address."""

    def who(self, request: Request, view: APIView) -> str:
        feed: Feed | None = getattr(view, "feed", None)
        return f"feed:{feed.pk}" if feed else super().who(request, view)


class CalendarViewSet(PublicViewSet):
    limits = {"retrieve": "feeds"}
    cache_control = "private, no-cache"
    throttle_classes = [FeedThrottle]
    feed: Feed | None = None

    def perform_authentication(self, request: Request) -> None:
        """Find the feed; every other secret is the same 404, and counted by address."""
        self.feed = Feed.objects.by_secret(self.kwargs["secret"])
        if self.feed is None:
            raise NotFound("Feed was not found")

    @extend_schema(
        operation_id="readFeed",
        summary="Read a birthday feed",
        description="An iCalendar file (RFC 5545): a yearly event for each person. No token is needed; the secret in "
        "the address is enough.",
        parameters=[SECRET, IF_NONE_MATCH, ETAG],
        responses={(200, "text/calendar"): sentence(EXAMPLE), 404: Problem},
        tags=["me"],
    )
    def retrieve(self, request: Request, secret: str) -> HttpResponseBase:
        feed = self.feed
        assert feed
        feed.note_reading()
        version = Book.objects.version(feed.user_id)
        headers = {"ETag": etag(feed, version)}
        if is_not_modified(request, headers["ETag"]):
            return HttpResponse(status=304, headers=headers)
        return response(feed, version.live > LARGE_BOOK, headers)


def etag(feed: Feed, version: Version) -> str:
    """Return the tag of the feed's content, which the book's version and the settings of the owner decide."""
    parts = (*version, feed.user.leap_day, feed.pk)
    return f'"{response_key(feed.user_id, *parts, parameters={})[:32]}"'


def response(feed: Feed, is_large: bool, headers: dict[str, str]) -> HttpResponseBase:
    """Return the file. That of a large book is streamed, in at most half of the threads of a process."""
    headers = {**headers, "Content-Type": TYPE, "Content-Disposition": 'inline; filename="birthdays.ics"'}
    if not is_large:
        return HttpResponse(b"".join(content(feed)), headers=headers)
    slot = reserved_slot()
    streamed = StreamedResponse(in_blocks(content(feed)), headers=headers)
    streamed.slot = slot
    return streamed


def in_blocks(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in blocks of at least BLOCK, since each is sent by itself."""
    block = bytearray()
    for part in parts:
        block += part
        if len(block) >= BLOCK:
            yield bytes(block)
            block.clear()
    yield bytes(block)


def content(feed: Feed) -> Iterator[bytes]:
    """Yield the lines of the calendar, those of one person at a time. The contacts are read in pages."""
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    alarm = b"" if feed.alarm_days is None else events.alarm(feed.alarm_days)
    calendar = events.Calendar(host, feed.user.leap_day, alarm)
    yield events.begin(feed.name)
    for contact in in_pages("id", Contact.objects.for_user(feed.user_id).with_days(feed.anniversaries)):
        person = events.Person(
            contact.pk,
            contact.fullname,
            contact.birthday,
            contact.month_day,
            contact.updated_at,
            getattr(contact, "days", None),
        )
        yield events.events(person, calendar)
    yield events.END
