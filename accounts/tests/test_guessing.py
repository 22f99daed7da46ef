"""Guessing: of passwords, by all doors and from any number of addresses; and of who has an account."""

import itertools
import re
import threading
from pathlib import Path

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher as DjangosHasher
from django.test import Client

from accounts.models import User
from accounts.tests.cast import at_once, log_in
from accounts.tokens import ConfirmToken, ResetToken
from conftest import PASSWORD, client_of
from contactbook.tests.faults import parent_of
from contactbook.tests.live import serving

pytestmark = pytest.mark.django_db


@pytest.fixture
def hashes(monkeypatch):
    """How many passwords were tried, in all and at most at once."""
    lock, counts, verify = threading.Lock(), {"all": 0, "now": 0, "most": 0}, DjangosHasher.verify

    def counted(self, password, encoded):
        with lock:
            counts["all"] += 1
            counts["now"] += 1
            counts["most"] = max(counts["most"], counts["now"])
        threading.Event().wait(0.02)
        try:
            return verify(self, password, encoded)
        finally:
            with lock:
                counts["now"] -= 1

    monkeypatch.setattr(DjangosHasher, "verify", counted)
    return counts


@pytest.fixture
def doors(staff, as_nobody):
    """Everywhere that a password of that account can be tried, each from the address that is told."""
    own, admin = client_of(staff), Client()
    return {
        "login": lambda password, **sent: as_nobody.post(
            "/api/auth/login", {"username": staff.email, "password": password}, format="multipart", **sent
        ),
        "me/password": lambda password, **sent: own.post(
            "/api/me/password", {"old": password, "new": "battery staple 7"}, format="json", **sent
        ),
        "me": lambda password, **sent: own.delete("/api/me", {"password": password}, format="json", **sent),
        "admin": lambda password, **sent: admin.post(
            "/admin/login/?next=/admin/", {"username": staff.email.upper(), "password": password}, **sent
        ),
    }


def test_twenty_of_a_thousand_guesses_from_as_many_addresses_are_tried(doors, hashes, limits, settings, staff, bob):
    """At the limits of a new installation, but for those of the account itself, which would end it sooner."""
    limits(me_password=(0, 1), me_delete=(0, 1))
    settings.TRUSTED_PROXIES = 1
    by_turns = itertools.cycle(doors.values())
    for number in range(1000):
        address = f"198.51.100.66, 10.{number // 250}.{number % 250}.1"
        answer = next(by_turns)(f"guess {number}", HTTP_X_FORWARDED_FOR=address)
        assert answer.status_code in (200, 401, 422, 429)
    assert hashes["all"] == settings.RATE_LIMITS["account_failures"][0] == 20
    for door in doors.values():
        answer = door(PASSWORD, HTTP_X_FORWARDED_FOR="10.9.9.9")
        assert answer.status_code == 429 or b"Too many wrong passwords" in answer.content
    assert User.objects.get(pk=staff.pk).check_password(PASSWORD)
    hashes["all"] = 0
    assert log_in(client_of(None), bob.email).status_code == 200 and hashes["all"] == 1, "nobody else is shut out"


@pytest.mark.django_db(transaction=True)
def test_no_more_than_two_passwords_are_hashed_at_once(alice, hashes, no_limits):
    answers = at_once(10, lambda number: log_in(client_of_thread(), alice.email, f"guess {number}").status_code)
    assert answers == [401] * 10
    assert hashes == {"all": 10, "now": 0, "most": 2}


def client_of_thread():
    from django.db import connection
    from rest_framework.test import APIClient

    client = APIClient(raise_request_exception=False)
    post = client.post

    def closing(*args, **kwargs):
        try:
            return post(*args, **kwargs)
        finally:
            connection.close()

    client.post = closing
    return client


def test_thirty_logins_at_once_take_under_100_megabytes(tmp_path):
    """Each hash takes 19 MiB; thirty at once would take 570."""
    with serving(tmp_path / "var", processes=1) as server:
        email, _ = server.sign_up()
        worker = next(
            int(stat.parent.name) for stat in Path("/proc").glob("[0-9]*/stat") if parent_of(stat) == server.process.pid
        )
        peak = lambda: int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{worker}/status").read_text())[1]) / 1024  # noqa: E731
        before = peak()
        pairs = at_once(30, lambda _: server.log_in(email))
        assert all("access_token" in pair for pair in pairs)
        assert peak() - before < 100


def test_of_sixty_guesses_at_once_over_all_processes_twenty_are_tried(tmp_path):
    with serving(tmp_path / "var", RATE_LIMITS="*=0,account_failures=20/10m") as server:
        email, token = server.sign_up()
        form = f"username={email}&password=wrong"
        statuses = at_once(60, lambda _: server.ask("POST", "/api/auth/login", form).status)
        assert sorted(statuses) == [401] * 20 + [429] * 40
        assert server.ask("GET", "/api/me", token=token).status == 200


# Who has an account


DIFFERENT_ANYWAY = {"RateLimit-Reset", "Expires", "Content-Length", "X-Request-ID"}  # the page repeats the address


def without_csrf(page):
    return re.sub(rb'name="csrfmiddlewaretoken" value="\w+"', b"", page.content)


def seen(answer):
    """All that an answer tells, but for what is random in it."""
    headers = {name: value for name, value in answer.headers.items() if name not in DIFFERENT_ANYWAY}
    return answer.status_code, headers, without_csrf(answer)


@pytest.mark.parametrize("path", ["/reset", "/confirm", "/api/auth/reset_pwd", "/api/auth/request_email"])
def test_asking_for_an_email_does_not_reveal_an_account(alice, make_user, no_limits, path):
    make_user("carol", confirmed_at=None)
    make_user("dave", is_active=False)
    media = "application/json" if path.startswith("/api") else None
    answers = []
    for name in ("alice", "carol", "dave", "nobody"):
        form = {"email": f"{name}@example.org"}
        answer = Client().post(path, form, content_type=media) if media else Client().post(path, form)
        status, headers, content = seen(answer)
        answers.append((status, headers, content.replace(form["email"].encode(), b"")))
    assert answers[0][0] == 200 and all(answer == answers[0] for answer in answers)


def test_the_admins_login_does_not_reveal_an_account(staff, alice, make_user, no_limits):
    make_user("off", is_active=False, is_staff=True)
    make_user("new", confirmed_at=None, is_staff=True)
    guesses = [("staff", "wrong"), ("alice", "wrong"), ("nobody", "wrong"), ("off", "wrong"), ("new", "wrong")]
    guesses += [("off", PASSWORD), ("alice", PASSWORD)]  # who may not enter is not told that it was right
    answers = []
    for name, password in guesses:
        email = f"{name}@example.org"
        answer = Client().post("/admin/login/?next=/admin/", {"username": email, "password": password})
        status, headers, content = seen(answer)
        answers.append((status, headers, content.replace(email.encode(), b"")))
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize(("path", "kind"), [("/reset/{}", ResetToken), ("/api/email/confirm/{}", ConfirmToken)])
def test_an_invalid_link_does_not_reveal_its_account(alice, make_user, no_limits, path, kind):
    gone, off = make_user("gone"), make_user("off")
    links = [str(kind.of(gone)), str(kind.of(off)), "x.y.z", str(kind.of(alice))[:-3]]
    gone.delete()
    User.objects.filter(pk=off.pk).set_active(False)
    for accept in ("text/html", "application/json"):
        answers = [seen(Client().get(path.format(link), headers={"Accept": accept})) for link in links]
        assert answers[0][0] == 422 and all(answer == answers[0] for answer in answers)
