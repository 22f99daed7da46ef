"""The limits of /api/auth/logout and /api/me…"""

import pytest
from rest_framework.test import APIClient

from accounts.tests.cast import bearer, pair_of

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db]
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
