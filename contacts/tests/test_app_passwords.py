"""/api/me/app_passwords"""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from accounts.models import MAX_APP_PASSWORDS, AppPassword, User
from contacts.tests.cast import add, faults, names
from contacts.tests.dav import Dav, basic, vcard

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/me/app_passwords"


def make(client, **body):
    return client.post(URL, {"name": "Phone", **body}, format="json")


def test_a_password_is_shown_once_and_stored_as_a_hash(as_alice):
    answer = make(as_alice)
    assert answer.status_code == 201 and answer["Cache-Control"] == "no-store"
    body = answer.json()
    assert body.keys() == {"id", "name", "write", "password", "created_at"}
    assert re.fullmatch("([a-z]{4}-){6}[a-z]{4}", body["password"])
    row = AppPassword.objects.get()
    assert len(row.digest) == 64 and body["password"] not in str(vars(row))
    listed = as_alice.get(URL).json()
    assert [each.keys() for each in listed] == [
        {"id", "name", "write", "created_at", "last_used_at", "last_client", "changes"}
    ]
    assert listed[0] == {
        **{name: body[name] for name in ("id", "name", "write", "created_at")},
        "last_used_at": None,
        "last_client": "",
        "changes": 0,
    }


def test_passwords_are_random(as_alice):
    passwords = {make(as_alice).json()["password"] for _ in range(20)}
    assert len(passwords) == 20 and len(set("".join(passwords))) == 27


def test_the_list_counts_changes_and_names_the_last_client(alice, as_alice):
    phone, other = Dav(alice, agent="Phone/1.0"), Dav(alice, agent="Tablet")
    for name in ("Ann", "Bea"):
        phone.put("a.vcf", vcard(name))
    add(as_alice)
    rows = {row["id"]: row for row in as_alice.get(URL).json()}
    assert rows[phone.app_password.pk]["changes"] == 2 and rows[phone.app_password.pk]["last_client"] == "Phone/1.0"
    assert rows[phone.app_password.pk]["last_used_at"] is not None
    assert (rows[other.app_password.pk]["changes"], rows[other.app_password.pk]["last_used_at"]) == (0, None)


def test_the_last_use_is_noted_at_once_and_then_every_five_minutes(alice):
    phone = Dav(alice)
    phone.propfind("/dav/")
    first = AppPassword.objects.get().last_used_at
    phone.propfind("/dav/", user_agent="Another/2")
    assert AppPassword.objects.get().last_used_at == first
    AppPassword.objects.update(last_used_at=timezone.now() - timedelta(minutes=5))
    phone.propfind("/dav/", user_agent="Another/2")
    assert AppPassword.objects.get().last_used_at >= first and AppPassword.objects.get().last_client == "Another/2"


def test_a_deleted_password_opens_nothing_and_its_changes_stay(alice, as_alice):
    phone = Dav(alice)
    phone.put("a.vcf", vcard())
    url = f"{URL}/{phone.app_password.pk}"
    assert as_alice.delete(url).status_code == 204
    assert phone.propfind("/dav/").status_code == 401
    assert as_alice.get(URL).json() == [] and len(as_alice.get("/api/contacts").json()) == 1
    assert as_alice.delete(url).status_code == 404
    assert AppPassword.objects.get().ended_at is not None


def test_another_accounts_password_is_404_like_an_unknown_one(alice, as_bob):
    phone = Dav(alice)
    theirs, nobodys = as_bob.delete(f"{URL}/{phone.app_password.pk}"), as_bob.delete(f"{URL}/999")
    assert theirs.status_code == 404 and theirs.content == nobodys.content
    assert as_bob.get(URL).json() == [] and phone.propfind("/dav/").status_code == 207


def test_an_account_has_at_most_a_hundred(alice, as_alice):
    AppPassword.objects.bulk_create(
        AppPassword(user=alice, name="x", digest=str(number)) for number in range(MAX_APP_PASSWORDS - 1)
    )
    assert make(as_alice).status_code == 201
    assert make(as_alice).status_code == 409
    as_alice.delete(f"{URL}/{AppPassword.objects.first().pk}")
    assert make(as_alice).status_code == 201


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"name": ""}, ["body", "name"]),
        ({"name": "x" * 151}, ["body", "name"]),
        ({"name": "\u2800"}, ["body", "name"]),
        ({"name": 1}, ["body", "name"]),
        ({"write": "yes"}, ["body", "write"]),
    ],
)
def test_an_invalid_body_is_422(as_alice, body, where):
    assert faults(make(as_alice, **body)) == [where]


def test_a_reset_by_mail_ends_all_and_a_changed_password_none(alice):
    phone = Dav(alice)
    alice.change_password("battery staple 7")
    assert phone.propfind("/dav/").status_code == 207
    User.objects.get().set_new_password("another one 8")
    assert phone.propfind("/dav/").status_code == 401
    assert AppPassword.objects.live().count() == 0


@pytest.mark.parametrize("name", ["Alice@Example.ORG", "alice@example.org"])
@pytest.mark.parametrize("written", [str, str.upper, lambda text: text.replace("-", ""), lambda text: f" {text} "])
def test_the_address_is_of_any_case_and_separators_make_no_difference(alice, name, written):
    phone = Dav(alice)
    phone.headers["HTTP_AUTHORIZATION"] = basic(name, written(phone.password))
    assert phone.propfind("/dav/").status_code == 207


def test_the_admin_lists_them_without_secrets(alice, staff, client):
    phone = Dav(alice)
    client.force_login(staff)
    page = client.get("/admin/accounts/apppassword/").content.decode()
    assert "Phone/1.0" in page and phone.app_password.digest not in page and phone.password not in page
    answer = client.post("/admin/accounts/apppassword/", {"action": "end", "_selected_action": [phone.app_password.pk]})
    assert answer.status_code == 302 and phone.propfind("/dav/").status_code == 401


def test_staff_undo_what_a_program_wrote_and_that_is_logged(alice, as_alice, staff, client):
    phone, changed = Dav(alice, agent="Lost phone"), Dav(alice)
    add(as_alice, "Kept")
    phone.put("a.vcf", vcard("Ann"))
    phone.put("b.vcf", vcard("Bea", "u2"))
    changed.put("b.vcf", vcard("Beate", "u2"))
    client.force_login(staff)
    action = {"action": "undo_changes", "_selected_action": [phone.app_password.pk]}
    page = client.post("/admin/accounts/apppassword/", action, follow=True).content.decode()
    assert "Lost phone: 1 contacts were taken back, 1 were changed since." in page
    assert names(as_alice.get("/api/contacts")) == ["Beate", "Kept"]
    assert LogEntry.objects.get().get_change_message() == "Undid all changes by it."
