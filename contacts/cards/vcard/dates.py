"""Dates and timestamps: every form that vCards hold (RFC 6350 §4.3, ISO 8601, Apple's) ⇄ RFC 9553 §2.8.1."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from contacts.cards.validation import is_date

Date = dict[str, Any]

NO_YEAR = "0000"  # as databases of webmail programs write it
APPLE_YEAR = 1604  # a leap year; stands for no year where X-APPLE-OMIT-YEAR says so
TIME = r"(?P<time>[T ][0-9:.,Z +-]*|Z|[+-]\d\d:?\d\d)?"
FORMS = [
    re.compile(form + r"\Z", re.ASCII)
    for form in (
        r"(?P<year>\d{4})-?(?P<month>\d\d)-?(?P<day>\d\d)" + TIME,
        r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})" + TIME,
        r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)(?P<time>\d{6}Z?)",
        r"(?P<year>\d{4})(?P<mark>[./])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})" + TIME,
        r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})" + TIME,
        r"(?P<year>\d{4})-(?P<month>\d\d)",
        r"(?P<year>\d{4})",
        r"--(?P<month>\d\d)-?(?P<day>\d\d)" + TIME,
        r"--(?P<month>\d{1,2})-(?P<day>\d{1,2})" + TIME,
    )
]
MIDNIGHT = re.compile(r"[T ]?(00:?00(:?00(\.0+)?)?)?(Z|[+-]\d\d:?\d\d)?\Z")
TIMESTAMP = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)[T ](\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?\Z",
    re.ASCII,
)


def read_date(text: str, omitted_year: str | None = None) -> tuple[Date, bool] | None:
    """A PartialDate, and whether a time of day was dropped from it; None for what is no date.

    The day is the day that is written: a time and an offset behind it do not move it. `omitted_year` is the value
    of Apple's X-APPLE-OMIT-YEAR. A date with dots and the year last begins with the day.
    """
    match = next((match for form in FORMS if (match := form.match(text))), None)
    if match is None:
        return None
    parts = match.groupdict()
    time = parts.pop("time", None)
    parts.pop("mark", None)
    if parts.get("year") in ((omitted_year or NO_YEAR).strip(), NO_YEAR):
        del parts["year"]
    date: Date = {"@type": "PartialDate", **{name: int(value) for name, value in parts.items()}}
    if not is_date(date):
        return None
    return date, not MIDNIGHT.match(time or "")


def write_date(date: Any, version: str) -> tuple[str, dict[str, list[str]]] | None:
    """The value and parameters of a date; None for one that the version cannot hold."""
    if not is_date(date):
        return None
    if "utc" in date:
        day = date["utc"][:10]
        return (day if version == "3.0" else day.replace("-", "")), {}
    year, month, day = (date.get(name) for name in ("year", "month", "day"))
    if version == "3.0":
        return write_date_3(year, month, day)
    if year is None:
        return f"--{month:02}{day:02}", {}
    if month is None:
        return f"{year:04}", {}
    return f"{year:04}-{month:02}" if day is None else f"{year:04}{month:02}{day:02}", {}


def write_date_3(year: int | None, month: int | None, day: int | None) -> tuple[str, dict[str, list[str]]] | None:
    """RFC 2426 §3.1.5 has whole dates alone; a year-less one is in Apple's form."""
    if month is None or day is None:
        return None
    if year is None:
        return f"{APPLE_YEAR}-{month:02}-{day:02}", {"x-apple-omit-year": [str(APPLE_YEAR)]}
    return f"{year:04}-{month:02}-{day:02}", {}


def read_timestamp(text: str) -> str | None:
    """A UTCDateTime (RFC 9553 §1.4.3). One without an offset is taken as UTC."""
    match = TIMESTAMP.match(text.strip())
    if match is None:
        day = None if "T" in text else read_date(text.strip())
        return day_in_utc(day[0]) if day else None
    numbers = [int(number or 0) for number in match.groups()[:6]]
    try:
        moment = datetime(*numbers, tzinfo=offset(match[8]))  # type: ignore[arg-type, misc]
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    fraction = (match[7] or "").rstrip("0")
    return f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + (f".{fraction}" if fraction else "") + "Z"


def day_in_utc(date: Date) -> str | None:
    if not date.keys() >= {"year", "month", "day"}:
        return None
    return f"{date['year']:04}-{date['month']:02}-{date['day']:02}T00:00:00Z"


def offset(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:]) if len(text) > 3 else 0
    return timezone(timedelta(hours=hours, minutes=minutes) * (-1 if text[0] == "-" else 1))


def write_timestamp(utc: str, version: str) -> str:
    """RFC 6350 §4.3.5; vCard 3.0 writes it with its separators."""
    return utc if version == "3.0" else utc.replace("-", "").replace(":", "")
