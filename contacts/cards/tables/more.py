"""The last column of our own CSV: what the other columns do not hold, as a JSON Merge Patch (RFC 7396) of the card."""

import json
from typing import Any

from contacts.cards.jscontact import Card, merged, same
from contacts.cards.tables.draft import Draft
from contacts.cards.validation import MAX_DEPTH, depth
from contacts.cards.vcard import bounds

HEADING = "more"


def read(draft: Draft, text: str) -> None:
    """Applies the patch; what makes no valid card of it is kept as it came."""
    patch = parsed(text)
    card = merged(draft.card, patch) if patch is not None else None
    if card is None or bounds.breaks(card):
        draft.keep(HEADING, text, "does not fit the other columns")
    else:
        draft.card = card


def parsed(text: str) -> dict[str, Any] | None:
    try:
        patch = json.loads(text, parse_constant=refused)
    except (ValueError, RecursionError):
        return None
    return patch if isinstance(patch, dict) and depth(patch) <= MAX_DEPTH else None


def refused(word: str) -> None:
    raise ValueError(word)


def write(there: Card, wanted: Card) -> str:
    patch = {} if there == wanted else difference(there, wanted)
    return json.dumps(patch, ensure_ascii=False, separators=(",", ":")) if patch else ""


def difference(there: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """The merge patch that makes the one value the other."""
    patch: dict[str, Any] = {name: None for name in there if name not in wanted}
    for name, value in wanted.items():
        old = there.get(name)
        if isinstance(old, dict) and isinstance(value, dict) and value:
            inner = difference(old, value)
            if inner:
                patch[name] = inner
        elif name not in there or not same(old, value):
            patch[name] = value
    return patch
