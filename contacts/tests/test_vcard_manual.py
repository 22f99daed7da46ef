"""The manual's tables of vCard properties and parameters say what the engine does."""

import re
from pathlib import Path

import pytest

from contacts.cards.vcard import addresses, people
from contacts.cards.vcard.mapping import LATER, READERS, SINGLE, TIMES
from contacts.cards.vcard.names import KINDS, PHONETIC
from contacts.cards.vcard.tables import ADDRESS_TYPES, DATES, ONLY_IN_4, PHONE_TYPES, RELATIONS, RULES

pytestmark = pytest.mark.one_stack

MANUAL = (Path(__file__).resolve().parents[2] / "docs/vcard.md").read_text()


def table(text):
    return {
        cells[0]: cells[1:] for line in text.split("\n") if line.startswith("| ") and (cells := line[2:-2].split(" | "))
    }


ROWS, PARAMETERS = map(table, MANUAL.split("## Parameters"))
TITLES = {"vCard", "parameter", "---"}
SPECIAL = {
    "type",
    "altid",
    "language",
    "pid",
    "derived",
    "charset",
    "encoding",
    "value",
    "x-apple-omit-year",
    "jscomps",
    "jsptr",
    "phonetic",
    "script",
    "sort-as",
    "label",
    "calscale",
    "created",
}


def read_parameters():
    members = [rule.members for rule in (*RULES.values(), addresses.ADDRESS, people.USER)]
    return {name for found in members for name in found} | {*people.AUTHOR, "pref", "prop-id"} | SPECIAL | ONLY_IN_4


def test_every_property_and_parameter_has_its_row_and_no_other():
    assert ROWS.keys() - TITLES == READERS.keys() | LATER.keys() | {"JSPROP"}
    assert PARAMETERS.keys() - TITLES == {name.upper() for name in read_parameters()}


@pytest.mark.parametrize("name", RULES)
def test_a_row_names_the_place(name):
    if name == "NOTE":
        return
    rule = RULES[name]
    place = ROWS[name][0]
    assert place.startswith(f"`{rule.collection}/*/{rule.member}`")
    assert all(f"`{member}` `{value}`" in place for member, value in rule.fixed.items())
    assert (f"`vCardName` `{name.lower()}`" in place) == rule.named


@pytest.mark.parametrize("name", [*DATES, *RELATIONS, *SINGLE, *TIMES, *PHONETIC])
def test_a_row_of_a_date_a_person_or_a_single_value_names_it(name):
    expected = [DATES[name][0]] if name in DATES else []
    expected += [RELATIONS[name]] if RELATIONS.get(name) else []
    expected += [table[name] for table in (SINGLE, TIMES, PHONETIC) if name in table]
    assert all(f"`{word}`" in ROWS[name][0] for word in expected)


def test_the_row_of_type_names_all_its_words():
    for word, (_, name) in {**ADDRESS_TYPES, **PHONE_TYPES}.items():
        assert word in re.findall(r"[a-z-]+", PARAMETERS["TYPE"][0])
        assert name in re.findall(r"[a-z-]+", PARAMETERS["TYPE"][0])


def test_the_rows_of_parameters_say_which_are_of_4_0_alone():
    for name in read_parameters():
        assert (PARAMETERS[name.upper()][-1] == "written") <= (name not in ONLY_IN_4)
    assert set(KINDS) >= set(PHONETIC.values())
