"""A card in the making from one row: ids, bounds, and what the model has no place for."""

import re
from dataclasses import dataclass, field
from typing import Any

from contacts.cards.folding import fold
from contacts.cards.jscontact import Card
from contacts.cards.tables.dates import Order
from contacts.cards.validation import LENGTHS, MAX_ENTRIES
from contacts.cards.vcard.draft import REFERENCE
from contacts.cards.vcard.parameters import CONTROLS
from contacts.cards.vcard.values import escape

NOT_IN_NAMES = re.compile("[^a-z0-9]+")
NAME_LENGTH = 60
HEADING = "x-heading"  # the parameter that holds the heading of a column without a place of its own


@dataclass(frozen=True)
class Settings:
    """What holds for every row of a table."""

    order: Order | None
    this_year: int
    several: str | None = None  # what stands between several values in one cell
    groups: str = "[;,]"  # the pattern of what stands between groups


@dataclass
class Draft:
    settings: Settings
    card: Card = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, collection: str, prefix: str, member: str, text: str, heading: str, **more: Any) -> None:
        """An entry for a value; where it breaks a bound, it is kept as it came, with a note."""
        limit = LENGTHS.get(member)
        if limit and len(text) > limit:
            self.keep(heading, text, f"is longer than {limit} characters")
        elif collection == "media" and not REFERENCE.fullmatch(text):
            self.keep(heading, text, "is no http or https URL")
        else:
            self.put(collection, prefix, {member: text, **more}, heading, text)

    def put(self, collection: str, prefix: str, entry: dict[str, Any], heading: str, text: str) -> None:
        """An entry, unless there are too many: then the text is kept."""
        entries = self.card.setdefault(collection, {})
        if len(entries) >= MAX_ENTRIES:
            self.keep(heading, text, f"is one of more than {MAX_ENTRIES}")
        else:
            entries[f"{prefix}{len(entries) + 1}"] = entry

    def keep(self, heading: str, text: str, fault: str | None = None) -> None:
        """What the model has no place for survives (RFC 9555 §2.15.1), as a property named by its heading."""
        name = "x-" + (NOT_IN_NAMES.sub("-", fold(heading[:NAME_LENGTH])).strip("-") or "column")
        params = {HEADING: CONTROLS.sub(" ", heading)} if heading else {}
        self.card.setdefault("vCardProps", []).append([name, params, "unknown", escape(text)])
        if fault:
            self.notes.append(f"{heading[:NAME_LENGTH]} {fault}; it was kept as it came.")

    def several(self, text: str) -> list[str]:
        separator = self.settings.several
        parts = text.split(separator) if separator and separator in text else [text]
        return [part.strip() for part in parts if part.strip()]
