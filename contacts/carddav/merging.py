"""What a PUT changes of a card: the members that differ from how they were shown, compared by their meaning."""

from typing import Any

from contacts.cards.jscontact import Card, same
from contacts.cards.validation import COLLECTIONS

# Of these the keys are part of the meaning, not ids.
KEYED = {"relatedTo", "speakToAs"}


def combined(before: Card, shown: list[Card], sent: list[Card]) -> Card:
    """Return the card with those members of the sent one that differ from how they were shown.

    3.0 cannot show all of a card (docs/vcard.md): what it cannot is left as it is. Thunderbird reads 3.0 and sends 4.0,
    so there may be two forms in which the card was shown, and two readings of what was sent; the first one is taken.
    """
    known = [before, *shown]
    unchanged = {
        name
        for name in {*before, *sent[0]}
        if any(
            alike(name, reading.get(name), each.get(name))
            for reading in sent
            if (name in reading) == (name in sent[0])
            for each in known
        )
    }
    kept = {name: value for name, value in before.items() if name in unchanged}
    return {**kept, **{name: value for name, value in sent[0].items() if name not in unchanged}}


def alike(name: str, one: Any, other: Any) -> bool:
    """Return whether two values of a member mean the same: ids, and the order of different properties, mean nothing."""
    return same(comparable(name, one), comparable(name, other))


def comparable(name: str, value: Any) -> Any:
    if name in COLLECTIONS and name not in KEYED and isinstance(value, dict):
        return sorted(value.values(), key=property_of)
    if name == "vCardProps" and isinstance(value, list):
        return sorted(value, key=lambda prop: str(prop[0]) if isinstance(prop, list) and prop else "")
    return value


def property_of(entry: Any) -> str:
    """Return what tells entries of different vCard properties apart; those of one keep their order."""
    return str([entry.get(name) for name in ("kind", "vCardName", "service")]) if isinstance(entry, dict) else ""
