"""The headings that programs write, from the files in `headings/`, and which program a table comes from."""

import csv
import functools
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from contacts.cards.folding import fold
from contacts.cards.tables import own, typed
from contacts.cards.tables.labels import squeezed
from contacts.cards.tables.targets import Target, parse

FOLDER = Path(__file__).parent / "headings"
KNOWN_WITHOUT_TARGET = "none"
LONGEST = 255  # characters of a heading that are looked at
NUMBER = re.compile(r"(?<= )[1-9]\d{0,2}(?= - )", re.ASCII)  # of Google's `E-mail 2 - Value`

Targets = tuple[Target | None, ...]  # of the first column with a heading, the second, and so on


class Program(NamedTuple):
    """A program in one language."""

    name: str
    language: str
    headings: dict[str, Targets]  # by folded heading; `#` stands for a number
    squeezed: dict[str, Targets]  # by letters and digits alone: `first_name` and `FirstName` are `First Name`

    def find(self, folded: str) -> Targets:
        """The targets that a folded heading has in turn, () for an unknown one; None is a heading without target."""
        if folded in self.headings:
            return self.headings[folded]
        number = NUMBER.search(folded)
        if number is None:
            return self.squeezed.get(squeezed(folded), ())
        numbered = self.headings.get(NUMBER.sub("#", folded, count=1), ())
        return tuple(target and target._replace(number=number[0]) for target in numbered)


@functools.cache
def programs() -> tuple[Program, ...]:
    """Every program in every language. Where two know equally many headings of a table, it is the earlier one's."""
    ours = program("own", "", {fold(heading): (parse(target),) for heading, target in own.COLUMNS})
    google, outlook, thunderbird = map(load, ("google", "outlook", "thunderbird"))
    return (*load("common"), ours, *google, *outlook, *thunderbird)


def load(name: str) -> list[Program]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        (_, *languages), *rows = csv.reader(file)
    return [
        program(name, language, headings([(row[0], row[place].split("|")) for row in rows if row[place]]))
        for place, language in enumerate(languages, 1)
    ]


def program(name: str, language: str, found: dict[str, Targets]) -> Program:
    return Program(name, language, found, {squeezed(heading): found[heading] for heading in reversed(found)})


def headings(rows: list[tuple[str, list[str]]]) -> dict[str, Targets]:
    found: dict[str, Targets] = {}
    for spelling, names in rows:
        target = None if spelling == KNOWN_WITHOUT_TARGET else parse(spelling.removesuffix("#"))
        for name in names:
            found[fold(name)] = (*found.get(fold(name), ()), target)
    return found


def folded(cells: Sequence[str]) -> list[str]:
    return [fold(cell[:LONGEST]) for cell in cells]


def known(headings: Sequence[str]) -> tuple[int, Program]:
    """How many of the folded headings the program knows that knows most of them."""
    scores = [sum(bool(program.find(heading)) for heading in headings) for program in programs()]
    best = max(scores)
    return best, programs()[scores.index(best)]


def targets(headings: Sequence[str], program: Program) -> list[Target | None]:
    """The target of each folded heading, from the program, else from its other languages, else from any other."""
    others = [program, *(other for other in programs() if other.name == program.name), *programs()]
    numbers = typed.bare_numbers(headings)
    seen: Counter[str] = Counter()
    found: list[Target | None] = []
    for place, heading in enumerate(headings):
        among = next((known for other in others if (known := other.find(heading))), ())
        among = among or typed.targets(heading, others) or tuple(filter(None, [numbers.get(place)]))
        found.append(among[min(seen[heading], len(among) - 1)] if among else None)
        seen[heading] += 1
    return found
