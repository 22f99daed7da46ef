"""Queries that filter contacts, find one, and find the coming birthdays; rows are dicts of `.values()`."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django.db.models import Case, When

from contactbook.api.pagination import rows_that_fit
from contactbook.db.fields import MAX_BIGINT
from contactbook.exceptions import NotFoundError, TooLargeError
from contacts.cards import birthdays, phones
from contacts.cards.folding import fold
from contacts.models import ContactQuerySet, Version
from contacts.models.contact import ADDITIONAL_BYTES, NOT_FOUND
from contacts.models.key import ContactKeyQuerySet

FEW = 5000  # contacts that match a filter, which are found before they are sorted
LARGE_CARD = 10_000  # bytes, with its history; on average
LARGE_BOOK = 1000  # contacts; a smaller book is read in order until one matches
FOLDED = ("fullname_folded", "email_folded")  # what is searched, in this order
EARLY = 200  # contacts at the start of a large book's order, where a frequent text is found first

Row = dict[str, Any]


def filtered(contacts: ContactQuerySet, filters: dict[str, Any], version: Version) -> tuple[ContactQuerySet, int]:
    """Return the owner's contacts that meet the filters of `matching`, and their number.

    A book of large cards is searched once: the ids that were found are the condition of the page.
    """
    found = contacts.matching(**filters)
    if version.bytes > LARGE_CARD * version.live:
        keys = list(found.order_by().values_list("pk", flat=True)[: FEW + 1])
        if len(keys) <= FEW:
            return contacts.filter(pk__in=keys), len(keys)
    total = found.count()
    return (found.filtered_first() if total <= FEW else found), total


def find(
    contacts: ContactQuerySet,
    query: str,
    live: int,
    columns: tuple[str, ...],
    numbers: Callable[[], ContactKeyQuerySet] | None = None,
) -> Row:
    """Return the contact with that id, else the first whose name contains the text, else whose e-mail does.

    Else it is the first with one of the phone numbers that `numbers` returns. `live` is the number of contacts.
    NotFoundError if there is none.
    """
    row = None
    if query.isascii() and query.isdecimal() and int(query) <= MAX_BIGINT:
        row = contacts.filter(pk=int(query)).values(*columns).first()
    if numbers and phones.searched(query):
        row = row or first_with_number(contacts, query, numbers(), columns)
    else:
        for column in FOLDED:
            row = row or first_containing(contacts, column, query, live, columns)
    if row is None:
        raise NotFoundError(NOT_FOUND)
    return row


def first_with_number(
    contacts: ContactQuerySet, text: str, numbers: ContactKeyQuerySet, columns: tuple[str, ...]
) -> Row | None:
    """Return the first row whose name contains the text, else whose e-mail address does, else with one of the numbers.

    One statement finds all of them: digits are hardly ever in a name or an address.
    """
    folded = fold(text)
    named, with_email = (When(**{f"{column}__contains": folded}, then=n) for n, column in enumerate(FOLDED))
    found = contacts.search(text, numbers).annotate(place=Case(named, with_email, default=len(FOLDED)))
    return found.order_by("place", "fullname_folded", "id").values(*columns).first()


def first_containing(
    contacts: ContactQuerySet, column: str, text: str, live: int, columns: tuple[str, ...]
) -> Row | None:
    """Return the first row in order whose column contains the text.

    In a large book the start of the order is read first, and then the rows that match are found by their trigrams.
    """
    if live > LARGE_BOOK:
        early = contacts.in_order().values("pk")[:EARLY]
        matches = contacts.filter(pk__in=early).containing(column, text)
        row = matches.filtered_first().in_order().values(*columns).first()
        if row:
            return row
    matches = contacts.containing(column, text)
    return (matches.filtered_first() if live > LARGE_BOOK else matches).in_order().values(*columns).first()


class UpcomingBirthdays:
    """The contacts whose birthday is observed from `start` to `end`, at most 367 days: soonest first, then by name.

    A slice is a list of rows.
    """

    def __init__(
        self, contacts: ContactQuerySet, start: date, end: date, leap_day: str, columns: tuple[str, ...]
    ) -> None:
        self.segments = birthdays.segments(start, end, int(leap_day.replace("-", "")))
        self.contacts, self.columns = contacts, columns
        self.is_small = False  # whether all rows together are known to be small enough for a page

    def __getitem__(self, page: slice) -> list[Row]:
        skip: int = page.start
        rows: list[Row] = []
        for segment in self.segments:
            wanted = page.stop - page.start - len(rows)
            if not wanted:
                break
            born = self.contacts.born_in(segment).values(*self.columns)
            if not self.is_small:
                check_size(rows, born[skip : skip + wanted])
            found = list(born[skip : skip + wanted])
            skip = max(0, skip - born.count()) if skip and not found else 0
            rows += found
        return rows


def check_size(rows: list[Row], more: Any) -> None:
    """Raise TooLargeError if the rows of a page and those to come are too large together."""
    fitting = rows_that_fit(more, ADDITIONAL_BYTES, sum(4 * len(row["additional"] or "") for row in rows))
    if fitting is not None:
        limit = max(1, len(rows) + fitting - 1)  # one row more than a page is read
        raise TooLargeError(f"These contacts are too large for one page. Use limit={limit}.")
