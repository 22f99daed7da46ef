"""Imports of CSV: the same job as for vCards, with columns and questions."""

import pytest

from contacts.models import Change
from contacts.tests.importing import apply, entries, read, undo, upload

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limits")]

GOOGLE = (
    "First Name,Last Name,Labels,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value,Birthday\r\n"
    "Ada,Lovelace,* myContacts ::: Friends,Work,ada@example.org,Mobile,+44 20 7946 0000,1815-12-10\r\n"
    "\r\n"
    "Zoë,,* starred,,zoe@example.org,,,\r\n"
)


def test_the_whole_way_of_a_table(as_alice):
    found = read(as_alice, GOOGLE, "contacts.csv")
    assert (found["status"], found["format"], found["encoding"]) == ("ready", "csv", "utf-8")
    assert found["counts"] == {"new": 2, "same": 0, "changes": 0, "failed": 0}
    assert found["columns"][0] == {"name": "First Name", "target": "name.given", "example": "Ada"}
    found = apply(as_alice, found["id"])
    ada, zoe = (as_alice.get(f"/api/contacts/{e['contact_id']}").json() for e in entries(as_alice, found["id"]))
    assert (ada["fullname"], ada["email"], ada["birthday"]) == ("Ada Lovelace", "ada@example.org", "1815-12-10")
    assert ada["card"]["keywords"] == {"Friends": True} and zoe["card"]["keywords"] == {"favourite": True}
    assert [entry["line"] for entry in entries(as_alice, found["id"])] == [2, 4]
    again = read(as_alice, GOOGLE, "contacts.csv")
    assert again["counts"] == {"new": 0, "same": 2, "changes": 0, "failed": 0}
    assert undo(as_alice, found["id"])["status"] == "undone"


@pytest.mark.parametrize(
    ("name", "content", "question"),
    [
        ("dates", "Name,Birthday\nAda,01/02/1990\n", "date_order"),
        ("columns", "Foo,Bar\n1,2\n", "mapping"),
    ],
)
def test_a_question_fails_the_rows_and_its_answer_reads_them(as_alice, name, content, question):
    found = read(as_alice, content, f"{name}.csv")
    assert (found["question"], found["counts"]["failed"]) == (question, 1)
    assert entries(as_alice, found["id"])[0]["reason"]
    answer = {"date_order": "dmy"} if question == "date_order" else {"mapping": '{"Foo": "fullname", "Bar": null}'}
    found = read(as_alice, content, f"{name}.csv", **answer)
    assert (found["question"], found["counts"]["new"]) == (None, 1)


def test_our_own_export_comes_back_all_same(as_alice):
    for contact in (
        {"fullname": "=1+1", "email": "a@example.org", "phone": "+49 221 1", "birthday": "1990-02-01"},
        {"fullname": "'quoted", "additional": "two\nlines", "phone": "-1"},
    ):
        assert as_alice.post("/api/contacts", contact, format="json").status_code == 201
    exported = b"".join(as_alice.get("/api/contacts/export?format=csv").streaming_content)
    changes = Change.objects.count()
    found = read(as_alice, exported, "own.csv")
    assert found["counts"] == {"new": 0, "same": 2, "changes": 0, "failed": 0}
    apply(as_alice, found["id"], "replace")
    assert Change.objects.count() == changes


@pytest.mark.parametrize("mapping", ["{", "[]", '{"Foo": "nowhere"}', '{"Foo": 1}'])
def test_a_mapping_that_is_none_is_422(as_alice, mapping):
    answer = upload(as_alice, "Foo,Bar\n1,2\n", "x.csv", mapping=mapping)
    assert answer.status_code == 422 and answer.json()["detail"][0]["loc"] == ["body", "mapping"]
