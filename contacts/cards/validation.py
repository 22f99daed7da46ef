"""Validation of cards: RFC 9553's types for the properties that the product reads, and limits for all of a card.

Properties that RFC 9553 does not define are not validated.
"""

import calendar
import json
import re
from collections.abc import Iterator
from typing import Any

from contacts.cards.folding import fold

MAX_BYTES = 256 * 1024
MAX_BYTES_WITH_FLAT = MAX_BYTES + 16 * 1024  # the longest flat fields together, in characters of four bytes
MAX_DEPTH = 16
MAX_VALUES = 5000  # objects, lists and plain values
MAX_ENTRIES = 500  # of one collection
MAX_NUMBER = 2**53 - 1  # exact in every JSON parser (RFC 7493 §2.2)
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
ID = re.compile(r"[A-Za-z0-9_-]{1,255}")  # RFC 9553 §1.4.1

# No control characters and no spaces, which browsers remove before they look for a scheme. Then http(s), or a relative
# reference, whose first segment has no colon (RFC 3986 §4.2).
SAFE_REFERENCE = (
    r"^(?:[hH][tT][tT][pP][sS]?:[^\u0000-\u0020\u007f]*"
    r"|[^\u0000-\u0020\u007f:/?#]*(?:[/?#][^\u0000-\u0020\u007f]*)?)$"
)

# Collections of objects by id (RFC 9553 §2), with the member that an entry must have; None if the product reads none.
COLLECTIONS: dict[str, str | None] = {
    "nicknames": "name",
    "organizations": None,
    "speakToAs": None,
    "titles": "name",
    "emails": "address",
    "onlineServices": None,
    "phones": "number",
    "preferredLanguages": None,
    "calendars": "uri",
    "schedulingAddresses": "uri",
    "addresses": None,
    "cryptoKeys": "uri",
    "directories": "uri",
    "links": "uri",
    "media": "uri",
    "anniversaries": "date",
    "notes": "note",
    "personalInfo": None,
    "relatedTo": None,
}
PROPERTIES = {*COLLECTIONS, "name", "keywords", "kind", "language", "members", "prodId"}
LENGTHS = {"address": 320, "number": 255, "note": 65_535, "uri": 2048, "name": 255}

Fault = tuple[list[str], str]  # where in the card, and a sentence


def faults(card: Any, full_name: int = 255) -> Iterator[Fault]:
    """Yield the faults of a card; none if the card is valid. `full_name`: the most characters of its full name."""
    if not isinstance(card, dict):
        yield [], "A card is a JSON object."
        return
    bound = out_of_bounds(card)
    if bound:
        yield [], bound
        return
    yield from name_faults(card.get("name"), full_name)
    yield from keyword_faults(card.get("keywords", {}))
    for collection, member in COLLECTIONS.items():
        if collection in card and collection != "speakToAs":
            yield from collection_faults(collection, card[collection], member)


def out_of_bounds(card: Any, most_bytes: int = MAX_BYTES) -> str | None:
    """Return a sentence if the card exceeds a limit, else None."""
    if depth(card) > MAX_DEPTH:
        return f"A card is at most {MAX_DEPTH} levels deep."
    if number_of_values(card, MAX_VALUES) > MAX_VALUES:
        return f"A card has at most {MAX_VALUES} values."
    for leaf in leaves(card):
        if isinstance(leaf, str) and UNSTORABLE.search(leaf):
            return "A card holds no NUL characters and no lone surrogates."
        if isinstance(leaf, int | float) and not -MAX_NUMBER <= leaf <= MAX_NUMBER:
            return f"A number in a card is at most {MAX_NUMBER}, either way."
    if len(json.dumps(card, ensure_ascii=False).encode()) > most_bytes:
        return f"A card is at most {most_bytes} bytes."
    return None


def number_of_values(value: Any, most: int) -> int:
    """Return the number of objects, lists and plain values, at most `most` + 1, without recursion."""
    count, pending = 0, [value]
    while pending and count <= most:
        count += 1
        inner = pending.pop()
        pending += inner.values() if isinstance(inner, dict) else inner if isinstance(inner, list) else ()
    return count


def leaves(value: Any) -> Iterator[Any]:
    """Yield every name and plain value of a value whose depth was checked."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


def depth(value: Any) -> int:
    """Return the levels of nesting, at most MAX_DEPTH + 1, without recursion."""
    levels, layer = 0, [value]
    while layer and levels <= MAX_DEPTH:
        layer = [
            inner
            for outer in layer
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        levels += 1
    return levels


def name_faults(name: Any, most: int) -> Iterator[Fault]:
    full = name.get("full") if isinstance(name, dict) else None
    if not isinstance(full, str) or not fold(full) or len(full) > most:
        yield ["name", "full"], f"A contact has a full name of 1 to {most} characters."


def keyword_faults(keywords: Any) -> Iterator[Fault]:
    """Yield the faults of keywords, which are names set to true (RFC 9553 §2.8.2)."""
    if not isinstance(keywords, dict) or not all(value is True for value in keywords.values()):
        yield ["keywords"], "Keywords are names set to true."
    elif len(keywords) > MAX_ENTRIES or not all(0 < len(name) <= 255 for name in keywords):
        yield ["keywords"], f"Keywords are at most {MAX_ENTRIES} names of 1 to 255 characters."


def collection_faults(collection: str, entries: Any, member: str | None) -> Iterator[Fault]:
    if not isinstance(entries, dict) or len(entries) > MAX_ENTRIES:
        yield [collection], f"This is an object of at most {MAX_ENTRIES} entries by id."
        return
    for key, entry in entries.items():
        where = [collection, key]
        if collection != "relatedTo" and not ID.fullmatch(key):
            yield where, "An id is 1 to 255 letters, digits, - and _."
        elif not isinstance(entry, dict):
            yield where, "An entry is an object."
        else:
            yield from entry_faults(where, entry, member)


def entry_faults(where: list[str], entry: dict[str, Any], member: str | None) -> Iterator[Fault]:
    pref = entry.get("pref")
    if "pref" in entry and (not isinstance(pref, int) or isinstance(pref, bool) or not 1 <= pref <= 100):
        yield [*where, "pref"], "pref is 1 to 100."
    if member == "date":
        if not is_date(entry.get("date")):
            yield [*where, "date"], "A date is a PartialDate or a Timestamp that exists."
    elif member:
        value = entry.get(member)
        if not isinstance(value, str) or not 0 < len(value) <= LENGTHS[member]:
            yield [*where, member], f"This is text of 1 to {LENGTHS[member]} characters."
        elif where[0] == "media" and not re.fullmatch(SAFE_REFERENCE, value):
            yield [*where, member], "A picture or sound is a URL whose scheme is http or https."


def is_date(value: Any) -> bool:
    """Return whether it is a date (RFC 9553 §2.8.1).

    That is a Timestamp with `utc`, or a PartialDate with a year, a year and month, a month and day, or all three.
    """
    if not isinstance(value, dict):
        return False
    if "utc" in value:
        utc = value["utc"]
        return (
            isinstance(utc, str)
            and bool(re.fullmatch(r"(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", utc, re.ASCII))
            and days_exist(int(utc[:4]), int(utc[5:7]), int(utc[8:10]))
        )
    parts = [value.get(name) for name in ("year", "month", "day")]
    if not all(part is None or (isinstance(part, int) and not isinstance(part, bool)) for part in parts):
        return False
    year, month, day = parts
    if (month is None and (year is None or day is not None)) or (month and not year and not day):
        return False
    return days_exist(2000 if year is None else year, month or 1, day or 1) if month != 0 and day != 0 else False


def days_exist(year: int, month: int, day: int) -> bool:
    return 1 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]
