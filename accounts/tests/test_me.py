"""GET /api/me"""

import pytest

from accounts.tests.cast import bearer, pair_of
from conftest import AUTHENTICATION

pytestmark = pytest.mark.django_db
URL = "/api/me"


@pytest.mark.parametrize("url", [URL, URL + "/"])
def test_it_shows_the_callers_account(as_alice, alice, url):
    answer = as_alice.get(url)
    assert answer.status_code == 200
    assert answer.json() == {
        "id": alice.pk,
        "username": "Alice",
        "email": "alice@example.org",
        "created_at": alice.created_at.isoformat().replace("+00:00", "Z"),
        "time_zone": "UTC",
        "reminders": "off",
        "reminder_days": 7,
        "leap_day": "02-28",
        "region": None,
    }
    assert answer["Cache-Control"] == "no-store"
    assert answer["RateLimit-Limit"] == "60"


def test_each_caller_sees_their_own_account(as_alice, as_bob, alice, bob):
    assert [client.get(URL).json()["id"] for client in (as_alice, as_bob)] == [alice.pk, bob.pk]


def test_it_takes_one_query_beside_authentication(as_nobody, alice, django_assert_num_queries):
    headers = bearer(pair_of(alice)["access_token"])
    as_nobody.get(URL, **headers)
    with django_assert_num_queries(AUTHENTICATION + 1):
        assert as_nobody.get(URL, **headers).status_code == 200


@pytest.mark.parametrize("method", ["post", "put"])
def test_other_methods_are_a_405(as_alice, method):
    assert getattr(as_alice, method)(URL, {}, format="json").status_code == 405
