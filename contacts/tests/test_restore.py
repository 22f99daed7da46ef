"""POST /api/contacts/{id}/restore"""

import pytest

from contacts.models import Book, Change
from contacts.tests.cast import (
    NOT_FOUND,
    UNKNOWN,
    add,
    faults,
    flat,
    path,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]


def restore(client, contact, to, **body):
    return client.post(f"{path(contact)}/restore", {"to": to, **body}, format="json")


def test_a_contact_is_restored_to_what_it_was_after_a_change(as_alice):
    contact = add(as_alice, "Ann", email="a@x.org", phone="+44 20")
    before = as_alice.get(path(contact)).json()["card"]
    as_alice.put(path(contact), {"fullname": "Bea"}, format="json")
    answer = restore(as_alice, contact, 1)
    assert flat(answer) == contact
    assert {**answer.json()["card"], "updated": None} == {**before, "updated": None}
    assert answer["ETag"] == f'"{contact["id"]}-3"' and as_alice.get(path(contact)).content == answer.content


def test_named_fields_alone_are_restored(as_alice):
    contact = add(as_alice, "Ann", email="a@x.org", phone="1", card={"name": {"full": "Ann"}, "x": 1})
    as_alice.patch(
        path(contact), {"fullname": "Bea", "email": "b@x.org", "phone": "2", "card": {"x": 2}}, format="json"
    )
    answer = restore(as_alice, contact, 1, fields=["email", "x"])
    assert flat(answer) == {**contact, "fullname": "Bea", "phone": "2", "phone_number": 2}
    assert answer.json()["card"]["x"] == 1


def test_a_name_that_is_longer_than_fullname_shows_is_restored_whole(as_alice, alice):
    with Book.objects.writing(alice.pk, "import") as book:
        contact = {"id": book.create({"name": {"full": "Ann " * 100 + "Lee"}}).pk}
    as_alice.patch(path(contact), {"fullname": "Bea"}, format="json")
    restored = restore(as_alice, contact, 1, fields=["fullname"]).json()
    assert (restored["fullname"], restored["card"]["name"]) == (("Ann " * 100)[:255], {"full": "Ann " * 100 + "Lee"})
    assert restore(as_alice, contact, 1, fields=["fullname"]).json() == restored


def test_a_name_that_is_the_same_is_restored_with_its_parts(as_alice):
    name = {"full": "Ann Lee", "components": [{"kind": "given", "value": "A."}]}
    contact = add(as_alice, "Ann Lee", phone="1", card={"name": name})
    as_alice.patch(path(contact), {"phone": "2"}, format="json")
    assert restore(as_alice, contact, 1, fields=["fullname", "phone"]).json()["card"]["name"] == name


def test_a_birthday_without_a_year_is_restored_without_it(as_alice):
    birth = {"b": {"kind": "birth", "date": {"month": 2, "day": 29}}}
    contact = add(as_alice, card={"name": {"full": "Ann"}, "anniversaries": birth})
    as_alice.patch(path(contact), {"birthday": "2000-02-28"}, format="json")
    answer = restore(as_alice, contact, 1, fields=["birthday"])
    assert answer.json()["birthday"] is None and answer.json()["card"]["anniversaries"] == birth


def test_fields_that_were_unset_are_removed(as_alice):
    contact = add(as_alice)
    card = {"emails": {"a": {"address": "a@x.org"}, "b": {"address": "b@x.org"}}, "titles": {"t": {"name": "Dr"}}}
    as_alice.patch(path(contact), {"card": card}, format="json")
    answer = restore(as_alice, contact, 1, fields=["email", "titles"])
    assert answer.json()["card"].keys() == {"@type", "version", "uid", "created", "updated", "name"}


def test_restoring_to_a_change_takes_the_contact_out_of_the_trash(as_alice):
    contact = add(as_alice, "Ann")
    as_alice.patch(path(contact), {"fullname": "Bea"}, format="json")
    as_alice.delete(path(contact))
    assert flat(restore(as_alice, contact, 1)) == contact
    assert as_alice.get("/api/contacts").json() == [contact]


def test_restoring_to_the_present_state_is_no_change(as_alice):
    contact = add(as_alice)
    assert restore(as_alice, contact, 1)["ETag"] == f'"{contact["id"]}-1"'
    assert Change.objects.count() == 1


def test_erased_contents_are_409(as_alice):
    contact = add(as_alice)
    as_alice.patch(path(contact), {"fullname": "Bea"}, format="json")
    Book.objects.erase_contents(Change.objects.all())
    answer = restore(as_alice, contact, 1)
    assert answer.status_code == 409 and answer.json() == {"detail": "The contents from that time are no longer kept."}
    assert as_alice.get(path(contact)).json()["fullname"] == "Bea"


@pytest.mark.parametrize("to", [0, -1, 10**30, "1", None, 1.5, True, [], {}, 2**63 - 1])
def test_an_unknown_change_is_a_fault_of_to(as_alice, to):
    assert faults(restore(as_alice, add(as_alice), to)) == [["body", "to"]]


def test_another_contacts_change_and_a_deletion_are_faults_of_to(as_alice):
    one, other = add(as_alice), add(as_alice)
    as_alice.delete(path(one))
    assert faults(restore(as_alice, one, 2)) == faults(restore(as_alice, one, 3)) == [["body", "to"]]
    assert flat(restore(as_alice, other, 2)) == other


@pytest.mark.parametrize("fields", [["nothing"], ["__proto__"], ["id"], ["x"] * 101, ["a\0"], [1], "email", {"a": 1}])
def test_unknown_fields_are_422_and_do_nothing(as_alice, fields):
    contact = add(as_alice)
    as_alice.patch(path(contact), {"fullname": "Bea"}, format="json")
    assert faults(restore(as_alice, contact, 1, fields=fields))[0][:2] == ["body", "fields"]
    assert Change.objects.count() == 2


def test_fields_of_two_states_do_not_make_a_card_larger_than_its_bound(as_alice):
    contact = add(as_alice, "Ann", card={"x.org:a": ["x" * 60_000] * 3})
    as_alice.patch(path(contact), {"card": {"x.org:a": None, "x.org:b": ["x" * 60_000] * 3}}, format="json")
    answer = restore(as_alice, contact, 1, fields=["x.org:a"])
    assert faults(answer) == [["body", "fields"]] and "278528 bytes" in answer.json()["detail"][0]["msg"]
    assert restore(as_alice, contact, 1).status_code == 200


def test_another_accounts_contact_is_404_like_one_that_does_not_exist(as_alice, as_bob):
    contact = add(as_alice)
    answers = [as_bob.post(f"{where}/restore", {"to": 1}, format="json") for where in (path(contact), UNKNOWN)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content and answers[0].json() == NOT_FOUND
