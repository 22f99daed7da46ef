"""Tables of contacts as JSContact cards, one entry for each row that is not blank."""

import functools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from contacts.cards.folding import fold
from contacts.cards.jscontact import Card
from contacts.cards.tables import columns, dates, programs, sheets, sniffing
from contacts.cards.tables.columns import Cell, Choices, Column
from contacts.cards.tables.dates import Order, UnknownOrderError
from contacts.cards.tables.draft import Draft, Settings
from contacts.cards.tables.formulas import restored, unmarked
from contacts.cards.tables.places import READERS, Group
from contacts.cards.tables.rows import Limits, Row
from contacts.cards.tables.targets import DATED
from contacts.cards.tables.usual import says_nothing
from contacts.cards.validation import number_of_values
from contacts.cards.vcard import bounds, names
from contacts.cards.vcard.reader import shorten

Source = Callable[[], Iterable[bytes]]  # the bytes of the file from its beginning, each time that it is called

# What stands between several values in one cell, and the pattern of what stands between groups.
SEPARATORS = {"google": (" ::: ", re.escape(" ::: ")), "own": (None, re.escape(" ::: "))}
SAMPLE = 100  # rows in which an example of a cell is looked for
EXAMPLE = 100  # characters
SHORT = 800  # characters of a row that cannot become too many values: at most six each
FEW = 1_000  # values that cannot be too many bytes
NAME = frozenset(map(fold, ("Name", "Naam", "Namn", "Navn")))
NO_COLUMN = "No column of the table is known."
ABOVE = "This row stands above the headings."
NO_NAME = "This row has no name, e-mail address or phone number."


@dataclass
class Entry:
    """A row of a table. `card` is None where it failed: `reason` says why, `question` what answer would help."""

    line: int  # where it begins, from 1
    card: Card | None
    notes: list[str] = field(default_factory=list)  # what was understood otherwise than it stands there
    reason: str | None = None
    question: str | None = None  # `mapping` or `date_order`


@dataclass(frozen=True)
class Table:
    """A file of which the headings are understood. Reading it again gives the same entries."""

    source: Source
    sniffed: sniffing.Sniffed
    columns: list[Column]
    cells: list[Cell]
    groups: list[Group]
    program: str  # `google`, `outlook`, `thunderbird`, `own` or `common`
    defused: bool
    settings: Settings
    limits: Limits
    examples: list[str]

    @property
    def encoding(self) -> str:
        """A WHATWG label."""
        return self.sniffed.encoding

    @functools.cached_property
    def names_are_surnames(self) -> bool:
        """Whether `Name` stands beside a column for the given name, and no other one is for the surname."""
        parts = {part for group in self.groups if group.place == "name" for part in group.headings}
        full = [fold(group.heading) for group in self.groups if group.place == "fullname"]
        return "given" in parts and "surname" not in parts and len(full) == 1 and full[0] in NAME

    @property
    def question(self) -> str | None:
        """`mapping` where no column is known. That the order of dates is not known shows in the entries."""
        return None if self.groups else "mapping"

    def described(self) -> list[dict[str, str | None]]:
        """The columns as the API lists them; `target` is null for those that are kept under their headings."""
        return [
            {"name": column.name, "target": str(column.target) if column.target else None, "example": example}
            for column, example in zip(self.columns, self.examples, strict=True)
        ]

    def entries(self) -> Iterator[Entry]:
        headings = self.sniffed.headings.line
        for row in sniffing.table_rows(self.source(), self.sniffed.codec, self.sniffed.delimiter, self.limits):
            if row.line < headings:
                yield Entry(row.line, None, list(row.notes), ABOVE)
            elif row.line > headings:
                yield self.entry_of(row)

    def entry_of(self, row: Row) -> Entry:
        entry = self.card_of(row)
        shorten(entry.notes, self.limits.notes)
        return entry

    def card_of(self, row: Row) -> Entry:
        if row.fault:
            return Entry(row.line, None, list(row.notes), row.fault)
        if self.question:
            return Entry(row.line, None, list(row.notes), NO_COLUMN, self.question)
        draft = Draft(self.settings, notes=list(row.notes))
        try:
            self.fill(draft, row.cells)
        except UnknownOrderError as error:
            reason = f"Whether the day or the month comes first in {str(error)[:60]!r} is not known."
            return Entry(row.line, None, draft.notes, reason, "date_order")
        return self.completed(row, draft)

    def fill(self, draft: Draft, cells: list[str]) -> None:
        cells = [restored(cell) if self.defused else unmarked(cell, draft.notes) for cell in cells]
        values: dict[int, dict[str, str]] = {}
        kept = []
        for cell, text in zip(self.cells, cells, strict=False):
            text = text.strip()
            if text and cell.group is not None:
                values.setdefault(cell.group, {})[cell.part] = text
            elif text and not (cell.says_nothing and says_nothing(text)):
                kept.append((cell.heading, text))
        for number in sorted(values, key=lambda number: (self.groups[number].place == "more", number)):
            READERS[self.groups[number].place](draft, self.groups[number], values[number])
        self.keep_rest(draft, kept, cells)

    def keep_rest(self, draft: Draft, kept: list[tuple[str, str]], cells: list[str]) -> None:
        """What no target is for: cells of unknown columns, and cells beyond the headings."""
        beyond = [text.strip() for text in cells[len(self.cells) :] if text.strip()]
        for heading, text in kept:
            draft.keep(heading, text)
        for text in beyond[: self.limits.notes]:
            draft.keep("", text)
        if beyond:
            more_than = f", and {len(beyond) - self.limits.notes} of them were left out"
            left_out = more_than if len(beyond) > self.limits.notes else ""
            draft.notes.append(f"The row has {len(beyond)} cells more than there are headings{left_out}.")

    def completed(self, row: Row, draft: Draft) -> Entry:
        """Gives the card a full name and makes it fit its bounds."""
        name = draft.card.setdefault("name", {})
        if self.names_are_surnames:
            take_surname(name)
        if not fold(name.get("full", "")):
            made = names.made_full(draft.card)
            if made is None or not fold(made[0]):
                return Entry(row.line, None, draft.notes, NO_NAME)
            name["full"] = made[0]
            if made[1] != "N" or any(group.place == "fullname" for group in self.groups):
                draft.notes.append(f"The row has no full name; it was made of {made[1]}.")
        if len(name["full"]) > self.limits.full_name:
            name["full"] = name["full"][: self.limits.full_name]
            draft.notes.append(f"The name was cut after {self.limits.full_name} characters.")
        size = sum(map(len, row.cells))
        if size > bounds.SMALL or (size > SHORT and number_of_values(draft.card, FEW) > FEW):
            bounds.fit(draft.card, draft.notes)
        return Entry(row.line, draft.card, draft.notes)


def take_surname(name: dict[str, Any]) -> None:
    """The full name becomes the surname, unless the given name stands in it."""
    parts, full = name.get("components", []), name.get("full", "")
    given = next((part["value"] for part in parts if part["kind"] == "given"), None)
    if given and full and fold(given) not in fold(full):
        name["components"] = [{"kind": "surname", "value": full}, *parts]
        name["full"] = names.spoken_name(name)


def read_table(
    source: Source | bytes,
    *,
    today: date,
    encoding: str | None = None,
    date_order: Order | None = None,
    mapping: Choices | None = None,
    limits: Limits | None = None,
) -> Table:
    """The table of a file, whose `entries` are its rows. UnknownEncodingError, UnknownTargetError, and nothing else.

    `today` is for years of two digits. Where dates are in doubt the whole file is read once here.
    """
    limits = limits or Limits()
    opened: Source = (lambda: [source]) if isinstance(source, bytes) else source
    sniffed = sniffing.sniff(beginning(opened()), encoding, limits)
    headings = [text.strip()[: programs.LONGEST] for text in sniffed.headings.cells[: limits.columns]]
    folded = programs.folded(headings)
    program = programs.known(folded)[1]
    found = columns.columns_of(headings, program, folded, mapping or {})
    cells, groups = columns.arranged(found, program, folded)
    order = date_order or order_of(opened, sniffed, limits, found)
    several, between = SEPARATORS.get(program.name, (None, "[;,]"))
    return Table(
        *(opened, sniffed, found, cells, groups, program.name),
        columns.is_own(program, headings, sheets.written()),
        Settings(order, today.year, several, between),
        *(limits, examples(opened, sniffed, limits, len(found))),
    )


def beginning(windows: Iterable[bytes]) -> bytes:
    parts, size = [], 0
    for window in windows:
        parts.append(window)
        size += len(window)
        if size >= sniffing.HEAD:
            break
    return b"".join(parts)[: sniffing.HEAD]


def body(source: Source, sniffed: sniffing.Sniffed, limits: Limits) -> Iterator[Row]:
    """The rows below the headings."""
    found = sniffing.table_rows(source(), sniffed.codec, sniffed.delimiter, limits)
    return (row for row in found if row.line > sniffed.headings.line)


def order_of(source: Source, sniffed: sniffing.Sniffed, limits: Limits, found: list[Column]) -> Order | None:
    """The order of day and month that the dates of the whole table show."""
    places = [n for n, column in enumerate(found) if column.target and is_dated(column.target)]
    if not places:
        return None
    rows = body(source, sniffed, limits)
    return dates.order_of(row.cells[place] for row in rows for place in places if place < len(row.cells))


def is_dated(target: Any) -> bool:
    return target.place in DATED and not target.part


def examples(source: Source, sniffed: sniffing.Sniffed, limits: Limits, width: int) -> list[str]:
    """The first value of each column."""
    found = [""] * width
    for number, row in enumerate(body(source, sniffed, limits)):
        if number >= SAMPLE:
            break
        for place, text in enumerate(row.cells[:width]):
            found[place] = found[place] or text.strip()[:EXAMPLE]
    return found
