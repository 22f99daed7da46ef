"""The reads that are asked for most, each a compiled query, mostly of `ContactQuerySet`'s conditions; rows as dicts."""

import sys
from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db.models import BigIntegerField, Func, QuerySet, Value
from django.db.models.functions import Coalesce
from django.http import Http404

from contactbook.compiled import Compiled, Plain, Row, containing
from contacts.cards import birthdays
from contacts.cards.folding import fold
from contacts.models import Contact, ContactQuerySet
from contacts.models.contact import LARGEST_ID, NOT_FOUND, has_pieces
from contacts.serializers.contacts import CARD_COLUMNS, COLUMNS

WHOLE = (*COLUMNS, *CARD_COLUMNS, "revision")
SMALL = 1000  # contacts of a book that is quickest looked through
EARLY = 100  # rows, of which what is often in a book is one
PART = 8  # letters of a text that the index is asked for: each three of them cost a look into it
PAGE = 250  # rows at a time of an answer without a limit

LISTED = Compiled(lambda: mine().in_order().values(*COLUMNS, "fullname_folded"))
BY_ID = Compiled(lambda: mine().filter(pk=0).order_by().values(*WHOLE))
WALKED = Compiled(lambda: whole(Coalesce(walked("fullname_folded"), walked("email_folded"))))
SEARCHED = Compiled(lambda: whole(FoundByLetters(0, "x", "x", 0)))
BORN = Compiled(lambda: by_day(born().later_than(0, "x", 0)).values(*COLUMNS, "month_day", "fullname_folded"))
BORN_ON_ONE_DAY = Compiled(lambda: born().after("x", 0).in_order().values(*COLUMNS, "month_day", "fullname_folded"))


def mine() -> Any:
    return Contact.objects.for_user(0)


def born() -> Any:
    return mine().born_on((0, 0))


def by_day(rows: Any) -> Any:
    return rows.order_by("month_day", "fullname_folded", "id")


def whole(key: Any) -> QuerySet[Any, Any]:
    return Contact.objects.filter(pk=key).order_by().values(*WHOLE)


def walked(column: str) -> Any:
    """By the index of the order, in which names are looked through as they stand."""
    return mine().annotate(text=Plain(column)).filter(text__contains="x").in_order().values("pk")[:1]


class FoundByLetters(Func):
    """The key of the first whose name, else whose address, contains a text: PostgreSQL's own function (migration 0008).

    It takes the owner, the text, a part of it that the index of letters is asked for, and how many of the
    book's first contacts are looked at before that.
    """

    template = "(SELECT contact_found(%(expressions)s))"
    output_field = BigIntegerField()

    def __init__(self, *asked: Any) -> None:
        super().__init__(*map(Value, asked))


def listed(user_id: int, limit: int, skip: int) -> Iterator[Row]:
    """By fullname, then by id."""
    return LISTED.each(user_id, limit=limit, skip=skip)


def found(user_id: int, query: str, live: int) -> Row:
    """The contact with that id, else the first by name, else the first by address; Http404 for none.

    `live` is how many contacts there are: a few are quicker looked through.
    """
    rows: list[Row] = []
    if query.isascii() and query.isdecimal() and int(query) <= LARGEST_ID:
        rows = BY_ID.rows(user_id, int(query), limit=1)
    if text := fold(query):
        rows = rows or (searched if by_letters(text, live) else looked_for)(user_id, text)
    if not rows:
        raise Http404(NOT_FOUND)
    return rows[0]


def by_letters(text: str, live: int) -> bool:
    """Whether, among so many contacts, a folded text is found by the indexes of letters."""
    return live > SMALL and has_pieces(text)


def narrowed(rows: ContactQuerySet, user_id: int, query: str, live: int) -> ContactQuerySet:
    """The same rows, which are already those that the query is found in; in a large book by the indexes of letters."""
    return rows.searched(user_id, query) if by_letters(fold(query), live) else rows


def looked_for(user_id: int, text: str) -> list[Row]:
    asked = (user_id, containing(text))
    return WALKED.rows(*asked, *asked, limit=1)


def searched(user_id: int, text: str) -> list[Row]:
    return SEARCHED.rows(user_id, text, part(text), EARLY, limit=1)


def part(text: str) -> str:
    """One that says much: of an address the end of what stands before its @, of others how it begins."""
    before, at, _ = text.partition("@")
    end = (before + at)[-PART:]
    return end if at and has_pieces(end) else text[:PART]


def born_between(
    user_id: int, start: date, end: date, leap_day: str, limit: int | None, skip: int
) -> Iterator[list[Row]]:
    """Those whose birthday is observed from `start` to `end`, at most 367 days: soonest first, then as `listed`.

    In pages, so that nobody holds all the rows of a large book.
    """
    wanted = sys.maxsize if limit is None else limit
    for segment in birthdays.segments(start, end, int(leap_day.replace("-", ""))):
        if skip and skip >= (number := number_born(user_id, segment)):
            skip -= number
            continue
        for page in born_in(user_id, segment, wanted, skip) if wanted else ():
            wanted -= len(page)
            yield page
        skip = 0


def number_born(user_id: int, segment: birthdays.Segment) -> int:
    return Contact.objects.for_user(user_id).born_on((segment.first, segment.last)).count()


def born_in(user_id: int, segment: birthdays.Segment, wanted: int, skip: int) -> Iterator[list[Row]]:
    first, last, one_day = segment
    month_day, name, contact_id = first, "", 0  # of the last one that was given
    while wanted:
        if one_day:
            place: tuple[Any, ...] = (first, last, name, name, contact_id)
        else:
            place = (month_day, last, month_day, name, name, contact_id)
        page = (BORN_ON_ONE_DAY if one_day else BORN).rows(user_id, *place, limit=min(PAGE, wanted), skip=skip)
        if page:
            yield page
        if len(page) < PAGE:
            return
        month_day, name, contact_id = (page[-1][column] for column in ("month_day", "fullname_folded", "id"))
        wanted, skip = wanted - len(page), 0
