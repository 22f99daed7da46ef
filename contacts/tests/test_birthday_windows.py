"""birthdays.windows and birthdays.span, beside a naive calendar."""

import calendar
from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contacts.birthdays import LEAP_DAY, ordinal, span, windows

DAYS = [ordinal(date(2024, 1, 1) + timedelta(days=number)) for number in range(366)]


def observed(day, leap_day):
    """The stored days of the year that are observed on that real day."""
    today = ordinal(day)
    if not calendar.isleap(day.year) and today == leap_day:
        return {today, LEAP_DAY}
    return {today}


def naive(start, end, leap_day):
    """Every stored day with the first real day on which it is observed."""
    found = {}
    for number in range((end - start).days + 1):
        day = start + timedelta(days=number)
        for stored in observed(day, leap_day):
            found.setdefault(stored, day)
    return found


def by_windows(start, end, leap_day):
    """Every stored day with what the database sorts it by, read as a year and a day of the year."""
    found = {}
    for number, part in enumerate(windows(start, end, leap_day)):
        for stored in DAYS:
            if part.first <= stored <= part.last:
                counts_as = part.leap_day_counts_as if stored == LEAP_DAY else stored
                found.setdefault(stored, date(start.year + number, counts_as // 100, counts_as % 100))
    return found


def test_it_works():
    found = by_windows(date(2023, 12, 30), date(2024, 1, 2), 228)
    assert found == {
        1230: date(2023, 12, 30),
        1231: date(2023, 12, 31),
        101: date(2024, 1, 1),
        102: date(2024, 1, 2),
    }


@given(
    start=st.dates(date(1895, 1, 1), date(2110, 12, 31)),
    days=st.integers(0, 366),
    leap_day=st.sampled_from([228, 301]),
)
@example(start=date(2024, 12, 31), days=366, leap_day=228)
@example(start=date(2023, 12, 31), days=366, leap_day=301)
def test_it_agrees_with_a_naive_calendar(start, days, leap_day):
    end = start + timedelta(days=days)
    assert by_windows(start, end, leap_day) == naive(start, end, leap_day)


@pytest.mark.parametrize("leap_day", [228, 301])
@pytest.mark.parametrize("year", [1899, 1900, 1904, 2000, 2023, 2024, 2027, 2100])
def test_it_agrees_on_every_day_around_the_turns_of_a_year(year, leap_day):
    for start in [
        date(year, 1, 1),
        *[date(year, 2, 25) + timedelta(days=n) for n in range(8)],
        date(year, 12, 31),
    ]:
        for days in (0, 1, 2, 7, 364, 365, 366):
            end = start + timedelta(days=days)
            assert by_windows(start, end, leap_day) == naive(start, end, leap_day)


@given(today=st.dates(date(1, 1, 1), date(9998, 12, 30)), days=st.integers(0, 366))
def test_the_span_ends_with_the_year_unless_it_may_go_across(today, days):
    assert span(today, days, True) == (today, today + timedelta(days=days))
    start, end = span(today, days, False)
    assert start == today and end == min(today + timedelta(days=days), date(today.year, 12, 31))
