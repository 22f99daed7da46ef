"""Every route outside of the API × every kind of caller: who gets which page, generated from the URL resolver.

The API's own are in test_access_table.py. A new route, the admin's included, fails here until it is told who may.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import OutgoingEmail, User
from conftest import client_of
from contactbook.tests.test_access_table import make_rows

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]

# By what the resolver knows of a route: for everybody, the statuses that GET may have.
OPEN = {
    "home": {200},
    "ask_confirm": {200},
    "ask_reset": {200},
    "reset": {422},
    "stop_reminders": {422},
    "birthdays_feed": {404},
    "manual": {200, 404},
    "schema": {200},
    "docs": {200},
    "redoc": {200},
    "healthz": {200},
    "readyz": {200},
    "metrics": {200, 403, 404},
    "media": {404},
    "original": {404},
    "dav": {401},
    "dav_principals": {401},
    "well_known_carddav": {301},
}
OPEN_IN_THE_ADMIN = {"login", "logout"}


def walk(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern, path)
        else:
            yield path, pattern


EVERY = [(path, pattern) for path, pattern in walk(get_resolver())]
API = [path for path, pattern in EVERY if path.startswith("api/") and getattr(pattern.callback, "actions", None)]
ADMIN = [(path, pattern) for path, pattern in EVERY if path.startswith("admin/")]
PAGES = [(path, pattern) for path, pattern in EVERY if path not in API and not path.startswith("admin/")]


def label(path: str, pattern: URLPattern) -> str:
    """Its name, or the first word of its path."""
    return pattern.name or re.findall(r"\w+", path)[0]


def test_every_route_has_its_place() -> None:
    assert len(API) > 25 and len(ADMIN) > 20
    assert {label(*page) for page in PAGES} - OPEN.keys() == set()


@pytest.mark.parametrize(("path", "pattern"), PAGES, ids=[label(*page) for page in PAGES])
def test_pages_are_the_same_for_everybody(path: str, pattern: URLPattern, staff: User) -> None:
    as_staff = Client()
    as_staff.force_login(staff)
    for client in (Client(), as_staff):
        answer = client.get(address(path))
        assert answer.status_code in OPEN[label(path, pattern)]
        assert answer.status_code == Client().get(address(path)).status_code


def address(path: str) -> str:
    """A path that the pattern matches, with the number of no row in it."""
    path = path.removeprefix("^").removesuffix(r"/?\Z").removesuffix(r"\Z")
    path = path.replace(r"(?P<path>[0-9a-f]{32}\.jpg)", "0" * 32 + ".jpg").replace("(?P<token>[^/]+)", "x")
    path = path.replace(r"(?P<name>[0-9a-f]{32}\.jpg)", "0" * 32 + ".jpg").replace("(?P<name>[0-9a-f]{32})", "0" * 32)
    path = path.replace(r"(?:/[\s\S]*)?", "/").replace("\\.", ".").replace("/?", "")
    path = path.replace("(?P<secret>[^/]+)", "x").replace(r"birthdays\.ics", "birthdays.ics")
    path = path.replace("(?P<path>.*)", "").replace("<path:object_id>", "1").replace("<id>", "1")
    path = path.replace("<int:owner>", "1")
    path = path.replace("<int:content_type_id>/<path:object_id>", "1/1").replace("<int:content_type_id>", "1")
    path = path.replace("(?P<app_label>auth|accounts|contacts)", "accounts")
    path = path.removesuffix("(?P<url>.*)$") + ("nowhere/" if path.endswith("(?P<url>.*)$") else "")
    return "/" + path.removesuffix("$")


def alike(user: User) -> Client:
    """A client with a session of the admin."""
    client = Client()
    client.force_login(user)
    return client


def of_staff(make_user: Any, lose: Any = lambda user: None, **fields: Any) -> Client:
    """A client with a session that began before its owner lost the rights."""
    user = make_user("former", is_staff=True, is_superuser=True, **fields)
    client = alike(user)
    lose(user)
    return client


def set_password(user: User) -> None:
    user.set_password("another one 7")
    user.save()


def made_up(make_user: Any) -> Client:
    client = Client()
    client.cookies["sessionid"] = "x" * 32
    return client


def by_bearer(make_user: Any) -> Client:
    return client_of(make_user("bearer", is_staff=True, is_superuser=True))


def rows_of(user: User) -> Any:
    return User.objects.filter(pk=user.pk)


REFUSED: dict[str, Callable[[Any], Client]] = {
    "nobody": lambda make_user: Client(),
    "a made-up session": made_up,
    "an account": lambda make_user: alike(make_user("ordinary")),
    "a bearer token": by_bearer,
    "unconfirmed staff": lambda make_user: of_staff(make_user, confirmed_at=None),
    "deleted staff": lambda make_user: of_staff(make_user, lambda user: user.delete()),
    "deactivated staff": lambda make_user: of_staff(make_user, lambda user: rows_of(user).set_active(False)),
    "former staff": lambda make_user: of_staff(make_user, lambda user: rows_of(user).update(is_staff=False)),
    "staff with another password": lambda make_user: of_staff(make_user, set_password),
}


@pytest.mark.parametrize("who", REFUSED)
def test_the_admin_is_for_staff_alone(alice: User, make_user: Any, who: str) -> None:
    client = REFUSED[who](make_user)
    before = User.objects.count()
    for path in (address(path) for path, pattern in ADMIN if pattern.name not in OPEN_IN_THE_ADMIN):
        for method in ("get", "post", "delete"):
            answer = getattr(client, method)(path)
            assert answer.status_code in (302, 403, 404, 405), (path, method)
            assert answer.status_code != 302 or "/admin/login/" in answer["Location"], (path, method)
    assert User.objects.count() == before


def test_staff_without_rights_see_no_model(make_user: Any) -> None:
    """Being staff alone shows no row: not by address, by search, by history, nor by autocompletion."""
    nobody = make_user("helper", is_staff=True)
    owner = make_user("owner")
    make_rows(owner)
    client = alike(nobody)
    for path, pattern in ADMIN:
        if pattern.name in {"login", "logout", "index", "password_change", "password_change_done", "jsi18n"}:
            continue
        answer = client.get(address(path))
        assert answer.status_code in (302, 403, 404), (path, answer.status_code)
        assert b"owner@example.org" not in answer.content


def test_a_right_is_for_its_model_alone(make_user: Any) -> None:
    """A helper who may see outgoing e-mails sees no account, and writes nothing."""
    helper = make_user("helper", is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(codename="view_outgoingemail"))
    client = alike(helper)
    OutgoingEmail.objects.create(kind=OutgoingEmail.Kind.RESET, address="x@example.org")
    assert client.get("/admin/accounts/outgoingemail/").status_code == 200
    for path in ("accounts/user/", "contacts/contact/", f"accounts/user/{helper.pk}/change/"):
        assert client.get(f"/admin/{path}").status_code == 403
    pk = OutgoingEmail.objects.get().pk
    client.post(
        "/admin/accounts/outgoingemail/", {"action": "delete_selected", "_selected_action": [pk], "post": "yes"}
    )
    client.post(f"/admin/accounts/outgoingemail/{pk}/delete/", {"post": "yes"})
    assert OutgoingEmail.objects.filter(pk=pk).exists()


def test_the_admin_writes_nothing_without_its_form(staff: User, alice: User) -> None:
    """CSRF: another site's page posts with the cookie of staff."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff)
    for origin in ({}, {"HTTP_ORIGIN": "https://evil.example"}, {"HTTP_ORIGIN": "null"}):
        answer = client.post(f"/admin/accounts/user/{alice.pk}/delete/", {"post": "yes"}, **origin)
        assert answer.status_code == 403
    assert User.objects.filter(pk=alice.pk).exists()


def test_a_session_of_the_admin_does_not_authenticate_at_the_api(staff: User) -> None:
    client = Client()
    client.force_login(staff)
    for path in ("/api/contacts", "/api/me", "/api/me/export"):
        assert client.get(path).status_code == 401
    assert client.post("/api/contacts/", {"fullname": "x"}, content_type="application/json").status_code == 401


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", r"\\evil.example", "javascript:alert(1)"]
)
def test_a_login_redirects_to_no_other_site(staff: User, target: str) -> None:
    answer = Client().post("/admin/login/", {"username": staff.email, "password": "correct horse 9", "next": target})
    assert answer.status_code == 302 and answer["Location"].startswith("/admin")


def test_a_login_has_another_session_than_before(staff: User) -> None:
    """A session that was planted in a browser is worth nothing after its owner logs in."""
    client = Client()
    session = client.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    client.cookies["sessionid"] = planted
    client.post("/admin/login/?next=/admin/", {"username": staff.email, "password": "correct horse 9"})
    assert client.cookies["sessionid"].value != planted
    stranger = Client()
    stranger.cookies["sessionid"] = planted
    assert stranger.get("/admin/").status_code == 302
