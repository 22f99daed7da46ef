"""GET and POST /reset/{token}"""

import re
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.mail.delivery import deliver
from accounts.models import Session, User
from accounts.tests.cast import (
    at_once,
    contacts,
    log_in,
    newest_link,
    pair_of,
    refresh,
)
from accounts.tokens import ResetToken
from conftest import PASSWORD

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
NEW = "battery staple 7"


@pytest.fixture
def url(alice):
    return f"/reset/{ResetToken.of(alice)}"


def set_password(client, url, first=NEW, second=None):
    return client.post(
        url,
        {"new_password1": first, "new_password2": first if second is None else second},
        format="multipart",
    )


def test_the_page_sets_a_new_password(as_nobody, alice, url):
    form = as_nobody.get(url)
    assert form.status_code == 200
    assert form["Referrer-Policy"] == "same-origin"
    assert "no-store" in form["Cache-Control"]
    assert b'name="new_password1"' in form.content and b"csrfmiddlewaretoken" in form.content
    done = set_password(as_nobody, url)
    assert done.status_code == 200
    assert b"<form" not in done.content
    assert log_in(as_nobody, "alice@example.org", NEW).status_code == 200
    assert log_in(as_nobody, "alice@example.org", PASSWORD).status_code == 401


def test_the_owner_gets_an_email(as_nobody, alice, url, mailbox):
    set_password(as_nobody, url)
    assert deliver() == 1
    assert mailbox.messages[0]["To"] == "alice@example.org"
    assert mailbox.messages[0]["Subject"] == "Your password was changed"


def test_a_link_works_once(as_nobody, url):
    assert "Your new password is set" in set_password(as_nobody, url).content.decode()
    again = set_password(as_nobody, url, "yet another 5")
    assert again.status_code == 422 and "does not work any more" in again.content.decode()
    assert as_nobody.get(url).status_code == 422
    assert User.objects.get().check_password(NEW)


def test_get_and_head_leave_the_link_valid(as_nobody, url):
    for _ in range(3):
        assert as_nobody.get(url).status_code == as_nobody.head(url).status_code == 200
    assert set_password(as_nobody, url).status_code == 200


def test_it_ends_every_session(as_nobody, alice, url):
    pairs = [pair_of(alice), pair_of(alice)]
    pairs.append(refresh(as_nobody, pairs[0]["refresh_token"]).json())
    assert contacts(as_nobody, pairs[0]["access_token"]) == 200
    set_password(as_nobody, url)
    for pair in pairs:
        assert contacts(as_nobody, pair["access_token"]) == 401
        assert refresh(as_nobody, pair["refresh_token"]).status_code == 401
    assert not Session.objects.exists()


def test_it_confirms_the_address(as_nobody, make_user):
    carol = make_user("carol", confirmed_at=None)
    set_password(as_nobody, f"/reset/{ResetToken.of(carol)}")
    assert log_in(as_nobody, "carol@example.org", NEW).status_code == 200


def test_it_clears_the_wrong_passwords(as_nobody, alice, url, limits):
    limits(account_failures=(1, 600))
    log_in(as_nobody, "alice@example.org", "wrong")
    assert log_in(as_nobody, "alice@example.org").status_code == 429
    set_password(as_nobody, url)
    assert log_in(as_nobody, "alice@example.org", NEW).status_code == 200


def test_any_change_of_the_password_ends_the_link(as_nobody, alice, url):
    alice.set_password("something else 3")
    alice.save()
    assert as_nobody.get(url).status_code == set_password(as_nobody, url).status_code == 422


def test_the_link_of_an_inactive_or_deleted_account_is_invalid(as_nobody, alice, url):
    alice.is_active = False
    alice.save()
    assert as_nobody.get(url).status_code == set_password(as_nobody, url).status_code == 422
    alice.delete()
    assert as_nobody.get(url).status_code == set_password(as_nobody, url).status_code == 422


def test_a_changed_address_ends_the_link(as_nobody, alice, url):
    alice.email = "other@example.org"
    alice.save()
    assert as_nobody.get(url).status_code == set_password(as_nobody, url).status_code == 422


def test_a_link_lives_an_hour(as_nobody, url):
    with time_machine.travel(timezone.now() + timedelta(minutes=59)):
        assert as_nobody.get(url).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=60, seconds=2)):
        assert set_password(as_nobody, url).status_code == 422
    assert User.objects.get().check_password(PASSWORD)


@pytest.mark.parametrize(
    ("first", "second"),
    [("", ""), (NEW, "other"), ("short", "short"), ("password1", "password1"), ("x" * 1025,) * 2],
)
def test_a_refused_password_leaves_the_link_valid(as_nobody, url, first, second):
    assert set_password(as_nobody, url, first, second).status_code == 422
    assert User.objects.get().check_password(PASSWORD)
    assert set_password(as_nobody, url).status_code == 200


@pytest.mark.parametrize("token", ["x", "a.b.c", "%00", "%ff", "x" * 5000])
def test_an_invalid_link_is_a_422_page(as_nobody, token):
    for answer in (as_nobody.get(f"/reset/{token}"), set_password(as_nobody, f"/reset/{token}")):
        assert answer.status_code == 422
        assert answer["Content-Type"] == "text/html; charset=utf-8"


def test_an_odd_charset_is_a_422(as_nobody, url):
    form = "application/x-www-form-urlencoded; charset=idna"
    assert as_nobody.post(url, "new_password1=x", content_type=form).status_code == 422


def test_of_six_uses_of_a_link_at_once_one_succeeds(server):
    email, access = server.sign_up()
    assert server.ask("POST", "/api/auth/reset_pwd", {"email": email}).status == 200
    link = newest_link(server, "Set a new password", email)
    form = server.ask("GET", link)
    cookie = form.headers["Set-Cookie"].partition(";")[0]
    csrf = re.search(rb'name="csrfmiddlewaretoken" value="(\w+)"', form.body)[1].decode()
    passwords = [f"battery staple {number}" for number in range(6)]

    def use(number):
        fields = f"csrfmiddlewaretoken={csrf}&new_password1={passwords[number]}&new_password2={passwords[number]}"
        return server.ask("POST", link, fields, headers={"Cookie": cookie}).status

    statuses = at_once(6, use)
    assert sorted(statuses) == [200] + [422] * 5
    assert "access_token" in server.log_in(email, passwords[statuses.index(200)])
    assert server.ask("GET", "/api/contacts", token=access).status == 401
