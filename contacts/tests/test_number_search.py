"""A phone number is found in any spelling: `q` of GET /api/contacts, and GET /api/contacts/{query}"""

import pytest

from contacts.tests.cast import add, flat, names, path

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]

COLOGNE = ["+49 221 123-4567", "0221 1234567", "0049 221 1234567"]
QUERIES = [*COLOGNE, "(0221) 123 45 67", "+49 (0)221 1234567", "1234567", "4567", "34567"]


def region(client, code):
    assert client.patch("/api/me", {"region": code}, format="json").status_code == 200


def listed(client, q, **more):
    return names(client.get("/api/contacts", {"q": q, **more}))


def found(client, query):
    answer = client.get(f"/api/contacts/{query}")
    return flat(answer)["fullname"] if answer.status_code == 200 else None


@pytest.mark.parametrize("code", ["DE", None])
@pytest.mark.parametrize("stored", COLOGNE)
def test_a_number_is_found_in_every_spelling(as_alice, code, stored):
    region(as_alice, code)
    add(as_alice, "Ann", phone=stored)
    add(as_alice, "Bea", phone="+49 30 7654321")
    for query in QUERIES:
        assert (listed(as_alice, query), found(as_alice, query)) == (["Ann"], "Ann"), query


def test_every_number_of_a_card_is_searched(as_alice):
    phones = {"a": {"number": "+44 20 7946 0018"}, "b": {"number": "+49 221 1234567"}}
    add(as_alice, "Ann", card={"phones": phones})
    region(as_alice, "DE")
    assert listed(as_alice, "0221 1234567") == listed(as_alice, "0044 20 79460018") == ["Ann"]


def test_another_region_reads_the_same_numbers_otherwise(as_alice):
    add(as_alice, "Ann", phone="0221 1234567")
    found_in = {}
    for code in ("DE", "AT", None):
        region(as_alice, code)
        found_in[code] = (listed(as_alice, "+49 221 1234567"), listed(as_alice, "+43 221 1234567"))
    assert found_in == {"DE": (["Ann"], []), "AT": ([], ["Ann"]), None: (["Ann"], ["Ann"])}


@pytest.mark.parametrize("query", ["123", "0221 7654321", "+43 221 1234567", "+1234567", "221 1234567 99"])
def test_another_number_is_not_found(as_alice, query):
    region(as_alice, "DE")
    add(as_alice, "Ann", phone="+49 221 1234567")
    assert (listed(as_alice, query), found(as_alice, query)) == ([], None)


def test_names_and_addresses_are_found_with_numbers_in_one_list(as_alice):
    add(as_alice, "Agent 4567")
    add(as_alice, "Bea", email="bea4567@example.org")
    add(as_alice, "Cleo", phone="+49 221 1234567")
    assert listed(as_alice, "4567") == ["Agent 4567", "Bea", "Cleo"]
    assert found(as_alice, "4567") == "Agent 4567"
    answer = as_alice.get("/api/contacts", {"q": "4567", "limit": 1})
    assert answer["X-Total-Count"] == "3"


def test_a_contact_is_listed_once_whatever_of_it_matches(as_alice):
    phones = {"a": {"number": "+49 221 1234567"}, "b": {"number": "030 1234567"}}
    add(as_alice, "Ann 1234567", email="1234567@example.org", card={"phones": phones})
    assert listed(as_alice, "1234567") == ["Ann 1234567"]


def test_numbers_meet_the_other_filters(as_alice):
    add(as_alice, "Ann", phone="+49 221 1234567", card={"keywords": {"Work": True}})
    add(as_alice, "Bea", phone="+49 221 1234567")
    assert listed(as_alice, "0049 2211234567", group="Work") == ["Ann"]


def test_the_next_search_sees_a_changed_number_and_the_trash_is_not_searched(as_alice):
    contact = add(as_alice, "Ann", phone="+49 221 1234567")
    assert found(as_alice, "+492211234567") == "Ann"
    as_alice.patch(path(contact), {"phone": "+49 221 7654321"}, format="json")
    assert (found(as_alice, "+492211234567"), found(as_alice, "+492217654321")) == (None, "Ann")
    as_alice.delete(path(contact))
    assert (listed(as_alice, "+492217654321"), found(as_alice, "+492217654321")) == ([], None)


def test_bob_does_not_find_alices_number(as_alice, as_bob):
    add(as_alice, "Ann", phone="+49 221 1234567")
    for query in QUERIES:
        assert (listed(as_bob, query), found(as_bob, query)) == ([], None)


def test_many_numbers_with_one_end_are_searched_within_a_bound(as_alice, monkeypatch):
    """The spellings that are compared are bounded; what was typed is found in any case."""
    monkeypatch.setattr("contacts.models.key.MOST_SPELLINGS", 2)
    for number in range(5):
        add(as_alice, f"Ann {number}", phone=f"+4922{number}1234567")
    assert listed(as_alice, "1234567") == [f"Ann {number}" for number in range(5)]
    assert listed(as_alice, "2241234567") == ["Ann 4"]
