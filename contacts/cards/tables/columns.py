"""The columns of a table: the target of each, and the entries that they make together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contacts.cards.tables import own, programs
from contacts.cards.tables.places import Group
from contacts.cards.tables.programs import Program
from contacts.cards.tables.targets import Target, parse

Choices = Mapping[str, str | None]  # a column's name and its target, or null


@dataclass(frozen=True)
class Column:
    name: str
    target: Target | None


@dataclass(frozen=True)
class Cell:
    """Where a cell goes: the part of an entry; without a group it is kept under its heading."""

    place: int
    heading: str
    part: str = ""
    group: int | None = None
    says_nothing: bool = False  # a known column whose usual values are dropped


def columns_of(cells: Sequence[str], program: Program, folded: Sequence[str], chosen: Choices) -> list[Column]:
    """The columns, as the caller chose their targets, else as their headings say. UnknownTargetError."""
    choices = {name: parse(target) if target else None for name, target in chosen.items()}
    found = programs.targets(folded, program)
    return [Column(name, choices.get(name, target)) for name, target in zip(cells, found, strict=True)]


def arranged(columns: Sequence[Column], program: Program, folded: Sequence[str]) -> tuple[list[Cell], list[Group]]:
    """The cells of a row in their order, and the entries that they make."""
    cells: list[Cell] = []
    groups: list[Group] = []
    latest: dict[tuple[str, tuple[str, ...], str], int] = {}
    for place, column in enumerate(columns):
        target = column.target
        if target is None:
            cells.append(Cell(place, column.name, says_nothing=program.find(folded[place]) == (None,)))
            continue
        key = (target.place, target.types, target.number)
        if key not in latest or target.part in groups[latest[key]].headings:
            latest[key] = len(groups)
            groups.append(Group(target.place, target.types, {}))
        groups[latest[key]].headings[target.part] = column.name
        cells.append(Cell(place, column.name, target.part, latest[key]))
    return cells, groups


def is_own(program: Program, cells: Sequence[str], written: Sequence[Sequence[str]]) -> bool:
    """Whether these are headings that the writer writes, so that defused cells are to be restored."""
    if program.name == "own":
        return bool(own.MARKS.intersection(cells)) and set(own.HEADINGS).issuperset(cells)
    return list(cells) in list(map(list, written))
