"""PATCH /api/contacts/{contact_id}: JSON Merge Patch (RFC 7396)"""

import json

import pytest

from contacts.models import Change
from contacts.tests.cast import (
    NOT_FOUND,
    UNKNOWN,
    WHOLE,
    add,
    faults,
    flat,
    path,
)

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]


def patch(client, contact, body, **headers):
    return client.patch(path(contact), body, format="json", headers=headers)


def test_a_patch_changes_only_the_given_fields(as_alice):
    contact = add(as_alice, "Ann", email="a@x.org", phone="1", additional="x", avatar="/1.png")
    answer = patch(as_alice, contact, {"email": "b@x.org", "additional": None, "birthday": "2000-02-29", "avatar": ""})
    assert answer.json().keys() == WHOLE and answer["ETag"] == f'"{contact["id"]}-2"'
    expected = {"email": "b@x.org", "additional": None, "birthday": "2000-02-29", "avatar": None}
    assert flat(answer) == {**contact, **expected}
    assert as_alice.get(path(contact)).content == answer.content


@pytest.mark.parametrize(
    "patch_, expected",
    [
        ({"a": "c"}, {"a": "c"}),
        ({"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": None}, {}),
        ({"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": {"c": None}}}, {"a": {"b": {}}}),
        ({"a": [{"b": None}]}, {"a": [{"b": None}]}),
        ({"e": None}, {"a": "b"}),
        ({"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_the_rfc(as_alice, patch_, expected):
    """RFC 7396, appendix A."""
    contact = add(as_alice, card={"x": {"a": "b"}})
    assert patch(as_alice, contact, {"card": {"x": patch_}}).json()["card"]["x"] == expected


def test_a_flat_field_wins_over_the_card(as_alice):
    contact = add(as_alice, "Ann")
    card = {"name": {"full": "Bea"}, "emails": {"e1": {"address": "a@x.org"}}}
    answer = patch(as_alice, contact, {"fullname": "Cleo", "email": "c@x.org", "card": card})
    assert flat(answer)["fullname"] == answer.json()["card"]["name"]["full"] == "Cleo"
    assert answer.json()["card"]["emails"] == {"e1": {"address": "c@x.org"}}


def test_properties_set_by_the_server_cannot_be_patched(as_alice):
    contact = add(as_alice)
    before = as_alice.get(path(contact)).json()
    own = {"uid": "x", "created": "x", "updated": None, "version": "2.0", "@type": "x"}
    assert patch(as_alice, contact, {"card": own, "id": 5, "user_id": 5}).json() == before


@pytest.mark.parametrize("phone, number", [("+44 20", 4420), ("0044", 44)])
def test_a_phone_number_written_back_leaves_the_phone(as_alice, phone, number):
    contact = add(as_alice, phone=phone)
    assert flat(patch(as_alice, contact, {"phone_number": number})) == contact
    assert flat(patch(as_alice, contact, {"phone_number": 5}))["phone"] == "5"


@pytest.mark.parametrize(
    "body, where",
    [
        ({"fullname": None}, ["body", "fullname"]),
        ({"fullname": ""}, ["body", "fullname"]),
        ({"birthday": "2023-02-29"}, ["body", "birthday"]),
        ({"phone": "1", "phone_number": 2}, ["body", "phone_number"]),
        ({"card": None}, ["body", "card"]),
        ({"card": {"name": None}}, ["body", "card", "name", "full"]),
        ([], ["body"]),
        (None, ["body"]),
    ],
)
def test_a_patch_that_leaves_no_valid_contact_is_422(as_alice, body, where):
    contact = add(as_alice)
    answer = as_alice.patch(path(contact), json.dumps(body), content_type="application/json")
    assert faults(answer) == [where]
    assert Change.objects.count() == 1


def test_the_media_type_of_merge_patch_is_accepted(as_alice):
    answer = as_alice.patch(path(add(as_alice)), '{"fullname": "Bea"}', content_type="application/merge-patch+json")
    assert flat(answer)["fullname"] == "Bea"


def test_a_stale_if_match_is_412(as_alice):
    contact = add(as_alice)
    assert patch(as_alice, contact, {"fullname": "Bea"}, **{"if-match": f'"{contact["id"]}-1"'}).status_code == 200
    stale = patch(as_alice, contact, {"fullname": "Cleo"}, **{"if-match": f'"{contact["id"]}-1"'})
    assert stale.status_code == 412 and stale.json().keys() == {"detail"}
    assert flat(as_alice.get(path(contact)))["fullname"] == "Bea"


def test_bob_gets_the_404_of_an_unknown_contact_for_alices(as_alice, as_bob):
    contact = add(as_alice)
    answers = [as_bob.patch(where, {"fullname": "x"}, format="json") for where in (path(contact), UNKNOWN)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content and answers[0].json() == NOT_FOUND


def test_patches_have_their_own_limit(as_alice, limits):
    contact = add(as_alice)
    limits(contacts_patch=(1, 60))
    assert [patch(as_alice, contact, {}).status_code for _ in range(2)] == [200, 429]
