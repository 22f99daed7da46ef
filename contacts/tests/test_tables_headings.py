"""Every heading that is known, by program and language, and how a table's columns are listed."""

import json
from datetime import date
from pathlib import Path

import pytest

from contacts.cards.tables import PUBLIC, UnknownTargetError, is_target, programs, read_table, targets
from contacts.tests.tables_of_programs import TABLES

pytestmark = pytest.mark.one_stack

TODAY = date(2026, 3, 1)
EXPECTED = json.loads((Path(__file__).parent / "tables_of_programs.json").read_text(encoding="utf-8"))
KNOWN = {f"{program.name} {program.language}".strip(): program for program in programs.programs() if program.headings}
# The languages that each program's headings are known in.
LANGUAGES = {
    "google": {"old", "new"},
    "outlook": {"English", "German", "French", "Spanish", "Ukrainian"},
    "thunderbird": {"English", "German", "French", "Spanish", "Ukrainian"},
    "common": {
        *("English", "German", "French", "Spanish", "Ukrainian"),
        *("Italian", "Dutch", "Portuguese", "Polish", "Russian"),
    },
    "own": {""},
}


def described(*headings, rows="", **options):
    text = ",".join('"' + heading.replace('"', '""') + '"' for heading in headings) + "\n" + rows
    return read_table(text.encode(), today=TODAY, **options).described()


def target(*headings):
    return [column["target"] for column in described(*headings)]


def test_the_programs_are_known_in_their_languages():
    found = {}
    for program in programs.programs():
        found.setdefault(program.name, set()).add(program.language)
    assert found == LANGUAGES


@pytest.mark.parametrize("name", KNOWN)
def test_every_heading_of_a_program_has_its_target(name):
    program = KNOWN[name]
    headings = [heading.replace("#", "7") for heading in program.headings]
    assert programs.known(headings)[0] == len(headings)
    for heading, wanted in zip(headings, program.headings.values(), strict=True):
        assert programs.targets([heading] * len(wanted), program) == [
            item and item._replace(number="7" if "#" in item.number or " 7 - " in f" {heading}" else item.number)
            for item in wanted
        ]


def test_no_heading_of_a_program_stands_for_several_columns_but_these():
    found = {
        (name, heading): [str(target) for target in wanted]
        for name, program in KNOWN.items()
        for heading, wanted in program.headings.items()
        if len(wanted) > 1
    }
    assert found == {
        ("outlook French", "titre"): ["name.prefix", "title"],
        ("thunderbird French", "ville"): ["address.locality:home", "address.locality:work"],
        ("thunderbird French", "pays/etat"): ["address.region:home", "address.region:work"],
        ("thunderbird French", "code postal"): ["address.postcode:home", "address.postcode:work"],
        ("thunderbird Ukrainian", "ім'я для показу"): ["fullname", "im:aim"],
    }


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_a_program_becomes_these_cards(name):
    table = read_table(TABLES[name].encode(), today=TODAY)
    entries = [
        {"line": entry.line, "card": entry.card, "notes": entry.notes, "reason": entry.reason}
        for entry in table.entries()
    ]
    assert {"program": table.program, "entries": entries} == EXPECTED[name]


def test_case_accents_and_spaces_of_a_heading_make_no_difference():
    assert target(" FIRST  name", "prenom", "Strasse privat", "E-MAIL") == [
        *("name.given", "name.given", "address.street:home", "email"),
    ]


def test_a_heading_of_two_columns_stands_for_each_in_turn():
    assert target("Titre", "Prénom", "Nom", "Société", "Titre", "Rue (bureau)", "Titre") == [
        *("name.prefix", "name.given", "name.surname", "organization", "title", "address.street:work", "title"),
    ]


def test_geburtstag_is_a_day_in_thunderbird_and_a_date_elsewhere():
    assert target("Geburtsjahr", "Geburtsmonat", "Geburtstag") == ["birthday.year", "birthday.month", "birthday.day"]
    assert target("Vorname", "Geburtstag") == ["name.given", "birthday"]


def test_columns_have_their_name_their_target_and_an_example():
    columns = described("Name", "Lieblingsfarbe", "E-mail 2 - Value", rows=',,\nAnn,blau,\nBob,rot,"b@x.org"\n')
    assert columns == [
        {"name": "Name", "target": "fullname", "example": "Ann"},
        {"name": "Lieblingsfarbe", "target": None, "example": "blau"},
        {"name": "E-mail 2 - Value", "target": "email#2", "example": "b@x.org"},
    ]


def test_a_mapping_sets_targets_and_null_takes_them_away():
    text = b"Wer,Wo,Name,Farbe\nAnn,ann@x.org,Lee,blau\n"
    mapping = {"Wer": "name.given", "Wo": "email:work", "Name": None}
    table = read_table(text, today=TODAY, mapping=mapping)
    assert [column["target"] for column in table.described()] == ["name.given", "email:work", None, None]
    (entry,) = table.entries()
    assert entry.card == {
        "name": {"full": "Ann", "components": [{"kind": "given", "value": "Ann"}]},
        "emails": {"e1": {"address": "ann@x.org", "contexts": {"work": True}}},
        "vCardProps": [
            ["x-name", {"x-heading": "Name"}, "unknown", "Lee"],
            ["x-farbe", {"x-heading": "Farbe"}, "unknown", "blau"],
        ],
    }


def test_columns_of_the_same_target_are_entries_of_their_own():
    text = b"a,b,c,d,e\nAnn,1,2,Town,City\n"
    mapping = {"a": "fullname", "b": "phone", "c": "phone", "d": "address.locality", "e": "address.locality"}
    (entry,) = read_table(text, today=TODAY, mapping=mapping).entries()
    assert [phone["number"] for phone in entry.card["phones"].values()] == ["1", "2"]
    assert len(entry.card["addresses"]) == 2


def test_what_is_listed_as_a_target_can_be_sent_back_as_a_mapping():
    for text in TABLES.values():
        for column in read_table(text.encode(), today=TODAY).described():
            if column["target"]:
                assert str(targets.parse(column["target"])) == column["target"]


def test_the_targets_of_the_api():
    assert set(PUBLIC) == {
        *("fullname", "name.given", "name.surname", "email", "email:home", "email:work", "phone", "phone:home"),
        *("phone:work", "phone:cell", "birthday", "additional", "organization", "title", "address", "address:home"),
        *("address:work", "url", "url:home", "url:work", "group"),
    }
    assert all(map(is_target, PUBLIC))


@pytest.mark.parametrize(
    "spelling",
    ["", "mail", "email:", "email:cellar", "name", "name.first", "birthday:work", "email#0", "EMAIL", "a" * 999],
)
def test_an_unknown_target_is_refused(spelling):
    assert not is_target(spelling)
    with pytest.raises(UnknownTargetError):
        read_table(b"Name\nA", today=TODAY, mapping={"x": spelling or "-"})


def test_without_a_known_column_all_rows_ask_for_a_mapping():
    table = read_table(b"a,b\n1,2\n3,4\n", today=TODAY)
    assert table.question == "mapping"
    assert [(entry.card, entry.reason, entry.question) for entry in table.entries()] == [
        (None, "No column of the table is known.", "mapping")
    ] * 2


def test_the_name_is_made_of_what_there_is():
    text = b"Name,First Name,Nickname,Company,Email,Phone,Notes\n" + b"".join(
        b"," * place + b"X" + b"," * (6 - place) + b"\n" for place in range(7)
    )
    entries = list(read_table(text, today=TODAY).entries())
    assert [entry.notes for entry in entries] == [
        [],
        *(
            [f"The row has no full name; it was made of {source}."]
            for source in ("N", "NICKNAME", "ORG", "EMAIL", "TEL")
        ),
        [],
    ]
    assert entries[-1].reason == "This row has no name, e-mail address or phone number."


def test_a_format_without_full_names_needs_no_note_for_a_name_made_of_its_parts():
    (entry,) = read_table(b"First Name,Last Name\nAnn,Lee\n", today=TODAY).entries()
    assert (entry.card["name"]["full"], entry.notes) == ("Ann Lee", [])


def test_cells_beyond_the_headings_are_kept():
    (entry,) = read_table(b"Name\nAnn,1,,2\n", today=TODAY).entries()
    assert entry.card["vCardProps"] == [["x-column", {}, "unknown", "1"], ["x-column", {}, "unknown", "2"]]
    assert entry.notes == ["The row has 2 cells more than there are headings."]


def test_a_column_whose_heading_has_no_latin_letters_is_kept_with_its_heading():
    (entry,) = read_table("Name,Колір\nAnn,синій\n".encode(), today=TODAY).entries()
    assert entry.card["vCardProps"] == [["x-column", {"x-heading": "Колір"}, "unknown", "синій"]]


@pytest.mark.parametrize("text", ["a" * 321, "b" * 5000])
def test_what_is_too_long_is_kept_with_a_note(text):
    (entry,) = read_table(f"Name,Email\nAnn,{text}\n".encode(), today=TODAY).entries()
    assert entry.notes == ["Email is longer than 320 characters; it was kept as it came."]
    assert entry.card["vCardProps"] == [["x-email", {"x-heading": "Email"}, "unknown", text]]
