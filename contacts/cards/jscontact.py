"""JSContact cards (RFC 9553) and the contract's flat fields, which are a card's preferred entries.

Pure functions over a card, which is a parsed JSON object. Unknown properties of a card are not changed.
"""

import copy
import functools
import json
from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from contacts.cards.validation import MAX_VALUES, number_of_values

Card = dict[str, Any]

VALUE_BYTES = 16  # that a value counts for beside its JSON: small values take more time and memory than their bytes
UNDECODED = "/media/pictures/"  # begins the `uri` of a stored picture that cannot be shown, and so is no `avatar`
FAVOURITE = "favourite"  # the keyword of favourites; it is not a group
SERVER_SET = {"@type", "version", "uid", "created", "updated"}  # in every card of a response, in no stored one
FULL_NAME = 255  # characters that `fullname` shows of a name; an import keeps longer ones whole in the card
CACHED_NAME = 40  # characters of a name whose sort key is cached; a few names make up most of all cards
STRUCTURED_NAME = {"components", "isOrdered", "defaultSeparator", "sortAs", "phoneticScript", "phoneticSystem"}


class Flat(NamedTuple):
    """The flat fields; `month_day` (month * 100 + day) is set for a birthday without a year, too."""

    fullname: str
    email: str | None
    phone: str | None
    birthday: date | None
    additional: str | None
    avatar: str | None
    month_day: int | None


class Place(NamedTuple):
    """The place of a flat field in a card: the `member` of an entry of `collection` that has the values of `kind`."""

    collection: str
    member: str
    new_key: str
    kind: dict[str, str] = {}


PLACES = {
    "email": Place("emails", "address", "e1"),
    "phone": Place("phones", "number", "p1"),
    "additional": Place("notes", "note", "n1"),
    "avatar": Place("media", "uri", "m1", {"kind": "photo"}),
    "birthday": Place("anniversaries", "date", "b1", {"kind": "birth"}),
}


def candidates(card: Card, place: Place) -> list[str]:
    """Return the keys of the entries from which the flat field can be read."""
    return [
        key
        for key, entry in (card.get(place.collection) or {}).items()
        if entry.get(place.member)
        and place.kind.items() <= entry.items()
        and not (place.collection == "media" and entry["uri"].startswith(UNDECODED))
    ]


def preferred(card: Card, place: Place) -> str | None:
    """Return the key of the entry from which the flat field is read: lowest `pref` (RFC 9553 §1.5.4), then by key."""
    found = candidates(card, place)
    if len(found) < 2:
        return found[0] if found else None
    entries = card[place.collection]
    return min(found, key=lambda key: (entries[key].get("pref") or 101, len(key), key))


def value_at(card: Card, field: str) -> Any:
    place = PLACES[field]
    key = preferred(card, place)
    return card[place.collection][key][place.member] if key else None


def flatten(card: Card) -> Flat:
    birth = value_at(card, "birthday") or {}
    return Flat(
        fullname=card.get("name", {}).get("full", "")[:FULL_NAME],
        email=value_at(card, "email"),
        phone=value_at(card, "phone"),
        birthday=full_date(birth),
        additional=value_at(card, "additional"),
        avatar=value_at(card, "avatar"),
        month_day=month_day(birth),
    )


def full_date(birth: dict[str, Any]) -> date | None:
    """Return the date of a complete PartialDate or the UTC day of a Timestamp (RFC 9553 §2.8.1), else None."""
    if "utc" in birth:
        return date.fromisoformat(birth["utc"][:10])
    if birth.keys() >= {"year", "month", "day"}:
        return date(birth["year"], birth["month"], birth["day"])
    return None


def month_day(birth: dict[str, Any]) -> int | None:
    day = full_date(birth)
    if day:
        return day.month * 100 + day.day
    return birth["month"] * 100 + birth["day"] if birth.keys() >= {"month", "day"} else None


def with_flat(card: Card, changes: dict[str, Any]) -> Card:
    """Return a copy of the card with flat fields set; the card itself if that changes nothing.

    A value equal to the current one changes nothing. None removes every entry from which the field can be read, so
    that the field is None afterwards.
    """
    before = flatten(card)._asdict()
    # A name is read without the spaces around it; writing that back is no change.
    changed = {
        field: value
        for field, value in changes.items()
        if value != before[field] and not (field == "fullname" and value == before[field].strip())
    }
    if not changed:
        return card
    card = copy.deepcopy(card)
    for field, value in changed.items():
        set_flat(card, field, value)
    return card


def set_flat(card: Card, field: str, value: Any) -> None:
    """Set one flat field of the card in place."""
    if field == "fullname":
        card["name"] = renamed(card.get("name", {}), value)
        return
    place = PLACES[field]
    if value is None:
        remove_entries(card, place)
        return
    key = preferred(card, place)
    entries = card.setdefault(place.collection, {})
    if key is None:
        key = new_key(entries, place.new_key)
        entries[key] = dict(place.kind)
    entries[key][place.member] = partial_date(value) if field == "birthday" else value


def renamed(name: dict[str, Any], full: str) -> dict[str, Any]:
    """Return the name with another full text. Components that do not spell it are dropped."""
    parts = name.get("components")
    given = parts if isinstance(parts, list) else []  # a card may hold anything here
    spelled = " ".join(str(part.get("value", "")) for part in given if isinstance(part, dict))
    rest = name if spelled == full else {key: value for key, value in name.items() if key not in STRUCTURED_NAME}
    return {**rest, "full": full}


def remove_entries(card: Card, place: Place) -> None:
    for key in candidates(card, place):
        del card[place.collection][key]
    if not card.get(place.collection):
        card.pop(place.collection, None)


def with_keyword_replaced(card: Card, old: str, new: str | None) -> Card:
    """Return the card without the keyword `old`, and with `new` unless that is None."""
    keywords = {name: True for name in card.get("keywords") or {} if name != old} | ({new: True} if new else {})
    rest = {name: value for name, value in card.items() if name != "keywords"}
    return {**rest, "keywords": keywords} if keywords else rest


def size(card: Card) -> int:
    """Return the bytes of the card as compact JSON, and VALUE_BYTES more for each value."""
    bytes = len(json.dumps(card, ensure_ascii=False, separators=(",", ":")).encode())
    return bytes + VALUE_BYTES * number_of_values(card, MAX_VALUES)


def new_key(entries: dict[str, Any], key: str) -> str:
    letter, number = key[0], 1
    while f"{letter}{number}" in entries:
        number += 1
    return f"{letter}{number}"


def partial_date(day: date) -> dict[str, Any]:
    return {"@type": "PartialDate", "year": day.year, "month": day.month, "day": day.day}


def merged(target: Any, patch: Any) -> Any:
    """Return the target with a JSON Merge Patch applied (RFC 7396 §2)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def differences(before: Card, after: Card) -> dict[str, list[Any]]:
    """Return what changed as {name: [before, after]}.

    The names are flat fields, and properties of the card that differ in more than the flat fields.
    """
    flat = {}
    old, new = flatten(before)._asdict(), flatten(after)._asdict()
    for name in ("fullname", *PLACES):
        if old[name] != new[name]:
            flat[name] = [old[name] or None, new[name] or None]
    explained = with_flat(before, {name: new[name] for name in flat})
    names = sorted(before.keys() | after.keys())
    rest = {
        name: [before.get(name), after.get(name)] for name in names if not same(explained.get(name), after.get(name))
    }
    return {**flat, **rest}


def same(one: Any, other: Any) -> bool:
    """Return whether two JSON values are equal: 1 and 1.0 are; true and 1 are not, unlike in Python."""
    if one is other:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def in_order(value: Any) -> Any:
    """Return a copy with the names sorted as in PostgreSQL's jsonb, so that a response is the same before and after."""
    if isinstance(value, dict):
        names = sorted(value, key=order_of) if len(value) > 1 else value
        return {name: in_order(value[name]) for name in names}
    return [in_order(inner) for inner in value] if isinstance(value, list) else value


def order_of(name: str) -> tuple[int, bytes]:
    """Return what jsonb sorts names by."""
    return cached_order(name) if len(name) <= CACHED_NAME else cached_order.__wrapped__(name)


@functools.lru_cache(maxsize=4096)
def cached_order(name: str) -> tuple[int, bytes]:
    encoded = name.encode()
    return len(encoded), encoded


def with_fields_of(card: Card, source: Card, names: Iterable[str]) -> Card:
    """Return a copy of the card with the named fields or properties of the source; KeyError for an unknown name."""
    card = copy.deepcopy(card)
    for name in names:
        if name == "fullname":
            copy_full_name(card, source)
        elif name in PLACES:
            copy_entry(card, source, name)
        elif name in source:
            card[name] = copy.deepcopy(source[name])
        elif name in card:
            del card[name]
        else:
            raise KeyError(name)
    return card


def copy_full_name(card: Card, source: Card) -> None:
    """Copy the whole name of the source, which may be longer than `fullname` shows."""
    name, full = card.get("name", {}), source.get("name", {}).get("full", "")
    if full != name.get("full"):
        card["name"] = renamed(name, full)


def copy_entry(card: Card, source: Card, field: str) -> None:
    """Copy the value of a flat field from the source as it is stored there: a birthday may have no year."""
    place = PLACES[field]
    source_key = preferred(source, place)
    if source_key is None:
        remove_entries(card, place)
        return
    entries = card.setdefault(place.collection, {})
    key = preferred(card, place)
    if key is None:
        key = source_key if source_key not in entries else new_key(entries, place.new_key)
        entries[key] = copy.deepcopy(source[place.collection][source_key])
    else:
        entries[key][place.member] = copy.deepcopy(value_at(source, field))
