"""Comparing cards, and adding to a card what it lacks of another one. Pure functions.

Entries are compared by what they hold, whatever their ids. The case of e-mail addresses and the spelling of phone
numbers make no difference, nor does what a program writes again with each export: REV, PRODID, VERSION.
"""

import json
from collections import defaultdict
from typing import Any

from contacts.cards.jscontact import SERVER_SET, Card
from contacts.cards.phones import end_of
from contacts.cards.phones import same as same_number
from contacts.cards.validation import COLLECTIONS, MAX_ENTRIES

Entry = dict[str, Any]
Parts = set[tuple[str, ...]]

IGNORED = SERVER_SET | {"prodId"}
IGNORED_PROPS = {"rev", "prodid", "version", "uid", "created"}  # of vCardProps
# Members that say something about an entry's value. The others are its value.
ATTRIBUTES = {"contexts", "features", "label", "pref", "vCardParams", "organizationId"}
PASSING = {"@type", "mediaType", "vCardName"}  # members that make no difference
ONCE = {"birth", "death", "wedding"}  # kinds of anniversaries that a person has one of
SETS = {"keywords", "members"}


def comparable(card: Card) -> Card:
    """Return the card without what makes no difference."""
    kept = {name: value for name, value in card.items() if name not in IGNORED}
    props = kept.get("vCardProps")
    if isinstance(props, list) and any(is_ignored(prop) for prop in props):
        kept["vCardProps"] = [prop for prop in props if not is_ignored(prop)]
        if not kept["vCardProps"]:
            del kept["vCardProps"]
    return kept


def is_ignored(prop: Any) -> bool:
    return isinstance(prop, list) and bool(prop) and isinstance(prop[0], str) and prop[0].lower() in IGNORED_PROPS


def equal(one: Card, other: Card, region: str | None = None) -> bool:
    """Return whether each card holds everything that the other one holds."""
    return covers(one, other, region) and covers(other, one, region)


def covers(card: Card, other: Card, region: str | None = None) -> bool:
    """Return whether the card holds everything that the other one holds."""
    card, other = comparable(card), comparable(other)
    if card == other:
        return True
    if not set(other) <= set(card):
        return False
    return parts(respelled(other, card, region)) <= parts(card)


def respelled(card: Card, model: Card, region: str | None) -> Card:
    """Return the card with each phone number as the other card spells it, if it has that number."""
    if not isinstance(card.get("phones"), dict) or not isinstance(model.get("phones"), dict):
        return card
    known: dict[str, list[str]] = defaultdict(list)
    for _, entry in entries(model):
        known[end_of(entry["number"])].append(entry["number"])
    phones = {
        key: {**entry, "number": spelled_as(entry["number"], known[end_of(entry["number"])], region)}
        for key, entry in entries(card)
    }
    return {**card, "phones": phones}


def entries(card: Card) -> list[tuple[str, Entry]]:
    return list(card["phones"].items())


def spelled_as(number: str, known: list[str], region: str | None) -> str:
    return number if number in known else next((each for each in known if same_number(number, each, region)), number)


def parts(card: Card) -> Parts:
    """Return what the card holds, piece by piece."""
    found: Parts = set()
    for name, value in card.items():
        if is_collection(name, value):
            for key, entry in value.items():
                found |= entry_parts(card, name, key, entry)
        elif name in SETS and isinstance(value, dict):
            found |= {(name, each) for each in value}
        elif name in ("name", "localizations") and isinstance(value, dict):
            found |= {(name, member, canonical(inner)) for member, inner in value.items() if member != "@type"}
        elif isinstance(value, list):
            found |= {(name, canonical(inner)) for inner in value}
        else:
            found.add((name, canonical(value)))
    return found


def is_collection(name: str, value: Any) -> bool:
    known = name in COLLECTIONS and isinstance(value, dict)
    return known and all(isinstance(entry, dict) for entry in value.values())


def entry_parts(card: Card, collection: str, key: str, entry: Entry) -> Parts:
    """Return the value of an entry, and each attribute with it."""
    value = value_of(collection, key, entry)
    found: Parts = {(collection, value)}
    for name in ATTRIBUTES & entry.keys():
        said = entry[name]
        if is_set(said):
            found |= {(collection, value, name, each) for each in said}
        elif name == "organizationId":
            said = (card.get("organizations") or {}).get(str(said))
            found.add((collection, value, name, canonical(said)))
        else:
            found.add((collection, value, name, canonical(said)))
    return found


def is_set(value: Any) -> bool:
    return isinstance(value, dict) and all(each is True for each in value.values())


def value_of(collection: str, key: str, entry: Entry) -> str:
    """Return what an entry holds without its attributes, as a text to compare."""
    value = {name: inner for name, inner in entry.items() if name not in ATTRIBUTES and name not in PASSING}
    if collection == "emails" and isinstance(value.get("address"), str):
        value["address"] = value["address"].strip().casefold()
    if collection == "relatedTo":
        value[""] = key
    return canonical(value)


def canonical(value: Any) -> str:
    return json.dumps(without_types(value), sort_keys=True, ensure_ascii=False)


def without_types(value: Any) -> Any:
    """Return the value without "@type", and with 1.0 as 1."""
    if isinstance(value, dict):
        return {name: without_types(inner) for name, inner in value.items() if name != "@type"}
    if isinstance(value, list):
        return [without_types(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def fill(card: Card, other: Card, region: str | None = None) -> Card:
    """Return the card with everything of the other one that it lacks. Nothing of it changes, nor do its flat fields.

    What holds one value (the name, the birthday) and differs stays the card's. The result may exceed a card's bounds.
    """
    filled, ids = dict(card), {}
    for name, value in respelled(comparable(other), card, region).items():
        if name not in card:
            filled[name] = value
        elif name == "name":
            filled[name] = filled_name(card[name], value)
        elif is_collection(name, value) and is_collection(name, card[name]):
            filled[name], ids[name] = filled_entries(name, card[name], value)
        elif name in SETS and isinstance(value, dict) and isinstance(card[name], dict):
            filled[name] = {**value, **card[name]}
        elif name == "vCardProps" and isinstance(value, list) and isinstance(card[name], list):
            known = {canonical(prop) for prop in card[name]}
            filled[name] = [*card[name], *(prop for prop in value if canonical(prop) not in known)]
    if ids.get("organizations") and "titles" in filled and "titles" in other:
        filled["titles"] = with_new_ids(filled["titles"], card.get("titles") or {}, ids["organizations"])
    return filled


def filled_name(name: Any, other: Any) -> Any:
    """Return the name with the parts of the same name that it lacks."""
    if not isinstance(name, dict) or not isinstance(other, dict) or name.get("full") != other.get("full"):
        return name
    return {**other, **name}


def filled_entries(collection: str, own: dict[str, Entry], others: dict[str, Entry]) -> tuple[Any, dict[str, str]]:
    """Return a collection with the entries of the other one, and the new ids of those."""
    filled, ids = dict(own), {}
    by_value = {value_of(collection, key, entry): key for key, entry in own.items()}
    kinds = {kind_of(entry) for entry in own.values()} & ONCE if collection == "anniversaries" else set()
    for key, entry in others.items():
        value = value_of(collection, key, entry)
        if value in by_value:
            ids[key] = by_value[value]
            filled[ids[key]] = with_attributes(filled[ids[key]], entry)
        elif kind_of(entry) not in kinds and len(filled) < MAX_ENTRIES:
            ids[key] = key if collection == "relatedTo" else later_id(filled, key)
            filled[ids[key]] = {name: inner for name, inner in entry.items() if name != "pref"}
            by_value[value] = ids[key]
    return filled, ids


def kind_of(entry: Entry) -> str | None:
    """Return the kind of an anniversary; None where it is no text, which a card may hold."""
    kind = entry.get("kind")
    return kind if isinstance(kind, str) else None


def with_attributes(entry: Entry, other: Entry) -> Entry:
    """Return the entry with the attributes that it lacks. A preference would change which entry comes first."""
    lacking = {name: said for name, said in other.items() if name not in entry and name != "pref"}
    for name, said in other.items():
        if name in entry and is_set(said) and is_set(entry[name]):
            lacking[name] = {**said, **entry[name]}
    return {**entry, **lacking}


def later_id(entries: dict[str, Entry], wanted: str) -> str:
    """Return an id that comes after all others, by length and then by letters, so that no flat field changes."""
    last = max(((len(key), key) for key in entries), default=(0, ""))
    if (len(wanted), wanted) > last:
        return wanted
    letter, number = wanted[:1] if wanted[:1].isalpha() else "x", len(entries) + 1
    made = f"{letter}{number}"
    while (len(made), made) <= last or made in entries:
        number += 1
        made = f"{letter}{number}" if len(str(number)) >= last[0] - 1 else f"{letter}{number:0{last[0]}d}"
    return made


def with_new_ids(titles: Any, own: dict[str, Entry], ids: dict[str, str]) -> Any:
    """Return titles of which those that were added name their organizations by the new ids."""
    return {
        key: entry
        if key in own or "organizationId" not in entry
        else {**entry, "organizationId": ids.get(str(entry["organizationId"]), entry["organizationId"])}
        for key, entry in titles.items()
    }
