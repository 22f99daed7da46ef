"""The report sync-collection (RFC 6578), and the rows of the book in pages; both read the feed of changes."""

import re
from collections.abc import Iterator
from typing import Any

from django.db.models import Q
from django.http.response import HttpResponseBase

from contacts.carddav import paths, xml
from contacts.carddav.address_data import AddressData
from contacts.carddav.errors import DavError
from contacts.carddav.multistatus import TRUNCATED, multistatus, removed, response
from contacts.carddav.properties import COLUMNS, TOKEN, token_of
from contacts.carddav.request import DavRequest
from contacts.carddav.xml import DAV, Element
from contacts.changes_feed import ChangesFeed, Row
from contacts.models import Book, Contact, ContactQuerySet
from contacts.models.resource_names import resource_name

PAGE = 500  # rows that are read at once, fewer of large cards
TOKEN_FORM = re.compile(rf"{TOKEN}([0-9]{{1,19}})-([0-9]{{1,19}})")


class SyncFeed(ChangesFeed):
    """The feed as CardDAV shows it: names that ceased in place of purges, and at the first sync no deletions.

    `only` further limits the contacts.
    """

    with_change = False
    part = 4  # the memory of a stream is bounded

    def __init__(self, book: Book, since: int, limit: int, first: bool, only: Q | None = None) -> None:
        super().__init__(book, since, limit)
        self.first, self.only = first, only

    def check_since(self) -> None:
        """Check nothing: the epoch in a token says whether its number is of this history."""

    def contacts(self) -> ContactQuerySet:
        contacts = super().contacts()
        contacts = contacts.filter(deleted_at=None) if self.first else contacts
        return contacts.filter(self.only) if self.only else contacts

    def gone(self) -> Iterator[Row]:
        """Yield each name that ceased, once, unless a contact has it: that one is in the feed itself."""
        if self.first:
            return
        assert self.book
        ceased = self.changes().exclude(ceased="").values_list("ceased", "number")[: self.limit + 1]
        names = dict(ceased)
        held = Contact.objects.all_of(self.book.user_id).by_resource_names(names)
        for name, number in sorted(names.items(), key=lambda item: item[1]):
            if name not in held:
                yield {"number": number, "contact": None, "name": name}


def rows_of(book: Book, columns: tuple[str, ...], only: Q | None = None) -> Iterator[dict[str, Any]]:
    """Yield these columns of each card of the book, as of now."""
    since, more = 0, True
    while more:
        feed = SyncFeed(book, since, PAGE, first=True, only=only)
        for row in feed.rows(columns):
            yield row["contact"]
        since, more = feed.next_since, feed.more


def name_of(row: dict[str, Any]) -> str:
    return resource_name(row["resource"], row["uid"], row["id"])


def path_of(user_id: int, row: dict[str, Any]) -> str:
    return paths.card(user_id, name_of(row))


def sync_collection(request: DavRequest, root: Element) -> HttpResponseBase:
    """RFC 6578 §3.2. The Depth header and `sync-level` make no difference: the book has no collections in it."""
    wanted = AddressData.of(request, root)
    since = number_of(request, (root.findtext(f"{{{DAV}}}sync-token") or "").strip())
    limit = limit_of(root.find(f"{{{DAV}}}limit"))
    return multistatus(responses(request, wanted, since, limit))


def number_of(request: DavRequest, token: str) -> int | None:
    """Return the number of the change that the token names, None for an empty one; DavError for an invalid one.

    Tokens never expire. Thunderbird treats a 403 as permanent, so it gets a 400, after which it syncs from the start.
    """
    if not token:
        return None
    match = TOKEN_FORM.fullmatch(token)
    if match and int(match[1]) == request.book.epoch and int(match[2]) <= request.book.sequence:
        return int(match[2])
    status = 400 if "Thunderbird/" in request.user_agent else 403
    raise DavError(status, precondition="<D:valid-sync-token/>")


def limit_of(limit: Element | None, namespace: str = DAV) -> int | None:
    """Return `nresults` (RFC 5323 §5.17)."""
    if limit is None:
        return None
    text = (limit.findtext(f"{{{namespace}}}nresults") or "").strip()
    if not re.fullmatch("[0-9]{1,9}", text) or not int(text):
        raise DavError(400, "nresults is a number of at least 1.")
    return int(text)


def responses(request: DavRequest, wanted: AddressData, since: int | None, limit: int | None) -> Iterator[str]:
    """Yield a response for each card that changed or was deleted, then the token of the next sync."""
    first, position, left, more = since is None, since or 0, limit, True
    columns = (*COLUMNS, *wanted.columns)
    while more and left != 0:
        feed = SyncFeed(request.book, position, PAGE if left is None else min(left, PAGE), first)
        rows = feed.rows(columns)
        for row in rows:
            yield row_response(request, wanted, row)
        position, more = feed.next_since, feed.more
        left = None if left is None else max(left - len(rows), 0)
    if more:
        yield response(paths.book(request.user.pk), TRUNCATED)
    yield xml.dav("sync-token", token_of(request.book.epoch, position))


def row_response(request: DavRequest, wanted: AddressData, row: Row) -> str:
    user_id, contact = request.user.pk, row["contact"]
    if contact is None:
        return removed(paths.card(user_id, row["name"] if "name" in row else name_of(row["row"])))
    return wanted.response(contact)
