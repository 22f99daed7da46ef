"""The formats that an import reads. Each has a reader: what the file's beginning must look like, and its entries."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.utils import timezone

from contactbook.exceptions import InvalidValueError
from contacts.cards import jscontact_file, tables, vcard
from contacts.cards.vcard import decoding

HEAD = 64 * 1024  # bytes by which the format is told
BEGIN = re.compile(rb"(?i)(?:^|[\r\n])\s*BEGIN[ \t]*:[ \t]*VCARD")
NO_FILE = "This is no vCard file, no JSON of JSContact cards, and no table."

Bytes = Callable[[], Iterable[bytes]]  # the file from its beginning, each time that it is called


class UnreadableFileError(ValueError):
    """The file cannot be read as what it seemed to be; the message is a sentence for its owner."""


@dataclass
class Choices:
    """What the uploader said about the file."""

    encoding: str | None = None
    mapping: dict[str, str | None] | None = None
    date_order: Any = None  # one of tables.ORDERS, or None


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


def open_table(file: Bytes, choices: Choices) -> Opened:
    try:
        table = tables.read_table(
            file,
            today=timezone.localdate(),
            encoding=choices.encoding,
            date_order=choices.date_order,
            mapping=choices.mapping,
        )
    except (tables.UnknownEncodingError, tables.UnknownTargetError) as error:
        raise UnreadableFileError(str(error)) from error
    opened = Opened(iter(()), table.encoding, table.described(), table.question)
    opened.entries = table_entries(table, opened)
    return opened


def table_entries(table: tables.Table, opened: Opened) -> Iterator[vcard.Entry]:
    for entry in table.entries():
        opened.question = opened.question or entry.question
        yield vcard.Entry(entry.line, entry.card, entry.notes, entry.reason)


def first_piece(file: Bytes) -> bytes:
    return next(iter(file()), b"")


def looks_like_vcards(head: bytes) -> bool:
    return bool(BEGIN.search(b"".join(decoding.utf8(head))))


def looks_like_json(head: bytes) -> bool:
    start = b"".join(decoding.utf8(head)).lstrip()
    return start[:1] == b"{" or (start[:1] == b"[" and start[1:].lstrip()[:1] == b"{")


READERS = {
    "vcard": Reader(looks_like_vcards, open_vcards),
    "jscontact": Reader(looks_like_json, open_jscontact),
    "csv": Reader(tables.looks_like, open_table),
}


def format_of(head: bytes, asked: str) -> str:
    """Return the format of a file by its beginning; InvalidValueError if it is none, or not the one asked for."""
    for name, reader in READERS.items():
        if asked in ("auto", name) and reader.looks_like(head):
            return name
    if asked == "csv" and tables.looks_like(head, told=True):  # such as a list of names without a heading
        return asked
    raise InvalidValueError("file", NO_FILE)


def opened(format: str, file: Bytes, choices: Choices) -> Opened:
    """Return the entries of a file, and what is known of it; UnreadableFileError, there or while they are read."""
    return READERS[format].open(file, choices)


def decoding_name(label: str) -> str | None:
    """Return Python's codec of a WHATWG label; None for one that is not known."""
    try:
        return tables.codec_of(label)
    except tables.UnknownEncodingError:
        return None


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
        if target is not None and not tables.is_target(target):
            raise ValueError(f"{target!r} is no target.")
    return value
