"""Guessing of passwords by every route and from any number of addresses; and of who has an account."""

import itertools
import re

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher as DjangosHasher
from django.test import Client

from accounts.models import User
from accounts.tests.cast import at_once, log_in
from accounts.tokens import ConfirmToken, ResetToken
from conftest import PASSWORD, client_of
from contactbook.tests.live import serving

pytestmark = pytest.mark.django_db


@pytest.fixture
def tried(monkeypatch):
    """The passwords that were hashed."""
    passwords, verify = [], DjangosHasher.verify

    def recorded(self, password, encoded):
        passwords.append(password)
        return verify(self, password, encoded)

    monkeypatch.setattr(DjangosHasher, "verify", recorded)
    return passwords


@pytest.fixture
def routes(staff, as_nobody):
    """Each route by which a password of that account can be tried."""
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


def test_of_two_hundred_guesses_from_as_many_addresses_twenty_are_tried(routes, tried, limits, settings, staff, bob):
    """With the default limits, but for those of the account itself, which would end it sooner."""
    limits(me_password=(0, 1), me_delete=(0, 1))
    settings.TRUSTED_PROXIES = 1
    each_route = itertools.cycle(routes.values())
    for number in range(200):
        address = f"198.51.100.66, 10.0.{number}.1"
        answer = next(each_route)(f"guess {number}", HTTP_X_FORWARDED_FOR=address)
        assert answer.status_code in (200, 401, 422, 429)
    assert len(tried) == settings.RATE_LIMITS["account_failures"][0] == 20
    for send in routes.values():
        answer = send(PASSWORD, HTTP_X_FORWARDED_FOR="10.9.9.9")
        assert answer.status_code == 429 or b"Too many wrong passwords" in answer.content
    assert User.objects.get(pk=staff.pk).check_password(PASSWORD)
    assert log_in(client_of(None), bob.email).status_code == 200, "other accounts are not locked"


@pytest.mark.postgresql
def test_of_sixty_guesses_at_once_over_all_processes_twenty_are_tried(tmp_path):
    """Those that found the hashing queue full (503) are not counted, so that later guesses are tried instead."""
    with serving(tmp_path / "var", RATE_LIMITS="*=0,account_failures=20/10m") as server:
        email, token = server.sign_up()
        guess = lambda _: server.ask("POST", "/api/auth/login", f"username={email}&password=wrong").status  # noqa: E731
        statuses = at_once(60, guess)
        assert set(statuses) <= {401, 429, 503}
        statuses += [guess(number) for number in range(21)]
        assert statuses.count(401) == 20 and statuses[-1] == 429
        assert server.ask("GET", "/api/me", token=token).status == 200


# Who has an account


DIFFERENT_ANYWAY = {"RateLimit-Reset", "Expires", "Content-Length", "X-Request-ID"}  # the page repeats the address


def without_csrf(page):
    return re.sub(rb'name="csrfmiddlewaretoken" value="\w+"', b"", page.content)


def seen(answer):
    """What an answer says, without what is random in it."""
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
