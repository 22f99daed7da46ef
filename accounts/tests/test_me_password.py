"""POST /api/me/password"""

import json

import pytest

from accounts.api import me
from accounts.models import OutgoingEmail, Session, User
from accounts.tests.cast import (
    PAIR,
    bearer,
    contacts,
    faults,
    log_in,
    pair_of,
    refresh,
)
from conftest import PASSWORD

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/me/password"
NEW = "battery staple 7"


def change(client, old=PASSWORD, new=NEW, **headers):
    return client.post(URL, {"old": old, "new": new}, format="json", **headers)


def wrong_guess(answer):
    assert faults(answer) == [["body", "old"]]
    assert answer.json()["detail"][0]["type"] == "wrong_password"


@pytest.mark.parametrize("url", [URL, URL + "/"])
def test_the_new_password_is_set_and_a_pair_returned(as_alice, url):
    answer = as_alice.post(url, {"old": PASSWORD, "new": NEW}, format="json")
    assert answer.status_code == 200
    assert answer.json().keys() == PAIR
    assert answer.json()["token_type"] == "bearer"
    assert answer["Cache-Control"] == "no-store"
    assert log_in(as_alice, "alice@example.org").status_code == 401
    assert log_in(as_alice, "alice@example.org", NEW).status_code == 200


def test_every_session_ends_and_the_new_pair_is_valid(as_nobody, alice, bob):
    mine, other, bobs = pair_of(alice), pair_of(alice), pair_of(bob)
    assert contacts(as_nobody, other["access_token"]) == 200
    fresh = change(as_nobody, **bearer(mine["access_token"])).json()
    tokens = [pair["access_token"] for pair in (mine, other, bobs, fresh)]
    assert [contacts(as_nobody, token) for token in tokens] == [401, 401, 200, 200]
    refreshes = [refresh(as_nobody, pair["refresh_token"]).status_code for pair in (mine, other, fresh)]
    assert refreshes == [401, 401, 200]
    assert Session.objects.filter(user=alice).count() == 1


def test_the_new_session_stores_the_user_agent(as_alice):
    change(as_alice, HTTP_USER_AGENT="phone\x00 7")
    assert Session.objects.get().client == "phone 7"


def test_the_owner_gets_an_email(as_alice, alice):
    change(as_alice)
    email = OutgoingEmail.objects.get()
    assert (email.kind, email.address) == (OutgoingEmail.Kind.PASSWORD_CHANGED, alice.email)


@pytest.mark.parametrize("old", ["wrong", PASSWORD + " ", PASSWORD.upper(), "x" * 1024])
def test_a_wrong_old_password_changes_nothing(as_alice, old):
    wrong_guess(change(as_alice, old))
    assert as_alice.get("/api/me").status_code == 200
    assert User.objects.get().check_password(PASSWORD)
    assert not OutgoingEmail.objects.exists()


def test_the_password_of_another_account_is_wrong(as_alice, bob):
    bob.set_password("bobs own word 5")
    bob.save()
    wrong_guess(change(as_alice, "bobs own word 5"))


def test_wrong_passwords_count_against_the_account(as_alice, as_nobody, bob, limits):
    limits(account_failures=(3, 600))
    for _ in range(3):
        wrong_guess(change(as_alice, "wrong"))
    answer = change(as_alice)
    assert answer.status_code == 429
    assert answer.json().keys() == {"detail"} and 0 < int(answer["Retry-After"]) <= 600
    assert log_in(as_nobody, "alice@example.org").status_code == 429
    assert log_in(as_nobody, "bob@example.org").status_code == 200
    assert User.objects.get(email="alice@example.org").check_password(PASSWORD)


def test_right_passwords_do_not_count(as_nobody, alice, limits):
    limits(account_failures=(2, 600))
    pair, word = pair_of(alice), PASSWORD
    for number in range(5):
        pair = change(as_nobody, word, f"{NEW} {number}", **bearer(pair["access_token"])).json()
        word = f"{NEW} {number}"
    assert pair.keys() == PAIR


@pytest.mark.parametrize("new", ["short", "12345678901", "password", "alice@example.org", "Alice Alice"])
def test_a_weak_new_password_is_refused(as_alice, new, alice):
    User.objects.update(username="Alice Alice")
    answer = change(as_alice, new=new)
    assert set(map(tuple, faults(answer))) == {("body", "new")}
    assert log_in(as_alice, "alice@example.org").status_code == 200


def test_a_refused_new_password_does_not_count(as_alice, limits):
    limits(account_failures=(2, 600))
    for _ in range(4):
        assert change(as_alice, new="short").status_code == 422
    assert change(as_alice).status_code == 200


def test_every_fault_is_reported(as_alice):
    assert faults(change(as_alice, "wrong", "password")) == [["body", "old"], ["body", "new"]]


@pytest.mark.parametrize(
    ("body", "locs"),
    [
        ({}, [["body", "old"], ["body", "new"]]),
        ({"old": PASSWORD}, [["body", "new"]]),
        ({"new": NEW}, [["body", "old"]]),
        ({"old": "", "new": ""}, [["body", "old"], ["body", "new"]]),
        ({"old": None, "new": None}, [["body", "old"], ["body", "new"]]),
        ({"old": 5, "new": ["x"]}, [["body", "old"], ["body", "new"]]),
        ({"old": "x" * 1025, "new": "x" * 1025}, [["body", "old"], ["body", "new"]]),
        ({"old": PASSWORD, "new": f"{NEW}\x00"}, [["body", "new"]]),
        ([], [["body"]]),
        (None, [["body"]]),
    ],
)
def test_an_invalid_body_is_a_422(as_alice, body, locs):
    assert faults(as_alice.post(URL, json.dumps(body), content_type="application/json")) == locs


def test_spaces_of_a_new_password_belong_to_it(as_nobody, alice):
    assert change(as_nobody, new=f" {NEW} ", **bearer(pair_of(alice)["access_token"])).status_code == 200
    answers = [log_in(as_nobody, alice.email, word).status_code for word in (NEW, f" {NEW} ")]
    assert answers == [401, 200]


@pytest.mark.parametrize("path", ["change_password", "begin_session"])
def test_the_change_fails_if_the_password_was_reset_meanwhile(as_nobody, alice, monkeypatch, path):
    """The owner resets by mail while an attacker who has the old password changes it."""
    owner = me.tokens if path == "begin_session" else User
    act = getattr(owner, path)

    def act_late(user, *args):
        User.objects.get(pk=alice.pk).set_new_password("the owners own 3")
        return act(user, *args)

    token = pair_of(alice)["access_token"]
    monkeypatch.setattr(owner, path, act_late)
    answer = change(as_nobody, **bearer(token))
    assert answer.status_code == 401
    assert not Session.objects.exists()
    assert User.objects.get().check_password("the owners own 3")


def test_a_login_fails_if_the_password_was_reset_meanwhile(as_nobody, alice, monkeypatch):
    """The old password was right when it was checked, and is wrong when the session begins."""
    begin = me.tokens.begin_session

    def begin_late(user, client):
        User.objects.get(pk=alice.pk).set_new_password("the owners own 3")
        return begin(user, client)

    monkeypatch.setattr(me.tokens, "begin_session", begin_late)
    answer = log_in(as_nobody, alice.email)
    assert (answer.status_code, answer.json()) == (401, {"detail": "Wrong address or password"})
    assert not Session.objects.exists()
