"""Cards compared and filled (contacts/cards/merging.py)."""

import copy

import pytest

from contacts.cards.jscontact import flatten
from contacts.cards.merging import covers, equal, fill
from contacts.cards.phones import same as same_number

pytestmark = pytest.mark.one_stack

ADA = {
    "name": {"full": "Ada Lovelace"},
    "emails": {"e1": {"address": "ada@example.org", "contexts": {"work": True}}},
    "phones": {"p1": {"number": "+49 221 123-4567"}},
    "anniversaries": {"b1": {"kind": "birth", "date": {"@type": "PartialDate", "year": 1815, "month": 12, "day": 10}}},
    "keywords": {"Friends": True},
    "vCardProps": [["x-foo", {}, "unknown", "bar"]],
}


@pytest.mark.parametrize(
    ("one", "other", "region", "same"),
    [
        ("+49 221 123-4567", "+492211234567", None, True),
        ("+49 221 123-4567", "0049 221 1234567", None, True),
        ("+49 221 123-4567", "0221 1234567", "DE", True),
        ("+49 221 123-4567", "0221 1234567", None, True),
        ("+33 1 42 68 53 00", "01.42.68.53.00", "FR", True),
        ("+43 1 42 68 53 00", "01.42.68.53.00", "FR", False),
        ("+49 221 123-4567", "+43 221 123 4567", None, False),
        ("+49 221 123-4567", "+49 221 123-4568", "DE", False),
        ("+1 212 555 2368 ext. 12", "+1 212 555 2368 ext. 13", None, False),
        ("+1 212 555 2368 ext. 12", "+12125552368;ext=12", None, True),
        ("110", "110", "DE", True),
        ("110", "1 1 0", "DE", True),
        ("110", "112", "DE", False),
        ("", "x", None, False),
    ],
)
def test_numbers_in_any_spelling(one, other, region, same):
    assert same_number(one, other, region) is same
    assert same_number(other, one, region) is same


@pytest.mark.parametrize(
    ("change", "holds"),
    [
        ({}, True),
        ({"updated": "2026-01-01T00:00:00Z", "prodId": "x", "version": "1.0", "uid": "u", "@type": "Card"}, True),
        ({"vCardProps": [["x-foo", {}, "unknown", "bar"], ["rev", {}, "unknown", "x"]]}, True),
        ({"vCardProps": [["x-foo", {}, "unknown", "baz"]]}, False),
        ({"emails": {"z": {"address": "ADA@Example.org"}}}, True),
        ({"emails": {"z": {"@type": "EmailAddress", "address": "ADA@Example.org", "contexts": {"work": True}}}}, True),
        ({"emails": {"z": {"address": "ADA@Example.org", "contexts": {"private": True}}}}, False),
        ({"emails": {"z": {"address": "a@example.org"}}}, False),
        ({"phones": {"x": {"number": "+492211234567"}}}, True),
        ({"phones": {"x": {"number": "0221/1234567"}}}, True),
        ({"phones": {"x": {"number": "+492211234568"}}}, False),
        ({"anniversaries": {"x": {"kind": "birth", "date": {"year": 1815, "month": 12, "day": 10}}}}, True),
        ({"anniversaries": {"x": {"kind": "birth", "date": {"month": 12, "day": 10}}}}, False),
        ({"keywords": {"Work": True}}, False),
        ({"name": {"full": "Ada King"}}, False),
        ({"notes": {"n1": {"note": "x"}}}, False),
    ],
)
def test_a_card_holds_another_one(change, holds):
    other = {**ADA, **change}
    assert covers(ADA, other, "DE") is holds
    assert covers(ADA, {"name": ADA["name"]}) and not covers({"name": ADA["name"]}, ADA)
    assert equal(ADA, ADA)


OTHER = {
    "uid": "x",
    "name": {"full": "Ada Lovelace", "components": [{"kind": "given", "value": "Ada"}]},
    "emails": {"e1": {"address": "ada@home.example", "pref": 1}, "e2": {"address": "ADA@example.org", "label": "x"}},
    "phones": {"p1": {"number": "0221 1234567", "features": {"voice": True}}, "p2": {"number": "110"}},
    "anniversaries": {
        "b1": {"kind": "birth", "date": {"year": 1816}},
        "b2": {"kind": "other", "date": {"year": 1900}},
    },
    "keywords": {"Work": True},
    "organizations": {"o1": {"name": "ACME"}},
    "titles": {"t1": {"name": "Boss", "organizationId": "o1"}},
    "vCardProps": [["x-foo", {}, "unknown", "bar"], ["x-bar", {}, "unknown", "bar"], ["rev", {}, "unknown", "x"]],
}


def test_fill_adds_what_a_card_lacks_and_changes_nothing_of_it():
    before, given = copy.deepcopy(ADA), copy.deepcopy(OTHER)
    filled = fill(ADA, OTHER, "DE")
    assert (before, given) == (ADA, OTHER)
    assert covers(filled, ADA) and flatten(filled) == flatten(ADA)
    assert filled["name"]["components"] and "uid" not in filled
    assert filled["emails"] == {
        "e1": {"address": "ada@example.org", "contexts": {"work": True}, "label": "x"},
        "e2": {"address": "ada@home.example"},
    }
    assert filled["phones"] == {
        "p1": {"number": "+49 221 123-4567", "features": {"voice": True}},
        "p2": {"number": "110"},
    }
    assert [entry["kind"] for entry in filled["anniversaries"].values()] == ["birth", "other"]
    assert filled["keywords"] == {"Friends": True, "Work": True}
    assert filled["titles"] == OTHER["titles"] and filled["organizations"] == OTHER["organizations"]
    assert [prop[0] for prop in filled["vCardProps"]] == ["x-foo", "x-bar"]
    assert fill(filled, OTHER, "DE") == filled


@pytest.mark.parametrize("key", ["e1", "e9", "e99", "zzzzzz", "-", "A" * 200])
def test_an_entry_that_is_added_never_comes_first(key):
    card = {"name": {"full": "A"}, "emails": {key: {"address": "a@example.org"}}}
    for added in ("a", "e1", "e10", "B" * 200):
        filled = fill(card, {"emails": {added: {"address": "b@example.org", "pref": 1}}})
        assert len(filled["emails"]) == 2 and flatten(filled).email == "a@example.org"


def test_titles_that_are_added_name_their_organizations():
    card = {"organizations": {"o1": {"name": "Other"}}, "titles": {"t1": {"name": "Clerk", "organizationId": "o1"}}}
    filled = fill(card, OTHER)
    organization = next(key for key, entry in filled["organizations"].items() if entry["name"] == "ACME")
    assert organization != "o1"
    assert [entry["organizationId"] for entry in filled["titles"].values()] == ["o1", organization]
