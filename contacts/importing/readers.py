"""The formats that an import reads. Each has a reader: what the file's beginning must look like, and its entries."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from contactbook.exceptions import InvalidValueError
from contacts.cards import jscontact_file, vcard
from contacts.cards.vcard import decoding

HEAD = 64 * 1024  # bytes by which the format is told
BEGIN = re.compile(rb"(?i)(?:^|[\r\n])\s*BEGIN[ \t]*:[ \t]*VCARD")
NO_FILE = "This is no vCard file, and no JSON of JSContact cards."

Bytes = Callable[[], Iterable[bytes]]  # the file from its beginning, each time that it is called


class UnreadableFileError(ValueError):
    """The file cannot be read as what it seemed to be; the message is a sentence for its owner."""


@dataclass
class Choices:
    """What the uploader said about the file."""

    encoding: str | None = None
    mapping: dict[str, str | None] | None = None
    date_order: str | None = None


@dataclass
class Opened:
    """A file that is being read: its entries, and what is known of it, which may change as they are read."""

    entries: Iterator[vcard.Entry]
    encoding: str | None = None
    columns: list[dict[str, str | None]] | None = None
    question: str | None = None
    fields: tuple[str, ...] = field(default=("encoding", "columns", "question"), init=False)

    def facts(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.fields}


class Reader(NamedTuple):
    looks_like: Callable[[bytes], bool]
    open: Callable[[Bytes, Choices], Opened]


def open_vcards(file: Bytes, choices: Choices) -> Opened:
    head = first_piece(file)
    marked = next((name for mark, name in decoding.BOMS if head.startswith(mark)), None)
    codec = decoding_name(choices.encoding) if choices.encoding else None
    return Opened(vcard.read(file(), codec), marked or choices.encoding or decoding.guessed(head))


def open_jscontact(file: Bytes, choices: Choices) -> Opened:
    return Opened(jscontact_file.read(file()), "utf-8")


def first_piece(file: Bytes) -> bytes:
    return next(iter(file()), b"")


def looks_like_vcards(head: bytes) -> bool:
    return bool(BEGIN.search(b"".join(decoding.utf8(head))))


def looks_like_json(head: bytes) -> bool:
    start = b"".join(decoding.utf8(head)).lstrip()
    return start[:1] == b"{" or (start[:1] == b"[" and start[1:].lstrip()[:1] in (b"{", b"]"))


READERS = {
    "vcard": Reader(looks_like_vcards, open_vcards),
    "jscontact": Reader(looks_like_json, open_jscontact),
}


def format_of(head: bytes, asked: str) -> str:
    """Return the format of a file by its beginning; InvalidValueError if it is none, or not the one asked for."""
    for name, reader in READERS.items():
        if asked in ("auto", name) and reader.looks_like(head):
            return name
    raise InvalidValueError("file", NO_FILE if asked in ("auto", *READERS) else f"The format {asked} is not read yet.")


def opened(format: str, file: Bytes, choices: Choices) -> Opened:
    """Return the entries of a file, and what is known of it; UnreadableFileError, there or while they are read."""
    return READERS[format].open(file, choices)


def decoding_name(label: str) -> str | None:
    """Return Python's name of the encoding with a label (https://encoding.spec.whatwg.org/#names-and-labels)."""
    label = label.strip().lower()
    return "cp1252" if label in WINDOWS_1252 else decoding.codec_of(LABELS.get(label, label))


# Labels under which Python knows another encoding, or none.
WINDOWS_1252 = {
    "ansi_x3.4-1968", "ascii", "cp819", "csisolatin1", "ibm819", "iso-8859-1", "iso-ir-100", "iso8859-1", "iso88591",
    "iso_8859-1", "iso_8859-1:1987", "l1", "latin1", "us-ascii", "windows-1252", "x-cp1252",
}  # fmt: skip
LABELS = {
    "unicode-1-1-utf-8": "utf-8", "unicode11utf8": "utf-8", "x-unicode20utf8": "utf-8", "unicode": "utf-16le",
    "utf-16": "utf-16le", "iso-10646-ucs-2": "utf-16le", "ucs-2": "utf-16le", "csunicode": "utf-16le",
    "latin2": "iso-8859-2", "l2": "iso-8859-2", "latin5": "iso-8859-9", "l5": "iso-8859-9", "latin9": "iso-8859-15",
    "cyrillic": "iso-8859-5", "greek": "iso-8859-7", "hebrew": "iso-8859-8", "arabic": "iso-8859-6",
    "ibm866": "cp866", "866": "cp866", "koi": "koi8-r", "koi8": "koi8-r", "koi8-ru": "koi8-u", "mac": "macintosh",
    "x-mac-roman": "macintosh", "gbk": "gb18030", "x-gbk": "gb18030", "gb_2312": "gb18030", "chinese": "gb18030",
    "gb_2312-80": "gb18030", "big5-hkscs": "big5-hkscs", "cn-big5": "big5", "x-x-big5": "big5", "sjis": "shift_jis",
    "ms_kanji": "shift_jis", "windows-31j": "cp932", "x-euc-jp": "euc-jp", "korean": "cp949", "ks_c_5601-1989": "cp949",
    "ksc5601": "cp949", "windows-949": "cp949", "windows-874": "cp874", "dos-874": "cp874", "tis-620": "cp874",
    "x-cp1250": "cp1250", "x-cp1251": "cp1251",
}  # fmt: skip


def mapping_of(text: str) -> dict[str, str | None]:
    """Return the mapping of a table's columns; ValueError with a sentence for any other text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("This is no JSON.") from None
    if not isinstance(value, dict) or len(value) > 1000:
        raise ValueError("A mapping is a JSON object of at most 1,000 columns.")
    for column, target in value.items():
        if len(column) > 1000 or not (target is None or (isinstance(target, str) and len(target) <= 100)):
            raise ValueError("A mapping gives each column a target or null.")
    return value
