"""manage.py import_contacts."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from contacts.importing.runner import Runner
from contacts.management.commands import import_contacts
from contacts.models import Contact, Import
from contacts.tests.importing import entries, undo, vcard

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]

TEXT = vcard("Ann", "EMAIL:ann@example.org", uid="u1") + vcard("Bea", "TEL:110") + vcard("Bea", "TEL:110")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "people.vcf"
    path.write_text(TEXT)
    return path


def test_a_file_is_imported_at_once_and_the_owner_can_take_it_back(as_alice, alice, file, capsys):
    call_command("import_contacts", file, owner="ALICE@example.org")
    assert "3 entries: 2 new, 1 same, 0 changes, 0 failed." in capsys.readouterr().out
    assert sorted(Contact.objects.for_user(alice.pk).values_list("fullname", flat=True)) == ["Ann", "Bea"]
    (found,) = as_alice.get("/api/imports").json()
    assert (found["status"], found["filename"]) == ("applied", "people.vcf")
    assert [entry["done"] for entry in entries(as_alice, found["id"])] == ["added", "added", "left"]
    assert undo(as_alice, found["id"])["status"] == "undone"
    assert not Contact.objects.for_user(alice.pk).exists()


def test_a_dry_run_writes_nothing(alice, file, capsys):
    call_command("import_contacts", file, owner=alice.email, dry_run=True)
    assert "2 new, 1 same" in capsys.readouterr().out
    assert not Contact.objects.exists() and not Import.objects.exists()


def test_the_quota_does_not_bound_the_operator(alice, file, settings):
    settings.ACCOUNT_QUOTA = 1
    call_command("import_contacts", file, owner=alice.email)
    assert Contact.objects.count() == 2


def test_a_policy(as_alice, alice, file):
    as_alice.post("/api/contacts/", {"fullname": "Ann", "email": "ann@example.org", "phone": "1"}, format="json")
    file.write_text(vcard("Ann", "EMAIL:ann@example.org", "NOTE:x"))
    call_command("import_contacts", file, owner=alice.email, policy="fill")
    contact = Contact.objects.get()
    assert (contact.phone, contact.additional) == ("1", "x")


def test_what_cannot_be_imported_is_said(alice, tmp_path):
    path = tmp_path / "x"
    for owner, content, reason in (
        ("nobody@example.org", TEXT, "no account"),
        (alice.email, "no cards", "cannot be imported"),
        (alice.email, "[]", "cannot be imported"),
    ):
        path.write_text(content)
        with pytest.raises(CommandError, match=reason):
            call_command("import_contacts", path, owner=owner)
    with pytest.raises(CommandError, match="cannot be imported"):
        call_command("import_contacts", tmp_path / "missing", owner=alice.email)


def test_an_import_that_is_deleted_meanwhile_is_no_success(alice, tmp_path, monkeypatch):
    file = tmp_path / "many.vcf"
    file.write_text("".join(vcard(f"Person {number}") for number in range(1_500)))
    monkeypatch.setattr(import_contacts, "show_progress", lambda *args: Import.objects.all().delete())
    with pytest.raises(CommandError, match="ended by another process or a restore"):
        call_command("import_contacts", file, owner=alice.email)


@pytest.mark.parametrize("dry_run", [False, True])
def test_what_a_stopped_import_wrote_is_taken_back(as_alice, alice, tmp_path, monkeypatch, dry_run):
    def press_control_c(*args):
        if dry_run or Contact.objects.count() > 500:
            raise KeyboardInterrupt

    file = tmp_path / "many.vcf"
    file.write_text("".join(vcard(f"Person {number}") for number in range(1_500)))
    monkeypatch.setattr(import_contacts, "show_progress", press_control_c)
    with pytest.raises(KeyboardInterrupt):
        call_command("import_contacts", file, owner=alice.email, dry_run=dry_run)
    written = Contact.objects.count()
    assert written == 0 if dry_run else 500 < written < 1_500
    Import.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    (found,) = as_alice.get("/api/imports").json()
    assert Runner().run_due() == 1
    assert as_alice.get(f"/api/imports/{found['id']}").json()["status"] == "failed"
    if dry_run:
        assert as_alice.post(f"/api/imports/{found['id']}/undo").status_code == 409
    else:
        assert undo(as_alice, found["id"])["status"] == "undone"
    assert not Contact.objects.for_user(alice.pk).exists()
