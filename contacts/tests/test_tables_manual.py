"""The manual's page about CSV says what the engine does. Its tables of headings are the engine's own files."""

import re
from pathlib import Path

import pytest

from contacts.cards.tables import dates, own, programs, targets

pytestmark = pytest.mark.one_stack

MANUAL = (Path(__file__).resolve().parents[2] / "docs/csv.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([^`\n]+)`", MANUAL))


@pytest.mark.parametrize("name", ["google", "outlook", "thunderbird", "common"])
def test_the_files_of_headings_are_in_the_manual(name):
    assert f":file: ../contacts/cards/tables/headings/{name}.csv" in MANUAL
    assert (programs.FOLDER / f"{name}.csv").is_file()


@pytest.mark.parametrize("place", targets.PARTS)
def test_every_place_and_part_has_its_row(place):
    rows = [line for line in MANUAL.splitlines() if re.search(rf"^\| [^|]*`{place}[`.]", line)]
    row = " ".join(rows)
    assert rows
    for part in targets.PARTS[place] - {"", "label"}:
        assert f".{part}`" in row or f"`-{part.removeprefix('phonetic-')}`" in row


@pytest.mark.parametrize("word", sorted({word for words in targets.TYPES.values() for word in words}))
def test_every_type_is_named(word):
    assert f"`:{word}`" in MANUAL or word in targets.SERVICES


@pytest.mark.parametrize("heading", own.HEADINGS)
def test_every_heading_of_our_own_is_named(heading):
    name, _, rest = heading.partition(" ")
    assert name in NAMED
    assert all(word in NAMED or word.isdigit() for word in rest.split())


def test_the_targets_of_the_api_are_named():
    line = next(line for line in MANUAL.splitlines() if line.startswith("The API names"))
    assert {target.partition(":")[0] for target in targets.PUBLIC} == set(re.findall(r"`([^`]+)`", line)[0].split())


@pytest.mark.parametrize("text", ["1985-04-12", "1985/4/12", "19850412", "85-04-12", "12.04.1985", "12.4.85"])
def test_the_examples_of_dates_are_read_so(text):
    assert text in NAMED
    assert dates.read(text, None, 2026).date == {"@type": "PartialDate", "year": 1985, "month": 4, "day": 12}
