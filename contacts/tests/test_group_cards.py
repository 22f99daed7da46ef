"""Group cards (Contact.kind `group`): no contacts for the REST API, but in the history, the trash and undo."""

import io
import json
import zipfile

import pytest

from contacts.models import Book, Change, Contact
from contacts.tests.cast import NOT_FOUND, add, names

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]

CARD = {
    "kind": "group",
    "name": {"full": "Climbers"},
    "emails": {"e1": {"address": "climbers@x.org"}},
    "anniversaries": {"b1": {"kind": "birth", "date": {"month": 1, "day": 1}}},
    "keywords": {"Work": True},
}


@pytest.fixture
def group(alice):
    """A group card, written as CardDAV will write it: by the model."""
    with Book.objects.writing(alice.pk, "test") as book:
        contact = Contact(user_id=alice.pk, created_at="2026-01-01T00:00Z")
        contact.set_card(CARD)
        return book.write(contact, Change.Kind.CREATED, None)


def where(group):
    return f"/api/contacts/{group.pk}"


def live(user):
    return Book.objects.version(user.pk).live


@pytest.mark.parametrize(
    "query", ["", "?q=climb", "?q=climbers@x", "?group=Work", "?order=created", "?order=updated", "?favourite=false"]
)
def test_a_group_card_is_in_no_list(as_alice, group, query):
    add(as_alice, "Climbers' Ann", email="climbers@x.org", card={"keywords": {"Work": True}})
    answer = as_alice.get(f"/api/contacts{query}")
    assert [contact["id"] for contact in answer.json()] == [group.pk + 1]
    assert answer["X-Total-Count"] == "1"


def test_a_group_card_has_no_birthday_and_is_not_counted(as_alice, alice, group):
    assert names(as_alice.get("/api/contacts/bd?days_range=366&across_year=true")) == []
    assert live(alice) == 0 and as_alice.get("/api/contacts")["X-Total-Count"] == "0"


@pytest.mark.parametrize("query", ["{id}", "climbers", "climbers@x.org"])
def test_a_find_does_not_find_a_group_card(as_alice, group, query):
    answer = as_alice.get(f"/api/contacts/{query.format(id=group.pk)}")
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


def test_every_write_of_a_group_card_by_its_id_is_404(as_alice, group):
    body = {"fullname": "Ann"}
    picture = as_alice.patch(f"{where(group)}/avatar", {"file": "x"}, format="multipart")
    answers = [getattr(as_alice, method)(where(group), body, format="json") for method in ("put", "patch", "delete")]
    assert [answer.status_code for answer in (*answers, picture)] == [404] * 4
    items = [{"op": "update", "id": group.pk, "contact": body}, {"op": "delete", "id": group.pk}]
    results = as_alice.post("/api/contacts/batch", {"items": items}, format="json").json()["results"]
    assert [result["status"] for result in results] == [404, 404]
    assert Contact.objects.get().card == CARD and Change.objects.count() == 1


def test_a_group_card_has_a_history_and_is_restored_to_a_change(as_alice, alice, group):
    with Book.objects.writing(alice.pk, "test") as book:
        book.change(Contact.objects.get(), {"fullname": "Hikers"})
    entries = as_alice.get(f"{where(group)}/history").json()
    assert [(entry["kind"], entry["fields"].get("fullname")) for entry in entries] == [
        ("changed", ["Climbers", "Hikers"]),
        ("created", [None, "Climbers"]),
    ]
    restored = as_alice.post(f"{where(group)}/restore", {"to": 1}, format="json")
    assert restored.status_code == 200 and restored.json()["fullname"] == "Climbers"
    assert (Contact.objects.get().card, Contact.objects.get().kind) == (CARD, "group")


def test_a_group_card_goes_through_the_trash_without_being_counted(as_alice, alice, group):
    add(as_alice, "Ann")
    for _ in range(2):
        with Book.objects.writing(alice.pk, "test") as book:
            book.delete(Contact.objects.get(pk=group.pk))
        assert [row["id"] for row in as_alice.get("/api/contacts/trash").json()] == [group.pk]
        assert live(alice) == 1
        assert as_alice.post(f"/api/contacts/trash/{group.pk}/restore").status_code == 200
        assert live(alice) == 1 and as_alice.get("/api/contacts/trash").json() == []
    assert Contact.objects.get(pk=group.pk).kind == "group" and len(as_alice.get("/api/contacts").json()) == 1


def test_a_purged_group_card_leaves_no_bytes(as_alice, alice, group):
    assert Book.objects.get().bytes == group.size > 0
    with Book.objects.writing(alice.pk, "test") as book:
        book.delete(Contact.objects.get())
    assert as_alice.delete(f"/api/contacts/trash/{group.pk}").status_code == 200
    assert not Contact.objects.exists()
    assert (Book.objects.get().bytes, Book.objects.get().live) == (0, 0)


def test_undo_deletes_and_restores_a_group_card(as_alice, alice, group):
    as_alice.post("/api/undo", {"since": 0}, format="json")
    assert Contact.objects.get().deleted_at is not None and live(alice) == 0
    as_alice.post("/api/undo", {"since": 1}, format="json")
    assert Contact.objects.get().deleted_at is None and live(alice) == 0
    assert (Contact.objects.get().card, Contact.objects.get().kind) == (CARD, "group")


def test_a_change_of_a_group_card_changes_the_etag_of_a_list(as_alice, alice, group):
    before = as_alice.get("/api/contacts")["ETag"]
    with Book.objects.writing(alice.pk, "test") as book:
        book.change(Contact.objects.get(), {"fullname": "Hikers"})
    assert as_alice.get("/api/contacts")["ETag"] != before


def test_another_account_gets_404_for_a_group_card(as_bob, group):
    assert as_bob.get(f"{where(group)}/history").status_code == 404
    assert as_bob.post(f"{where(group)}/restore", {"to": 1}, format="json").status_code == 404


def test_the_export_contains_the_changes_of_group_cards(as_alice, group):
    archive = zipfile.ZipFile(io.BytesIO(b"".join(as_alice.get("/api/me/export").streaming_content)))
    assert [change["contact_id"] for change in json.loads(archive.read("changes.json"))] == [group.pk]
