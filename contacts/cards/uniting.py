"""The card of several contacts that are merged: the first one, with all of the others that it lacks.

Pure functions on top of contacts/cards/merging.py, which fills a card. Here nothing is lost: an entry whose label or
contexts differ is added beside the first one's, and what holds one value and differs is returned as a Conflict.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from contacts.cards import jscontact, merging, phones
from contacts.cards.jscontact import Card
from contacts.cards.merging import Entry, Parts, canonical, is_collection, kind_of, later_id, parts, value_of
from contacts.cards.validation import MAX_ENTRIES

# Attributes whose loss does not matter: a preference holds within one card, and an organization gets a new id.
UNIMPORTANT = {"pref", "organizationId"}
# A bound of time: each card is compared with all that was united before it.
MOST_COMPARED = 5_000_000  # bytes of cards, which take about 1.5 s
NUMBERS_COMPARED = 200  # bytes that take as long as the comparison of two phone numbers with the same end


class TooMuchToCompare(Exception):
    """The comparison of the cards would take longer than a request may."""


class Conflict(NamedTuple):
    """A value that the first card cannot hold beside its own."""

    name: str  # of the flat field or of the card's property
    first: Any
    other: Any


class United(NamedTuple):
    card: Card
    conflicts: dict[str, list[Any]]  # the first card's value, then those of the others


def unite(cards: Iterable[Card], region: str | None) -> United:
    """Return the first card with all of the others that it lacks, and a note of what is in conflict.

    TooMuchToCompare beyond MOST_COMPARED.
    """
    first, *others = cards
    card, conflicts, lines, compared = first, dict[str, list[Any]](), list[str](), 0
    for other in others:
        if max(map(len, collections(card)), default=0) > MAX_ENTRIES:
            break  # the caller refuses such a card, and its entries take time by their square
        compared += effort(card, other)
        if compared > MOST_COMPARED:
            raise TooMuchToCompare
        card, found = unite_two(card, other, region)
        for name, own, value in found:
            known = conflicts.setdefault(name, [own])
            if value not in known:
                known.append(value)
                lines.append(f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")
    return United(with_note(card, "Merged. It also had\n" + "\n".join(lines)) if lines else card, conflicts)


def collections(card: Card) -> list[Any]:
    return [value for name, value in card.items() if is_collection(name, value)]


def effort(card: Card, other: Card) -> int:
    """Return the bytes that take as long to compare as these two cards."""
    one, two = (Counter(map(phones.end_of, numbers(each))) for each in (card, other))
    compared = sum(number * two[end] for end, number in one.items())
    return jscontact.size(card) + jscontact.size(other) + NUMBERS_COMPARED * compared


def numbers(card: Card) -> list[str]:
    return [str(entry.get("number")) for entry in (card.get("phones") or {}).values()]


def unite_two(card: Card, other: Card, region: str | None) -> tuple[Card, list[Conflict]]:
    filled, conflicts = merging.fill(card, other, region), list[Conflict]()
    for name, value in merging.comparable(other).items():
        if is_collection(name, value) and is_collection(name, filled[name]):
            filled[name], found = with_lost_entries(name, filled[name], value, region)
            conflicts += found
        elif name == "name":
            conflicts += name_conflicts(filled["name"], value)
        elif not parts({name: value}) <= parts({name: filled[name]}):
            conflicts.append(Conflict(name, filled[name], value))
    return filled, conflicts


def with_lost_entries(
    collection: str, own: dict[str, Entry], others: dict[str, Entry], region: str | None
) -> tuple[dict[str, Entry], list[Conflict]]:
    """Return the entries with those of the others that are not wholly among them."""
    entries, conflicts, held = dict(own), list[Conflict](), Held(collection, own.values(), region)
    once = {kind_of(entry): entry for entry in own.values()} if collection == "anniversaries" else {}
    for key, entry in others.items():
        if held.has(entry):
            continue
        kind = kind_of(entry)
        if kind in merging.ONCE and kind in once:
            conflicts.append(Conflict("birthday" if kind == "birth" else kind, shown(once[kind]), shown(entry)))
            continue
        added = {name: value for name, value in entry.items() if name not in UNIMPORTANT}
        entries[key if collection == "relatedTo" and key not in entries else later_id(entries, key)] = added
        held.add(added)
    return entries, conflicts


class Held:
    """The entries of a collection, for the question whether one of them holds another entry."""

    def __init__(self, collection: str, entries: Iterable[Entry], region: str | None) -> None:
        self.collection, self.region = collection, region
        self.found: dict[Any, list[tuple[str, Parts]]] = defaultdict(list)
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        self.found[self.key(entry)].append((self.number(entry), self.parts(entry)))

    def has(self, entry: Entry) -> bool:
        """Return whether an entry has the value of this one, in any spelling, and all of its attributes."""
        number, parts = self.number(entry), self.parts(entry)
        return any(
            parts <= known and (self.collection != "phones" or phones.equal(number, other, self.region))
            for other, known in self.found[self.key(entry)]
        )

    def key(self, entry: Entry) -> Any:
        """Return what entries with equal values have in common."""
        if self.collection == "phones":
            return phones.end_of(str(entry.get("number"))), phones.extension(str(entry.get("number")))
        return value_of(self.collection, "", entry)

    def number(self, entry: Entry) -> str:
        """Return the digits of a number, or its text if there are none; empty in other collections."""
        text = str(entry.get("number")) if self.collection == "phones" else ""
        return phones.plain(text) or text

    def parts(self, entry: Entry) -> Parts:
        entry = {**entry, "number": ""} if self.collection == "phones" else entry
        return attributes(self.collection, entry)


def attributes(collection: str, entry: Entry) -> Parts:
    kept = {name: value for name, value in entry.items() if name not in UNIMPORTANT}
    return merging.entry_parts({}, collection, "", kept)


def name_conflicts(name: dict[str, Any], other: dict[str, Any]) -> list[Conflict]:
    if name.get("full") != other.get("full"):
        return [Conflict("fullname", name.get("full"), other.get("full"))]
    lost = [member for member, value in other.items() if canonical(value) != canonical(name.get(member))]
    return [Conflict("name", name, other)] if lost else []


def shown(entry: Entry) -> Any:
    """Return the date of an anniversary as history shows it: an ISO date, or the parts that are known."""
    day = entry.get("date") or {}
    full = jscontact.full_date(day)
    return full.isoformat() if full else {name: value for name, value in day.items() if name != "@type"}


def with_note(card: Card, text: str) -> Card:
    notes = card.get("notes") or {}
    return {**card, "notes": {**notes, later_id(notes, "n1"): {"@type": "Note", "note": text}}}
