"""The routes of imports: what is refused, the bounds, quota, pages, and what is forgotten."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from conftest import client_of
from contacts.importing import steps, uploads
from contacts.models import Book, Contact, Import, ImportChunk, ImportEntry, imports
from contacts.models.imports import LeaseLost
from contacts.tests.importing import IMPORTS, apply, entries, read, run_steps, show, upload, vcard

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]


def refused(answer):
    assert answer.status_code == 422, answer.content
    return [(entry["loc"], entry["msg"]) for entry in answer.json()["detail"]]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \r\n\r\n",
        b"PK\x03\x04" + b"x" * 1000,
        b"\x89PNG\r\n\x1a\n" + bytes(1000),
        b"\xff\xd8\xff" + bytes(1000),
        b"%PDF-1.7\n",
        bytes(70_000),
        b"no card here",
        b"<html><body>BEGIN</body></html>",
        b"[1, 2, 3]",
        b"[]",
        b'"text"',
        b"x" * 70_000 + b"\r\n" + vcard().encode(),
    ],
)
def test_what_is_no_file_of_contacts_is_422(as_alice, content):
    assert [loc for loc, _ in refused(upload(as_alice, content))] == [["body", "file"]]
    assert not Import.objects.exists()


def test_a_form_without_a_file_or_of_another_type_is_refused(as_alice):
    assert refused(as_alice.post(IMPORTS, {"x": "y"}, format="multipart"))[0][0] == ["body", "file"]
    assert as_alice.post(IMPORTS, {"x": "y"}, format="json").status_code == 415


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", "xlsx"),
        ("encoding", "klingon"),
        ("encoding", "punycode"),
        ("date_order", "ydm"),
        ("mapping", "no json"),
        ("mapping", "[1]"),
        ("mapping", '{"a": 1}'),
        ("mapping", "[" * 10_000),
    ],
)
def test_an_invalid_option_is_422(as_alice, field, value):
    assert [loc for loc, _ in refused(upload(as_alice, vcard(), **{field: value}))] == [["body", field]]


def test_another_format_than_the_files_is_422(as_alice):
    assert refused(upload(as_alice, vcard(), format="jscontact"))[0][0] == ["body", "file"]
    assert upload(as_alice, vcard(), format="vcard").status_code == 201


def test_an_empty_option_is_as_if_it_were_not_there(as_alice):
    assert upload(as_alice, vcard(), encoding="", mapping="").status_code == 201


@pytest.mark.parametrize(
    ("codec", "label", "bom"),
    [
        ("utf-8", "", b""),
        ("utf-8", "", b"\xef\xbb\xbf"),
        ("utf-16-le", "", b"\xff\xfe"),
        ("utf-16-be", "", b"\xfe\xff"),
        ("utf-16-le", "", b""),
        ("cp1252", "", b""),
        ("cp1252", "latin1", b""),
        ("shift_jis", "sjis", b""),
        ("koi8-r", "KOI8-R", b""),
    ],
)
def test_encodings(as_alice, codec, label, bom):
    name = {"shift_jis": "山田太郎", "koi8-r": "Жуков"}.get(codec, "Zoë Müller")
    found = read(as_alice, bom + vcard(name).encode(codec), encoding=label)
    assert entries(as_alice, found["id"])[0]["fullname"] == name
    if label:
        assert found["encoding"] == label
    apply(as_alice, found["id"])
    assert Contact.objects.get().fullname == name


def test_a_file_over_50_megabytes_is_413(as_alice, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_BYTES", 100)
    answer = upload(as_alice, vcard("x" * 100))
    assert answer.status_code == 413 and "100 bytes" in answer.json()["detail"]


def test_a_body_over_its_bound_is_413_before_it_is_read(as_alice):
    answer = as_alice.post(
        IMPORTS, b"", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH=str(52 * 1024 * 1024)
    )
    assert answer.status_code == 413


def test_the_file_lies_in_pieces_of_a_megabyte(as_alice, alice):
    text = vcard("Ann", "NOTE:" + "x" * 200_000) * 12
    assert upload(as_alice, text).status_code == 201
    sizes = [len(chunk.data) for chunk in ImportChunk.objects.order_by("number")]
    assert sizes[0] == 1024 * 1024 and sum(sizes) == len(text) and len(sizes) == 3
    assert b"".join(Import.objects.get().file()) == text.encode()
    assert Book.objects.get(pk=alice.pk).bytes == len(text) + imports.ROW_BYTES


def test_at_most_five_imports_are_under_way(as_alice, as_bob):
    for _ in range(5):
        assert upload(as_alice, vcard()).status_code == 201
    assert upload(as_alice, vcard()).status_code == 409
    assert upload(as_bob, vcard()).status_code == 201
    run_steps()
    assert upload(as_alice, vcard()).status_code == 201


def test_files_have_at_most_250_megabytes(as_alice, monkeypatch):
    monkeypatch.setattr(imports, "MOST_BYTES", 200)
    assert upload(as_alice, vcard()).status_code == 201
    for _ in range(4):
        answer = upload(as_alice, vcard())
    assert answer.status_code == 409 and "Delete an import" in answer.json()["detail"]


def test_too_many_entries_fail_the_import(as_alice, monkeypatch):
    monkeypatch.setattr(steps, "MOST_ENTRIES", 3)
    found = read(as_alice, vcard() * 4)
    assert found["status"] == "failed" and "more than" in found["error"]
    assert as_alice.post(f"{IMPORTS}/{found['id']}/apply", {"policy": "skip"}, format="json").status_code == 409
    assert as_alice.post(f"{IMPORTS}/{found['id']}/undo").status_code == 409
    assert as_alice.delete(f"{IMPORTS}/{found['id']}").status_code == 204


def test_json_that_ends_too_early_fails_the_import(as_alice):
    found = read(as_alice, b'[{"name": {"full": "Ann"}}, {"name": ', "x.json")
    assert found["status"] == "failed" and "1 cards" in found["error"]
    assert found["counts"]["new"] == 1


def test_past_the_quota_an_upload_is_507_and_an_apply_fails_and_goes_on(as_alice, alice, settings, monkeypatch):
    found = read(as_alice, "".join(vcard(f"Card {index}", "NOTE:" + "x" * 5000) for index in range(30)))
    settings.ACCOUNT_QUOTA = Book.objects.get(pk=alice.pk).bytes + 20_000
    size = steps.PortionSize(2)
    monkeypatch.setattr(steps, "PortionSize", lambda *args: size)
    found = apply(as_alice, found["id"])
    assert found["status"] == "failed" and "full" in found["error"]
    written = Contact.objects.count()
    assert 0 < written < 30 and found["progress"] == {"done": written, "total": 30}
    assert upload(as_alice, vcard()).status_code == 507
    settings.ACCOUNT_QUOTA = None
    found = apply(as_alice, found["id"])
    assert found["status"] == "applied" and Contact.objects.count() == 30
    assert {entry["done"] for entry in entries(as_alice, found["id"])} == {"added"}


def test_an_interruption_neither_counts_a_report_twice_nor_counts_what_another_process_counts(as_alice, alice):
    job = Import.objects.get(pk=read(as_alice, vcard("Ann"))["id"])
    counted = Book.objects.get(pk=alice.pk).bytes
    job.count_entries()
    assert Book.objects.get(pk=alice.pk).bytes == counted == Import.objects.get().bytes
    Import.objects.update(lease="another's")
    job.bytes = 0
    with pytest.raises(LeaseLost):
        job.count_entries()
    assert Book.objects.get(pk=alice.pk).bytes == counted


def test_the_quota_counts_files_and_reports_until_they_are_deleted(as_alice, alice):
    found = read(as_alice, vcard() * 20)
    counted = Book.objects.get(pk=alice.pk).bytes
    assert counted == Import.objects.get().bytes > len(vcard()) * 20 + 20 * 200
    as_alice.delete(f"{IMPORTS}/{found['id']}")
    assert Book.objects.get(pk=alice.pk).bytes == 0


@pytest.mark.parametrize("status", ["reading", "applying", "undoing"])
def test_during_a_step_nothing_else_begins(as_alice, alice, status):
    job = Import.objects.create(user=alice, filename="x", format="vcard", status=status)
    path = f"{IMPORTS}/{job.pk}"
    assert as_alice.delete(path).status_code == 409
    assert as_alice.post(f"{path}/apply", {"policy": "skip"}, format="json").status_code == 409
    assert as_alice.post(f"{path}/undo").status_code == 409


@pytest.mark.parametrize(
    ("status", "policy", "may"),
    [
        ("ready", "", {"apply"}),
        ("applied", "skip", {"undo"}),
        ("undone", "skip", {"apply"}),
        ("failed", "", set()),
        ("failed", "skip", {"undo"}),
    ],
)
def test_what_may_begin_after_a_step(as_alice, alice, status, policy, may):
    job = Import.objects.create(user=alice, filename="x", format="vcard", status=status, policy=policy)
    for action in ("apply", "undo"):
        Import.objects.filter(pk=job.pk).update(status=status)
        answer = as_alice.post(f"{IMPORTS}/{job.pk}/{action}", {"policy": "skip"}, format="json")
        assert answer.status_code == (202 if action in may else 409)


def test_the_list_is_newest_first_and_ones_own(as_alice, as_bob):
    ids = [read(as_alice, vcard())["id"] for _ in range(3)]
    answer = as_alice.get(IMPORTS, {"limit": 2})
    assert [found["id"] for found in answer.json()] == ids[:0:-1] and answer["X-Total-Count"] == "3"
    assert as_bob.get(IMPORTS).json() == []


def test_entries_are_read_in_pages_and_by_status(as_alice):
    as_alice.post("/api/contacts/", {"fullname": "Bea"}, format="json")
    found = read(as_alice, vcard("Ann") + vcard("Bea") + "BEGIN:VCARD\r\nEND:VCARD\r\n" + vcard("Carl"))
    path = f"{IMPORTS}/{found['id']}/entries"
    answer = as_alice.get(path, {"skip": 1, "limit": 2})
    assert [entry["entry"] for entry in answer.json()] == [2, 3] and answer["X-Total-Count"] == "4"
    answer = as_alice.get(path, {"status": "new"})
    assert [entry["fullname"] for entry in answer.json()] == ["Ann", "Carl"] and answer["X-Total-Count"] == "2"
    (failed,) = as_alice.get(path, {"status": "failed"}).json()
    assert failed["reason"] and failed["fullname"] == "" and failed["line"] == 9
    assert as_alice.get(path, {"status": "other"}).status_code == 422
    assert as_alice.get(path, {"limit": 1001}).status_code == 422


def test_bob_gets_the_404_of_an_unknown_import(as_alice, as_bob):
    found = read(as_alice, vcard())
    for method, path, body in (
        ("get", "", None),
        ("get", "/entries", None),
        ("post", "/apply", {"policy": "skip"}),
        ("post", "/undo", None),
        ("delete", "", None),
    ):
        theirs, nobodys = (
            getattr(as_bob, method)(f"{IMPORTS}/{number}{path}", body, format="json") for number in (found["id"], 10**9)
        )
        assert theirs.status_code == 404 and theirs.content == nobodys.content
        assert theirs.json() == {"detail": "Import was not found"}
    assert show(as_alice, found["id"])["status"] == "ready"
    for number in ("x", "1.5", str(10**30)):
        assert as_bob.get(f"{IMPORTS}/{number}").status_code in (404, 422)


def test_purge_history_deletes_imports_30_days_after_their_last_step(as_alice, alice):
    with time_machine.travel(timezone.now() - timedelta(days=31), tick=True):
        old = read(client_of(alice), vcard())
    new = read(as_alice, vcard())
    call_command("purge_history")
    assert [found["id"] for found in as_alice.get(IMPORTS).json()] == [new["id"]]
    assert not ImportEntry.objects.of(old["id"]).exists()
    assert Book.objects.get(pk=alice.pk).bytes == Import.objects.get().bytes


def test_the_deletion_of_an_account_deletes_its_imports(as_alice, alice):
    read(as_alice, vcard())
    alice.delete()
    assert not (Import.objects.exists() or ImportChunk.objects.exists() or ImportEntry.objects.exists())


def test_a_lease_ends_after_a_killed_process_and_goes_on_with_the_next(as_alice):
    upload(as_alice, vcard())
    taken = Import.objects.claim()
    assert taken and Import.objects.claim() is None and run_steps() == 0
    with time_machine.travel(timezone.now() + timedelta(seconds=31), tick=True):
        again = Import.objects.claim()
    assert again and again.pk == taken.pk
    with pytest.raises(imports.LeaseLost):
        taken.save_progress(position=1)
    Import.objects.update(lease_until=None)
    run_steps()
    assert Import.objects.get().status == "ready"


def test_a_step_that_never_makes_progress_is_given_up(as_alice):
    found = upload(as_alice, vcard()).json()
    for _ in range(Import.MOST_ATTEMPTS):
        assert Import.objects.claim()
        Import.objects.update(lease_until=None)
    run_steps()
    assert show(as_alice, found["id"])["error"] == "This import could not be continued."


def test_the_name_of_a_file_is_text_without_control_characters(as_alice):
    assert upload(as_alice, vcard(), "a\tb\x7fä.vcf").json()["filename"] == "abä.vcf"
    assert len(upload(as_alice, vcard(), "x" * 1000).json()["filename"]) <= 255


def test_the_report_is_bounded(as_alice):
    notes = "\r\n".join("BDAY:nonsense" + "x" * 1000 for _ in range(300))
    large = vcard("Ann", "NOTE:" + "y" * 60_000)
    found = read(as_alice, vcard("Bea", notes) + large)
    first, second = entries(as_alice, found["id"])
    assert len(first["notes"]) <= 101 and max(map(len, first["notes"])) <= 300
    assert len(json.dumps(second)) < 10_000 and second["fields"]["additional"][1].startswith("yyy")


def test_without_its_file_an_import_fails_with_a_sentence(as_alice, alice):
    Import.objects.create(user=alice, filename="x", format="vcard", position=5)
    run_steps()
    (found,) = as_alice.get(IMPORTS).json()
    assert found["error"] == "The file is not stored here. Import it again."
