"""What the beginning of a file shows: its encoding, its delimiter and its headings.

The encoding of a file that is not UTF-8 or UTF-16 is the one in which most of its headings are known.
"""

import codecs
import itertools
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from contacts.cards.tables import programs
from contacts.cards.tables.rows import Limits, Row, lines, rows
from contacts.cards.vcard import decoding
from contacts.cards.vcard.decoding import UnknownEncodingError

HEAD = 64 * 1024  # bytes
# In this order. Without headings that tell, text whose letters are mostly beyond ASCII is Cyrillic.
LEGACY = {"windows-1252": "cp1252", "windows-1251": "cp1251", "windows-1250": "cp1250", "macintosh": "mac_roman"}
CODECS = re.compile(
    r"utf-(8|16-?[lb]e)|windows-125\d|cp\d{3,4}|iso-8859-\d\d?|koi8-[ru]|mac_cyrillic|macintosh|gbk|gb18030|big5(-hkscs)?"
    r"|euc-jp|iso-2022-jp"
)
DELIMITERS = (",", ";", "\t", "|")
SEPARATOR = re.compile(r"\ufeff?\"?sep=(.)\"?,*", re.IGNORECASE)
CONTROLS = re.compile("[\x01-\x08\x0e-\x1f]")
OTHER_FORMATS = re.compile(r"\s*(BEGIN:|[<\[{])", re.IGNORECASE)
SAMPLE = 10  # rows that must look alike, and among which the headings are
FEWEST = 3  # headings that are known of a row below others
VALUE = re.compile(r"[^@\s]+@[^@\s]+|\+?[\d ()./-]{6,}")  # an address or a number, which no heading is


class Sniffed(NamedTuple):
    encoding: str  # a WHATWG label
    codec: str | None  # Python's name; None lets the byte order mark, or each line, decide
    delimiter: str
    headings: Row  # without cells where there is no heading row
    known: int  # how many of the headings some program writes


def codec_of(label: str) -> str:
    """Python's codec of a WHATWG label. UnknownEncodingError."""
    name = label.strip().lower()
    name = decoding.LABELS.get(name, name)
    if not CODECS.fullmatch(name):
        raise UnknownEncodingError(label)
    try:
        return codecs.lookup(name.replace("windows-", "cp")).name
    except LookupError:
        raise UnknownEncodingError(label) from None


def sniff(head: bytes, encoding: str | None, limits: Limits) -> Sniffed:
    """What the first bytes show. UnknownEncodingError where the caller names an encoding that is none."""
    if encoding:
        found = with_delimiter(head, by_mark(head) or encoding.strip().lower(), codec_of(encoding), limits)
    elif marked(head) or is_utf8(head):
        found = with_delimiter(head, marked(head) or "utf-8", None, limits)
    else:
        labels = sorted(LEGACY, key=lambda label: label != "windows-1251") if decoding.is_cyrillic(head) else LEGACY
        tried = [with_delimiter(head, label, LEGACY[label], limits) for label in labels]
        found = max(tried, key=lambda sniffed: sniffed.known)
    return found


def by_mark(head: bytes) -> str | None:
    return next((label(name) for mark, name in decoding.BOMS if head.startswith(mark)), None)


def label(codec: str) -> str:
    return codec.replace("16-", "16")


def marked(head: bytes) -> str | None:
    """The encoding that a byte order mark shows, or the zero bytes of UTF-16."""
    guess = decoding.guessed(head)
    return by_mark(head) or (label(guess) if guess != "utf-8" else None)


def is_utf8(head: bytes) -> bool:
    """Whether at least half of what is beyond ASCII is UTF-8, which it is not by chance; the end may be cut off."""
    text = head[: -4 if len(head) >= HEAD else None].decode(errors="replace")
    bad = text.count("\ufffd")
    return bad == 0 or sum(character > "\x7f" for character in text) - bad >= bad


def with_delimiter(head: bytes, label: str, codec: str | None, limits: Limits) -> Sniffed:
    """The headings by the delimiter with which most of them are known, else by that with most cells."""
    said = next((match[1] for line in first_lines(head, codec, limits) if (match := SEPARATOR.fullmatch(line))), None)
    tried = []
    for delimiter in [said] if said else DELIMITERS:
        known, row = headings([head], codec, delimiter, limits)
        tried.append((known, len(row.cells), delimiter, row))
    known, _, delimiter, row = max(tried, key=lambda found: found[:2])
    return Sniffed(label, codec, delimiter, row, known)


def headings(windows: Iterable[bytes], codec: str | None, delimiter: str, limits: Limits) -> tuple[int, Row]:
    """How many headings are known, and their row: the first one, unless many more are known of one below it.

    A first row of values has no headings above it: its columns get numbers.
    """
    found = list(itertools.islice(table_rows(windows, codec, delimiter, limits), SAMPLE)) or [Row(0, [])]
    known = [programs.known(programs.folded(row.cells[: limits.columns]))[0] for row in found]
    best = known.index(max(known))
    if known[best] < FEWEST or known[best] <= known[0] + 1:
        best = 0
    if not known[best] and any(VALUE.fullmatch(cell.strip()) for cell in found[0].cells):
        return 0, Row(0, [f"Column {number}" for number in range(1, len(found[0].cells) + 1)])
    return known[best], found[best]


def first_lines(head: bytes, codec: str | None, limits: Limits) -> Iterator[str]:
    found = (line.text for line in lines([head], codec, limits) if line.text is None or line.text.strip())
    return (text for text in itertools.islice(found, 1) if text is not None)


def table_rows(windows: Iterable[bytes], codec: str | None, delimiter: str, limits: Limits) -> Iterator[Row]:
    """The rows from the headings on: without Excel's `sep=;`, and without rows whose cells are all blank."""
    found = rows(lines(windows, codec, limits), delimiter, limits)
    for number, row in enumerate(found):
        if number == 0 and row.cells and SEPARATOR.fullmatch(delimiter.join(row.cells)):
            continue
        if row.fault or any(map(str.strip, row.cells)):
            yield row


def looks_like(head: bytes, told: bool = False) -> bool:
    """Whether the first 64 KiB of a file are those of a table of text. `told`: whether the caller says so."""
    limits = Limits()
    found = sniff(head[:HEAD], None, limits)
    windows = decoding.utf8(head[:HEAD], found.codec)
    text = b"".join(windows).decode(errors="replace")
    if not found.headings.cells or CONTROLS.search(text) or "\0" in text or OTHER_FORMATS.match(text):
        return False
    if found.known or told:
        return True
    sample = list(itertools.islice(table_rows([head[:HEAD]], found.codec, found.delimiter, limits), 1 + SAMPLE))
    width = len(found.headings.cells)
    alike = sum(len(row.cells) == width for row in sample)
    return width > 1 and alike > 1 and alike * 2 > len(sample)
