"""Reads go without REST framework's Request, and answer in every way as they would with it."""

import time

import pytest
from django.conf import settings
from rest_framework.permissions import BasePermission

from accounts import tokens
from accounts.models import Session
from conftest import client_of
from contactbook.api.viewsets import APIViewSet

READS = [
    "/api/contacts/",
    "/api/contacts/?limit=1",
    "/api/contacts/?q=zo&fields=card",
    "/api/contacts/?limit=many",
    "/api/contacts/bd?days_range=366",
    "/api/contacts/bd?days_range=0x7",
    "/api/contacts/zo",
    "/api/contacts/nobody",
    "/api/contacts/export",
    "/api/contacts/changes",
    "/api/contacts/changes?since=-1",
    "/api/contacts/trash",
    "/api/contacts/0/history",
    "/api/groups",
    "/api/me",
    "/api/me/sessions",
]
VARY = {"X-Request-ID", "RateLimit-Remaining", "RateLimit-Reset"}


@pytest.fixture
def as_alice(alice):
    client = client_of(alice)
    for name in ("Zoë", "Zoltán"):
        client.post("/api/contacts/", {"fullname": name, "birthday": "1990-04-03"}, format="json")
    return client


@pytest.fixture
def at_length(as_alice):
    """The same session by a header that is right, but not as plain as most (RFC 9110 section 11.1)."""
    client = client_of(None)
    client.credentials(HTTP_AUTHORIZATION=as_alice._credentials["HTTP_AUTHORIZATION"].replace("Bearer", "bearer"))
    return client


def shown(answer):
    return answer.status_code, answer.content, {name: value for name, value in answer.items() if name not in VARY}


def left(answer):
    return int(answer.get("RateLimit-Remaining", 0))


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("again", [False, True])
def test_the_same_answer_and_one_count(as_alice, at_length, path, again):
    if again:
        as_alice.get(path)
    brief = as_alice.get(path)
    whole = at_length.get(path)
    assert shown(brief) == shown(whole)
    assert left(whole) == max(left(brief) - 1, 0)
    if etag := brief.headers.get("ETag"):
        answers = [client.get(path, headers={"If-None-Match": etag}) for client in (as_alice, at_length)]
        assert [answer.status_code for answer in answers] == [304, 304]
        assert shown(answers[0]) == shown(answers[1])


def test_that_they_do_go_without(as_alice, at_length, monkeypatch):
    def fail(*given):
        raise AssertionError

    monkeypatch.setattr(APIViewSet, "initialize_request", fail)
    assert as_alice.get("/api/contacts/").status_code == as_alice.head("/api/contacts/bd").status_code == 200
    assert at_length.get("/api/contacts/").status_code == 500


class Nobody(BasePermission):
    def has_permission(self, request, view):
        return False


def test_who_may_not(as_alice, monkeypatch):
    monkeypatch.setattr(APIViewSet, "permission_classes", [Nobody])
    assert as_alice.get("/api/contacts/").status_code == 403


def test_who_is_over_the_limit(as_alice, at_length, limits):
    limits(contacts_list=(2, 60))
    answers = [client.get("/api/contacts/") for client in (as_alice, at_length, as_alice, at_length)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert shown(answers[2]) == shown(answers[3])
    assert answers[2]["RateLimit-Remaining"] == "0" and answers[2]["Retry-After"]


@pytest.mark.parametrize("path", ["/api/contacts/", "/api/contacts/bd", "/api/contacts/zo"])
def test_whose_session_has_ended(as_alice, alice, limits, path):
    """The address is counted, and the account is not."""
    limits(contacts_list=(5, 60), contacts_birthdays=(5, 60), contacts_find=(5, 60))
    before = left(as_alice.get(path))
    alice.sessions.earliest("pk").end()
    refused = as_alice.get(path)
    assert (refused.status_code, refused.json()) == (401, {"detail": "The session has ended."})
    assert refused["WWW-Authenticate"] == 'Bearer realm="api"'
    assert left(refused) == 4
    assert left(client_of(alice).get(path)) == before - 1


def test_a_token_that_was_read_before_ends_all_the_same(as_nobody, alice):
    lifetime = settings.ACCESS_TOKEN_LIFETIME.total_seconds()
    session = Session.objects.begin(alice)
    token = tokens.pair(session, 0, time.time() - lifetime + 1.5)["access_token"]
    as_nobody.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert [as_nobody.get("/api/me").status_code for _ in range(2)] == [200, 200]
    time.sleep(1.6)
    assert as_nobody.get("/api/me").status_code == as_nobody.post("/api/contacts/").status_code == 401


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
def test_one_kind_is_not_taken_for_another(as_nobody, alice, kind):
    session = Session.objects.begin(alice)
    as_nobody.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.pair(session, 0, time.time())[kind]}")
    assert [as_nobody.get("/api/me").status_code for _ in range(2)] == [401 if kind == "refresh_token" else 200] * 2


def test_that_a_session_has_ended_is_found_out_once(as_alice, alice, django_assert_max_num_queries):
    """Before anybody is refused, the account is read, and what was kept of it is renewed by that."""
    as_alice.get("/api/contacts/")
    alice.sessions.earliest("pk").end()
    with django_assert_max_num_queries(1):
        assert as_alice.get("/api/contacts/").status_code == 401


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "Bearer", "é"])
def test_who_has_no_token(as_nobody, token):
    as_nobody.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    refused = as_nobody.get("/api/contacts/")
    assert refused.status_code == 401 and refused["WWW-Authenticate"] == 'Bearer realm="api"'


def test_a_body_that_nobody_asked_for(as_alice):
    """It goes the long way, by which too large a one is refused."""
    too_large = as_alice.generic("GET", "/api/contacts/", b"x" * 6_000_000)
    assert too_large.status_code == 413 and left(too_large) >= 0
    assert as_alice.generic("GET", "/api/contacts/", b"{}", "application/json").status_code == 200
