"""Which stored days of the year a span of real days holds. Imports nothing of ours.

A day of the year is month * 100 + day. 29 February is observed, in common years, on 28 February or on
1 March, as the account chose.
"""

import calendar
from datetime import date, timedelta
from typing import NamedTuple

LEAP_DAY = 229


class Window(NamedTuple):
    """A calendar year's part of a span: stored days from `first` to `last`, and where 29 February sorts."""

    first: int
    last: int
    leap_day_counts_as: int


def ordinal(day: date) -> int:
    return day.month * 100 + day.day


def window(start: date, end: date, leap_day: int) -> Window:
    """`start` and `end` in the same year; `leap_day` is 228 or 301."""
    first, last = ordinal(start), ordinal(end)
    if calendar.isleap(start.year):
        return Window(first, last, LEAP_DAY)
    if leap_day == 228 and last == 228:
        last = LEAP_DAY
    if leap_day == 301 and first == 301:
        first = LEAP_DAY
    return Window(first, last, leap_day)


def windows(start: date, end: date, leap_day: int) -> list[Window]:
    """The span's parts, soonest first, one a calendar year: 367 days from 31 December touch three of them."""
    return [
        window(max(start, date(year, 1, 1)), min(end, date(year, 12, 31)), leap_day)
        for year in range(start.year, end.year + 1)
    ]


def span(today: date, days: int, across_year: bool) -> tuple[date, date]:
    """From today to today + `days`, clipped to 31 December unless `across_year`."""
    end = today + timedelta(days=days)
    return today, end if across_year else min(end, date(today.year, 12, 31))
