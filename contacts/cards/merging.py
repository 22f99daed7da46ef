"""Merging of cards: one card is filled with what another one has and it lacks.

Pure functions. Nothing is lost: what holds one value and differs stays as it is in the first card, and is returned as a
Conflict. Flat fields that the first card has keep their values.
"""

import copy
from typing import Any, NamedTuple

from contacts.cards import jscontact, phones
from contacts.cards.jscontact import PLACES, Card, same
from contacts.cards.validation import COLLECTIONS

ONE_OF_A_KIND = {"birth", "death"}  # anniversaries (RFC 9553 §2.8.1)
NEW_KEYS = {place.collection: place.new_key for place in PLACES.values()}
IGNORED = {"prodId"}  # the program that wrote a card; the first one's stays


class Conflict(NamedTuple):
    """A value of the other card that the first one cannot hold beside its own."""

    name: str  # of the flat field, or the path of the property
    first: Any
    other: Any


def fill(card: Card, other: Card, region: str | None) -> tuple[Card, list[Conflict]]:
    """Return the card with all of the other one that it lacks, and what is in conflict.

    E-mail addresses are equal without regard to case, numbers as libphonenumber has it in that region.
    """
    filled, conflicts = copy.deepcopy(card), list[Conflict]()
    for name, value in other.items():
        if name in COLLECTIONS and isinstance(value, dict) and name not in ("relatedTo", "speakToAs"):
            conflicts += Entries(filled, name, region).add(value)
        elif name == "name":
            conflicts += named(filled, value)
        elif name not in IGNORED:
            filled[name], more = united(filled[name], value, name) if name in filled else (copy.deepcopy(value), [])
            conflicts += more
    return filled, conflicts


def named(card: Card, other: dict[str, Any]) -> list[Conflict]:
    """Add the parts of an equal full name in place."""
    name = card.get("name", {})
    if name.get("full") != other.get("full"):
        return [Conflict("fullname", name.get("full"), other.get("full"))]
    card["name"], conflicts = united(name, other, "name")
    return conflicts


def united(first: Any, other: Any, path: str) -> tuple[Any, list[Conflict]]:
    """Return a value with what only the other one has: names of objects, elements of lists."""
    if isinstance(first, dict) and isinstance(other, dict):
        result, conflicts = dict(first), list[Conflict]()
        for name, value in other.items():
            result[name], more = united(first[name], value, f"{path}/{name}") if name in first else (value, [])
            conflicts += more
        return copy.deepcopy(result), conflicts
    if isinstance(first, list) and isinstance(other, list) and not path.startswith("name/"):
        return first + [each for each in other if not any(same(each, known) for known in first)], []
    return first, [] if same(first, other) else [Conflict(path, first, other)]


class Entries:
    """The entries of one collection of a card (RFC 9553 §2), to which those of another card are added in place."""

    def __init__(self, card: Card, collection: str, region: str | None) -> None:
        self.card, self.collection, self.region = card, collection, region
        self.member = COLLECTIONS[collection]
        self.entries: dict[str, Any] = card.get(collection) or {}

    def add(self, others: dict[str, Any]) -> list[Conflict]:
        places = [place for place in PLACES.values() if place.collection == self.collection]
        preferred = [(place, jscontact.preferred(self.card, place)) for place in places]
        before = set(self.entries)
        conflicts = [conflict for key, entry in others.items() if (conflict := self.add_entry(key, entry))]
        if self.entries:
            self.card[self.collection] = self.entries
        for place, key in preferred:
            if key is not None and jscontact.preferred(self.card, place) != key:
                self.prefer(key, set(self.entries) - before)
        return conflicts

    def prefer(self, key: str, added: set[str]) -> None:
        """Let the entry be the preferred one before those that were added."""
        for each in added:
            self.entries[each].pop("pref", None)
        self.entries[key].setdefault("pref", 1)

    def add_entry(self, key: str, entry: dict[str, Any]) -> Conflict | None:
        if self.collection == "anniversaries" and entry.get("kind") in ONE_OF_A_KIND:
            if known := next((each for each in self.entries.values() if each.get("kind") == entry["kind"]), None):
                return unite_dates(known, entry)
        for known, value in self.entries.items():
            if self.is_equal(value, entry) and (union := without_loss(value, entry, self.member)):
                self.entries[known] = union
                return None
        if key in self.entries:
            key = jscontact.new_key(self.entries, NEW_KEYS.get(self.collection, self.collection[0]))
        self.entries[key] = copy.deepcopy(entry)
        return None

    def is_equal(self, one: dict[str, Any], other: dict[str, Any]) -> bool:
        """Return whether two entries stand for the same thing."""
        if self.member is None:
            return same(without_pref(one), without_pref(other))
        first, second = one.get(self.member), other.get(self.member)
        if isinstance(first, str) and isinstance(second, str):
            if self.collection == "emails":
                return first.strip().casefold() == second.strip().casefold()
            if self.collection == "phones":
                return first == second or phones.same(first, second, self.region)
        return same(first, second)


def without_pref(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != "pref"}


def without_loss(one: dict[str, Any], other: dict[str, Any], member: str | None) -> dict[str, Any] | None:
    """Return both entries as one, with the first one's spelling and `pref`; None where their labels or so differ."""
    rest = {name: value for name, value in other.items() if name not in (member, "pref")}
    union, conflicts = united(one, rest, "")
    return None if conflicts else union


def unite_dates(known: dict[str, Any], entry: dict[str, Any]) -> Conflict | None:
    """Add what the other entry knows of the same day in place: it may have the year."""
    day, other = known.get("date") or {}, entry.get("date") or {}
    parts, others = (({n: v for n, v in each.items() if n != "@type"}) for each in (day, other))
    if all(others.get(name, value) == value for name, value in parts.items()):
        known["date"] = {**day, **other}
        rest, conflicts = united(known, {n: v for n, v in entry.items() if n not in ("date", "pref")}, "")
        known.update(rest)
        return conflicts[0]._replace(name=f"anniversaries{conflicts[0].name}") if conflicts else None
    name = "birthday" if entry["kind"] == "birth" else "anniversaries/death"
    return Conflict(name, shown(day), shown(other))


def shown(day: dict[str, Any]) -> Any:
    """Return a date as history shows it: an ISO date, or the parts that are known."""
    full = jscontact.full_date(day)
    return full.isoformat() if full else {name: value for name, value in day.items() if name != "@type"}
