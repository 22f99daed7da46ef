"""Rows of a table from bytes: lines of text, and their cells by Python's csv module.

Each line is parsed at most twice.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from contacts.cards.vcard import decoding
from contacts.cards.vcard.lines import physical_lines

NOT_UTF8 = "Bytes that are not UTF-8 were read as Windows-1252."
NULS = "NUL characters were left out."
LINE = 16  # bytes of a row that each of its lines counts for, beside its text: many short ones take memory, too
DAMAGED = "The quotes of this row are damaged; it was read line by line."


@dataclass(frozen=True)
class Limits:
    """What a table may ask of the reader."""

    row_bytes: int = 1 << 20  # of a line, and of all lines of a row: a card in JSON with its quotes doubled
    columns: int = 1_000
    notes: int = 100  # of one row
    full_name: int = 40_000  # characters, each at most six bytes in JSON: it must fit a card


# The csv module's bound of a cell is global to the process. Rows are bounded here, so it only must not be in the way.
csv.field_size_limit(max(csv.field_size_limit(), 2 * Limits.row_bytes))


class Line(NamedTuple):
    number: int  # from 1
    text: str | None  # None: longer than a row may be
    note: str | None = None


class Row(NamedTuple):
    line: int
    cells: list[str]
    notes: tuple[str, ...] = ()
    fault: str | None = None


def lines(windows: Iterable[bytes], encoding: str | None, limits: Limits) -> Iterator[Line]:
    """The lines of a file. UnknownEncodingError."""
    for number, line in enumerate(physical_lines(decoding.utf8(windows, encoding), limits.row_bytes), 1):
        yield Line(number, None) if line is None else text_line(number, line)


def text_line(number: int, line: bytes) -> Line:
    try:
        text = line.decode()
        note = decoding.UNDECODED if "\ufffd" in text else None
    except UnicodeDecodeError:
        damaged = decoding.damaged_utf8(line)
        text, note = (decoding.windows_1252(line), NOT_UTF8) if damaged is None else (damaged, None)
        note = decoding.UNDECODED if "\ufffd" in text else note
    return Line(number, text.replace("\0", ""), NULS) if "\0" in text else Line(number, text, note)


def rows(found: Iterator[Line], delimiter: str, limits: Limits) -> Iterator[Row]:
    """Every row that is not blank."""
    for line in found:
        if line.text is None:
            yield too_long(line, limits)
        elif '"' in line.text:
            yield from quoted(line, found, delimiter, limits)
        elif line.text.strip():
            yield Row(line.number, line.text.split(delimiter), notes_of([line]))


def too_long(line: Line, limits: Limits) -> Row:
    return Row(line.number, [], fault=f"This row is over {limits.row_bytes} bytes.")


def quoted(first: Line, found: Iterator[Line], delimiter: str, limits: Limits) -> Iterator[Row]:
    """The row that begins with this line; its quotes may hold line breaks."""
    taken = [first]

    def texts() -> Iterator[str]:
        size = 0
        for line in taken:  # grows below
            size += len(line.text or "") + LINE
            if line.text is None or size > limits.row_bytes:
                return
            yield line.text + "\n"
            following = next(found, None)
            if following is not None:
                taken.append(following)

    try:
        cells = next(csv.reader(texts(), delimiter=delimiter, strict=True))
    except csv.Error:
        yield from damaged(taken, delimiter, limits)
    else:
        yield Row(first.number, cells, notes_of(taken))


def damaged(taken: list[Line], delimiter: str, limits: Limits) -> Iterator[Row]:
    """Each line as a row of its own. A line without a delimiter goes on with the last cell of the row before it."""
    row: Row | None = None
    more: list[str] = []
    for line in taken:
        if row and not row.fault and line.text is not None and delimiter not in line.text:
            more.append(line.text)
            continue
        if row:
            yield continued(row, more)
        row, more = too_long(line, limits) if line.text is None else single(line, delimiter), []
    if row:
        yield continued(row, more)


def continued(row: Row, more: list[str]) -> Row:
    if more:
        row.cells[-1] = "\n".join([row.cells[-1], *more])
    return row


def single(line: Line, delimiter: str) -> Row:
    try:
        cells = next(csv.reader([line.text or ""], delimiter=delimiter), [""])
    except csv.Error:
        return Row(line.number, [], fault=f"A cell of this row is over {csv.field_size_limit()} characters.")
    return Row(line.number, cells or [""], (*notes_of([line]), DAMAGED))


def notes_of(taken: list[Line]) -> tuple[str, ...]:
    if len(taken) == 1 and taken[0].note is None:
        return ()
    return tuple(dict.fromkeys(line.note for line in taken if line.note))
