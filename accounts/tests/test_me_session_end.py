"""DELETE /api/me/sessions/{id}"""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Session
from accounts.tests.cast import bearer, contacts, faults, pair_of, refresh

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/me/sessions"
NOT_FOUND = {"detail": "Session was not found"}


def end(client, pair, session_id, slash=""):
    return client.delete(f"{URL}/{session_id}{slash}", **bearer(pair["access_token"]))


def id_of_newest():
    return Session.objects.latest("id").pk


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_session_ends_and_is_returned(as_nobody, alice, slash):
    phone = pair_of(alice)
    lost = id_of_newest()
    laptop = pair_of(alice)
    shown = as_nobody.get(URL, **bearer(laptop["access_token"])).json()[1]
    assert contacts(as_nobody, phone["access_token"]) == 200
    answer = end(as_nobody, laptop, lost, slash)
    assert (answer.status_code, answer.json()) == (200, shown)
    assert answer.json()["id"] == lost and answer.json()["current"] is False
    assert contacts(as_nobody, phone["access_token"]) == 401
    assert refresh(as_nobody, phone["refresh_token"]).status_code == 401
    assert contacts(as_nobody, laptop["access_token"]) == 200


def test_the_callers_own_session_can_be_ended(as_nobody, alice):
    pair = pair_of(alice)
    answer = end(as_nobody, pair, id_of_newest())
    assert answer.status_code == 200 and answer.json()["current"] is True
    assert contacts(as_nobody, pair["access_token"]) == 401


def test_a_session_of_another_account_is_a_404(as_nobody, alice, bob):
    alices = pair_of(alice)
    hers = id_of_newest()
    answers = [end(as_nobody, pair_of(bob), session_id) for session_id in (hers, 999999999)]
    answers = [(answer.status_code, answer.json()) for answer in answers]
    assert answers == [(404, NOT_FOUND)] * 2
    assert contacts(as_nobody, alices["access_token"]) == 200


@pytest.mark.parametrize("number", [0, -1, 2**31, 2**63 - 1, 2**63, 10**19])
def test_an_unknown_id_is_a_404(as_nobody, alice, number):
    answer = end(as_nobody, pair_of(alice), number)
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


def test_an_ended_or_expired_session_is_a_404(as_nobody, alice):
    mine = pair_of(alice)
    for session in (Session.objects.begin(alice), Session.objects.begin(alice)):
        session.expires_at = timezone.now() - timedelta(seconds=1)
        session.save()
        assert end(as_nobody, mine, session.pk).status_code == 404
    other = Session.objects.begin(alice)
    assert [end(as_nobody, mine, other.pk).status_code for _ in range(2)] == [200, 404]


@pytest.mark.parametrize("junk", ["x", "1.5", "1x", "%20", "%00", "٥", "1_0", "+1", "null", "9" * 30])
def test_an_id_that_is_no_number_is_a_422(as_nobody, alice, junk):
    assert faults(end(as_nobody, pair_of(alice), junk)) == [["path", "session_id"]]


@pytest.mark.parametrize("method", ["get", "post", "put", "patch"])
def test_other_methods_are_a_405(as_alice, method):
    assert getattr(as_alice, method)(f"{URL}/1").status_code == 405
