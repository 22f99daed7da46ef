"""DELETE /api/contacts/{contact_id}"""

import pytest

from contacts.tests.cast import (
    NOT_FOUND,
    UNKNOWN,
    add,
    faults,
    flat,
    names,
    path,
    settle,
)
from contacts.tests.test_contact_update import FULL, NO_IDS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]


def test_a_deleted_contact_is_answered_once_more_and_then_404(as_alice):
    contact, other = add(as_alice, "Ann", **FULL), add(as_alice, "Bea")
    assert flat(as_alice.delete(path(contact))) == contact
    assert as_alice.get("/api/contacts/").json() == [other]
    for again in (as_alice.get(path(contact)), as_alice.delete(path(contact))):
        assert again.status_code == 404 and again.json() == NOT_FOUND


def test_a_deleted_contact_is_in_no_list_and_no_find(as_alice):
    contact = add(as_alice, "Ann", email="x@y", birthday="2000-01-01")
    settle()
    birthdays = "/api/contacts/bd?days_range=366&across_year=true"
    for url in ("/api/contacts/", birthdays):
        assert names(as_alice.get(url)) == ["Ann"]
    as_alice.delete(path(contact))
    for url in ("/api/contacts/", birthdays, "/api/contacts/?q=ann"):
        assert names(as_alice.get(url)) == []
    for query in (contact["id"], "ann", "x@y"):
        assert as_alice.get(f"/api/contacts/{query}").status_code == 404
    assert as_alice.put(path(contact), {"fullname": "Ann"}, format="json").status_code == 404


@pytest.mark.parametrize("url", [UNKNOWN, "/api/contacts/0", "/api/contacts/-1", f"/api/contacts/{2**63}"])
def test_an_unknown_contact_is_404(as_alice, url):
    answer = as_alice.delete(url)
    assert answer.status_code == 404 and answer.json() == NOT_FOUND


def test_bob_gets_the_404_of_an_unknown_contact_for_alices(as_alice, as_bob):
    contact = add(as_alice)
    for headers in ({}, {"if-match": "*"}, {"if-match": '"1"'}):
        answer = as_bob.delete(path(contact), headers=headers)
        assert answer.status_code == 404 and answer.json() == NOT_FOUND
        assert answer.content == as_bob.delete(UNKNOWN, headers=headers).content
    assert flat(as_alice.get(path(contact))) == contact


@pytest.mark.parametrize("word", NO_IDS)
def test_an_invalid_id_is_422(as_alice, word):
    assert faults(as_alice.delete(f"/api/contacts/{word}")) == [["path", "contact_id"]]


def test_a_stale_if_match_is_412(as_alice):
    contact = add(as_alice)
    old = as_alice.get(path(contact))["ETag"]
    new = as_alice.put(path(contact), {"fullname": "Bea"}, format="json")["ETag"]
    for header in (old, f"W/{old}", '"x"', "junk", new.strip('"'), ""):
        answer = as_alice.delete(path(contact), headers={"if-match": header})
        assert answer.status_code == 412 and answer.json().keys() == {"detail"}
    assert as_alice.delete(path(contact), headers={"if-match": new}).status_code == 200
    assert as_alice.delete(path(contact), headers={"if-match": "*"}).status_code == 404


def test_an_id_is_never_given_again(as_alice):
    contact = add(as_alice)
    as_alice.delete(path(contact))
    assert add(as_alice)["id"] > contact["id"]
