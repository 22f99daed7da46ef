"""The card of contacts that are merged (contacts/cards/uniting.py)."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.cards import jscontact
from contacts.cards.uniting import Held, unite

pytestmark = pytest.mark.one_stack


def card(**properties):
    return {"name": {"full": "Ada"}, **properties}


def emails(*addresses, **attributes):
    return {f"e{number}": {"address": address, **attributes} for number, address in enumerate(addresses, 1)}


def born(**day):
    return {"b1": {"kind": "birth", "date": {"@type": "PartialDate", **day}}}


def note(*lines):
    return {"n1": {"@type": "Note", "note": "\n".join(["Merged. It also had", *lines])}}


WORK, HOME = {"contexts": {"work": True}}, {"contexts": {"private": True}}

# The first card, another one, the card that becomes of them, and the conflicts. The region is DE.
TABLE = [
    (card(), card(), card(), {}),
    (card(), card(emails=emails("a@x.org")), card(emails=emails("a@x.org")), {}),
    (card(emails=emails("a@x.org")), card(emails=emails("A@X.ORG ")), card(emails=emails("a@x.org")), {}),
    (card(emails=emails("a@x.org")), card(emails=emails("b@x.org")), card(emails=emails("a@x.org", "b@x.org")), {}),
    (
        card(emails=emails("a@x.org", **WORK)),
        card(emails=emails("a@x.org", **HOME)),
        card(emails=emails("a@x.org", contexts={"work": True, "private": True})),
        {},
    ),
    (
        card(emails=emails("a@x.org", label="Office")),
        card(emails=emails("a@x.org", label="Desk")),
        card(emails={"e1": {"address": "a@x.org", "label": "Office"}, "e2": {"address": "a@x.org", "label": "Desk"}}),
        {},
    ),
    (
        card(emails={"e1": {"address": "a@x.org"}}),
        card(emails={"e1": {"address": "b@x.org", "pref": 1}}),
        card(emails=emails("a@x.org", "b@x.org")),
        {},
    ),
    (
        card(phones={"p1": {"number": "+49 221 1234567"}}),
        card(phones={"p1": {"number": "0221 1234567", "features": {"mobile": True}}}),
        card(phones={"p1": {"number": "+49 221 1234567", "features": {"mobile": True}}}),
        {},
    ),
    (
        card(phones={"p1": {"number": "0221 1234567"}}),
        card(phones={"p1": {"number": "0221 1234567 ext. 5"}}),
        card(phones={"p1": {"number": "0221 1234567"}, "p2": {"number": "0221 1234567 ext. 5"}}),
        {},
    ),
    (card(keywords={"a": True}), card(keywords={"b": True}), card(keywords={"a": True, "b": True}), {}),
    (
        card(media={"m1": {"kind": "photo", "uri": "/1.jpg"}}),
        card(media={"m1": {"kind": "photo", "uri": "/2.jpg"}}),
        card(media={"m1": {"kind": "photo", "uri": "/1.jpg"}, "m2": {"kind": "photo", "uri": "/2.jpg"}}),
        {},
    ),
    (card(), card(anniversaries=born(month=2, day=29)), card(anniversaries=born(month=2, day=29)), {}),
    (
        card(anniversaries=born(year=1984, month=12, day=31)),
        card(anniversaries=born(year=1984, month=12, day=13)),
        card(anniversaries=born(year=1984, month=12, day=31), notes=note("birthday: 1984-12-13")),
        {"birthday": ["1984-12-31", "1984-12-13"]},
    ),
    (
        card(anniversaries=born(month=12, day=31)),
        card(anniversaries=born(year=1984, month=12, day=31)),
        card(anniversaries=born(month=12, day=31), notes=note("birthday: 1984-12-31")),
        {"birthday": [{"month": 12, "day": 31}, "1984-12-31"]},
    ),
    (
        card(),
        card(name={"full": "Ada Lovelace"}),
        card(notes=note("fullname: Ada Lovelace")),
        {"fullname": ["Ada", "Ada Lovelace"]},
    ),
    (
        card(language="de"),
        card(language="en"),
        card(language="de", notes=note("language: en")),
        {"language": ["de", "en"]},
    ),
    (
        card(**{"example.org:x": {"a": 1}}),
        card(**{"example.org:x": {"a": 2}}),
        card(**{"example.org:x": {"a": 1}}, notes=note('example.org:x: {"a": 2}')),
        {"example.org:x": [{"a": 1}, {"a": 2}]},
    ),
    (
        card(vCardProps=[["x-a", {}, "text", "1"]]),
        card(vCardProps=[["x-a", {}, "text", "2"], ["rev", {}, "text", "3"]]),
        card(vCardProps=[["x-a", {}, "text", "1"], ["x-a", {}, "text", "2"]]),
        {},
    ),
    (card(prodId="one"), card(prodId="two"), card(prodId="one"), {}),
    (
        card(relatedTo={"u": {"relation": {"friend": True}}}),
        card(),
        card(relatedTo={"u": {"relation": {"friend": True}}}),
        {},
    ),
]


@pytest.mark.parametrize(("first", "other", "expected", "conflicts"), TABLE)
def test_a_card_is_united_with_another_one_by_the_table(first, other, expected, conflicts):
    before = copy.deepcopy((first, other))
    assert unite([first, other], "DE") == (expected, conflicts)
    assert (first, other) == before


def test_the_values_of_several_cards_are_in_one_conflict_and_one_note():
    cards = [card(anniversaries=born(year=1984, month=1, day=day)) for day in (1, 2, 3, 2)]
    united = unite(cards, None)
    assert united.conflicts == {"birthday": ["1984-01-01", "1984-01-02", "1984-01-03"]}
    assert united.card["notes"] == note("birthday: 1984-01-02", "birthday: 1984-01-03")


def test_a_note_of_conflicts_does_not_take_the_place_of_a_note_of_the_first():
    first = card(notes={"zzz": {"note": "mine"}})
    assert jscontact.flatten(unite([first, card(name={"full": "B"})], None).card).additional == "mine"


entries = st.fixed_dictionaries(
    {"address": st.sampled_from(["a@x.org", "A@x.org", "b@x.org"])},
    optional={
        "label": st.sampled_from(["Desk", "Office"]),
        "pref": st.integers(1, 3),
        "contexts": st.dictionaries(st.sampled_from(["work", "private"]), st.just(True)),
    },
)
cards = st.fixed_dictionaries(
    {"name": st.sampled_from(["Ada", "Ada L."]).map(lambda full: {"full": full})},
    optional={
        "emails": st.dictionaries(st.sampled_from(["e1", "e2", "work", "a"]), entries, max_size=3),
        "keywords": st.dictionaries(st.sampled_from(["a", "b"]), st.just(True)),
        "anniversaries": st.sampled_from([born(year=1984), born(month=2, day=29), born(year=2000, month=2, day=29)]),
        "notes": st.dictionaries(
            st.sampled_from(["n1", "x"]), st.sampled_from(["one", "two"]).map(lambda n: {"note": n})
        ),
    },
)


@given(st.lists(cards, min_size=2, max_size=4))
def test_nothing_is_lost_and_the_first_ones_flat_fields_stay(given_cards):
    united = unite(given_cards, None).card
    first, merged = jscontact.flatten(given_cards[0])._asdict(), jscontact.flatten(united)._asdict()
    assert {name: merged[name] for name, value in first.items() if value} == {n: v for n, v in first.items() if v}
    for each in given_cards:
        assert united.get("keywords", {}).keys() >= each.get("keywords", {}).keys()
        for collection in ("emails", "notes"):
            for entry in each.get(collection, {}).values():
                assert Held(collection, united[collection].values(), None).has(entry)


def test_a_card_with_too_many_entries_is_not_united_further():
    cards = [card(emails=emails(*(f"{n}@{number}.org" for n in range(400)))) for number in range(20)]
    assert len(unite(cards, None).card["emails"]) == 800
