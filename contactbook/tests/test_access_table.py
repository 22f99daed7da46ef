"""Every API route × every method × every kind of caller, generated from the URL resolver. A new route is in the table by itself.

OWASP API Security 2023: API1 (object), API2 (authentication), API5 (function level authorization).
"""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.urls import URLPattern, get_resolver
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import AppPassword, Session, User
from conftest import PASSWORD, client_of
from contacts import duplicates
from contacts.models import Book, Contact, Feed, Group, Import

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]

METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "trace")
OPEN = {"signup", "login", "refresh_token", "request_email", "reset_pwd", "confirm_email", "schema", "docs", "redoc"}

# Routes that name a row, and the body of a stranger's call, which is valid, so that only the row can refuse it.
ROWS: dict[str, dict[str, Any]] = {
    "contact": {"put": {"fullname": "x"}, "patch": {"fullname": "x"}},
    "avatar": {},
    "history": {},
    "restore": {"post": {"to": 1}},
    "trash_restore": {},
    "trash_purge": {},
    "group": {"patch": {"name": "x"}},
    "dismiss": {},
    "me_session": {},
    "app_password": {},
    "me_feed": {},
    "import": {},
    "import_entries": {},
    "import_apply": {"post": {"policy": "skip"}},
    "import_undo": {},
}
# Routes of the caller's own account, which name no row.
OWN = {
    "contacts", "contacts_export", "birthdays", "trash", "changes", "batch", "duplicates", "merge", "undo",
    "groups", "imports",
    "export", "logout", "me", "me_password", "me_sessions", "app_passwords", "me_feeds",
}  # fmt: skip


class Route(NamedTuple):
    name: str
    pattern: str
    methods: set[str]

    def path(self, row: int | str) -> str:
        path = self.pattern.removeprefix("^").removesuffix("/?\\Z")
        path = re.sub(r"\(\?P<\w+>(\[[^\]]*\]\+\??)\)", str(row), path)
        assert "(" not in path
        return f"/api/{path}"


def routes() -> Iterator[Route]:
    for included in get_resolver().url_patterns:
        if str(included.pattern) == "api/":
            for pattern in included.url_patterns:
                assert isinstance(pattern, URLPattern)
                yield Route(pattern.name or "", str(pattern.pattern), set(pattern.callback.actions))


PROTECTED = [route for route in routes() if route.name not in OPEN]
EACH = pytest.mark.parametrize("route", PROTECTED, ids=lambda route: f"{route.name}:{'-'.join(sorted(route.methods))}")


@pytest.mark.one_stack
def test_every_route_has_its_place_in_the_table():
    assert {route.name for route in routes()} == OPEN - {"schema", "docs", "redoc"} | set(ROWS) | OWN


def call(client: APIClient, method: str, path: str, body: Any = None) -> Any:
    return client.generic(method.upper(), path) if body is None else getattr(client, method)(path, body, format="json")


def depends_on_the_caller(answer: Any) -> bool:
    """`Vary: Authorization`: a cache must not show one account's answer to another (RFC 9110 §12.5.5)."""
    return "Authorization" in answer["Vary"].split(", ")


def bearer(token: Any) -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def access_of(user: User) -> tuple[Session, str]:
    session = Session.objects.begin(user)
    return session, tokens.pair(session, 0, session.last_used_at.timestamp())["access_token"]


def expired(user: User) -> APIClient:
    session = Session.objects.begin(user)
    long_ago = (timezone.now() - timedelta(minutes=16)).timestamp()
    return bearer(tokens.pair(session, 0, long_ago)["access_token"])


def revoked(user: User) -> APIClient:
    session, access = access_of(user)
    session.end()
    return bearer(access)


def with_refresh_token(user: User) -> APIClient:
    session = Session.objects.begin(user)
    return bearer(tokens.pair(session, 0, session.last_used_at.timestamp())["refresh_token"])


def deactivated(user: User) -> APIClient:
    _, access = access_of(user)
    User.objects.filter(pk=user.pk).set_active(False)
    return bearer(access)


def deleted(user: User) -> APIClient:
    _, access = access_of(user)
    user.delete()
    return bearer(access)


def with_new_password(user: User) -> APIClient:
    _, access = access_of(user)
    user.set_new_password(PASSWORD + "!")
    return bearer(access)


REFUSED: dict[str, Callable[[User], APIClient]] = {
    "nobody": lambda user: client_of(None),
    "garbage": lambda user: bearer("garbage"),
    "expired": expired,
    "revoked": revoked,
    "refresh token": with_refresh_token,
    "confirm token": lambda user: bearer(tokens.ConfirmToken.of(user)),
    "reset token": lambda user: bearer(tokens.ResetToken.of(user)),
    "deactivated": deactivated,
    "deleted": deleted,
    "changed password": with_new_password,
}


@pytest.mark.one_stack
@pytest.mark.parametrize("caller", REFUSED)
def test_a_refused_caller_gets_401_on_every_route_and_method(alice, caller):
    client = REFUSED[caller](alice)
    for route in PROTECTED:
        for method in METHODS:
            answer = call(client, method, route.path(1))
            assert (answer.status_code, answer["WWW-Authenticate"][:6]) == (401, "Bearer"), (route, method)
            assert depends_on_the_caller(answer)
            assert method == "head" or answer.json().keys() == {"detail"}


@pytest.mark.one_stack
def test_a_method_that_a_route_does_not_have_is_405_with_allow(as_alice):
    for route in PROTECTED:
        served = {*route.methods, *({"head"} if "get" in route.methods else ())}
        for method in set(METHODS) - served:
            answer = call(as_alice, method, route.path(1))
            assert answer.status_code == 405 and depends_on_the_caller(answer), (route.name, method)
            assert {name.strip().lower() for name in answer["Allow"].split(",")} == served, route.name


@pytest.mark.one_stack
def test_a_strangers_row_is_answered_as_one_that_does_not_exist(alice, bob):
    rows, client = make_rows(alice), client_of(bob)
    for route in PROTECTED:
        assert route.name in ROWS or route.name in OWN
        for method in route.methods if route.name in ROWS else ():
            body = ROWS[route.name].get(method)
            if route.name == "avatar":
                theirs, nobodys = (upload(client, route.path(row)) for row in (rows[route.name], 10**9))
            else:
                theirs, nobodys = (call(client, method, route.path(row), body) for row in (rows[route.name], 10**9))
            assert (theirs.status_code, theirs.content) == (404, nobodys.content), (route.name, method)
            assert depends_on_the_caller(theirs)


@EACH
def test_the_owner_is_answered(alice, route):
    rows = make_rows(alice)
    for method in sorted(route.methods - {"delete"}) + sorted(route.methods & {"delete"}):
        answer = call(
            client_of(alice), method, route.path(rows.get(route.name, 1)), ROWS.get(route.name, {}).get(method)
        )
        assert answer.status_code not in (401, 403, 404, 405) and answer.status_code < 500, (method, answer)
        assert depends_on_the_caller(answer)
        if answer.streaming:
            list(answer)  # to its end, which closes it: until then an export has one of the slots of the process


def make_rows(owner: User) -> dict[str, Any]:
    with Book.objects.writing(owner.pk, "test") as book:
        kept = book.create({"name": {"full": "Kept"}})
        trashed = book.delete(book.create({"name": {"full": "Trashed"}}))
        book.create_many([{"name": {"full": "Ada Lovelace"}}] * 2)
    assert Contact.objects.for_user(owner.pk).count() == 3
    (alike,) = duplicates.current(owner.pk, Book.objects.version(owner.pk), None)
    group = Group.objects.create(user=owner, name="Friends")
    names = ("contact", "avatar", "history", "restore")
    of_import = ("import", "import_entries", "import_apply", "import_undo")
    file = Import.objects.create(user=owner, filename="x.vcf", format="vcard", status="ready", total=0)
    return {
        **dict.fromkeys(of_import, file.pk),
        **dict.fromkeys(names, kept.pk),
        "trash_restore": trashed.pk,
        "trash_purge": trashed.pk,
        "group": group.pk,
        "dismiss": alike.key,
        "me_session": Session.objects.begin(owner).pk,
        "app_password": AppPassword.objects.issue(owner.pk, "Phone", True)[0].pk,
        "me_feed": Feed.objects.add(owner.pk, name="Phone")[0].pk,
    }


def upload(client: APIClient, path: str) -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return client.patch(path, {"file": SimpleUploadedFile("a.png", b"no picture")}, format="multipart")
