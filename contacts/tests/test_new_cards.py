"""What a card holds after a contact was created with it."""

import pytest

from contacts.tests.cast import add, faults, path

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]


def card_of(client, contact):
    return client.get(path(contact)).json()["card"]


def test_a_null_inside_an_unknown_property_survives(as_alice):
    unknown = {"deep": {"a": 1, "b": None}, "list": [None, {"c": None}]}
    contact = add(as_alice, "Mia", card={"x.example:y": unknown})
    assert card_of(as_alice, contact)["x.example:y"] == unknown


def test_a_null_in_place_of_a_known_property_is_as_if_left_out(as_alice):
    contact = add(as_alice, "Mia", card={"emails": None, "notes": {"n1": None}, "name": {"full": "x", "sortAs": None}})
    card = card_of(as_alice, contact)
    assert "emails" not in card and card["name"] == {"full": "Mia"}


@pytest.mark.parametrize("name", ["\u200b", "\u2060\ufe0f", "\u3164", "\u00ad", " \u00a0 "])
def test_a_name_of_invisible_characters_is_blank(as_alice, name):
    answer = as_alice.post("/api/contacts/", {"fullname": name}, format="json")
    assert faults(answer) == [["body", "fullname"]]
    contact = add(as_alice, "Mia")
    answer = as_alice.patch(path(contact), {"card": {"name": {"full": name}}}, format="json")
    assert faults(answer) == [["body", "card", "name", "full"]]
