"""vCards of any version and encoding as JSContact cards, one entry for each card in the file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from contacts.cards.folding import fold
from contacts.cards.jscontact import Card
from contacts.cards.validation import MAX_BYTES
from contacts.cards.vcard import bounds, decoding, names
from contacts.cards.vcard.draft import Draft, Picture
from contacts.cards.vcard.lines import Limits, RawCard, raw_cards
from contacts.cards.vcard.mapping import card_of
from contacts.cards.vcard.parameters import mapping
from contacts.cards.vcard.tokenizer import Property, properties

VERSIONS = ("2.1", "3.0", "4.0")


# Characters of the JSPROP properties of one card, with their escapes. More cannot be in a card, and 8 MB of `{}` would
# take 200 MB of memory.
MOST_PATCHES = 2 * MAX_BYTES


@dataclass
class Entry:
    """An outermost card of a file. `card` is None where it failed, and `reason` says why."""

    line: int  # where it begins, from 1
    card: Card | None
    notes: list[str] = field(default_factory=list)  # what was understood otherwise than it stands there
    reason: str | None = None
    pictures: list[Picture] = field(default_factory=list)  # that the card's `media` refer to
    members: list[str] = field(default_factory=list)  # of a group, as the file names them
    version: str = "3.0"
    ended: bool = True  # by an END:VCARD
    shortened: bool = False  # whether a part was left out, since the card was over its bounds


def read(
    source: str | bytes | Iterable[bytes], encoding: str | None = None, limits: Limits | None = None
) -> Iterator[Entry]:
    """Every card of a file, in its order. Raises UnknownEncodingError, and nothing else.

    `encoding` is that of a file without a byte order mark. Memory is bounded by `limits`, whatever the file holds.
    """
    limits = limits or Limits()
    for raw in raw_cards(decoding.utf8(source, encoding), limits):
        yield entry_of(raw)


def entry_of(raw: RawCard) -> Entry:
    notes = notes_of_lines(raw)
    if raw.too_large:
        reason = f"This card is over {raw.limits.card_bytes} bytes or {raw.limits.lines} lines."
        return Entry(raw.line, None, notes, reason, ended=raw.ended)
    found = list(properties(raw, notes))
    version = version_of(found, notes)
    draft = draft_of(found, version, raw.limits)
    notes += draft.notes
    fault = complete(draft, notes, raw.size - sum(len(picture.data) for picture in draft.pictures) * 4 // 3)
    shorten(notes, raw.limits.notes)
    if fault:
        return Entry(raw.line, None, notes, fault, version=version, ended=raw.ended)
    members = list(mapping(draft.card.get("members")))
    return Entry(raw.line, draft.card, notes, None, draft.pictures, members, version, raw.ended, draft.shortened)


def draft_of(found: list[Property], version: str, limits: Limits) -> Draft:
    """The card; JSPROP, which can set anything, only where the card stays one that can be taken."""
    patches = sum(len(prop.value) for prop in found if prop.name == "JSPROP")
    if patches <= MOST_PATCHES:
        draft = card_of(found, version, limits)
        if not patches or not bounds.breaks(draft.card):
            return draft
    draft = card_of(found, version, limits, patched=False)
    draft.notes.append("What JSPROP says makes no valid card; it was kept as it came.")
    return draft


def notes_of_lines(raw: RawCard) -> list[str]:
    notes = [f"Line {number} is too long and was left out." for number in raw.overlong]
    notes += [f"Line {number} belongs to no card and was left out." for number in raw.strays]
    if not raw.ended:
        notes.append("The card has no END:VCARD.")
    return notes


def version_of(found: list[Property], notes: list[str]) -> str:
    version = next((prop.value.strip() for prop in found if prop.name == "VERSION"), None)
    if version in VERSIONS:
        return version
    notes.append(f"The card has {'no VERSION' if version is None else 'an unknown VERSION'} and was read as 3.0.")
    return "3.0"


def complete(draft: Draft, notes: list[str], text_size: int) -> str | None:
    """Gives the card a full name and makes it fit its bounds. Returns why it cannot be taken."""
    name = draft.card.setdefault("name", {})
    if not is_visible(name.get("full", "")[: draft.limits.full_name]):
        made = names.made_full(draft.card)
        if made is None:
            return "This card has no name, e-mail address or phone number."
        name["full"] = made[0]
        notes.append(f"The card has no FN; the name was made of {made[1]}.")
    if len(name["full"]) > draft.limits.full_name:
        notes.append(f"The name was cut after {draft.limits.full_name} characters.")
        name["full"] = name["full"][: draft.limits.full_name]
    if text_size > bounds.SMALL:
        draft.shortened |= bounds.fit(draft.card, notes)
    return None


def is_visible(full: str) -> bool:
    return bool(full.strip()) and (full.isascii() or bool(fold(full)))


def shorten(notes: list[str], limit: int) -> None:
    if len(notes) > limit:
        notes[limit:] = [f"There are {len(notes) - limit} more notes."]
