"""A file of JSContact cards (RFC 9553): one JSON array of cards, or one card, read piece by piece."""

import codecs
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

from contacts.cards import validation
from contacts.cards.folding import fold
from contacts.cards.jscontact import SERVER_SET, Card
from contacts.cards.vcard import Entry, Limits, Picture, bounds, decoding, names
from contacts.cards.vcard.media import DATA, decode, sniffed
from contacts.cards.vcard.reader import shorten

# Of one card, with its pictures in base64. With an emoji in it Python stores four bytes a character, three times over.
MOST = 16 * 1024 * 1024  # characters
# Values, names and ends of one card. Without the limit a file of 22 MB that is one card of `{}` took 580 MB of memory.
MOST_TOKENS = 500_000
MOST_PICTURE = 5 * 1024 * 1024  # bytes
STRUCTURE = re.compile(r'["{}\[\]]')
# A string may be cut off at the end of what was read.
TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[{}\[\],]', re.DOTALL)
STRING_END = re.compile(r'(?:[^"\\]++|\\.)*+"', re.DOTALL)
SCALAR = re.compile(r"[\w.+-]*")
SPACE = re.compile(r"[ \t\r\n]*")
BROKEN = "After {} cards the file is no JSON any more."


class NoJSONError(ValueError):
    """The file is no JSON; the message is a sentence."""


class NotStorable(ValueError):
    """The card is JSON, but holds a value that no card may hold."""


def read(source: Iterable[bytes]) -> Iterator[Entry]:
    """Yield an entry for each card, in the file's order; NoJSONError where the file stops being JSON."""
    for value in elements(Text(source)):
        yield Entry(0, None, reason=str(value)) if isinstance(value, NotStorable) else entry_of(value)


class Text:
    """The text of a file, of which no more than MOST characters are in memory."""

    def __init__(self, source: Iterable[bytes]) -> None:
        self.pieces = decoded(source)
        self.buffer, self.start = "", 0
        self.ended = False

    def more(self, wanted: int = 1) -> bool:
        """Read until so many characters are there that were not; return whether there are any."""
        parts, size = [self.buffer[self.start :]], 0
        while size < wanted and not self.ended:
            piece = next(self.pieces, None)
            self.ended = piece is None
            parts.append(piece or "")
            size += len(parts[-1])
        self.buffer, self.start = "".join(parts), 0
        return size > 0

    def peek(self) -> str:
        """Return the next character that is no space; empty at the end."""
        while True:
            self.start = SPACE.match(self.buffer, self.start).end()  # type: ignore[union-attr]
            if self.start < len(self.buffer) or not self.more():
                return self.buffer[self.start : self.start + 1]

    def take(self, expected: str) -> bool:
        found = self.peek() == expected
        self.start += found
        return found


def decoded(source: Iterable[bytes]) -> Iterator[str]:
    windows = decoding.utf8(source)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for window in windows:
            yield decoder.decode(window)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise NoJSONError("The file is no JSON in UTF-8.") from None


def elements(text: Text) -> Iterator[Any]:
    """Yield the values of an array, or the one value; a NotStorable for one that is too large or too deep."""
    count = 0
    if not text.take("["):
        yield element(text, count)
        if text.peek():
            raise NoJSONError(BROKEN.format(1))
        return
    if text.take("]"):
        return
    while True:
        yield element(text, count)
        count += 1
        if not text.take(","):
            break
    if not text.take("]") or text.peek():
        raise NoJSONError(BROKEN.format(count))


def element(text: Text, count: int) -> Any:
    """Return the next value. It is parsed again with twice as much text while its end is not there."""
    decoder = json.JSONDecoder(parse_constant=refuse, parse_int=whole_number)
    while text.peek():
        if has_too_many_tokens(text):
            skip(text, count)
            return NotStorable(f"This card has over {MOST_TOKENS:,} values, names and brackets.")
        try:
            value, end = decoder.raw_decode(text.buffer, text.start)
        except (NotStorable, RecursionError) as error:
            skip(text, count)
            return error if isinstance(error, NotStorable) else NotStorable("This card is nested too deeply.")
        except ValueError:
            size = len(text.buffer) - text.start
            if size >= MOST:
                skip(text, count)
                return NotStorable(f"This card is over {MOST >> 20} MB.")
            if not text.more(min(size, MOST - size)):
                break
            continue
        if isinstance(value, int | float) and end == len(text.buffer) and text.more():  # it may go on
            continue
        text.start = end
        return value
    raise NoJSONError(BROKEN.format(count))


def has_too_many_tokens(text: Text) -> bool:
    """Return whether the next value has more than MOST_TOKENS, in what was read of it. It is not parsed for that."""
    depth = count = 0
    for token in TOKEN.finditer(text.buffer, text.start):
        character = text.buffer[token.start()]
        depth += (character in "{[") - (character in "}]")
        count += 1
        if depth <= 0 or count > MOST_TOKENS:
            break
    return count > MOST_TOKENS


def refuse(constant: str) -> Any:
    raise NotStorable(f"{constant} is no JSON.")


def whole_number(digits: str) -> int:
    if len(digits) > 20:
        raise NotStorable("A number in this card is too large.")
    return int(digits)


def skip(text: Text, count: int) -> None:
    """Go to the end of a value that cannot be taken."""
    if text.peek() not in ("{", "[", '"'):
        skip_scalar(text)
        return
    depth = 0
    while True:
        found = STRUCTURE.search(text.buffer, text.start)
        if not found:
            text.start = len(text.buffer)
            if not text.more():
                raise NoJSONError(BROKEN.format(count))
            continue
        text.start = found.end()
        if found[0] == '"':
            skip_string(text, count)
        else:
            depth += 1 if found[0] in "{[" else -1
        if depth <= 0:
            return


def skip_scalar(text: Text) -> None:
    while True:
        text.start = SCALAR.match(text.buffer, text.start).end()  # type: ignore[union-attr]
        if text.start < len(text.buffer) or not text.more():
            return


def skip_string(text: Text, count: int) -> None:
    while not (end := STRING_END.match(text.buffer, text.start)):
        # An escape may be cut at the end of what was read.
        rest = re.search(r"\\*\Z", text.buffer)
        cut = len(rest[0]) % 2 if rest else 0
        text.start = max(len(text.buffer) - cut, text.start)
        if not text.more():
            raise NoJSONError(BROKEN.format(count))
    text.start = end.end()


def entry_of(value: Any) -> Entry:
    """Return the entry of a card, with its `data:` pictures apart from it."""
    if not isinstance(value, dict):
        return Entry(0, None, reason="This is no card: a card is a JSON object.")
    entry = Entry(0, None)
    uid = value.get("uid")
    card = {name: inner for name, inner in value.items() if name not in SERVER_SET}
    if validation.depth(card) <= validation.MAX_DEPTH:
        entry.members = members_of(card)
        card = without_data(card, entry)
        if any(faults(card)):
            make_it_fit(card, entry)
            name_it(card, entry)
            shorten(entry.notes, Limits.notes)
    fault = next(faults(card), None)
    if fault:
        entry.reason = f"{'/'.join(fault[0])[:200]}: {fault[1]}" if fault[0] else fault[1]
        entry.pictures = []
        return entry
    if isinstance(uid, str) and uid.strip() and not validation.UNSTORABLE.search(uid):
        card["uid"] = uid
    entry.card = card
    return entry


def members_of(card: Card) -> list[str]:
    """Return the members of a group. A group may have more of them than a card may have values: they leave it."""
    members = card.get("members")
    if card.get("kind") != "group" or not isinstance(members, dict):
        return []
    del card["members"]
    return [member for member in members if not validation.UNSTORABLE.search(member)]


def faults(card: Card) -> Iterator[validation.Fault]:
    return validation.faults(card, full_name=validation.MAX_BYTES)


def make_it_fit(card: Card, entry: Entry) -> None:
    """Leave out what no card may hold, and the longest parts of a card that is too large, with a note for each."""
    try:
        bounds.fit(card, entry.notes)
    except UnicodeEncodeError:  # a lone surrogate
        return
    for (name, *rest), sentence in [fault for fault in faults({**card, "name": {"full": "x"}}) if fault[0]]:
        entry.notes.append(f"{'/'.join([name, *rest])[:200]} was left out. {sentence}")
        if rest and isinstance(card[name], dict):
            card[name].pop(rest[0], None)
        if not rest or not card[name]:
            card.pop(name, None)


def without_data(card: Card, entry: Entry) -> Card:
    media = card.get("media")
    if not isinstance(media, dict):
        return card
    kept = {key: without_bytes(item, entry) for key, item in media.items()}
    kept = {key: item for key, item in kept.items() if item is not None}
    return {**card, "media": kept} if kept else {name: value for name, value in card.items() if name != "media"}


def without_bytes(item: Any, entry: Entry) -> Any:
    """Return an item of `media` with a reference to its picture; None for one that is too large."""
    uri = item.get("uri") if isinstance(item, dict) else None
    match = DATA.match(uri) if isinstance(uri, str) else None
    if not match or not isinstance(uri, str):
        return item
    text = uri[match.end() :]
    data = decode(text) if "base64" in match[2].lower() else unquote_to_bytes(text)
    if not data or len(data) > MOST_PICTURE:
        entry.notes.append(f"A picture of {len(data)} bytes was left out.")
        return None
    media_type = sniffed(data) or match[1].lower() or "image/jpeg"
    reference = f"sha256-{hashlib.sha256(data).hexdigest()}"
    entry.pictures.append(Picture(reference, data, media_type))
    return {**item, "uri": reference, "mediaType": media_type}


def name_it(card: Card, entry: Entry) -> None:
    """Give a card without a full name one, made of what else it holds."""
    name = card.get("name", {})
    if not isinstance(name, dict) or any(faults({**card, "name": {"full": "x"}})):
        return
    full = name.get("full") or ""
    if not isinstance(full, str) or fold(full):
        return
    try:
        made = names.made_full(card)
    except (TypeError, AttributeError, KeyError, ValueError):  # a property of another type than RFC 9553 gives it
        return
    if made:
        card["name"] = {**name, "full": made[0]}
        entry.notes.append(f"The card has no full name; it was made of {made[1]}.")
