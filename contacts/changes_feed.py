"""The feed of changes, which REST's `changes` and the sync of CardDAV read."""

import heapq
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from django.db.models import OuterRef, Subquery
from django.db.models.functions import JSONObject

from contactbook.api.pagination import MAX_BYTES, rows_that_fit
from contactbook.exceptions import ConflictError
from contacts.models import Book, Change, ChangeQuerySet, Contact, ContactQuerySet
from contacts.models.change import app_password_of
from contacts.models.contact import ADDITIONAL_BYTES

Row = dict[str, Any]


class ChangesFeed:
    """The contacts that changed after `since`, each in its newest state, and what was purged: at most `limit` of both.

    Nothing is skipped under concurrent writers: changes are numbered in commit order, so all up to the sequence
    that was read first are there; a contact that moves beyond it meanwhile comes in the next answer.
    """

    with_change = True  # whether a row has the kind of the change, and the app password that wrote it
    part = 1  # of MAX_BYTES that one page may have: 1 is all, 4 a quarter

    def __init__(self, book: Book | None, since: int, limit: int) -> None:
        self.book, self.since, self.limit = book, since, limit
        self.newest = max(book.sequence, since) if book else since
        self.next_since, self.more = self.newest, False
        self.check_since()

    def check_since(self) -> None:
        if self.book and 0 < self.since < self.book.resync_below:
            raise ConflictError("The server was restored from a backup. Read everything again, from since=0.")

    def rows(self, columns: tuple[str, ...]) -> list[Row]:
        """Return by number: each change's kind, its contact's id, and these columns of it, or None for a deleted one.

        Rows of one number stay together.
        """
        if self.since == self.newest:
            return []
        gone = list(self.gone())
        rows = list(heapq.merge(gone, self.changed(columns), key=itemgetter("number")))
        end = self.limit
        while 0 < end < len(rows) and rows[end]["number"] == rows[end - 1]["number"]:
            end -= 1
        end = end or 2
        if len(rows) > end:
            self.next_since, self.more = rows[end - 1]["number"], True
        return rows[:end]

    def contacts(self) -> ContactQuerySet:
        assert self.book
        contacts = Contact.objects.all_of(self.book.user_id)
        return contacts.filter(revision__gt=self.since, revision__lte=self.newest).order_by("revision")

    def changes(self) -> ChangeQuerySet:
        assert self.book
        changes = Change.objects.for_user(self.book.user_id)
        return changes.filter(number__gt=self.since, number__lte=self.newest).order_by("number")

    def changed(self, columns: tuple[str, ...]) -> Iterator[Row]:
        assert self.book
        newest = Change.objects.filter(book=OuterRef("user"), number=OuterRef("revision"))
        contacts = self.contacts()
        size = "size" if "card" in columns else ADDITIONAL_BYTES
        most = MAX_BYTES // self.part
        fitting = rows_that_fit(contacts[: self.limit], size, MAX_BYTES - most) if self.book.bytes > most else None
        self.limit = fitting or self.limit
        if self.with_change:
            facts = JSONObject(kind="kind", via="via", source="source")
            contacts = contacts.annotate(change=Subquery(newest.values(json=facts)))
            columns = (*columns, "change")
        for row in contacts.values(*{*columns, "id", "kind", "revision", "deleted_at"})[: self.limit + 1]:
            change = row.get("change") or {"kind": None, "via": "", "source": None}
            yield {
                "number": row["revision"],
                "kind": change["kind"],
                "contact_id": row["id"],
                "card_kind": row["kind"],
                "app_password": app_password_of(change["via"], change["source"]),
                "contact": None if row["deleted_at"] else row,
                "row": row,
            }

    def gone(self) -> Iterator[Row]:
        """Yield what no contact shows any more: purges."""
        for change in self.changes().filter(kind=Change.Kind.PURGED).defer("before")[: self.limit + 1]:
            yield {
                "number": change.number,
                "kind": change.kind,
                "contact_id": change.contact_id,
                "card_kind": None,
                "app_password": change.app_password,
                "contact": None,
            }
