"""The reads that are asked for most, each a compiled query of `ContactQuerySet`'s own conditions; rows as dicts."""

import sys
from datetime import date
from typing import Any

from django.http import Http404

from contactbook.compiled import Compiled, containing

from . import birthdays
from .folding import fold
from .models import Contact
from .models.contact import LARGEST_ID, NOT_FOUND
from .serializers import CARD_COLUMNS, COLUMNS

Row = dict[str, Any]
WHOLE = (*COLUMNS, *CARD_COLUMNS, "revision")

LISTED = Compiled(lambda: Contact.objects.for_user(0).in_order().values(*COLUMNS, "fullname_folded"))
BY_ID = Compiled(lambda: Contact.objects.for_user(0).filter(pk=0).order_by().values(*WHOLE))
NAMED = Compiled(lambda: Contact.objects.for_user(0).named("x").in_order().values(*WHOLE))
ADDRESSED = Compiled(lambda: Contact.objects.for_user(0).addressed("x").in_order().values(*WHOLE))
BORN = Compiled(lambda: born().order_by("month_day", "fullname_folded", "id"))
BORN_ON_ONE_DAY = Compiled(lambda: born().in_order())


def born() -> Any:
    return Contact.objects.for_user(0).born_on((0, 0)).values(*COLUMNS)


def listed(user_id: int, limit: int, skip: int) -> list[Row]:
    """By fullname, then by id."""
    return LISTED.rows(user_id, limit=limit, skip=skip)


def found(user_id: int, query: str) -> Row:
    """The contact with that id, else the first by name, else the first by address; Http404 for none."""
    rows: list[Row] = []
    if query.isascii() and query.isdecimal() and int(query) <= LARGEST_ID:
        rows = BY_ID.rows(user_id, int(query), limit=1)
    if text := fold(query):
        part = containing(text)
        rows = rows or NAMED.rows(user_id, part, limit=1) or ADDRESSED.rows(user_id, part, limit=1)
    if not rows:
        raise Http404(NOT_FOUND)
    return rows[0]


def born_between(user_id: int, start: date, end: date, leap_day: str, limit: int | None, skip: int) -> list[Row]:
    """Those whose birthday is observed from `start` to `end`, at most 367 days: soonest first, then as `listed`."""
    wanted = sys.maxsize if limit is None else skip + limit
    rows: list[Row] = []
    for segment in birthdays.segments(start, end, int(leap_day.replace("-", ""))):
        query = BORN_ON_ONE_DAY if segment.one_day else BORN
        rows += query.rows(user_id, segment.first, segment.last, limit=wanted - len(rows))
        if len(rows) >= wanted:
            break
    return rows[skip:]
