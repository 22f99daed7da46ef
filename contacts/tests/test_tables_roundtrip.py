"""Cards to CSV and back: our own columns give back the card, those of programs what they can hold."""

import json
from datetime import date

import hypothesis
import pytest

from contacts.cards import vcard
from contacts.cards.jscontact import same
from contacts.cards.tables import FORMATS, header, read_table, rows
from contacts.cards.tables.writer import without_bytes
from contacts.cards.validation import faults, leaves
from contacts.cards.vcard import bounds
from contacts.cards.vcard.writer import compared
from contacts.tests.tables_of_programs import TABLES
from contacts.tests.vcard_cards import CARDS
from contacts.tests.vcard_dialects import DIALECTS

pytestmark = pytest.mark.one_stack

TODAY = date(2026, 3, 1)
BY_ID = ("emails", "phones", "links", "addresses", "titles", "notes", "nicknames", "organizations", "anniversaries")
BY_ID += ("onlineServices", "personalInfo", "media")
REAL = [entry.card for text in DIALECTS.values() for entry in vcard.read(text) if entry.card]
FLAT = {
    "name": {"full": "Ann Lee", "components": [{"kind": "surname", "value": "Lee"}, {"kind": "given", "value": "Ann"}]},
    "emails": {"e1": {"address": "ann@x.org", "contexts": {"work": True}, "pref": 1}, "e2": {"address": "a@y.org"}},
    "phones": {
        "p1": {"number": "+49 221 1234567", "contexts": {"private": True}},
        "p2": {"number": "0171 5", "features": {"mobile": True}},
        "p3": {"number": "1", "contexts": {"work": True}, "features": {"fax": True}},
    },
    "anniversaries": {
        "b1": {"kind": "birth", "date": {"@type": "PartialDate", "year": 1985, "month": 4, "day": 12}},
        "w2": {"kind": "wedding", "date": {"@type": "PartialDate", "year": 2010, "month": 5, "day": 1}},
    },
    "organizations": {"o1": {"name": "Acme", "units": [{"name": "Sales"}]}},
    "titles": {"t1": {"name": "Head"}},
    "addresses": {
        "a1": {
            "components": [
                {"kind": "postOfficeBox", "value": "PO 1"},
                {"kind": "name", "value": "Main St 5"},
                {"kind": "locality", "value": "Köln"},
                {"kind": "postcode", "value": "50667"},
                {"kind": "country", "value": "DE"},
            ],
            "contexts": {"private": True},
        }
    },
    "links": {"l1": {"uri": "https://x.org"}},
    "notes": {"n1": {"note": 'first\nsecond, "third"'}},
    "keywords": {"family": True, "favourite": True},
}


def read_back(cards, format):
    """The table of the cards, and its entries."""
    table = read_table((header(format) + "".join(rows(cards, format))).encode(), today=TODAY)
    return table, list(table.entries())


def without_ids(card):
    """The card with the entries of each collection in an order that does not come from their ids."""
    return {
        name: sorted(json.dumps(entry, sort_keys=True) for entry in value.values()) if name in BY_ID else value
        for name, value in card.items()
    }


def expected(card):
    return without_bytes(compared(card))


def test_our_own_csv_gives_back_real_cards_but_for_ids_and_bytes_of_pictures():
    table, entries = read_back(REAL, "csv")
    assert table.program == "own"
    assert len(entries) == len(REAL)
    for card, entry in zip(REAL, entries, strict=True):
        assert (entry.reason, entry.notes) == (None, [])
        assert same(without_ids(entry.card), without_ids(expected(card)))


@pytest.mark.parametrize("format", FORMATS)
def test_each_format_gives_back_a_usual_card(format):
    _, (entry,) = read_back([FLAT], format)
    card = json.loads(json.dumps(FLAT))
    if format == "csv-outlook":  # which has no preferred address
        del card["emails"]["e1"]["pref"], card["emails"]["e1"]["contexts"]
    assert without_ids(entry.card) == without_ids(card)


@hypothesis.given(card=CARDS)
def test_our_own_csv_gives_back_any_card_without_nulls(card):
    hypothesis.assume(None not in leaves(card) and not bounds.breaks(card))
    _, (entry,) = read_back([card], "csv")
    assert (entry.reason, entry.notes) == (None, [])
    assert same(without_ids(entry.card), without_ids(expected(card)))


@pytest.mark.parametrize("format", FORMATS)
@hypothesis.given(card=CARDS)
def test_any_card_is_written_and_read_again(format, card):
    _, (entry,) = read_back([card], format)
    if entry.card is not None:
        assert [fault for fault in faults(entry.card) if fault[0] != ["name", "full"]] == []
        assert entry.card["name"]["full"].strip()


@pytest.mark.parametrize("name", TABLES)
def test_a_card_from_a_table_goes_through_a_vcard(name):
    for entry in read_table(TABLES[name].encode(), today=TODAY).entries():
        (again,) = vcard.read(vcard.write(entry.card, "4.0"))
        assert (again.card, again.notes) == (entry.card, [])
        assert next(vcard.read(vcard.write(entry.card, "3.0"))).notes == []
