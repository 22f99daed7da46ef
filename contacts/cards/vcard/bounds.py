"""The bounds of a card (`contacts.cards.validation`), to which a card that was read is made to fit."""

import json
import sys
from collections.abc import Iterator
from typing import Any

from contacts.cards.jscontact import Card
from contacts.cards.validation import MAX_BYTES, MAX_ENTRIES, MAX_VALUES, faults, number_of_values

KEYWORD = 255  # characters
SMALL = 6 * 1024  # bytes of a vCard that cannot become a card over its bounds

Path = tuple[str, ...]

__all__ = ["KEYWORD", "MAX_ENTRIES", "fit"]


def fit(card: Card, notes: list[str]) -> bool:
    """Leaves out the longest parts of a card that is over its bounds, with a note for each. Returns whether it did."""
    total, values = size(card), count(card)
    if total <= MAX_BYTES and values <= MAX_VALUES:
        return False
    dropped: list[Path] = []
    for part, number, path in sorted(((size(value), count(value), path) for path, value in parts(card)), reverse=True):
        if total <= MAX_BYTES and values <= MAX_VALUES:
            break
        total, values = total - part, values - number
        dropped.append(path)
        notes.append(f"{'/'.join(path)[:80]} was left out, since the card is too large.")
    remove(card, dropped)
    return True


def parts(card: Card) -> Iterator[tuple[Path, Any]]:
    for name, value in card.items():
        if name == "vCardProps" and isinstance(value, list):
            yield from (((name, str(index)), prop) for index, prop in enumerate(value))
        elif isinstance(value, dict):
            yield from (((name, key), inner) for key, inner in value.items() if (name, key) != ("name", "full"))
        else:
            yield (name,), value


def remove(card: Card, dropped: list[Path]) -> None:
    # Of a list the last ones first, so that the others stay where they are.
    for name, *rest in sorted(dropped, key=lambda path: (path[0], len(path[-1]), path[-1]), reverse=True):
        if not rest:
            del card[name]
            continue
        del card[name][int(rest[0]) if isinstance(card[name], list) else rest[0]]
        if not card[name]:
            del card[name]


def size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


def count(value: Any) -> int:
    return number_of_values(value, sys.maxsize)


def breaks(card: Card) -> bool:
    """Whether a card breaks its bounds otherwise than by its full name, or has a UID that is no text."""
    name = card.get("name", {})
    if not isinstance(name, dict) or not isinstance(name.get("full", ""), str):
        return True
    if not isinstance(card.get("uid", ""), str):
        return True
    return any(faults({**card, "name": {**name, "full": "named"}}))
