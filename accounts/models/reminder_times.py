"""When reminder e-mails are due: at 8:00 of the account's time zone, every day or on Mondays."""

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import TextChoices

EIGHT = time(8)
MONDAY = 0


class Reminders(TextChoices):
    OFF = "off", "off"
    DAILY = "daily", "every day"
    WEEKLY = "weekly", "on Mondays"


def local_day(moment: datetime, time_zone: str) -> date:
    return moment.astimezone(zoneinfo.ZoneInfo(time_zone)).date()


def times(frequency: str, time_zone: str, first: date) -> Iterator[datetime]:
    """Yield the times of reminders from a day on, in UTC.

    An 8:00 that a change of the clocks leaves out is the time after it, and one that comes twice is the first of both.
    """
    zone, step = zoneinfo.ZoneInfo(time_zone), timedelta(days=1)
    if frequency == Reminders.WEEKLY:
        first, step = first + timedelta(days=(MONDAY - first.weekday()) % 7), timedelta(days=7)
    while True:
        yield datetime.combine(first, EIGHT, zone).astimezone(UTC)
        first += step


def next_time(frequency: str, time_zone: str, now: datetime, reminded_on: date | None) -> datetime | None:
    """Return the first time after `now` that is on a later day than the last reminder; None if they are off."""
    if frequency == Reminders.OFF:
        return None
    all_later = (at for at in times(frequency, time_zone, local_day(now, time_zone)) if at > now)
    return next(at for at in all_later if reminded_on is None or local_day(at, time_zone) > reminded_on)


def last_time(frequency: str, time_zone: str, now: datetime) -> datetime:
    """Return the newest time that is not after `now`."""
    newest = None
    for at in times(frequency, time_zone, local_day(now, time_zone) - timedelta(days=7)):
        if at > now and newest:
            return newest
        newest = at
    raise AssertionError


def day_due(frequency: str, time_zone: str, now: datetime, reminded_on: date | None) -> date | None:
    """Return the day of a reminder that is due and was not queued yet; None if there is none.

    A daily one is due until its day is over, a weekly one until the next Monday: the next one says the same.
    """
    if frequency == Reminders.OFF:
        return None
    day = local_day(last_time(frequency, time_zone, now), time_zone)
    is_over = frequency == Reminders.DAILY and day != local_day(now, time_zone)
    return None if is_over or (reminded_on and day <= reminded_on) else day
