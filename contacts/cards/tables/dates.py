"""Dates as spreadsheets write them. The order of day and month in `5/12/1985` is that of the whole table."""

import re
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from contacts.cards.validation import is_date
from contacts.cards.vcard import dates as iso

Order = Literal["ymd", "dmy", "mdy"]
ORDERS = ("ymd", "dmy", "mdy")

TIME = r"(?:[T ][0-9:.,Z +-]*(?:[AaPp]\.?[Mm]\.?)?)?"
THREE = re.compile(r"(\d{1,4})([./-])\s?(\d{1,2})\2\s?(\d{1,4})" + TIME, re.ASCII)
TWO = re.compile(r"(\d{1,2})([./-])\s?(\d{1,2})\.?", re.ASCII)
NOTHING = re.compile(r"0{1,4}[./-]0{1,2}[./-]0{1,4}" + TIME, re.ASCII)  # Outlook's 0/0/00
CENTURY = 100


class UnknownOrderError(ValueError):
    """The table does not tell which number is the day and which the month."""


class Numbers(NamedTuple):
    """A day and a month of unknown order, and the year as it is written."""

    first: int
    second: int
    year: str | None
    dotted: bool


class Found(NamedTuple):
    date: dict[str, Any]
    note: str | None = None


def says_nothing(text: str) -> bool:
    return bool(NOTHING.fullmatch(text.strip()))


def read(text: str, order: Order | None, this_year: int) -> Found | None:
    """The date that a text says, None for what is no date. UnknownOrderError."""
    text = text.strip()
    known = year_first(text, order, this_year)
    if known:
        return known
    numbers = year_last(text)
    if numbers is None or order == "ymd":
        return None
    day, month = in_order(numbers, order, text)
    return partial(numbers.year, month, day, this_year)


def year_first(text: str, order: Order | None, this_year: int) -> Found | None:
    found = iso.read_date(text)
    if found:
        return Found(found[0], f"The time of day was dropped: {text[:60]!r}" if found[1] else None)
    match = THREE.fullmatch(text)
    if match and (len(match[1]) > 2 or int(match[1]) > 31 or (order == "ymd" and len(match[4]) < 3)):
        return partial(match[1], int(match[3]), int(match[4]), this_year)
    return None


def year_last(text: str) -> Numbers | None:
    three, two = THREE.fullmatch(text), TWO.fullmatch(text)
    if three and len(three[1]) < 3 and int(three[1]) <= 31:
        return Numbers(int(three[1]), int(three[3]), three[4], three[2] == ".")
    return Numbers(int(two[1]), int(two[3]), None, two[2] == ".") if two else None


def in_order(numbers: Numbers, order: Order | None, text: str) -> tuple[int, int]:
    """The day and the month. Dots are day first, whatever the table says."""
    first, second = numbers.first, numbers.second
    if numbers.dotted or order == "dmy" or first == second:
        return first, second
    if order == "mdy":
        return second, first
    shown = evidence(text)
    if shown is None:
        raise UnknownOrderError(text)
    return (first, second) if shown == "dmy" else (second, first)


def evidence(text: str) -> Order | None:
    """The order that a number over 12 shows."""
    numbers = year_last(text.strip())
    if numbers is None or numbers.dotted:
        return None
    if 12 < numbers.first <= 31 and 1 <= numbers.second <= 12:
        return "dmy"
    return "mdy" if 12 < numbers.second <= 31 and 1 <= numbers.first <= 12 else None


def order_of(texts: Iterable[str]) -> Order | None:
    """The order that all the texts show; None where they show none, or both."""
    shown = {found for text in texts if (found := evidence(text))}
    return shown.pop() if len(shown) == 1 else None


def partial(year: str | None, month: int, day: int, this_year: int) -> Found | None:
    note = None
    date: dict[str, Any] = {"@type": "PartialDate", "month": month, "day": day}
    if year is not None:
        number = int(year)
        if len(year) == 3:
            return None
        if len(year) < 3:
            number += this_year - this_year % CENTURY
            number -= CENTURY if number > this_year else 0
            note = f"The year {year} was read as {number}."
        date = {"@type": "PartialDate", "year": number, "month": month, "day": day}
    return Found(date, note) if is_date(date) else None


def of_parts(year: str, month: str, day: str) -> dict[str, Any] | None:
    """A date in three columns; each may be empty."""
    date: dict[str, Any] = {"@type": "PartialDate"}
    for name, text in (("year", year), ("month", month), ("day", day)):
        if text.strip("0 "):
            if not re.fullmatch(r"\d{1,4}", text.strip(), re.ASCII):
                return None
            date[name] = int(text)
    return date if is_date(date) else None
