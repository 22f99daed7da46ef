"""Lines of UTF-8, gathered into the cards that they belong to. Nothing here looks into a line."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self

MARK = re.compile(rb"\s*(BEGIN|END)\s*:\s*VCARD\s*\Z", re.IGNORECASE)
# Files that were put together, the first of which has no line end.
JOINED = re.compile(rb"\s*END\s*:\s*VCARD\s*BEGIN\s*:\s*VCARD\s*\Z", re.IGNORECASE)
AGENT = re.compile(rb"(?:[\w-]+\.)?AGENT(?:;[^:]*)?:\s*(BEGIN:VCARD)?\s*\Z", re.IGNORECASE)
ESCAPED = re.compile(rb"[\\,;]")
BOM = b"\xef\xbb\xbf"
MARK_BEGINS = frozenset(b"BbEe\xef")
AGENT_BEGINS = frozenset(b"Aa")
FOLDS = frozenset(b" \t")


@dataclass(frozen=True)
class Limits:
    """What a file may ask of the reader. Sizes are in bytes."""

    card_bytes: int = 24 * 1024 * 1024  # with its pictures in base64
    line_bytes: int = 8 * 1024 * 1024  # of one property, unfolded: 5 MB of picture in base64
    picture_bytes: int = 5 * 1024 * 1024
    lines: int = 350_000  # of one card, folded ones and those of nested cards too
    properties: int = 5_000
    parameters: int = 100  # of one property
    nesting: int = 16  # cards inside cards
    notes: int = 100  # of one card
    full_name: int = 40_000  # characters, which fit a card in every script


@dataclass
class RawCard:
    """The lines of one outermost card. A card nested in it is part of its AGENT's line, in the escaped form of 3.0."""

    line: int  # where it begins, from 1
    limits: Limits
    lines: list[bytes] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)  # of each line
    overlong: list[int] = field(default_factory=list)  # numbers of the lines where a property too long was left out
    strays: list[int] = field(default_factory=list)  # numbers of the first lines outside of any card
    depth: int = 1  # 0 after its END
    size: int = 0
    counted: int = 0  # lines
    run: int = 0  # bytes of the property that the last line belongs to
    too_large: bool = False
    may_nest: bool = False  # the last line was an AGENT's, whose card may follow
    nested: list[bytes] = field(default_factory=list)
    indent: bytes = b""  # before each of its lines

    @property
    def ended(self) -> bool:
        return self.depth == 0

    def add(self, number: int, line: bytes | None, mark: bytes | None) -> None:
        """`line` is None where it was longer than a line may be."""
        if self.depth == 0:
            self.add_stray(number, line)
        elif self.depth > 1 or (mark == b"BEGIN" and self.may_nest):
            self.add_nested(line or b"", mark)
        elif mark == b"END":
            self.depth = 0
        elif line is None:
            self.overlong.append(number)
        else:
            self.store(number, line)

    def add_stray(self, number: int, line: bytes | None) -> None:
        if len(self.strays) < self.limits.notes and (line is None or line.strip(b"\0 \t\r\x1a")):
            self.strays.append(number)

    def add_nested(self, line: bytes, mark: bytes | None) -> None:
        self.depth += {b"BEGIN": 1, b"END": -1, None: 0}[mark]
        self.watch_for_agent(line)
        self.run += len(line)
        if self.depth > self.limits.nesting:
            self.run = self.limits.line_bytes + 1
        if self.run > self.limits.line_bytes:
            self.nested = []
        else:
            self.nested.append(ESCAPED.sub(rb"\\\g<0>", line) + rb"\n")
            self.count(0)
        if self.depth == 1:
            self.close_nested()

    def close_nested(self) -> None:
        if self.lines and self.run > self.limits.line_bytes:
            self.lines.pop()
            self.overlong.append(self.numbers.pop())
        elif self.lines and self.nested:
            nested = b"".join(self.nested)
            self.lines[-1] += nested
            self.count(len(nested))
        self.nested, self.run = [], 0

    def closed(self) -> Self:
        if self.depth > 1:
            self.close_nested()
        return self

    def store(self, number: int, line: bytes) -> None:
        if not line and (self.may_nest or (self.lines and not self.lines[-1])):
            return  # one blank line ends base64, others say nothing
        if self.may_nest and not line.strip():
            return
        start = line[0] if line else 0
        before = self.run if start in FOLDS else 0
        self.run = before + len(line)
        if self.run <= self.limits.line_bytes:
            self.lines.append(line)
            self.numbers.append(number)
            self.count(len(line) + 1)
            if self.may_nest or start in AGENT_BEGINS:
                self.watch_for_agent(line)
                self.nested = [rb"\n"] if self.depth > 1 else []
        elif before == 0:
            self.overlong.append(number)
        elif before <= self.limits.line_bytes:
            self.drop_property()

    def count(self, size: int) -> None:
        self.size += size
        self.counted += 1
        if self.size > self.limits.card_bytes or self.counted > self.limits.lines:
            self.too_large = True
            self.lines, self.numbers, self.nested = [], [], []

    def watch_for_agent(self, line: bytes) -> None:
        """An AGENT opens a nested card in its own line, or lets the next line open one."""
        agent = AGENT.match(line)
        self.may_nest = bool(agent and not agent[1]) or (self.may_nest and not line.strip())
        if agent and agent[1]:
            self.depth += 1

    def drop_property(self) -> None:
        """Leaves out the last property, whose folded lines are too long in all, from its first line on."""
        while self.lines:
            line, number = self.lines.pop(), self.numbers.pop()
            self.size -= len(line) + 1
            if not line or line[0] not in FOLDS:
                self.overlong.append(number)
                return


def raw_cards(windows: Iterable[bytes], limits: Limits) -> Iterator[RawCard]:
    """Every outermost BEGIN:VCARD with what follows it, until the next one.

    A BEGIN inside a card opens a nested one only after an AGENT line (vCard 2.1); anywhere else the card before
    it has no END.
    """
    card: RawCard | None = None
    strays = RawCard(1, limits, depth=0)
    for number, line in enumerate(physical_lines(windows, limits.line_bytes), 1):
        outside = card is None or card.depth == 0
        indent = b"" if outside or card is None else card.indent
        if indent and line:
            line = line.removeprefix(indent)
        mark = mark_of(line) if line and (line[0] in MARK_BEGINS or (outside and line[0] in FOLDS)) else None
        if mark == b"END BEGIN":
            (card or strays).add(number, line, b"END")
            mark = b"BEGIN"
        if mark == b"BEGIN" and not (card and card.may_nest):
            if card:
                yield card.closed()
            card = RawCard(number, limits, strays=strays.strays, indent=indent or indent_of(line))
            strays = RawCard(1, limits, depth=0)
        else:
            (card or strays).add(number, line, mark)
    if card:
        yield card.closed()


def mark_of(line: bytes) -> bytes | None:
    match = MARK.match(line.removeprefix(BOM))
    if match:
        return match[1].upper()
    return b"END BEGIN" if JOINED.match(line) else None


def indent_of(line: bytes | None) -> bytes:
    return line[: len(line) - len(line.lstrip(b" \t"))] if line else b""


def physical_lines(windows: Iterable[bytes], limit: int) -> Iterator[bytes | None]:
    """Lines without their ends: LF, CRLF, CRCRLF or CR. None stands for one that is longer than `limit`."""
    unfinished: list[bytes] = []
    size = 0
    newline = b""
    for window in without_crlf(windows):
        newline = newline or newline_of(window)
        first, *others = window.split(newline or b"\n")
        size += len(first)
        if size <= limit:
            unfinished.append(first)
        else:
            unfinished.clear()
        if others:
            yield from finished(b"".join(unfinished)) if size <= limit else [None]
            for line in others[:-1]:
                if b"\r" in line:
                    yield from finished(line)
                else:
                    yield line
            unfinished, size = [others[-1]], len(others[-1])
    if size:
        yield from finished(b"".join(unfinished)) if size <= limit else [None]


def without_crlf(windows: Iterable[bytes]) -> Iterator[bytes]:
    """LF for each CRLF, also for one that two windows share."""
    carried = b""
    for window in windows:
        window = carried + window
        carried = b"\r" if window.endswith(b"\r") else b""
        yield window[: len(window) - len(carried)].replace(b"\r\n", b"\n")
    yield carried


def finished(line: bytes) -> list[bytes]:
    """A line without the CR at its end; a CR inside it ends a line, too."""
    line = line.rstrip(b"\r")
    return line.split(b"\r") if b"\r" in line else [line]


def newline_of(window: bytes) -> bytes:
    """CR alone ends the lines of old Macs' files; nothing is known from a window without either."""
    if b"\n" in window:
        return b"\n"
    return b"\r" if b"\r" in window else b""
