"""The whole way of an import: upload, look, apply, undo, delete."""

import pytest

from contacts.models import Change, Contact, Import, ImportChunk, ImportEntry
from contacts.tests.importing import IMPORTS, apply, entries, read, run_steps, show, undo, upload, vcard

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limits")]

GIF = "R0lGODlhAQABAIAAAP8AAP///yH5BAAAAAAALAAAAAABAAEAAAICRAEAOw=="
KEYS = {
    "id", "filename", "format", "created_at", "status", "progress", "counts", "columns", "encoding", "question", "error",
}  # fmt: skip
ENTRY = {"entry", "line", "status", "done", "fullname", "contact_id", "fields", "notes", "reason"}
FILE = vcard("Ann", "EMAIL:ann@example.org") + vcard("Bea", "TEL:+49 221 1234567")


def test_the_whole_way(as_alice, alice):
    answer = upload(as_alice, FILE)
    assert answer.status_code == 201 and answer["Location"] == f"{IMPORTS}/{answer.json()['id']}"
    found = answer.json()
    assert found.keys() == KEYS and found["status"] == "reading"
    assert found["progress"] == {"done": 0, "total": None}
    assert run_steps() == 1
    found = show(as_alice, found["id"])
    assert found["status"] == "ready" and found["progress"] == {"done": 2, "total": 2}
    assert found["counts"] == {"new": 2, "same": 0, "changes": 0, "failed": 0}
    assert found["format"] == "vcard" and found["filename"] == "cards.vcf" and found["encoding"] == "utf-8"
    assert not Contact.objects.exists()
    first, second = entries(as_alice, found["id"])
    assert first.keys() == ENTRY
    assert first == {
        "entry": 1,
        "line": 1,
        "status": "new",
        "done": None,
        "fullname": "Ann",
        "contact_id": None,
        "fields": {"fullname": [None, "Ann"], "email": [None, "ann@example.org"]},
        "notes": [],
        "reason": None,
    }
    assert (second["entry"], second["line"]) == (2, 6)

    found = apply(as_alice, found["id"])
    assert found["status"] == "applied" and found["progress"] == {"done": 2, "total": 2}
    first, second = entries(as_alice, found["id"])
    assert first["done"] == second["done"] == "added"
    contact = as_alice.get(f"/api/contacts/{first['contact_id']}").json()
    assert contact["email"] == "ann@example.org"
    change = Change.objects.get(contact_id=contact["id"])
    assert (change.via, change.source, change.kind) == ("import", found["id"], "created")

    found = undo(as_alice, found["id"])
    assert found["status"] == "undone"
    assert {entry["done"] for entry in entries(as_alice, found["id"])} == {"undone"}
    assert not Contact.objects.for_user(alice.pk).exists() and Contact.objects.trash_of(alice.pk).count() == 2

    assert as_alice.delete(f"{IMPORTS}/{found['id']}").status_code == 204
    assert as_alice.get(f"{IMPORTS}/{found['id']}").status_code == 404
    assert not (Import.objects.exists() or ImportChunk.objects.exists() or ImportEntry.objects.exists())


def test_the_fields_of_a_new_contact_are_those_of_its_history(as_alice):
    lines = ("TITLE:Boss", "TEL:1", "TEL:2", "BDAY:1815-12-10", "CATEGORIES:Work", "X-ODD:1")
    found = read(as_alice, vcard("Ann", *lines))
    (before,) = entries(as_alice, found["id"])
    apply(as_alice, found["id"])
    (after,) = entries(as_alice, found["id"])
    (created,) = as_alice.get(f"/api/contacts/{after['contact_id']}/history").json()
    assert before["fields"] == after["fields"] == created["fields"]
    assert created["fields"].keys() >= {"fullname", "phone", "phones", "birthday", "titles", "keywords", "vCardProps"}


def test_a_report_shows_pictures_under_the_address_of_today(as_alice, settings):
    found = read(as_alice, vcard("Ann", f"PHOTO;ENCODING=b;TYPE=GIF:{GIF}"))
    apply(as_alice, found["id"])
    settings.PUBLIC_URL = "https://new.example.org"
    (entry,) = entries(as_alice, found["id"])
    assert entry["fields"]["avatar"][1].startswith("https://new.example.org/media/")


def test_a_file_that_was_imported_is_all_same(as_alice, alice):
    apply(as_alice, read(as_alice, FILE)["id"])
    sequence = Change.objects.count()
    for policy in ("skip", "fill", "replace", "keep_both"):
        again = read(as_alice, FILE)
        assert again["counts"] == {"new": 0, "same": 2, "changes": 0, "failed": 0}
        apply(as_alice, again["id"], policy)
        assert {entry["done"] for entry in entries(as_alice, again["id"])} == {"left"}
    assert Change.objects.count() == sequence
