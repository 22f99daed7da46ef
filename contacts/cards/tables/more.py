"""The last column of our own CSV: what the other columns do not hold, as a JSON Merge Patch (RFC 7396) of the card."""

import json
from typing import Any

from contacts.cards.jscontact import SERVER_SET, Card, merged, same
from contacts.cards.tables.draft import Draft
from contacts.cards.validation import MAX_DEPTH, depth
from contacts.cards.vcard import bounds

HEADING = "more"
TEXTS = (*SERVER_SET, "kind")  # members that cards are stored and found by, which validation does not look at
TEXT = 255  # characters


def read(draft: Draft, text: str) -> None:
    """Applies the patch; what makes no valid card of it is kept as it came."""
    patch = parsed(text)
    card = merged(draft.card, patch) if patch is not None else None
    if card is None or not is_taken(card, draft.card):
        draft.keep(HEADING, text, "does not fit the other columns")
    else:
        draft.card = card


def is_taken(card: Card, before: Card) -> bool:
    """Whether a patched card is valid and still has its name."""
    if bounds.breaks(card) or not all(is_text(card.get(name, "")) for name in TEXTS):
        return False
    return "full" in card.get("name", {}) or "full" not in before.get("name", {})


def is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= TEXT


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
