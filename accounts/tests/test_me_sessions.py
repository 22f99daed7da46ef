"""GET /api/me/sessions"""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Session
from accounts.tests.cast import bearer, log_in, pair_of, refresh
from conftest import AUTHENTICATION

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/me/sessions"
KEYS = {"id", "created_at", "last_used_at", "client", "current"}


def listed(client, pair, url=URL):
    answer = client.get(url, **bearer(pair["access_token"]))
    assert answer.status_code == 200
    assert all(session.keys() == KEYS for session in answer.json())
    return answer.json()


@pytest.mark.parametrize("url", [URL, URL + "/"])
def test_a_session_is_shown_with_every_field(as_nobody, alice, url):
    pair = log_in(as_nobody, alice.email).json()
    session = Session.objects.get()
    (shown,) = listed(as_nobody, pair, url)
    assert shown == {
        "id": session.pk,
        "created_at": session.created_at.isoformat().replace("+00:00", "Z"),
        "last_used_at": session.last_used_at.isoformat().replace("+00:00", "Z"),
        "client": session.client,
        "current": True,
    }


def test_the_most_recently_used_comes_first(as_nobody, alice):
    phone, laptop = pair_of(alice), pair_of(alice)
    first, second = Session.objects.order_by("id").values_list("pk", flat=True)
    assert [session["id"] for session in listed(as_nobody, phone)] == [second, first]
    refresh(as_nobody, phone["refresh_token"])
    assert [session["id"] for session in listed(as_nobody, laptop)] == [first, second]


def test_the_callers_session_is_marked(as_nobody, alice):
    phone, laptop = pair_of(alice), pair_of(alice)
    assert [session["current"] for session in listed(as_nobody, phone)] == [False, True]
    assert [session["current"] for session in listed(as_nobody, laptop)] == [True, False]
    later = refresh(as_nobody, phone["refresh_token"]).json()
    assert [session["current"] for session in listed(as_nobody, later)] == [True, False]


def test_the_client_is_the_user_agent_of_the_login(as_nobody, alice):
    Session.objects.begin(alice, "DAVx⁵/4.4")
    mine = pair_of(alice)
    assert [session["client"] for session in listed(as_nobody, mine)] == ["", "DAVx⁵/4.4"]


def test_only_live_sessions_are_listed(as_nobody, alice):
    mine = pair_of(alice)
    old = Session.objects.begin(alice)
    assert len(listed(as_nobody, mine)) == 2
    Session.objects.filter(pk=old.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert len(listed(as_nobody, mine)) == 1
    ended = Session.objects.begin(alice)
    ended.end()
    assert len(listed(as_nobody, mine)) == 1


def test_each_caller_sees_their_own_sessions(as_nobody, alice, bob):
    alices, bobs = pair_of(alice), pair_of(bob)
    ids = [session["id"] for session in listed(as_nobody, alices) + listed(as_nobody, bobs)]
    assert ids == [Session.objects.get(user=user).pk for user in (alice, bob)]


def test_five_sessions_take_one_query_beside_authentication(as_nobody, alice, django_assert_num_queries):
    pairs = [pair_of(alice) for _ in range(5)]
    listed(as_nobody, pairs[0])
    with django_assert_num_queries(AUTHENTICATION + 1):
        assert len(listed(as_nobody, pairs[0])) == 5
