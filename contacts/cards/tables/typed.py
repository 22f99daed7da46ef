"""Headings that no program is known for, made of a known one and words for a type: `Email (work)`, `Mobil privat`."""

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from contacts.cards.tables import labels
from contacts.cards.tables.targets import CONTEXTS, TYPES, Target

if TYPE_CHECKING:
    from contacts.cards.tables.programs import Program

LONGEST = 60  # characters of a heading that is looked at
DEPTH = 2  # words for types in one heading
NOT_ALONE = frozenset(["number", "first", "last"])  # `Personal number` is no telephone number


@functools.cache
def words() -> tuple[tuple[str, str], ...]:
    """Each word without spaces and accents, and its type; "" is a word that says nothing. The longest ones first."""
    found = {labels.squeezed(word): type for word, type in labels.heading_words().items()}
    return tuple(sorted(found.items(), key=lambda pair: -len(pair[0])))


def targets(heading: str, programs: "Sequence[Program]") -> tuple[Target | None, ...]:
    """The target of a folded heading, or ()."""
    text = labels.squeezed(heading)
    found = without_types(text, programs, DEPTH) if len(text) <= LONGEST else None
    return (found,) if found else ()


def bare_numbers(headings: Sequence[str]) -> dict[int, Target]:
    """The columns `Home`, `Work` and `Other`, which are numbers beside a column `Mobile`."""
    types = dict(words())
    found = [types.get(labels.squeezed(heading)) for heading in headings]
    if "cell" not in found:
        return {}
    return {
        place: Target("phone", "", (type,)) for place, type in enumerate(found) if type in ("home", "work", "other")
    }


def without_types(text: str, programs: "Sequence[Program]", depth: int) -> Target | None:
    for word, type in words():
        for rest in (text.removeprefix(word), text.removesuffix(word)):
            if rest in ("", text) or rest in NOT_ALONE:
                continue
            known = next((among[0] for program in programs if (among := program.squeezed.get(rest))), None)
            found = known or (without_types(rest, programs, depth - 1) if depth > 1 else None)
            if found and (target := with_type(found, type)):
                return target
    return None


def with_type(target: Target, type: str) -> Target | None:
    """The target with one type more, None where it can have none or has another one of the kind."""
    if type and type not in TYPES.get(target.place, ()):
        return None
    if type in CONTEXTS and any(word in CONTEXTS and word != type for word in target.types):
        return None
    return target._replace(types=tuple(dict.fromkeys([*target.types, *([type] if type else [])])))
