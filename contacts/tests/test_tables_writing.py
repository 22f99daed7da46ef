"""CSV as it is written: headings, cells, formulas, and where goes what no column is free for."""

import csv
import io
import itertools

import pytest

from contacts.cards.tables import FORMATS, header, read_table, rows
from contacts.cards.tables.formulas import defused, restored
from contacts.tests.test_tables_roundtrip import BY_ID, FLAT, REAL, TODAY, read_back, without_ids

pytestmark = pytest.mark.one_stack

RUN = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1", "'=1", "''", "'t Hooft", "'"]
PLAIN = ["", "a=1", " =1", "1-2", "a@x.org", "Müller"]
NUMBERS = ["+49 221 123-4567", "+49 (0)221/1.2", "-5", "+"]


def parsed(cards, format):
    """The rows as a spreadsheet sees them, by heading."""
    text = header(format) + "".join(rows(cards, format))
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def card(name="Ann", **members):
    return {"name": {"full": name}, **members}


def entries(member, *values, **more):
    return {f"x{number}": {member: value, **more} for number, value in enumerate(values, 1)}


@pytest.mark.parametrize("format", FORMATS)
def test_every_row_has_a_cell_for_each_heading_and_ends_in_crlf(format):
    lines = [header(format), *rows([FLAT, card(), card("=1")], format)]
    widths = {len(row) for row in csv.reader(io.StringIO("".join(lines), newline=""))}
    assert len(widths) == 1
    assert all(line.endswith("\r\n") for line in lines)


@pytest.mark.parametrize("format", FORMATS)
def test_rows_are_made_one_by_one(format):
    assert len(list(itertools.islice(rows(itertools.repeat(FLAT), format), 3))) == 3


def test_an_unknown_format_is_a_key_error():
    with pytest.raises(KeyError):
        header("csv-lotus")


@pytest.mark.parametrize("text", RUN)
def test_what_a_spreadsheet_would_run_is_defused_and_restored(text):
    for numbers in (False, True):
        assert defused(text, numbers) == "'" + text
        assert restored(defused(text, numbers)) == text


@pytest.mark.parametrize("text", NUMBERS)
def test_a_plain_number_is_defused_in_our_own_csv_alone(text):
    assert defused(text, numbers=False) == "'" + text
    assert defused(text, numbers=True) == text == restored(text)


@pytest.mark.parametrize("text", PLAIN)
def test_other_cells_stay_as_they_are(text):
    assert defused(text, numbers=False) == text == restored(text)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("text", [*RUN, *NUMBERS])
def test_no_cell_of_a_file_runs_and_it_is_read_back_as_it_was(format, text):
    value = text.strip()
    written = card(
        value,
        emails=entries("address", value),
        phones=entries("number", value),
        organizations=entries("name", value),
        notes=entries("note", value),
        keywords={value: True},
    )
    for row in parsed([written], format):
        for cell in row.values():
            number = value in NUMBERS and format != "csv" and cell == value
            assert number or not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    _, (entry,) = read_back([written], format)
    assert entry.card["name"]["full"] == value
    assert [found["number"] for found in entry.card["phones"].values()] == [value]
    assert [note["note"] for note in entry.card["notes"].values()] == [value]
    assert entry.card["keywords"] == {value: True}


def test_an_apostrophe_that_marks_no_formula_stays_in_the_cells_of_other_programs():
    (entry,) = read_table(b"Name,Email,Phone\n's Graven,''a,'=1\n", today=TODAY).entries()
    assert entry.card["name"]["full"] == "'s Graven"
    assert entry.card["emails"]["e1"]["address"] == "''a"
    assert entry.card["phones"]["p1"]["number"] == "=1"
    assert entry.notes == ["A spreadsheet's mark of a text was left out: \"'=1\""]


def test_our_own_columns_have_the_flat_fields_first():
    (row,) = parsed([FLAT], "csv")
    assert {name: text for name, text in row.items() if text} == {
        "fullname": "Ann Lee",
        "name given": "Ann",
        "name surname": "Lee",
        "email": "ann@x.org",
        "email label": "* work",
        "email 2": "a@y.org",
        "phone": "'+49 221 1234567",
        "phone label": "home",
        "phone 2": "0171 5",
        "phone 2 label": "mobile",
        "phone 3": "1",
        "phone 3 label": "work fax",
        "birthday": "1985-04-12",
        "anniversary": "2010-05-01",
        "organization": "Acme",
        "department": "Sales",
        "title": "Head",
        "address label": "home",
        "address street": "Main St 5",
        "address box": "PO 1",
        "address postcode": "50667",
        "address locality": "Köln",
        "address country": "DE",
        "url": "https://x.org",
        "group": "family ::: favourite",
        "additional": 'first\nsecond, "third"',
    }


def test_our_own_csv_names_the_preferred_entry_first():
    phones = {"p1": {"number": "1"}, "p2": {"number": "2", "pref": 2}, "p3": {"number": "3", "pref": 1}}
    (row,) = parsed([card(phones=phones)], "csv")
    assert [row["phone"], row["phone 2"], row["phone 3"]] == ["3", "2", "1"]
    assert row["phone label"] == "*"


def test_what_no_column_of_our_own_csv_holds_stands_in_the_last_one():
    emails = entries("address", *(f"{number}@x.org" for number in range(7)))
    written = card(emails=emails, language="de", created="2020-01-01T00:00:00Z")
    (row,) = parsed([written], "csv")
    assert row["more"] == '{"emails":{"x6":{"address":"5@x.org"},"x7":{"address":"6@x.org"}},"language":"de"}'
    _, (entry,) = read_back([written], "csv")
    assert [email["address"] for email in entry.card["emails"].values()] == [f"{number}@x.org" for number in range(7)]
    assert entry.card["language"] == "de"


def test_a_cell_of_our_own_csv_may_be_edited():
    written = card(phones={"p7": {"number": "1", "pref": 2, "vCardParams": {"x-a": "b"}}}, uid="urn:uuid:1")
    text = header("csv") + "".join(rows([written], "csv")).replace(",1,", ",22,", 1)
    (entry,) = read_table(text.encode(), today=TODAY).entries()
    assert entry.card["phones"] == {"p1": {"number": "22", "pref": 2, "vCardParams": {"x-a": "b"}}}


def test_columns_of_our_own_csv_may_be_moved_and_taken_out():
    (line,) = csv.DictReader(
        io.StringIO(header("csv").removeprefix("\ufeff") + "".join(rows([FLAT], "csv")), newline="")
    )
    out = io.StringIO()
    sheet = csv.DictWriter(out, ["more", "uid", "phone", "fullname"], extrasaction="ignore")
    sheet.writeheader()
    sheet.writerow(line)
    (entry,) = read_table(out.getvalue().encode(), today=TODAY).entries()
    assert entry.card == {"name": {"full": "Ann Lee"}, "phones": {"p1": {"number": "+49 221 1234567"}}}


def test_pictures_whose_bytes_lie_apart_are_left_out():
    media = {"m1": {"kind": "photo", "uri": "/media/avatars/a"}, "m2": {"kind": "photo", "uri": "https://x.org/a"}}
    for format, expected in (("csv", ["https://x.org/a"]), ("csv-google", ["https://x.org/a"]), ("csv-outlook", [])):
        _, (entry,) = read_back([card(media=media)], format)
        assert [medium["uri"] for medium in entry.card.get("media", {}).values()] == expected


def test_google_has_its_own_groups_and_labels():
    (row,) = parsed([FLAT], "csv-google")
    assert row["Labels"] == "* myContacts ::: family ::: * starred"
    assert (row["E-mail 1 - Label"], row["Phone 3 - Label"]) == ("* work", "work fax")
    assert (row["Event 1 - Label"], row["Event 1 - Value"]) == ("Anniversary", "2010-05-01")


def test_google_has_days_without_a_year():
    birth = {"b1": {"kind": "birth", "date": {"@type": "PartialDate", "month": 4, "day": 12}}}
    (row,) = parsed([card(anniversaries=birth)], "csv-google")
    assert row["Birthday"] == " --04-12"
    _, (entry,) = read_back([card(anniversaries=birth)], "csv-google")
    assert entry.card["anniversaries"] == birth


@pytest.mark.parametrize(
    ("format", "written", "notes"),
    [
        ("csv-outlook", {"emails": entries("address", *"abcde")}, "E-mail: d\nE-mail: e"),
        ("csv-google", {"emails": entries("address", *"abcdef")}, "E-mail: f"),
        ("csv-outlook", {"phones": entries("number", *"abc", contexts={"work": True})}, ""),
        ("csv-outlook", {"phones": entries("number", *"abcde", contexts={"work": True})}, "Phone (work): e"),
        ("csv-outlook", {"phones": entries("number", *"ab", label="Boat")}, ""),
        ("csv-outlook", {"phones": entries("number", *"abc", label="Boat")}, "Phone (Boat): c"),
        ("csv-outlook", {"nicknames": entries("name", "a", "b")}, "Nickname: b"),
        (
            "csv-outlook",
            {"anniversaries": {"b": {"kind": "birth", "date": {"@type": "PartialDate", "month": 4, "day": 12}}}},
            "Birthday: --04-12",
        ),
        (
            "csv-google",
            {"anniversaries": {"b": {"kind": "birth", "date": {"@type": "PartialDate", "year": 1985}}}},
            "Birthday: 1985",
        ),
        ("csv-outlook", {"onlineServices": entries("user", "a", service="Skype", label="x")}, ""),
        (
            "csv-outlook",
            {"vCardProps": [["x-ship", {"x-heading": "Ship"}, "unknown", "USS\\, Hopper"]]},
            "Ship: USS, Hopper",
        ),
        ("csv-outlook", {"relatedTo": {"Bob": {"relation": {"friend": True}}}}, "Relation (Friend): Bob"),
    ],
)
def test_what_no_column_is_free_for_goes_to_the_notes(format, written, notes):
    (row,) = parsed([card(**written)], format)
    assert row["Notes"] == notes


def test_google_has_custom_fields_for_columns_that_had_no_place():
    props = [["x-ship", {"x-heading": "Ship"}, "unknown", "USS\\, Hopper"]]
    (row,) = parsed([card(vCardProps=props)], "csv-google")
    assert (row["Custom Field 1 - Label"], row["Custom Field 1 - Value"]) == ("Ship", "USS, Hopper")
    _, (entry,) = read_back([card(vCardProps=props)], "csv-google")
    assert entry.card["vCardProps"] == props


def test_outlook_has_a_column_for_each_kind_of_number():
    phones = {
        "p1": {"number": "1", "contexts": {"work": True}, "features": {"fax": True}},
        "p2": {"number": "2", "features": {"mobile": True}, "contexts": {"work": True}},
        "p3": {"number": "3"},
        "p4": {"number": "4", "label": "Car"},
        "p5": {"number": "5", "contexts": {"private": True}, "features": {"voice": True}},
    }
    (row,) = parsed([card(phones=phones)], "csv-outlook")
    assert {name: text for name, text in row.items() if text and ("Phone" in name or "Fax" in name)} == {
        "Business Fax": "1",
        "Mobile Phone": "2",
        "Primary Phone": "3",
        "Car Phone": "4",
        "Home Phone": "5",
    }


@pytest.mark.parametrize("format", FORMATS)
def test_no_value_of_a_real_card_is_lost(format):
    members = {"address", "number", "uri", "user", "note", "value", "name", "full"}
    for written in REAL:
        text = next(rows([written], format)).replace('""', '"')
        for collection in set(BY_ID) - {"media"}:
            for entry in written.get(collection, {}).values():
                parts = [*entry.get("components", ()), *entry.get("units", ())]
                if format != "csv" and collection == "addresses" and "components" in entry:
                    entry = {name: value for name, value in entry.items() if name != "full"}
                for found in (entry, *parts):
                    values = [found[name] for name in members & found.keys()]
                    assert [value for value in values if value.strip() not in text] == []


def test_outlook_has_an_address_without_components_as_its_street():
    addresses = {"a1": {"full": "Main St 5\nTown", "contexts": {"private": True}}}
    (row,) = parsed([card(addresses=addresses)], "csv-outlook")
    assert row["Home Street"] == "Main St 5\nTown"


def test_a_name_without_components_is_a_first_name_to_programs():
    for format in ("csv-google", "csv-outlook"):
        (row,) = parsed([card("Ann Lee")], format)
        assert row["First Name"] == "Ann Lee"
        _, (entry,) = read_back([card("Ann Lee")], format)
        assert entry.card["name"]["full"] == "Ann Lee"


def test_our_own_csv_gives_back_a_usual_card_whatever_its_ids():
    renamed = {**FLAT, "emails": {"zz": FLAT["emails"]["e2"], "a": FLAT["emails"]["e1"]}}
    _, (entry,) = read_back([renamed], "csv")
    assert without_ids(entry.card) == without_ids(FLAT)
    assert "more" not in str(entry.notes)


@pytest.mark.parametrize(("label", "shown"), [("_$!<Other>!$_", "Other"), ("Cabin", "Cabin")])
def test_apple_s_label_of_an_address_is_a_cell(label, shown):
    address = {"components": [{"kind": "name", "value": "Way 1"}], "vCardParams": {"x-ablabel": label}}
    (row,) = parsed([card(addresses={"a1": address})], "csv-google")
    assert (row["Address 1 - Label"], row["Address 1 - Street"]) == (shown, "Way 1")
    (row,) = parsed([card(addresses={"a1": address})], "csv-outlook")
    assert row["Other Street"] == "Way 1"
