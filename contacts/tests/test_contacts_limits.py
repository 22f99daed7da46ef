"""The limits of the routes of contacts: one for each route, counted by account."""

import pytest

from conftest import client_of
from contactbook.env import Configuration
from contacts.tests.test_contacts_guards import ROUTES, ask

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db]
DEFAULTS = dict(zip(ROUTES, [10, 2, 10, 10, 10, 10, 10], strict=True))
NAMES = ["list", "create", "birthdays", "find", "update", "delete", "avatar"]
each_limit = pytest.mark.parametrize(("method", "url", "most"), [(*route, most) for route, most in DEFAULTS.items()])


def counted(answer):
    return int(answer["RateLimit-Limit"]), int(answer["RateLimit-Remaining"])


@each_limit
def test_a_request_over_the_limit_is_429(as_alice, method, url, most):
    for used in range(1, most + 1):
        answer = ask(as_alice, method, url, 999999999)
        assert answer.status_code != 429
        assert counted(answer) == (most, most - used)
        assert 0 < int(answer["RateLimit-Reset"]) <= 60
    for _ in range(2):
        answer = ask(as_alice, method, url, 999999999)
        assert answer.status_code == 429 and counted(answer) == (most, 0)
        assert 0 < int(answer["Retry-After"]) <= 60
        assert answer.json().keys() == {"detail"} and isinstance(answer.json()["detail"], str)


def test_the_defaults_are_the_contracts():
    rates = Configuration({}).rate_limits
    assert [rates[f"contacts_{name}"] for name in NAMES] == [(most, 60) for most in DEFAULTS.values()]


@pytest.mark.parametrize(("route", "name"), zip(ROUTES, NAMES, strict=True))
def test_each_route_has_a_limit_of_its_own_by_its_name(as_alice, limits, no_limits, route, name):
    limits(**{f"contacts_{name}": (1, 60)})
    assert ask(as_alice, *route).status_code != 429
    assert ask(as_alice, *route).status_code == 429
    for other in ROUTES:
        if other != route:
            answer = ask(as_alice, *other)
            assert answer.status_code != 429 and "RateLimit-Limit" not in answer


@each_limit
def test_a_limit_counts_by_account_and_not_by_address(alice, as_bob, limits, method, url, most):
    phone, laptop = client_of(alice), client_of(alice)
    for number in range(most):
        answer = ask((phone, laptop)[number % 2], method, url)
    assert counted(answer) == (most, 0)
    assert ask(phone, method, url).status_code == ask(laptop, method, url).status_code == 429
    assert counted(ask(as_bob, method, url)) == (most, most - 1)


@each_limit
def test_a_request_without_a_token_counts_by_address(as_nobody, as_alice, method, url, most):
    for used in range(1, most + 1):
        answer = ask(as_nobody, method, url)
        assert answer.status_code == 401 and counted(answer) == (most, most - used)
    assert ask(as_nobody, method, url).status_code == 429
    assert counted(ask(as_alice, method, url)) == (most, most - 1)


@pytest.mark.parametrize(("method", "url"), ROUTES)
def test_a_refused_body_counts(as_alice, limits, method, url):
    limits(**{f"contacts_{name}": (2, 60) for name in NAMES})
    url = url.format(id="abc")
    statuses = [as_alice.generic(method, url, b"{", "application/json").status_code for _ in range(3)]
    assert statuses[2] == 429 and 429 not in statuses[:2]


def test_a_slash_and_head_count_for_the_same_limit(as_alice, limits):
    limits(contacts_list=(3, 60))
    answers = [as_alice.get("/api/contacts"), as_alice.get("/api/contacts/"), as_alice.head("/api/contacts")]
    assert [counted(answer) for answer in answers] == [(3, 2), (3, 1), (3, 0)]
    assert as_alice.get("/api/contacts/").status_code == 429


def test_finds_of_different_contacts_count_for_the_same_limit(as_alice, limits):
    limits(contacts_find=(2, 60))
    assert [as_alice.get(f"/api/contacts/{query}").status_code for query in "abc"] == [404, 404, 429]


def test_a_304_counts_and_has_the_headers(as_alice, limits):
    etag = as_alice.get("/api/contacts/")["ETag"]
    answer = as_alice.get("/api/contacts/", headers={"if-none-match": etag})
    assert answer.status_code == 304 and counted(answer) == (10, 8) and "Authorization" in answer["Vary"]
