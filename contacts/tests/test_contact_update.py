"""PUT /api/contacts/{contact_id}"""

import json

import pytest

from contacts.models import Book
from contacts.tests.cast import (
    EXAMPLE,
    KEYS,
    NOT_FOUND,
    UNKNOWN,
    add,
    faults,
    flat,
    path,
    settle,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
FULL = {"email": "a@b", "phone": "+1 2", "birthday": "2000-01-02", "additional": "x", "avatar": "https://x/y"}
# Not ids, though some look like one; the last is beyond every database's range.
NO_IDS = ["abc", "1.0", "1e3", "٥", "1_000", "+1", "%201", "0x1", "ann", "null", "1" + "0" * 30]


def put(client, url, headers=None, **body):
    return client.put(url, body, format="json", headers=headers or {})


def test_a_put_replaces_the_flat_fields(as_alice, alice):
    contact = add(as_alice, "Ann", **FULL)
    answer = as_alice.put(path(contact), EXAMPLE, format="json")
    expected = {**EXAMPLE, "user_id": alice.pk, "id": contact["id"], "phone": "0"}
    assert flat(answer) == expected
    read = as_alice.get(path(contact))
    assert flat(read) == expected and read["ETag"] == answer["ETag"]


def test_a_field_left_out_becomes_null_except_the_avatar(as_alice, alice):
    contact = add(as_alice, "Ann", **FULL)
    expected = {**dict.fromkeys(KEYS), "fullname": "Bea", "avatar": FULL["avatar"]}
    expected |= {"id": contact["id"], "user_id": alice.pk}
    assert flat(put(as_alice, path(contact), fullname="Bea")) == expected
    for nothing in (None, ""):
        put(as_alice, path(contact), fullname="Bea", avatar="/x")
        assert flat(put(as_alice, path(contact), fullname="Bea", avatar=nothing)) == {
            **expected,
            "avatar": None,
        }


@pytest.mark.parametrize("url", [UNKNOWN, "/api/contacts/0", "/api/contacts/-1", f"/api/contacts/{2**63}"])
def test_an_unknown_contact_is_404(as_alice, url):
    answer = put(as_alice, url, fullname="Bea")
    assert answer.status_code == 404 and answer.json() == NOT_FOUND


def test_bob_gets_the_404_of_an_unknown_contact_for_alices(as_alice, as_bob):
    contact = add(as_alice, "Ann", **FULL)
    for headers in ({}, {"if-match": "*"}, {"if-match": '"1"'}):
        answer = put(as_bob, path(contact), headers, fullname="Bob's")
        assert answer.status_code == 404 and answer.json() == NOT_FOUND
        assert answer.content == put(as_bob, UNKNOWN, headers, fullname="Bob's").content
    assert flat(as_alice.get(path(contact))) == contact


@pytest.mark.parametrize("word", NO_IDS)
def test_an_invalid_id_is_422(as_alice, word):
    assert faults(put(as_alice, f"/api/contacts/{word}", fullname="Bea")) == [["path", "contact_id"]]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, ["fullname"]),
        ({"fullname": ""}, ["fullname"]),
        ({"fullname": "a", "birthday": "2023-02-31"}, ["birthday"]),
        ({"fullname": "a" * 256}, ["fullname"]),
        ({"fullname": "a", "avatar": "data:,"}, ["avatar"]),
    ],
)
def test_the_fields_have_the_same_rules_as_in_a_post(as_alice, body, where):
    contact = add(as_alice, "Ann", **FULL)
    assert faults(put(as_alice, path(contact), **body)) == [["body", name] for name in where]
    assert flat(as_alice.get(path(contact))) == contact


@pytest.mark.parametrize("body", ["[", "[]", "1", "null", "[" * 50_000, '{"fullname": NaN}'])
def test_a_body_that_is_no_json_object_is_422(as_alice, body):
    contact = add(as_alice)
    assert faults(as_alice.generic("PUT", path(contact), body, "application/json")) == [["body"]]


def test_fields_that_are_not_writable_are_ignored(as_alice, alice, bob):
    contact = add(as_alice, "Ann")
    assert flat(put(as_alice, path(contact), fullname="Ann", user_id=bob.pk, id=5, revision=9, uid="x")) == contact
    assert flat(as_alice.get(path(contact))) == contact


@pytest.mark.parametrize("fields", [{}, FULL, {"phone": "1" * 16}, {"additional": " \r\n"}, {"email": " x "}])
def test_writing_a_read_contact_back_changes_nothing(as_alice, alice, fields):
    contact = add(as_alice, "Ann", **fields)
    before = as_alice.get(path(contact))
    version = Book.objects.version(alice.pk).sequence
    after = put(as_alice, path(contact), **json.loads(before.content))
    assert flat(after) == contact and after["ETag"] == before["ETag"]
    listed = as_alice.get("/api/contacts/").json()[0]
    assert put(as_alice, path(contact), **listed)["ETag"] == before["ETag"]
    assert Book.objects.version(alice.pk).sequence == version


def test_every_change_makes_a_new_etag(as_alice):
    contact = add(as_alice)
    etags = [put(as_alice, path(contact), fullname=name)["ETag"] for name in ("Bea", "Ann", "Bea")]
    assert len(set(etags)) == 3


def test_a_stale_if_match_is_412_for_a_put_that_changes_something(as_alice):
    contact = add(as_alice)
    old = as_alice.get(path(contact))["ETag"]
    new = put(as_alice, path(contact), {"if-match": old}, fullname="Bea")["ETag"]
    for header in (old, f"W/{old}", '"x"', "junk", "", new.strip('"'), f'{old}, "x"'):
        answer = put(as_alice, path(contact), {"if-match": header}, fullname="Cid")
        assert answer.status_code == 412, header
        assert answer.json().keys() == {"detail"} and isinstance(answer.json()["detail"], str)
    assert flat(as_alice.get(path(contact)))["fullname"] == "Bea"
    for number, header in enumerate(("*", "W/{}", "{}", '"x", {}')):
        header = header.format(as_alice.get(path(contact))["ETag"])
        assert put(as_alice, path(contact), {"if-match": header}, fullname=f"Cid {number}").status_code == 200
    assert put(as_alice, UNKNOWN, {"if-match": "*"}, fullname="Cid").status_code == 404


@pytest.mark.parametrize("header", ['"x"', "junk", ""])
def test_a_stale_if_match_is_200_for_a_put_that_changes_nothing(as_alice, header):
    """As where a client sends a PUT again whose answer it did not get (RFC 9110 §13.1.1)."""
    contact = add(as_alice)
    old = as_alice.get(path(contact))["ETag"]
    new = put(as_alice, path(contact), {"if-match": old}, fullname="Bea")
    for stale in (old, header):
        answer = put(as_alice, path(contact), {"if-match": stale}, fullname="Bea")
        assert (answer.status_code, answer.content, answer["ETag"]) == (200, new.content, new["ETag"])


def test_the_new_name_is_found_and_listed(as_alice):
    contact = add(as_alice, "Ann", email="a@b")
    settle()
    as_alice.get("/api/contacts/")
    changed = flat(put(as_alice, path(contact), fullname="Łukasz"))
    assert as_alice.get("/api/contacts/").json() == [changed]
    assert flat(as_alice.get("/api/contacts/lukasz")) == changed
    assert as_alice.get("/api/contacts/ann").status_code == as_alice.get("/api/contacts/a@b").status_code == 404
