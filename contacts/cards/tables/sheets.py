"""The columns of each format that is written, and where a piece of a card goes in them."""

import csv
import functools
from typing import NamedTuple

from contacts.cards.tables import columns, own, programs
from contacts.cards.tables.pieces import Piece
from contacts.cards.tables.places import Group
from contacts.cards.tables.targets import CONTEXTS, FEATURES, Target, parse

# How often each numbered heading of Google is written.
GOOGLE = {"E-mail": 5, "Phone": 8, "Address": 3, "Website": 3, "Event": 2, "Relation": 3, "Custom Field": 5}
FORMATS = ("csv", "csv-google", "csv-outlook")


class Sheet(NamedTuple):
    format: str
    headings: list[str]
    cells: list[columns.Cell]
    groups: list[Group]

    @property
    def slots(self) -> dict[str, list[int]]:
        """The groups of each place."""
        found: dict[str, list[int]] = {}
        for number, group in enumerate(self.groups):
            found.setdefault(group.place, []).append(number)
        return found


@functools.cache
def sheet(format: str) -> Sheet:
    """The sheet of a format. KeyError for an unknown one."""
    pairs = {"csv": own_columns, "csv-google": google_columns, "csv-outlook": outlook_columns}[format]()
    headings = [heading for heading, _ in pairs]
    found = [columns.Column(heading, target) for heading, target in pairs]
    return Sheet(format, headings, *columns.arranged(found, programs.programs()[0], headings))


@functools.cache
def written() -> list[list[str]]:
    """The rows of headings that are written."""
    return [sheet(format).headings for format in FORMATS]


def own_columns() -> list[tuple[str, Target]]:
    return [(heading, parse(spelling)) for heading, spelling in own.COLUMNS]


def google_columns() -> list[tuple[str, Target]]:
    """Google's new headings, without those that would always be empty."""
    numbered: dict[str, list[tuple[str, str]]] = {name: [] for name in GOOGLE}
    pairs: list[tuple[str, str]] = []
    for heading, spelling in known("google", "new"):
        name = heading.partition(" # - ")[0]
        if name == heading:
            pairs.append((heading, spelling))
        elif name in numbered:
            numbered[name].append((heading, spelling))
    for name, most in GOOGLE.items():
        # The label comes before the value, as Google has it.
        order = sorted(numbered[name], key=lambda pair: not pair[0].endswith("Label"))
        pairs += [
            (heading.replace("#", str(n)), f"{spelling}{n}") for n in range(1, most + 1) for heading, spelling in order
        ]
    return [(heading, parse(spelling)) for heading, spelling in pairs]


def outlook_columns() -> list[tuple[str, Target]]:
    return [(heading, parse(spelling)) for heading, spelling in known("outlook", "English") if ".shown" not in spelling]


def known(name: str, language: str) -> list[tuple[str, str]]:
    """The first of the headings for each target, in the order of the file."""
    with (programs.FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row[language].split("|")[0], row["target"]) for row in csv.DictReader(file)]
    return [(heading, spelling) for heading, spelling in rows if heading and spelling != programs.KNOWN_WITHOUT_TARGET]


@functools.lru_cache(maxsize=256)
def wanted_types(types: tuple[str, ...]) -> list[frozenset[str]]:
    """The types of the columns in which a piece may stand, the best first."""
    features = frozenset(word for word in types if word in FEATURES)
    contexts = frozenset(word for word in types if word in CONTEXTS)
    return [frozenset(types), features or contexts, frozenset(["pref"]), frozenset(["other"]), frozenset()]


class Filling:
    """One row in the making."""

    def __init__(self, sheet: Sheet, slots: dict[str, list[int]]) -> None:
        self.groups = sheet.groups
        self.slots = slots
        self.used: set[int] = set()
        self.values: dict[int, dict[str, str]] = {}

    def put(self, piece: Piece) -> bool:
        """Whether a column was free for the piece."""
        among = [number for number in self.slots.get(piece.place, ()) if number not in self.used]
        for types in wanted_types(piece.types):
            for number in among:
                if frozenset(self.groups[number].types) == types:
                    self.used.add(number)
                    self.values[number] = piece.parts
                    return True
        return False
