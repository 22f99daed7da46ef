"""DELETE /api/me"""

import json
from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts import tokens
from accounts.mail import delivery
from accounts.models import OutgoingEmail, Session, User
from accounts.tests.cast import (
    bearer,
    contacts,
    faults,
    log_in,
    pair_of,
    refresh,
)
from conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/me"
DETAIL = "The account is closed. Until it is deleted, logging in opens it again."


def close(client, password=PASSWORD, url=URL, **headers):
    return client.delete(url, {"password": password}, format="json", **headers)


@pytest.mark.parametrize("url", [URL, URL + "/"])
def test_closing_tells_the_date_of_deletion(as_alice, alice, url):
    answer = close(as_alice, url=url)
    assert answer.status_code == 200
    assert answer.json().keys() == {"detail", "deleted_after"}
    assert answer.json()["detail"] == DETAIL
    closed_at = User.objects.get().closed_at
    assert abs(closed_at - timezone.now()) < timedelta(seconds=5)
    assert datetime.fromisoformat(answer.json()["deleted_after"]) == closed_at + timedelta(days=30)
    assert answer["Cache-Control"] == "no-store"


def test_every_session_ends_at_once(as_nobody, alice, bob):
    mine, other, bobs = pair_of(alice), pair_of(alice), pair_of(bob)
    assert [contacts(as_nobody, pair["access_token"]) for pair in (mine, other)] == [
        200,
        200,
    ]
    close(as_nobody, **bearer(mine["access_token"]))
    assert [contacts(as_nobody, pair["access_token"]) for pair in (mine, other, bobs)] == [401, 401, 200]
    assert [refresh(as_nobody, pair["refresh_token"]).status_code for pair in (mine, other)] == [401, 401]
    assert list(Session.objects.values_list("user", flat=True)) == [bob.pk]


def test_a_login_within_30_days_reopens_the_account(as_nobody, alice):
    mine = pair_of(alice)
    headers = bearer(mine["access_token"])
    made = as_nobody.post("/api/contacts/", {"fullname": "Ann"}, format="json", **headers).json()
    close(as_nobody, **headers)
    with time_machine.travel(timezone.now() + timedelta(days=29, hours=23)):
        again = log_in(as_nobody, alice.email).json()
        assert as_nobody.get("/api/contacts/", **bearer(again["access_token"])).json()[0]["id"] == made["id"]
    assert User.objects.get().closed_at is None
    assert contacts(as_nobody, mine["access_token"]) == 401  # the old sessions stay ended


def test_a_login_with_a_wrong_password_reopens_nothing(as_alice, alice):
    close(as_alice)
    assert log_in(as_alice, alice.email, "wrong").status_code == 401
    assert User.objects.get().closed_at


def test_a_reset_by_mail_and_a_login_reopen_the_account(as_alice, alice, client):
    close(as_alice)
    link = f"/reset/{tokens.ResetToken.of(User.objects.get())}"
    new = {"new_password1": "battery staple 7", "new_password2": "battery staple 7"}
    assert client.post(link, new).status_code == 200
    assert User.objects.get().closed_at  # a new password alone says nothing of coming back
    assert log_in(as_alice, alice.email, "battery staple 7").status_code == 200
    assert User.objects.get().closed_at is None


def test_the_address_of_a_closed_account_stays_taken(as_alice, alice):
    close(as_alice)
    body = {"username": "x", "email": alice.email, "password": PASSWORD}
    assert as_alice.post("/api/auth/signup", body, format="json").status_code == 409


def test_the_owner_gets_an_email(as_alice, alice, mailbox):
    close(as_alice)
    email = OutgoingEmail.objects.get()
    assert (email.kind, email.address) == (OutgoingEmail.Kind.ACCOUNT_CLOSED, alice.email)
    assert delivery.deliver() == 1
    (mail,) = mailbox.messages
    assert (mail["Subject"], mail["To"]) == ("Your account is closed", alice.email)
    day = (User.objects.get().closed_at + timedelta(days=30)).strftime("%-d %B %Y")
    for kind in ("plain", "html"):
        text = mail.get_body((kind,)).get_content()
        assert day in text and "http://127.0.0.1:8000/reset" in text and "Alice" not in text


def test_an_account_reopened_before_the_email_is_sent_gets_none(as_alice, alice, mailbox):
    close(as_alice)
    log_in(as_alice, alice.email)
    assert delivery.deliver() == 0
    assert not mailbox.raw and not OutgoingEmail.objects.exists()


def test_closing_again_starts_a_new_grace_period(as_nobody, alice):
    first = close(as_nobody, **bearer(pair_of(alice)["access_token"])).json()["deleted_after"]
    token = log_in(as_nobody, alice.email).json()["access_token"]
    assert close(as_nobody, **bearer(token)).json()["deleted_after"] > first


@pytest.mark.parametrize("password", ["wrong", PASSWORD + " ", "x" * 1024])
def test_a_wrong_password_closes_nothing(as_alice, password):
    answer = close(as_alice, password)
    assert faults(answer) == [["body", "password"]]
    assert answer.json()["detail"][0]["type"] == "wrong_password"
    assert as_alice.get(URL).status_code == 200
    assert User.objects.get().closed_at is None and not OutgoingEmail.objects.exists()


def test_wrong_passwords_count_against_the_account(as_alice, limits):
    limits(account_failures=(3, 600))
    for _ in range(3):
        assert close(as_alice, "wrong").status_code == 422
    answer = close(as_alice)
    assert answer.status_code == 429 and 0 < int(answer["Retry-After"]) <= 600
    assert User.objects.get().closed_at is None


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, ["body", "password"]),
        ({"password": None}, ["body", "password"]),
        ({"password": ""}, ["body", "password"]),
        ({"password": 5}, ["body", "password"]),
        ({"password": "x" * 1025}, ["body", "password"]),
        ({"password": "x\x00"}, ["body", "password"]),
        ([], ["body"]),
        (None, ["body"]),
    ],
)
def test_an_invalid_body_is_a_422(as_alice, body, loc):
    assert faults(as_alice.delete(URL, json.dumps(body), content_type="application/json")) == [loc]
    assert as_alice.get(URL).status_code == 200


def test_no_body_closes_nothing(as_alice):
    assert faults(as_alice.delete(URL)) == [["body", "password"]]
    assert as_alice.get(URL).status_code == 200


def test_staff_cannot_close_their_accounts(as_nobody, staff):
    answer = close(as_nobody, **bearer(pair_of(staff)["access_token"]))
    assert answer.status_code == 403 and answer.json().keys() == {"detail"}
    assert User.objects.get().closed_at is None


def test_closing_fails_if_the_password_was_reset_meanwhile(as_nobody, alice, monkeypatch):
    """The owner resets by mail while an attacker who has the old password closes the account."""
    act = User.close

    def close_late(user):
        User.objects.get(pk=alice.pk).set_new_password("the owners own 3")
        act(user)

    monkeypatch.setattr(User, "close", close_late)
    assert close(as_nobody, **bearer(pair_of(alice)["access_token"])).status_code == 401
    assert User.objects.get().closed_at is None
