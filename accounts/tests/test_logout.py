"""POST /api/auth/logout"""

import pytest

from accounts.models import Session
from accounts.tests.cast import REFUSED, bearer, contacts, pair_of, refresh

pytestmark = pytest.mark.django_db
URL = "/api/auth/logout"
ENDED = {"detail": "The session has ended."}


def logout(client, pair, url=URL):
    return client.post(url, **bearer(pair["access_token"]))


@pytest.mark.parametrize("url", [URL, URL + "/"])
def test_logging_out_answers_with_a_sentence(as_nobody, alice, url):
    answer = logout(as_nobody, pair_of(alice), url)
    assert (answer.status_code, answer.json()) == (200, "Logged out")
    assert answer["Cache-Control"] == "no-store"


def test_both_tokens_are_refused_at_once(as_nobody, alice):
    pair = pair_of(alice)
    assert contacts(as_nobody, pair["access_token"]) == 200
    logout(as_nobody, pair)
    answer = as_nobody.get("/api/me", **bearer(pair["access_token"]))
    assert (answer.status_code, answer.json()) == (401, ENDED)
    answer = refresh(as_nobody, pair["refresh_token"])
    assert (answer.status_code, answer.json()) == (401, REFUSED)


def test_earlier_pairs_of_the_session_are_refused_too(as_nobody, alice):
    first = pair_of(alice)
    second = refresh(as_nobody, first["refresh_token"]).json()
    logout(as_nobody, second)
    assert contacts(as_nobody, first["access_token"]) == 401
    assert refresh(as_nobody, first["refresh_token"]).status_code == 401  # even within the grace of its first use


def test_other_sessions_stay_live(as_nobody, alice, bob):
    phone, laptop, bobs = pair_of(alice), pair_of(alice), pair_of(bob)
    logout(as_nobody, phone)
    assert [contacts(as_nobody, pair["access_token"]) for pair in (phone, laptop, bobs)] == [401, 200, 200]
    assert refresh(as_nobody, laptop["refresh_token"]).status_code == 200
    assert Session.objects.count() == 2


def test_a_second_logout_is_a_401(as_nobody, alice):
    pair = pair_of(alice)
    logout(as_nobody, pair)
    answer = logout(as_nobody, pair)
    assert (answer.status_code, answer.json()) == (401, ENDED)


def test_the_body_is_not_read(as_alice):
    assert as_alice.post(URL, "no json at all {", content_type="application/json").status_code == 200


def test_a_refresh_token_does_not_log_out(as_nobody, alice):
    pair = pair_of(alice)
    assert as_nobody.post(URL, **bearer(pair["refresh_token"])).status_code == 401
    assert contacts(as_nobody, pair["access_token"]) == 200


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_other_methods_are_a_405(as_alice, method):
    assert getattr(as_alice, method)(URL).status_code == 405
    assert as_alice.get("/api/me").status_code == 200
