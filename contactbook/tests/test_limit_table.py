"""Every route × method: the name of its limit, what is counted, and the headers of every answer.

Generated from the URL resolver: a new route fails here until its limit is in the table.
"""

from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from conftest import client_of
from contactbook.env.rate_limits import RATE_LIMIT_DEFAULTS
from contactbook.tests.test_access_table import OPEN, Route, make_rows, routes

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db]

# By the route's name: methods and the limit that counts them.
LIMITS = {
    "contacts": {"get": "contacts_list", "post": "contacts_create"},
    "birthdays": {"get": "contacts_birthdays"},
    "trash": {"get": "contacts_trash"},
    "trash_purge": {"delete": "trash_purge"},
    "trash_restore": {"post": "trash_restore"},
    "changes": {"get": "contacts_changes"},
    "contacts_export": {"get": "contacts_export"},
    "batch": {"post": "contacts_batch"},
    "duplicates": {"get": "duplicates"},
    "dismiss": {"post": "dismiss"},
    "merge": {"post": "merge"},
    "avatar": {"patch": "contacts_avatar"},
    "history": {"get": "contacts_history"},
    "restore": {"post": "contacts_restore"},
    "contact": {
        "get": "contacts_find",
        "put": "contacts_update",
        "patch": "contacts_patch",
        "delete": "contacts_delete",
    },
    "undo": {"post": "undo"},
    "groups": {"get": "groups_list", "post": "groups_create"},
    "group": {"patch": "groups_update", "delete": "groups_delete"},
    "imports": {"get": "imports_list", "post": "imports_create"},
    "import": {"get": "imports_show", "delete": "imports_delete"},
    "import_entries": {"get": "imports_entries"},
    "import_apply": {"post": "imports_apply"},
    "import_undo": {"post": "imports_undo"},
    "export": {"get": "me_export"},
    "signup": {"post": "signup"},
    "login": {"post": "login"},
    "refresh_token": {"get": "refresh_token"},
    "logout": {"post": "logout"},
    "request_email": {"post": "request_email"},
    "reset_pwd": {"post": "reset_pwd"},
    "confirm_email": {"get": "confirm_email", "head": "confirm_email", "post": "confirm_email"},
    "me": {"get": "me", "patch": "me_update", "delete": "me_delete"},
    "me_password": {"post": "me_password"},
    "me_sessions": {"get": "me_sessions"},
    "me_session": {"delete": "me_session_end"},
    "app_passwords": {"get": "app_passwords_list", "post": "app_passwords_create"},
    "app_password": {"delete": "app_passwords_delete"},
    "me_feeds": {"get": "feeds_list", "post": "feeds_create"},
    "me_feed": {"delete": "feeds_delete"},
}
# Pages: the path and method, and the limits that count it, by address; the headers are those of the first.
PAGES = {
    ("get", "/"): ["pages"],
    ("get", "/confirm"): ["pages"],
    ("post", "/confirm"): ["request_email", "pages"],
    ("get", "/reset"): ["pages"],
    ("post", "/reset"): ["reset_pwd", "pages"],
    ("get", "/reset/x"): ["pages"],
    ("post", "/reset/x"): ["pages"],
    ("get", "/reminders/off/x"): ["pages"],
    ("post", "/reminders/off/x"): ["pages"],
    ("get", "/manual/"): ["pages"],
    ("get", "/feeds/x/birthdays.ics"): ["feeds"],
    ("get", "/api/schema"): ["pages"],
    ("get", "/api/docs"): ["pages"],
    ("get", "/api/redoc"): ["pages"],
    ("post", "/admin/login/"): ["admin_login"],
}
# Passwords of an account, mails to an address, and CardDAV (contacts/tests/test_dav_authentication.py).
COUNTED_ELSEWHERE = {"account_failures", "address_mails", "dav", "dav_write", "dav_failures"}
ROUTES = list(routes())
CASES = [pytest.param(each, method, id=f"{method} {each.name}") for each in ROUTES for method in LIMITS[each.name]]


def test_every_route_and_method_has_a_limit_and_every_limit_a_route() -> None:
    served = {route.name: {method for method in route.methods if method in LIMITS[route.name]} for route in ROUTES}
    assert served == {name: set(methods) for name, methods in LIMITS.items()}
    assert {route.name: route.methods - {"head"} for route in ROUTES} == {
        name: set(methods) - {"head"} for name, methods in LIMITS.items()
    }
    named = {name for methods in LIMITS.values() for name in methods.values()} | {
        n for ns in PAGES.values() for n in ns
    }
    assert named | COUNTED_ELSEWHERE == RATE_LIMIT_DEFAULTS.keys()


def remaining(answer: Any) -> str:
    """Return what is left; every answer of a limited route tells, whatever it is."""
    if answer.streaming:
        b"".join(answer.streaming_content)  # at its end the export's thread is free again
    assert answer["RateLimit-Limit"] == "2"
    assert 0 < int(answer["RateLimit-Reset"]) <= 60
    assert answer.status_code != 429 or 0 < int(answer["Retry-After"]) <= 60
    return str(answer["RateLimit-Remaining"])


@pytest.fixture
def alone(limits: Any) -> Any:
    """Set one limit to 2 a minute, and lift all others."""

    def set_limits(*names: str) -> None:
        limits(**dict.fromkeys(django_settings.RATE_LIMITS, (0, 1)))
        limits(**dict.fromkeys(names, (2, 60)))

    return set_limits


@pytest.mark.parametrize(("route", "method"), CASES)
def test_a_callers_answers_tell_the_limit_and_the_third_is_a_429(
    alice: User, bob: User, alone: Any, route: Route, method: str
) -> None:
    alone(LIMITS[route.name][method])
    rows = make_rows(alice)
    path = route.path(rows.get(route.name, 1))
    clients = [client_of(None if route.name in OPEN else alice) for _ in range(3)]  # some requests end their session
    answers = [getattr(client, method)(path) for client in clients]
    assert [remaining(answer) for answer in answers] == ["1", "0", "0"]
    assert [answer.status_code == 429 for answer in answers] == [False, False, True]
    if route.name not in OPEN:
        answers.append(getattr(client_of(bob), method)(path))
        assert remaining(answers[3]) == "1", "each account is counted apart"
    for answer in answers:
        b"".join(answer)  # the end of an export frees its place
    assert method == "head" or answers[2].json().keys() == {"detail"}


@pytest.mark.parametrize(("route", "method"), [case for case in CASES if case.values[0].name not in OPEN])
def test_a_refused_callers_answers_tell_the_limit_of_the_address(
    alice: User, alone: Any, route: Route, method: str
) -> None:
    alone(LIMITS[route.name][method])
    answers = [getattr(APIClient(), method)(route.path(1)) for _ in range(3)]
    assert [(answer.status_code, remaining(answer)) for answer in answers] == [(401, "1"), (401, "0"), (429, "0")]
    own = getattr(client_of(alice), method)(route.path(1))
    assert own.status_code != 429 and remaining(own) == "1", "the account is counted apart"
    b"".join(own)


@pytest.mark.parametrize(("method", "path"), PAGES)
def test_a_pages_answers_tell_the_limit(client: Client, alone: Any, method: str, path: str) -> None:
    for name in PAGES[method, path]:
        alone(name)
        addressed = {"REMOTE_ADDR": f"192.0.2.{len(name)}"}
        answers = [getattr(client, method)(path, **addressed) for _ in range(3)]
        assert [remaining(answer) for answer in answers] == ["1", "0", "0"], name
        assert [answer.status_code == 429 for answer in answers] == [False, False, True]


def test_a_page_that_sends_a_mail_counts_on_its_api_routes_limit_too(client: Client, alone: Any) -> None:
    alone("reset_pwd")
    assert remaining(client.post("/reset", {"email": "a@example.org"})) == "1"
    assert remaining(client.post("/api/auth/reset_pwd", {"email": "b@example.org"}, "application/json")) == "0"
    assert client.post("/reset", {"email": "c@example.org"}).status_code == 429


def test_a_method_that_a_page_does_not_count_is_free(client: Client, alone: Any) -> None:
    alone("admin_login")
    for _ in range(4):
        answer = client.get("/admin/login/")
        assert answer.status_code == 200 and "RateLimit-Limit" not in answer


def test_a_method_that_a_route_does_not_have_is_not_counted(as_alice: APIClient, alone: Any) -> None:
    alone(*set(RATE_LIMIT_DEFAULTS))
    for _ in range(4):
        answer = as_alice.put("/api/contacts")
        assert answer.status_code == 405 and "RateLimit-Limit" not in answer
