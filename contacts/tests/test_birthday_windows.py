"""birthdays.segments and birthdays.span, compared with a calendar that is read day by day."""

from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contacts.cards.birthdays import ordinal, segments, span
from contacts.tests.cast import observed_days

pytestmark = pytest.mark.one_stack

DAYS = [ordinal(date(2024, 1, 1) + timedelta(days=number)) for number in range(366)]


def listed(start, end, leap_day):
    """Return the stored days in the order of the segments, those of one day together."""
    found = []
    for segment in segments(start, end, leap_day):
        days = [stored for stored in DAYS if segment.first <= stored <= segment.last]
        found += [set(days)] if segment.one_day else [{stored} for stored in days]
    return found


def day_by_day(start, end, leap_day):
    """Return the same from a calendar: on each day, the stored days that are first observed on it."""
    found, seen = [], set()
    for number in range((end - start).days + 1):
        new = observed_days(start + timedelta(days=number), leap_day) - seen
        seen |= new
        found += [new] if new else []
    return found


def test_a_span_over_new_year_goes_on_with_january():
    found = listed(date(2023, 12, 30), date(2024, 1, 2), 228)
    assert found == [{1230}, {1231}, {101}, {102}]


def test_29_february_is_one_segment_with_the_day_on_which_it_is_observed():
    assert listed(date(2023, 2, 27), date(2023, 3, 1), 228) == [{227}, {228, 229}, {301}]
    assert listed(date(2023, 2, 27), date(2023, 3, 1), 301) == [{227}, {228}, {229, 301}]


@given(
    start=st.dates(date(1895, 1, 1), date(2110, 12, 31)),
    days=st.integers(0, 366),
    leap_day=st.sampled_from([228, 301]),
)
@example(start=date(2024, 12, 31), days=366, leap_day=228)
@example(start=date(2023, 12, 31), days=366, leap_day=301)
def test_segments_agree_with_a_day_by_day_calendar(start, days, leap_day):
    end = start + timedelta(days=days)
    assert listed(start, end, leap_day) == day_by_day(start, end, leap_day)


@pytest.mark.parametrize("leap_day", [228, 301])
@pytest.mark.parametrize("year", [1899, 1900, 1904, 2000, 2023, 2024, 2027, 2100])
def test_segments_agree_with_the_calendar_around_new_year_and_29_february(year, leap_day):
    for start in [
        date(year, 1, 1),
        *[date(year, 2, 25) + timedelta(days=n) for n in range(8)],
        date(year, 12, 31),
    ]:
        for days in (0, 1, 2, 7, 364, 365, 366):
            end = start + timedelta(days=days)
            assert listed(start, end, leap_day) == day_by_day(start, end, leap_day)


@given(today=st.dates(date(1, 1, 1), date(9998, 12, 30)), days=st.integers(0, 366))
def test_a_span_ends_with_the_year_unless_across_year_is_set(today, days):
    assert span(today, days, True) == (today, today + timedelta(days=days))
    start, end = span(today, days, False)
    assert start == today and end == min(today + timedelta(days=days), date(today.year, 12, 31))
