"""/admin/: who may enter, the dashboard, accounts and outgoing e-mails."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

import contactbook.admin
from accounts.models import OutgoingEmail, Session, User
from contactbook.tests.live import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
USERS = "/admin/accounts/user/"
EMAILS = "/admin/accounts/outgoingemail/"
NEW = "a newer staple 7"


@pytest.fixture
def as_staff(staff):
    client = Client()
    client.force_login(staff)
    return client


@pytest.fixture
def as_helper(make_user):
    """Staff who may see and change accounts, and no more."""
    helper = make_user("helper", is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    client = Client()
    client.force_login(helper)
    return client


def log_in(email, password=PASSWORD):
    return Client().post("/admin/login/?next=/admin/", {"username": email, "password": password})


def act(client, action, *rows, url=USERS):
    return client.post(url, {"action": action, "_selected_action": [row.pk for row in rows]}, follow=True)


def lines():
    return list(LogEntry.objects.order_by("id").values_list("object_repr", "change_message"))


# Who may enter


def test_staff_log_in_with_their_address(staff):
    assert log_in("STAFF@example.org").url == "/admin/"


def test_an_account_without_staff_rights_cannot_log_in(alice):
    assert "for a staff account" in log_in(alice.email).text


def test_unconfirmed_staff_cannot_log_in(staff):
    User.objects.filter(pk=staff.pk).update(confirmed_at=None)
    assert "Confirm your address first." in log_in(staff.email).text
    client = Client()
    client.force_login(staff)
    assert client.get("/admin/").status_code == 302


def test_the_login_form_says_that_there_were_too_many_wrong_passwords(staff, limits):
    limits(account_failures=(2, 600))
    for _ in range(2):
        assert log_in(staff.email, "wrong").status_code == 200
    answer = log_in(staff.email)
    assert answer.status_code == 200
    assert "Too many wrong passwords for this account" in answer.text


def test_logins_are_limited_and_gets_of_the_form_are_not(staff, limits):
    limits(admin_login=(2, 60))
    assert [log_in(staff.email).status_code for _ in range(3)] == [302, 302, 429]
    assert Client().get("/admin/login/").status_code == 200


# The dashboard


def test_the_dashboard_shows_the_counts(as_staff, make_user):
    make_user("zoe", confirmed_at=None)
    OutgoingEmail.objects.create(kind="reset", address="a@example.org")
    OutgoingEmail.objects.create(kind="reset", address="b@example.org", due_at=None)
    text = re.sub(r"<[^>]+>", "", as_staff.get("/admin/").text)
    for line in ("2 users", "1 unconfirmed", "1 mails waiting", "1 mails given up", "0 contacts"):
        assert line in text


def test_the_dashboard_shows_only_models_that_the_user_may_view(as_helper):
    text = re.sub(r"<[^>]+>", "", as_helper.get("/admin/").text)
    assert "1 users" in text
    assert "contacts" not in text.lower().replace("contact book", "")


def test_counts_past_a_bound_are_estimates(as_staff, make_user, monkeypatch):
    monkeypatch.setattr(contactbook.admin, "MAX_COUNT", 3)
    for number in range(5):
        make_user(f"u{number}")
    assert re.search(r"<strong>(over 3|about \d+)</strong> users", as_staff.get("/admin/").text)
    assert "3 users" in as_staff.get(USERS).text


# Accounts


def test_the_list_takes_a_constant_number_of_queries(as_staff, make_user, django_assert_max_num_queries):
    for number in range(30):
        make_user(f"u{number}")
    with django_assert_max_num_queries(8):
        assert as_staff.get(USERS).text.count("action-select") == 31


def test_an_account_takes_few_queries_although_it_shows_every_permission(
    as_staff, alice, django_assert_max_num_queries
):
    with django_assert_max_num_queries(10):
        assert "user_permissions" in as_staff.get(f"{USERS}{alice.pk}/change/").text


def test_accounts_are_found_by_a_part_of_address_or_name(as_staff, alice, bob):
    for asked in ("ALIC", "alice@"):
        text = as_staff.get(USERS, {"q": asked}).text
        assert alice.email in text and bob.email not in text


@pytest.mark.parametrize("path", [USERS, USERS + "{}/change/", "/admin/", USERS + "{}/history/"])
def test_no_password_or_token_is_shown(as_staff, alice, path):
    text = as_staff.get(USERS + path.format(alice.pk)).text
    assert "argon2" not in text and alice.password not in text and "token_version" not in text


def test_staff_add_an_account(as_staff):
    assert as_staff.post(USERS + "add/", {"email": "New@example.org", "username": "New"}).status_code == 302
    user = User.objects.by_address("new@example.org")
    assert not user.has_usable_password() and user.confirmed_at is None and not user.is_staff
    assert [(email.kind, email.address) for email in OutgoingEmail.objects.all()] == [("reset", "New@example.org")]


def test_a_taken_address_is_refused_in_any_spelling(as_staff, alice):
    answer = as_staff.post(USERS + "add/", {"email": "ALICE@Example.org", "username": "New"})
    assert answer.status_code == 200
    assert "Another account has this address." in answer.text


def change(client, user, **fields):
    birthdays = {"time_zone": "UTC", "leap_day": "02-28", "reminders": "off", "reminder_days": 7}
    form = {"username": user.username, "is_active": "on", **birthdays, **fields}
    return client.post(f"{USERS}{user.pk}/change/", {k: v for k, v in form.items() if v is not None})


def test_a_change_saves_only_what_was_changed(as_staff, alice):
    assert change(as_staff, alice, username="Alicia", email="evil@example.org", token_version=9).status_code == 302
    before = (alice.email, alice.password, alice.token_version, alice.confirmed_at)
    alice.refresh_from_db()
    assert alice.username == "Alicia"
    assert (alice.email, alice.password, alice.token_version, alice.confirmed_at) == before
    assert lines() == [("alice@example.org", '[{"changed": {"fields": ["Name"]}}]')]


@pytest.mark.parametrize("name", ["Mars/Olympus", "localtime"])
def test_a_time_zone_must_exist(as_staff, alice, name):
    assert "There is no such time zone" in change(as_staff, alice, time_zone=name).text


def test_deactivating_in_the_form_ends_the_sessions(as_staff, alice):
    Session.objects.begin(alice)
    change(as_staff, alice, is_active=None)
    alice.refresh_from_db()
    assert not alice.is_active and not alice.sessions.exists()


def test_nobody_sets_another_users_password(as_staff, as_helper, alice):
    for client in (as_staff, as_helper):
        for method in (client.get, client.post):
            answer = method(f"{USERS}{alice.pk}/password/", {"password1": NEW, "password2": NEW})
            assert answer.status_code == 403
    before = alice.password
    alice.refresh_from_db()
    assert alice.password == before


def test_only_superusers_change_staff(as_helper, as_staff, make_user):
    colleague = make_user("colleague", is_staff=True)
    assert change(as_helper, colleague, username="Changed").status_code == 403
    act(as_helper, "deactivate", colleague)
    colleague.refresh_from_db()
    assert colleague.username == "Colleague" and colleague.is_active
    assert change(as_staff, colleague, username="Changed", is_staff="on").status_code == 302
    colleague.refresh_from_db()
    assert colleague.username == "Changed"


def test_the_confirm_action_confirms_unconfirmed_accounts(as_staff, make_user, alice):
    zoe = make_user("zoe", confirmed_at=None)
    assert "Confirmed 1 of the selected accounts." in act(as_staff, "confirm", zoe, alice).text
    zoe.refresh_from_db()
    assert zoe.confirmed_at
    assert lines() == [("zoe@example.org", "Confirmed")]


def test_the_deactivate_action_spares_the_callers_account(as_staff, staff, alice):
    Session.objects.begin(alice)
    act(as_staff, "deactivate", alice, staff)
    assert set(User.objects.filter(is_active=False)) == {alice}
    assert not alice.sessions.exists()
    assert lines() == [("alice@example.org", "Deactivated")]


def test_the_activate_action_activates_accounts(as_staff, make_user):
    zoe = make_user("zoe", is_active=False)
    act(as_staff, "activate", zoe)
    zoe.refresh_from_db()
    assert zoe.is_active


def test_the_reset_action_queues_a_reset_email(as_staff, alice):
    act(as_staff, "send_reset_link", alice)
    assert list(OutgoingEmail.objects.values_list("kind", "address")) == [("reset", alice.email)]
    assert lines() == [("alice@example.org", "Sent a reset link to")]


def test_staff_without_superuser_rights_grant_no_rights_and_change_no_superuser(as_helper, staff, alice):
    change(as_helper, alice, is_staff="on", is_superuser="on")
    act(as_helper, "deactivate", staff, alice)
    assert as_helper.post(f"{USERS}{staff.pk}/password/", {"password1": NEW, "password2": NEW}).status_code == 403
    staff.refresh_from_db()
    alice.refresh_from_db()
    assert staff.is_active and staff.check_password(PASSWORD)
    assert not (alice.is_staff or alice.is_superuser or alice.is_active)


def test_accounts_can_be_deleted_and_staff_cannot(as_staff, make_user, alice):
    colleague = make_user("colleague", is_staff=True)
    assert as_staff.post(f"{USERS}{alice.pk}/delete/", {"post": "yes"}).status_code == 302
    assert as_staff.post(f"{USERS}{colleague.pk}/delete/", {"post": "yes"}).status_code == 403
    data = {"action": "delete_selected", "_selected_action": [colleague.pk], "post": "yes"}
    as_staff.post(USERS, data)
    assert User.objects.filter(pk=colleague.pk).exists() and not User.objects.filter(pk=alice.pk).exists()


# Outgoing e-mails


@pytest.fixture
def email():
    return OutgoingEmail.objects.create(
        kind="reset", address="a@example.org", due_at=None, attempts=9, last_error="OSError"
    )


def test_outgoing_emails_are_read_only(as_staff, email):
    text = as_staff.get(EMAILS).text
    assert "a@example.org" in text and "OSError" in text
    assert as_staff.get(f"{EMAILS}{email.pk}/change/").status_code == 200
    assert as_staff.post(f"{EMAILS}{email.pk}/change/", {"address": "b@example.org"}).status_code == 403
    assert as_staff.get(EMAILS + "add/").status_code == 403


def test_outgoing_emails_are_filtered_by_state(as_staff, email):
    assert "a@example.org" in as_staff.get(EMAILS + "?state=given-up").text
    assert "a@example.org" not in as_staff.get(EMAILS + "?state=waiting").text


def test_the_retry_action_makes_outgoing_emails_due(as_staff, email):
    act(as_staff, "retry", email, url=EMAILS)
    email.refresh_from_db()
    assert email.due_at <= timezone.now()
    assert lines()[0][1] == "Tried again"
