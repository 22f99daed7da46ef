"""When reminders are due: 8:00 in every time zone"""

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from accounts.models.reminder_times import day_due, last_time, next_time, times
from accounts.serializers import time_zones

pytestmark = pytest.mark.one_stack


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


CASES = [  # frequency, zone, now, the day of the last reminder, the next time
    ("daily", "UTC", utc(2027, 3, 1, 7, 59), None, utc(2027, 3, 1, 8)),
    ("daily", "UTC", utc(2027, 3, 1, 8), None, utc(2027, 3, 2, 8)),
    ("daily", "UTC", utc(2027, 3, 1, 7), date(2027, 3, 1), utc(2027, 3, 2, 8)),
    ("daily", "Europe/Kyiv", utc(2027, 3, 1, 7), None, utc(2027, 3, 2, 6)),
    ("daily", "Asia/Kathmandu", utc(2027, 3, 1, 2, 14), None, utc(2027, 3, 1, 2, 15)),
    # Summer time begins on 28 March 2027 in Kyiv, and ends on 31 October.
    ("daily", "Europe/Kyiv", utc(2027, 3, 27, 7), None, utc(2027, 3, 28, 5)),
    ("daily", "Europe/Kyiv", utc(2027, 10, 30, 6), None, utc(2027, 10, 31, 6)),
    # On 1 March 2027 it is Monday.
    ("weekly", "UTC", utc(2027, 3, 1, 7), None, utc(2027, 3, 1, 8)),
    ("weekly", "UTC", utc(2027, 3, 1, 8), None, utc(2027, 3, 8, 8)),
    ("weekly", "Pacific/Auckland", utc(2027, 2, 28, 18), None, utc(2027, 2, 28, 19)),
    ("weekly", "UTC", utc(2027, 3, 1, 7), date(2027, 3, 1), utc(2027, 3, 8, 8)),
    # The reminder of 2 March came in Auckland; in Honolulu it is 1 March still.
    ("daily", "Pacific/Honolulu", utc(2027, 3, 1, 21), date(2027, 3, 2), utc(2027, 3, 3, 18)),
    # Samoa had no 30 December 2011, and no 8:00 on it.
    ("daily", "Pacific/Apia", utc(2011, 12, 29, 19), date(2011, 12, 29), utc(2011, 12, 30, 18)),
    ("daily", "Pacific/Apia", utc(2011, 12, 30, 18), date(2011, 12, 31), utc(2011, 12, 31, 18)),
    # Kwajalein had 30 September 1969 twice, and so its 8:00.
    ("daily", "Pacific/Kwajalein", utc(1969, 9, 29, 20), date(1969, 9, 29), utc(1969, 9, 29, 21)),
    ("daily", "Pacific/Kwajalein", utc(1969, 9, 29, 21), date(1969, 9, 30), utc(1969, 10, 1, 20)),
    ("off", "UTC", utc(2027, 3, 1, 7), None, None),
]


@pytest.mark.parametrize(("frequency", "zone", "now", "reminded_on", "expected"), CASES)
def test_the_next_time(frequency, zone, now, reminded_on, expected):
    assert next_time(frequency, zone, now, reminded_on) == expected


DUE = [  # frequency, now in UTC, the day of the last reminder, the day that is due
    ("daily", utc(2027, 3, 3, 8), None, date(2027, 3, 3)),
    ("daily", utc(2027, 3, 3, 23, 59), date(2027, 3, 2), date(2027, 3, 3)),
    ("daily", utc(2027, 3, 3, 9), date(2027, 3, 3), None),
    ("daily", utc(2027, 3, 4, 7, 59), date(2027, 3, 2), None),  # that of 3 March is over
    ("weekly", utc(2027, 3, 1, 8), None, date(2027, 3, 1)),
    ("weekly", utc(2027, 3, 3, 9), date(2027, 2, 22), date(2027, 3, 1)),  # nobody was up on Monday
    ("weekly", utc(2027, 3, 3, 9), date(2027, 3, 1), None),
    ("weekly", utc(2027, 3, 3, 9), date(2027, 3, 2), None),  # a daily one came since
    ("off", utc(2027, 3, 3, 9), None, None),
]


@pytest.mark.parametrize(("frequency", "now", "reminded_on", "expected"), DUE)
def test_the_day_that_is_due(frequency, now, reminded_on, expected):
    assert day_due(frequency, "UTC", now, reminded_on) == expected


def test_in_every_zone_there_is_one_time_a_day_and_next_and_last_agree():
    for zone in sorted(time_zones()):
        every = list(islice(times("daily", zone, date(2027, 1, 1)), 365))
        assert [at.astimezone(ZoneInfo(zone)).date() for at in every] == [
            date(2027, 1, 1) + timedelta(days=number) for number in range(365)
        ]
        for at in every[::60]:
            assert last_time("daily", zone, at) == at
            assert next_time("daily", zone, at - timedelta(seconds=1), None) == at
