"""JSPROP (RFC 9555 §3.2.1): what no other property can hold, as JSON at a JSON pointer (RFC 6901)."""

import json
from collections.abc import Iterator
from typing import Any

from contacts.cards.jscontact import same
from contacts.cards.vcard.draft import Draft
from contacts.cards.vcard.parameters import CONTROLS
from contacts.cards.vcard.tokenizer import Property
from contacts.cards.vcard.values import escape, unescape

MISSING = object()


def read(draft: Draft, prop: Property) -> None:
    """Sets a member of the card, or the card; null removes a member. What cannot be set is kept as it came."""
    pointer = prop.params.get("jsptr", [None])[0]
    try:
        value = json.loads(unescape(prop.value))
    except (ValueError, RecursionError):
        value = MISSING
    if pointer == "" and isinstance(value, dict):
        draft.card = value
    elif value is MISSING or not pointer or not patch(draft.card, tokens(pointer), value):
        draft.keep(prop, "JSPROP says nothing that can be set; it was kept as it came.")


def tokens(pointer: str) -> list[str]:
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.removeprefix("/").split("/")]


def pointer_of(path: list[str]) -> str:
    return "/".join(token.replace("~", "~0").replace("/", "~1") for token in path)


def patch(card: dict[str, Any], path: list[str], value: Any) -> bool:
    """Whether the place for the value was there or could be made."""
    holder: Any = card
    for token in path[:-1]:
        holder = holder.setdefault(token, {}) if isinstance(holder, dict) else None
    if not isinstance(holder, dict):
        return False
    if value is None:
        holder.pop(path[-1], None)
    else:
        holder[path[-1]] = value
    return True


def differences(there: Any, wanted: Any, path: list[str]) -> Iterator[tuple[list[str], Any]]:
    """The fewest members that make the one value the other; None removes a member."""
    if any(CONTROLS.search(name) for name in there.keys() | wanted.keys()):  # no parameter can hold them
        if not same(there, wanted):
            yield path, wanted
        return
    for name in there.keys() | wanted.keys():
        old, new = there.get(name, MISSING), wanted.get(name, MISSING)
        if new is MISSING:
            yield [*path, name], None
        elif isinstance(old, dict) and isinstance(new, dict) and new and None not in new.values():
            yield from differences(old, new, [*path, name])
        elif old is MISSING or not same(old, new):
            yield [*path, name], new


def write(there: dict[str, Any], wanted: dict[str, Any]) -> list[Property]:
    """The JSPROP properties that make a card that was read the card that was meant."""
    found = sorted(differences(there, wanted, []), key=lambda pair: pair[0])
    return [
        Property("JSPROP", {"jsptr": [pointer_of(path)]}, escape(json.dumps(value, ensure_ascii=False)))
        for path, value in found
    ]
