"""/api/auth/logout and /api/me…: refused tokens, and limits"""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Session, User
from accounts.tests.cast import bearer, pair_of

pytestmark = pytest.mark.django_db
ROUTES = {
    "logout": ("POST", "/api/auth/logout"),
    "me": ("GET", "/api/me"),
    "me_update": ("PATCH", "/api/me"),
    "me_delete": ("DELETE", "/api/me"),
    "me_password": ("POST", "/api/me/password"),
    "me_sessions": ("GET", "/api/me/sessions"),
    "me_session_end": ("DELETE", "/api/me/sessions/999999999"),
}
EVERY_ROUTE = pytest.mark.parametrize(("name", "method", "url"), [(name, *route) for name, route in ROUTES.items()])


def ask(method, url, token=None):
    return APIClient(raise_request_exception=False).generic(method, url, **(bearer(token) if token else {}))


def refusal(answer):
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json().keys() == {"detail"}
    return answer.json()["detail"]


@EVERY_ROUTE
def test_a_request_without_a_token_is_a_401(name, method, url):
    assert refusal(ask(method, url)) == "Authentication credentials were not provided."


@EVERY_ROUTE
def test_other_tokens_are_a_401(name, method, url, alice):
    for token in ("nonsense", pair_of(alice)["refresh_token"]):
        assert refusal(ask(method, url, token)) == "The access token is not valid."


@EVERY_ROUTE
def test_an_expired_token_is_a_401(name, method, url, alice):
    token = pair_of(alice)["access_token"]
    with time_machine.travel(timezone.now() + settings.ACCESS_TOKEN_LIFETIME + timedelta(seconds=10)):
        assert refusal(ask(method, url, token)) == "The access token is not valid."


@EVERY_ROUTE
def test_the_token_of_an_ended_session_is_a_401(name, method, url, alice):
    token = pair_of(alice)["access_token"]
    assert ask("GET", "/api/me", token).status_code == 200
    Session.objects.get().end()
    assert refusal(ask(method, url, token)) == "The session has ended."


@EVERY_ROUTE
def test_the_token_of_an_expired_session_is_a_401(name, method, url, alice):
    token = pair_of(alice)["access_token"]
    Session.objects.update(expires_at=timezone.now())
    assert refusal(ask(method, url, token)) == "The session has ended."


@EVERY_ROUTE
def test_the_token_of_a_deleted_or_inactive_account_is_a_401(name, method, url, alice, bob):
    alices, bobs = (pair_of(user)["access_token"] for user in (alice, bob))
    User.objects.filter(pk=alice.pk).delete()
    User.objects.filter(pk=bob.pk).set_active(False)
    assert refusal(ask(method, url, alices)) == refusal(ask(method, url, bobs)) == "The session has ended."


@EVERY_ROUTE
def test_each_route_has_its_own_limit_by_account(name, method, url, alice, bob, limits):
    limits(**{name: (2, 60)})
    alices, bobs = (pair_of(user)["access_token"] for user in (alice, bob))
    if name == "logout":  # the first ends the session
        assert ask(method, url, alices)["RateLimit-Remaining"] == "1"
        return
    answers = [ask(method, url, alices) for _ in range(3)]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert [answer.status_code == 429 for answer in answers] == [False, False, True]
    assert answers[2].json().keys() == {"detail"} and int(answers[2]["Retry-After"]) <= 60
    assert ask(method, url, bobs)["RateLimit-Remaining"] == "1"
