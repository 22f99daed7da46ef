"""POST /api/undo {"since", "app_password"}, and what history and changes say of app passwords"""

import pytest

from contacts.models import Contact
from contacts.tests.cast import add, faults, names, path
from contacts.tests.dav import Dav, vcard
from contacts.tests.test_undo import results, undo

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]


def contact_named(name):
    return Contact.objects.get(resource=name)


def test_history_and_changes_name_the_program(alice, as_alice):
    phone = Dav(alice, agent="DAVx5/4.5")
    phone.put("a.vcf", vcard())
    contact = contact_named("a.vcf")
    as_alice.patch(f"/api/contacts/{contact.pk}", {"fullname": "Bea"}, format="json")
    entries = as_alice.get(f"/api/contacts/{contact.pk}/history").json()
    assert [(each["via"], each["client"], each["app_password"]) for each in entries] == [
        ("rest", "", None),
        ("carddav", "DAVx5/4.5", phone.app_password.pk),
    ]
    phone.put("b.vcf", vcard(uid="u2"))
    changes = as_alice.get("/api/contacts/changes").json()["changes"]
    assert [(each["kind"], each["app_password"]) for each in changes] == [
        ("changed", None),
        ("created", phone.app_password.pk),
    ]


def test_only_what_the_program_wrote_is_undone(alice, as_alice):
    phone, tablet = Dav(alice), Dav(alice)
    kept = add(as_alice, "Kept")
    changed, deleted = add(as_alice, "Changed"), add(as_alice, "Deleted")
    uids = {contact.fullname: contact.uid for contact in Contact.objects.all()}
    phone.put(f"{uids['Changed']}.vcf", vcard("Other", uids["Changed"]))
    phone.delete(f"{uids['Deleted']}.vcf")
    phone.put("new.vcf", vcard("New"))
    tablet.put("tablet.vcf", vcard("Tablet", "t"))
    new = contact_named("new.vcf").pk
    planned = results(as_alice, since=3, app_password=phone.app_password.pk, dry_run=True)
    assert planned == [
        (changed["id"], "change", "done"),
        (deleted["id"], "restore", "done"),
        (new, "delete", "done"),
    ]
    assert results(as_alice, since=3, app_password=phone.app_password.pk) == planned
    assert names(as_alice.get("/api/contacts")) == ["Changed", "Deleted", "Kept", "Tablet"]
    assert as_alice.get(path(kept)).status_code == 200


def test_a_contact_whose_newest_change_is_by_another_is_a_conflict_and_stays_whole(alice, as_alice):
    phone = Dav(alice)
    phone.put("a.vcf", vcard("Ann"))
    contact = contact_named("a.vcf")
    as_alice.patch(f"/api/contacts/{contact.pk}", {"email": "a@x.org"}, format="json")
    assert results(as_alice, since=0, app_password=phone.app_password.pk) == [(contact.pk, "nothing", "conflict")]
    assert names(as_alice.get("/api/contacts")) == ["Ann"]
    assert results(as_alice, since=0) == [(contact.pk, "delete", "done")], "since alone takes everything back"


def test_what_another_wrote_in_between_is_not_undone(alice, as_alice):
    phone = Dav(alice)
    phone.put("a.vcf", vcard("Ann"))
    contact = contact_named("a.vcf")
    as_alice.patch(f"/api/contacts/{contact.pk}", {"fullname": "Bea"}, format="json")
    phone.put("a.vcf", vcard("Cleo"))
    assert results(as_alice, since=0, app_password=phone.app_password.pk) == [(contact.pk, "change", "done")]
    assert names(as_alice.get("/api/contacts")) == ["Bea"]


def test_since_limits_it_and_an_ended_password_is_undone_too(alice, as_alice):
    phone = Dav(alice)
    phone.put("a.vcf", vcard("Ann"))
    phone.put("a.vcf", vcard("Bea"))
    as_alice.delete(f"/api/me/app_passwords/{phone.app_password.pk}")
    contact = contact_named("a.vcf")
    assert results(as_alice, since=1, app_password=phone.app_password.pk) == [(contact.pk, "change", "done")]
    assert names(as_alice.get("/api/contacts")) == ["Ann"]
    assert results(as_alice, since=99, app_password=phone.app_password.pk) == []


def test_more_than_one_undo_can_change_is_undone_in_steps(alice, as_alice, monkeypatch):
    monkeypatch.setattr("contacts.history.MAX_UNDONE", 2)
    phone = Dav(alice)
    kept = add(as_alice, "Kept")
    for number in range(5):
        phone.put(f"{number}.vcf", vcard(f"n{number}", f"u{number}"))
    given = {"app_password": phone.app_password.pk}
    assert faults(undo(as_alice, since=0, **given)) == [["body", "since"]]
    for since, undone in ((4, 2), (2, 2), (0, 1)):
        assert [status for _, _, status in results(as_alice, since=since, **given)] == ["done"] * undone
    assert names(as_alice.get("/api/contacts")) == [kept["fullname"]]


def test_more_than_16_megabytes_is_413_however_often_a_card_was_written(alice, as_alice, monkeypatch):
    monkeypatch.setattr("contacts.history.PORTION", 20_000)
    phone = Dav(alice)
    for number in range(9):
        phone.put("a.vcf", vcard(more=f"NOTE:{number}{'x' * 5000}\r\n"))
    given = {"since": 0, "app_password": phone.app_password.pk}
    assert [status for _, _, status in results(as_alice, **given, dry_run=True)] == ["done"]
    for number in range(4):
        phone.put(f"{number}.vcf", vcard(uid=str(number), more=f"NOTE:{'x' * 5000}\r\n"))
    assert undo(as_alice, **given).status_code == 413


def test_another_accounts_or_an_unknown_password_is_422(alice, as_bob):
    phone = Dav(alice)
    for number in (phone.app_password.pk, 999):
        assert faults(undo(as_bob, since=0, app_password=number)) == [["body", "app_password"]]
    assert faults(undo(as_bob, change=1, app_password=phone.app_password.pk)) == [["body", "app_password"]]


def test_null_is_422_and_undoes_nothing(alice, as_alice):
    add(as_alice, "Ann")
    assert faults(undo(as_alice, since=0, app_password=None)) == [["body", "app_password"]]
    assert names(as_alice.get("/api/contacts")) == ["Ann"]
