"""The entries of a file as an import works with them, in portions."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from contacts.avatars.references import reference_of, with_uris, without_public_urls
from contacts.cards import validation
from contacts.cards.jscontact import FULL_NAME, SERVER_SET, Card, size
from contacts.cards.merging import comparable
from contacts.cards.vcard import Entry, Picture

PORTION_BYTES = 8 * 1024 * 1024  # of cards and pictures
UID = 255  # characters
STORED = reference_of("0" * 32 + ".jpg")
MOST_NOTES, NOTE = 101, 300  # the last one says how many more there are


@dataclass
class Item:
    """An entry of a file: its card as it is stored, and the uid and digest by which repeated ones are recognized."""

    number: int
    line: int | None
    card: Card | None
    uid: str
    digest: str
    size: int  # bytes of the card
    notes: list[str]
    reason: str | None = None
    pictures: list[Picture] = field(default_factory=list)
    members: list[str] = field(default_factory=list)

    @property
    def is_group(self) -> bool:
        return self.card is not None and self.card.get("kind") == "group"

    @property
    def fullname(self) -> str:
        full = self.card["name"]["full"] if self.card else ""
        return str(full[:FULL_NAME])

    @property
    def uid_key(self) -> str:
        """The uid, or a digest of one that is too long for a contact."""
        return self.uid if len(self.uid) <= UID else f"sha256-{hashlib.sha256(self.uid.encode()).hexdigest()}"

    @property
    def stored_size(self) -> int:
        """The size that a contact with this card has, if its pictures can be decoded."""
        return size(with_uris(self.card, lambda uri: STORED if uri.startswith("sha256-") else uri))

    @property
    def bytes(self) -> int:
        return self.size + sum(len(picture.data) for picture in self.pictures)

    @property
    def has_pictures(self) -> bool:
        return bool(self.pictures)


def item_of(number: int, entry: Entry) -> Item:
    notes = [note[:NOTE] for note in entry.notes[:MOST_NOTES]]
    line = entry.line or None
    if entry.card is None:
        return Item(number, line, None, "", "", 0, notes, entry.reason or "This entry could not be read.")
    uid = entry.card.get("uid")
    uid = uid.strip() if isinstance(uid, str) else ""
    card: Any = without_public_urls({name: value for name, value in entry.card.items() if name not in SERVER_SET})
    text = json.dumps([uid, comparable(card)], sort_keys=True, ensure_ascii=False)
    if is_unstorable(text, [uid, card]):
        return Item(number, line, None, "", "", 0, notes, "This card holds characters that cannot be stored.")
    encoded = text.encode()
    item = Item(number, line, card, uid, hashlib.sha256(encoded).hexdigest(), len(encoded), notes)
    item.pictures, item.members = entry.pictures, entry.members
    return item


def is_unstorable(text: str, value: Any) -> bool:
    """Return whether the value, whose JSON the text is, holds a NUL or a lone surrogate."""
    suspicious = "\\u0000" in text or validation.UNSTORABLE.search(text) or "prodId" in value[1]
    return bool(suspicious) and any(
        isinstance(leaf, str) and validation.UNSTORABLE.search(leaf) for leaf in validation.leaves(value)
    )


def portions(entries: Iterable[Entry], start: int, size: "PortionSize") -> Iterator[list[Item]]:
    """Yield the entries in portions of at most `size.entries`, or PORTION_BYTES.

    Of the first `start` entries only the groups are there. What the reader raises comes after the entries before it.
    """
    portion: list[Item] = []
    total = 0
    items = (item_of(number, entry) for number, entry in enumerate(entries, 1) if number > start or is_group(entry))
    try:
        for item in items:
            if portion and (len(portion) >= size.entries or total + item.bytes > PORTION_BYTES):
                whole, portion, total = portion, [], 0
                yield whole
            portion.append(item)
            total += item.bytes
    except ValueError as error:
        yield portion
        raise error
    if portion:
        yield portion


def is_group(entry: Entry) -> bool:
    return entry.card is not None and entry.card.get("kind") == "group"


def distinct(items: list[Item]) -> tuple[list[Item], list[Item]]:
    """Return the items of which no two have one uid or are equal in everything, and the others."""
    seen: set[str] = set()
    first: list[Item] = []
    repeated: list[Item] = []
    for item in items:
        marks = {mark for mark in (item.uid_key, item.digest) if mark}
        (repeated if marks & seen else first).append(item)
        seen |= marks
    return first, repeated


@dataclass
class PortionSize:
    """How many entries a portion has: as many as take `seconds`, where the database admits one writer at a time."""

    entries: int = 500
    seconds: float | None = None
    most: int = 500

    def took(self, seconds: float) -> None:
        if self.seconds is not None:
            fitting = int(self.entries * self.seconds / max(seconds, 0.001))
            self.entries = max(10, min(fitting, self.entries * 2, self.most))
