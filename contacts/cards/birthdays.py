"""Birthdays in a span of days, as ranges of stored days of the year.

A day of the year is stored as month * 100 + day. In common years 29 February is observed on 28 February or on 1 March,
as the account chose.
"""

import calendar
from datetime import date, timedelta
from typing import NamedTuple

LEAP_DAY = 229


class Window(NamedTuple):
    """The part of a span in one calendar year: stored days from `first` to `last`.

    `leap_day_counts_as` is the day on which 29 February is observed.
    """

    year: int
    first: int
    last: int
    leap_day_counts_as: int


def ordinal(day: date) -> int:
    return day.month * 100 + day.day


def window(start: date, end: date, leap_day: int) -> Window:
    """Return the window from `start` to `end`, which are in the same year; `leap_day` is 228 or 301."""
    first, last = ordinal(start), ordinal(end)
    if calendar.isleap(start.year):
        return Window(start.year, first, last, LEAP_DAY)
    if leap_day == 228 and last == 228:
        last = LEAP_DAY
    if leap_day == 301 and first == 301:
        first = LEAP_DAY
    return Window(start.year, first, last, leap_day)


def windows(start: date, end: date, leap_day: int) -> list[Window]:
    """Return the windows of the span, one for each calendar year: 367 days from 31 December on have three."""
    return [
        window(max(start, date(year, 1, 1)), min(end, date(year, 12, 31)), leap_day)
        for year in range(start.year, end.year + 1)
    ]


class Segment(NamedTuple):
    """Stored days from `first` to `last` of a year, in the order in which they are observed, or all on one day."""

    year: int
    first: int
    last: int
    one_day: bool


def segments(start: date, end: date, leap_day: int) -> list[Segment]:
    """Return the segments of the span in calendar order, each stored day once; `leap_day` is 228 or 301."""
    parts = windows(start, end, leap_day)
    # The first window has every day from its first on, and the second one all days before: no third is needed.
    later = [part._replace(last=min(part.last, parts[0].first - 1)) for part in parts[1:2]]
    return [segment for part in [parts[0], *later] for segment in segments_of(part)]


def segments_of(part: Window) -> list[Segment]:
    """Return the segments of a window. 29 February and the day on which it is observed are one, sorted by name."""
    one, other = sorted((part.leap_day_counts_as, LEAP_DAY))
    found = [Segment(part.year, part.first, part.last, one_day=False)]
    if one != other:
        found = [
            Segment(part.year, part.first, min(part.last, one - 1), one_day=False),
            Segment(part.year, max(part.first, one), min(part.last, other), one_day=True),
            Segment(part.year, max(part.first, other + 1), part.last, one_day=False),
        ]
    return [segment for segment in found if segment.first <= segment.last]


def observed_on(month_day: int, year: int, leap_day: int) -> date:
    """Return the day of the year on which a stored day is observed; `leap_day` is 228 or 301."""
    shown = leap_day if month_day == LEAP_DAY and not calendar.isleap(year) else month_day
    return date(year, *divmod(shown, 100))


def span(today: date, days: int, across_year: bool) -> tuple[date, date]:
    """Return today and today + `days`, at most 31 December unless `across_year`."""
    end = today + timedelta(days=days)
    return today, end if across_year else min(end, date(today.year, 12, 31))
