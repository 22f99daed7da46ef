"""Birthdays and anniversaries as yearly events of an iCalendar file (RFC 5545)."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from icalendar import vDuration, vText
from icalendar.parser import Contentline, Parameters

from contacts.cards import jscontact
from contacts.cards.birthdays import LEAP_DAY

YEARLESS = 2000  # the year in which a birthday without a year begins; a leap year, so that every day exists
MAX_ANNIVERSARIES = 50  # of one card; further ones are left out
REFRESH = timedelta(hours=6)  # how often programs are asked to read the feed
KINDS = {"wedding": "wedding", "death": "day of death"}


class Calendar(NamedTuple):
    """What the events of one feed have in common."""

    host: str  # of the server, the end of every UID
    leap_day: str  # a key of LEAP_RULES
    alarm: bytes = b""  # the lines of a VALARM


class Person(NamedTuple):
    """A contact. `month_day` is month * 100 + day; `birthday` is None if the year is not known."""

    id: int
    name: str
    birthday: date | None
    month_day: int | None
    updated_at: datetime  # in UTC
    anniversaries: dict[str, Any] | None = None  # of the card, by their keys


def line(name: str, value: Any, **parameters: str) -> bytes:
    """Return a content line, escaped and folded by the library (RFC 5545 §3.1, §3.3.11)."""
    return Contentline.from_parts(name, Parameters(parameters), value).to_ical() + b"\r\n"


def text(value: str) -> vText:
    """Return a TEXT value on one line; control characters are not allowed in it."""
    return vText("".join(filter(str.isprintable, " ".join(value.split()))))


# Lines that are the same in every event or file
BEGIN_EVENT, END_EVENT = line("BEGIN", "VEVENT"), line("END", "VEVENT")
FREE = line("TRANSP", "TRANSPARENT")
END = line("END", "VCALENDAR")
YEARLY = b"RRULE:FREQ=YEARLY\r\n"
# Of 29 February, by the day on which it is observed in common years. The last day of February is the 28th or the 29th,
# the 60th of a year is 29 February or 1 March.
LEAP_RULES = {
    "02-28": b"RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1\r\n",
    "03-01": b"RRULE:FREQ=YEARLY;BYYEARDAY=60\r\n",
}


def begin(name: str) -> bytes:
    """Return the lines before the events. NAME and REFRESH-INTERVAL are of RFC 7986, the X- names of older programs."""
    lines = [
        line("BEGIN", "VCALENDAR"),
        line("VERSION", "2.0"),
        line("PRODID", text("-//Contact book//Birthdays//EN")),
        line("CALSCALE", "GREGORIAN"),
        line("NAME", text(name)),
        line("X-WR-CALNAME", text(name)),
        line("REFRESH-INTERVAL", vDuration(REFRESH), VALUE="DURATION"),
        line("X-PUBLISHED-TTL", vDuration(REFRESH)),
    ]
    return b"".join(lines)


def alarm(days: int) -> bytes:
    """Return the lines of an alarm that many days before an event."""
    lines = [
        line("BEGIN", "VALARM"),
        line("ACTION", "DISPLAY"),
        line("DESCRIPTION", text("Birthday")),
        line("TRIGGER", vDuration(-timedelta(days=days))),
        line("END", "VALARM"),
    ]
    return b"".join(lines)


def events(person: Person, calendar: Calendar) -> bytes:
    """Return the lines of the events of one person."""
    return b"".join([*birthdays(person, calendar), *anniversaries(person, calendar)])


def birthdays(person: Person, calendar: Calendar) -> Iterator[bytes]:
    if person.month_day is not None:
        year = person.birthday.year if person.birthday else None
        summary = f"{person.name} ({year})" if year else person.name
        yield event(person, calendar, "birthday", summary, person.month_day, year)


def anniversaries(person: Person, calendar: Calendar) -> Iterator[bytes]:
    """Yield an event for each anniversary with a day, births excepted."""
    others = {key: entry for key, entry in (person.anniversaries or {}).items() if entry.get("kind") != "birth"}
    for key, entry in islice(others.items(), MAX_ANNIVERSARIES):
        day = entry.get("date") or {}
        month_day, full = jscontact.month_day(day), jscontact.full_date(day)
        if month_day is not None:
            what = KINDS.get(str(entry.get("kind")), "anniversary")
            summary = f"{person.name}: {what} ({full.year})" if full else f"{person.name}: {what}"
            yield event(person, calendar, f"anniversary-{key}", summary, month_day, full.year if full else None)


def event(person: Person, calendar: Calendar, what: str, summary: str, month_day: int, year: int | None) -> bytes:
    """Return an all-day event, which lasts a day without DTEND (RFC 5545 §3.6.1). Its UID is always the same."""
    lines = [
        BEGIN_EVENT,
        line("UID", text(f"{person.id}-{what}@{calendar.host}")),
        f"DTSTAMP:{person.updated_at:%Y%m%dT%H%M%SZ}\r\n".encode(),
        f"DTSTART;VALUE=DATE:{year or YEARLESS:04}{month_day:04}\r\n".encode(),
        LEAP_RULES[calendar.leap_day] if month_day == LEAP_DAY else YEARLY,
        line("SUMMARY", text(summary)),
        FREE,
        calendar.alarm,
        END_EVENT,
    ]
    return b"".join(lines)
