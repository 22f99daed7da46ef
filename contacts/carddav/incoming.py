"""The body of a PUT as a card (RFC 6352 §6.3.2), and the preconditions that it may fail."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from contacts.carddav import xml
from contacts.carddav.errors import DavError
from contacts.carddav.properties import MAX_CARD_BYTES
from contacts.carddav.request import DavRequest
from contacts.cards import validation
from contacts.cards.jscontact import SERVER_SET, Card
from contacts.cards.vcard import Entry, Limits, read
from contacts.models import Picture
from contacts.models.picture import Prepared

MEDIA_TYPES = {"", "text/vcard", "text/x-vcard", "text/directory", "application/octet-stream"}
VERSION = re.compile(r"^VERSION[ \t]*(?:;[^:\n]*)?:[ \t]*([^\s]*)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
FOLD = re.compile(rb"\r?\n[ \t]")
VERSIONS = ("3.0", "4.0")
MAX_UID = 255  # characters
MAX_PICTURE = 5 * 1024 * 1024  # bytes
# Bounds that are checked before anything is read, since a line costs more than its bytes. A picture of 5 MB that is
# folded at 75 octets has 95,000 lines, and is one property.
MAX_LINES, MAX_PROPERTIES = 250_000, validation.MAX_VALUES + 10
# What exceeds a bound is refused, not left out: after a PUT a client assumes that all of the card was stored.
LIMITS = Limits(
    line_bytes=2 * MAX_CARD_BYTES,
    picture_bytes=2 * MAX_CARD_BYTES,
    properties=MAX_PROPERTIES + 1,
    full_name=validation.MAX_BYTES,
)
SECONDS = 1.0  # of processor time for thumbnails: 500 pictures would take 40
UNNAMED = "FN:Unnamed"
READ_TWICE = 1024 * 1024  # characters


@dataclass
class SentCard:
    readings: list[Card]  # without what the server sets; of a 4.0 card also how it would be read as 3.0
    uid: str  # empty where the vCard has none
    version: str
    pictures: list[Prepared]
    body: bytes

    @property
    def card(self) -> Card:
        return self.readings[0]


def too_large() -> DavError:
    return DavError(413, precondition="<C:max-resource-size/>")


def invalid() -> DavError:
    return DavError(403, precondition="<C:valid-address-data/>")


def unsupported(status: int) -> DavError:
    return DavError(status, precondition="<C:supported-address-data/>")


def sent_card(request: DavRequest) -> SentCard:
    """Return the card of the body; DavError for a precondition that fails."""
    if request.http.headers.get("Content-Type", "").partition(";")[0].strip().lower() not in MEDIA_TYPES:
        raise unsupported(415)
    body = request.body(MAX_CARD_BYTES, too_large())
    check_lines(body)
    text = decoded(body)
    text = text if "\n" in text else text.replace("\r", "\n")
    entry = only_entry(text)
    if entry.card is None or entry.shortened:
        raise invalid()
    if any(len(picture.data) > MAX_PICTURE for picture in entry.pictures):
        raise too_large()
    uid = entry.card.get("uid", "")
    readings = [without_server_set(card) for card in (entry.card, *as_3_0(text, entry))]
    if len(uid) > MAX_UID or xml.UNWRITABLE.search(uid) or validation.out_of_bounds(readings[0]):
        raise invalid()
    prepared = Picture.objects.prepare(request.user.pk, entry.pictures, SECONDS)
    return SentCard(readings, uid, entry.version, prepared, body)


def check_lines(body: bytes) -> None:
    """Raise DavError for more lines, or more properties, than a card can have."""
    lines = body.count(b"\n") + body.count(b"\r") - body.count(b"\r\n")
    folded = sum(map(body.count, (b"\n ", b"\n\t", b"\r ", b"\r\t")))
    if lines > MAX_LINES or lines - folded > MAX_PROPERTIES:
        raise invalid()


def decoded(body: bytes) -> str:
    """Return the body as text; DavError if it is not UTF-8.

    Old programs fold a line within a character (RFC 2425 §5.8.1).
    """
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        unfolded = FOLD.sub(b"", body)
    try:
        return unfolded.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise invalid() from None


def without_server_set(card: Card) -> Card:
    return {name: value for name, value in card.items() if name not in SERVER_SET}


def as_3_0(text: str, entry: Entry) -> Iterator[Card]:
    """Yield the other reading of a 4.0 card, unless it is large: its program may have been shown 3.0."""
    if entry.version == "4.0" and len(text) <= READ_TWICE:
        for again in read(VERSION.sub("VERSION:3.0", text, count=1), limits=LIMITS):
            yield again.card or {}


def only_entry(text: str) -> Entry:
    """Return the one card of the text. One without a name, address or number is named, since FN is required."""
    version = VERSION.search(text)
    if version and version[1] not in VERSIONS and "BEGIN:VCARD" in text.upper():
        raise unsupported(403)
    entries = list(islice(read(text, limits=LIMITS), 2))
    if len(entries) != 1 or not entries[0].ended:
        raise invalid()
    if entries[0].card is None:
        named = re.sub(r"(?i)\r?\nEND:VCARD", f"\r\n{UNNAMED}\r\nEND:VCARD", text)
        entries = list(read(named, limits=LIMITS))
    return entries[0]
