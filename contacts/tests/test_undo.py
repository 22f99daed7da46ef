"""POST /api/undo"""

import pytest

from contacts.models import Book, Change, Contact
from contacts.tests.cast import add, faults, flat, names, path

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]


def undo(client, **body):
    return client.post("/api/undo", body, format="json")


def results(client, **body):
    answer = undo(client, **body)
    assert answer.status_code == 200, answer.content
    assert answer.json().keys() == {"dry_run", "results"}
    assert all(result.keys() == {"id", "does", "status"} for result in answer.json()["results"])
    return [(result["id"], result["does"], result["status"]) for result in answer.json()["results"]]


def test_undo_since_a_change_restores_every_contact_and_a_dry_run_changes_nothing(as_alice):
    same, changed, deleted = (add(as_alice, name) for name in ("Ann", "Bea", "Cleo"))
    as_alice.patch(path(changed), {"fullname": "Dora"}, format="json")
    as_alice.delete(path(deleted))
    new = add(as_alice, "Eve")
    planned = results(as_alice, since=3, dry_run=True)
    assert planned == [
        (changed["id"], "change", "done"),
        (deleted["id"], "restore", "done"),
        (new["id"], "delete", "done"),
    ]
    assert names(as_alice.get("/api/contacts")) == ["Ann", "Dora", "Eve"]
    assert results(as_alice, since=3) == planned
    assert as_alice.get("/api/contacts").json() == [same, changed, deleted]


def test_an_undo_of_too_many_contacts_goes_back_in_steps(as_alice, monkeypatch):
    """Contacts that are already as they were do not count."""
    monkeypatch.setattr("contacts.history.MAX_UNDONE", 2)
    states = [[]]

    def after(*answers):
        assert all(answer.status_code < 300 for answer in answers)
        states.append(as_alice.get("/api/contacts").json())

    ann, bea = add(as_alice, "Ann"), add(as_alice, "Bea")
    after()
    cleo = add(as_alice, "Cleo")
    after(as_alice.patch(path(ann), {"fullname": "Anna"}, format="json"))
    after(as_alice.delete(path(bea)), as_alice.delete(path(cleo)))
    trash = f"/api/contacts/trash/{cleo['id']}/restore"
    after(as_alice.post(trash), as_alice.patch(path(ann), {"fullname": "Ann"}, format="json"))
    after(as_alice.delete(path(ann)), as_alice.patch(path(cleo), {"additional": "x"}, format="json"))
    add(as_alice, "Dora"), add(as_alice, "Eve")
    after()
    assert faults(undo(as_alice, since=0)) == [["body", "since"]]
    for number, state in reversed(list(enumerate(states[:-1]))):
        assert {status for _, _, status in results(as_alice, since=2 * number)} == {"done"}
        assert as_alice.get("/api/contacts").json() == state


def test_an_undo_can_be_undone(as_alice):
    contact = add(as_alice, "Ann")
    as_alice.delete(path(contact))
    results(as_alice, since=0)
    results(as_alice, change=2)
    assert results(as_alice, since=2) == [(contact["id"], "delete", "done")]
    assert as_alice.get("/api/contacts").json() == []


def test_one_change_is_undone(as_alice):
    contact = add(as_alice, "Ann")
    as_alice.patch(path(contact), {"fullname": "Bea"}, format="json")
    assert results(as_alice, change=2) == [(contact["id"], "change", "done")]
    assert flat(as_alice.get(path(contact))) == contact


def test_a_contact_changed_again_is_a_conflict_and_stays_as_it_is(as_alice):
    contact = add(as_alice, "Ann")
    for name in ("Bea", "Cleo"):
        as_alice.patch(path(contact), {"fullname": name}, format="json")
    assert results(as_alice, change=2) == [(contact["id"], "nothing", "conflict")]
    assert names(as_alice.get("/api/contacts")) == ["Cleo"]


def test_a_purged_contact_is_a_conflict(as_alice):
    contact, other = add(as_alice, "Ann"), add(as_alice, "Bea")
    as_alice.delete(path(contact))
    as_alice.delete(f"/api/contacts/trash/{contact['id']}")
    as_alice.patch(path(other), {"fullname": "Cleo"}, format="json")
    assert results(as_alice, since=2) == [(contact["id"], "nothing", "conflict"), (other["id"], "change", "done")]
    assert as_alice.get("/api/contacts").json() == [other]


def test_erased_contents_are_a_conflict(as_alice):
    contact = add(as_alice, "Ann")
    as_alice.patch(path(contact), {"fullname": "Bea"}, format="json")
    Book.objects.erase_contents(Change.objects.all())
    assert results(as_alice, since=1) == results(as_alice, change=2) == [(contact["id"], "nothing", "conflict")]
    assert names(as_alice.get("/api/contacts")) == ["Bea"]


def test_a_contact_of_the_trash_is_undone_inside_the_trash(as_alice):
    contact = add(as_alice, "Ann")
    as_alice.delete(path(contact))
    as_alice.post(f"/api/contacts/trash/{contact['id']}/restore")
    as_alice.patch(path(contact), {"fullname": "Bea"}, format="json")
    as_alice.delete(path(contact))
    results(as_alice, since=2)
    assert Contact.objects.get().fullname == "Ann"
    results(as_alice, since=5)
    assert Contact.objects.get().fullname == "Bea" and as_alice.get("/api/contacts").json() == []


def test_an_undo_of_more_than_1000_contacts_is_422_and_changes_nothing(as_alice, alice):
    with Book.objects.writing(alice.pk, "test") as book:
        book.create_many([{"name": {"full": "Ann"}}] * 1001)
    assert faults(undo(as_alice, since=0)) == faults(undo(as_alice, since=0, dry_run=True)) == [["body", "since"]]
    assert Contact.objects.filter(deleted_at=None).count() == 1001 and Change.objects.count() == 1001
    assert len(results(as_alice, since=1)) == 1000
    assert Contact.objects.filter(deleted_at=None).count() == 1


@pytest.mark.parametrize(
    "body, where",
    [
        ({}, ["body"]),
        ({"change": 1, "since": 1}, ["body"]),
        ({"change": 0}, ["body", "change"]),
        ({"change": 10**30}, ["body", "change"]),
        ({"change": None}, ["body", "change"]),
        ({"since": -1}, ["body", "since"]),
        ({"since": "1"}, ["body", "since"]),
        ({"since": 10**30}, ["body", "since"]),
        ({"since": 1, "dry_run": "yes"}, ["body", "dry_run"]),
    ],
)
def test_an_invalid_body_is_422(as_alice, body, where):
    assert faults(undo(as_alice, **body)) == [where]


def test_after_the_newest_change_nothing_is_undone(as_alice):
    add(as_alice)
    assert results(as_alice, since=1) == results(as_alice, since=2**63 - 1) == []


def test_another_accounts_change_is_404_like_an_unknown_one(as_alice, as_bob):
    contact = add(as_alice)
    answers = [undo(as_bob, change=1), undo(as_bob, change=999)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content and answers[0].json() == {"detail": "Change was not found"}
    assert results(as_bob, since=0) == []
    assert flat(as_alice.get(path(contact))) == contact
