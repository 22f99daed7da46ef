"""Every API route × every method × odd headers and bodies, generated from the URL resolver.

Nothing is a 5xx, every refusal has the contract's shape, and a method that a route does not have is a 405 whatever the
request carries. A new route is in the table by itself.
"""

import http.client
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from conftest import client_of
from contactbook.tests.hostile import in_the_contracts_shape, request
from contactbook.tests.live import Answer, Server
from contactbook.tests.test_access_table import OPEN, Route, make_rows, routes

ROUTES = list(routes())
EACH = pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.name}:{'-'.join(sorted(route.methods))}")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
JSON = "application/json"
MEDIA = (JSON, "application/x-www-form-urlencoded", "multipart/form-data; boundary=b")
MEGABYTE = 1024 * 1024

TAGS = ['"1-1"', "*", 'W/"1-1"', "", '"', "1", '"a", "b"', "\xff"]
HEADERS: dict[str, list[str]] = {
    "Idempotency-Key": ["a key", "", "x" * 300, "\xe9", "a\tb"],
    "If-Match": TAGS,
    "If-None-Match": TAGS,
    "If-Modified-Since": ["Thu, 01 Jan 1970 00:00:00 GMT", "yesterday"],
    "Range": ["bytes=0-0", "bytes=-1", "bytes=9-1", "bytes=0-0,2-2", "items=0-1", "x"],
    "Accept": ["text/html", "application/xml", "*/*;q=0", "", ";", "\xff"],
    "Content-Type": [
        "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=b",
        "application/json; charset=utf-16", "application/json; charset=none", "application/merge-patch+json", "/", "\xff",
    ],
}  # fmt: skip
BODIES = {
    "none": b"",
    "empty object": b"{}",
    "empty list": b"[]",
    "cut JSON": b'{"fullname": "An',
    "not UTF-8": b"\xff\xfe",
    "a number": b"1e999",
    "a megabyte": b'{"fullname": "' + b"a" * (MEGABYTE - 16) + b'"}',
    "over a megabyte": b'{"fullname": "' + b"a" * MEGABYTE + b'"}',
}

EACH_HEADER = [
    {"media" if name == "Content-Type" else name: value} for name, values in HEADERS.items() for value in values
]
FIRST_HEADERS = {"media" if name == "Content-Type" else name: values[0] for name, values in HEADERS.items()}
EACH_BODY = [(label, media) for label in BODIES for media in MEDIA]


class Caller:
    """Alice, who logs in again when a request has ended her session."""

    def __init__(self, user: User) -> None:
        self.user, self.rows, self.client = user, make_rows(user), client_of(user)

    def ask(self, route: Route, method: str, body: bytes = b"{}", media: str = JSON, **headers: str) -> Any:
        path, given = route.path(self.rows.get(route.name, 1)), {"QUERY_STRING": ""} | environ(headers)
        answer = self.client.generic(method, path, body, media, **given)
        if answer.status_code == 401 and route.name not in OPEN:
            self.client = client_of(User.objects.get(pk=self.user.pk))
            answer = self.client.generic(method, path, body, media, **given)
        return answer


def environ(headers: dict[str, str]) -> dict[str, str]:
    return {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}


def check(route: Route, method: str, status: int, kind: str, content: bytes, sent: object) -> None:
    """A method that the route has is neither a 5xx nor a 405, 406 or 206; another one is a 405.

    The confirmation link alone may be answered with a page.
    """
    try:
        if method != "HEAD" and not (route.name == "confirm_email" and kind.startswith("text/html")):
            in_the_contracts_shape(status, kind, content)
        assert status < 500 and status not in (206, 406)
        if status not in (400, 401, 411, 413, 429):
            assert (status == 405) == (method.lower() not in served(route)), status
    except (AssertionError, ValueError) as error:
        raise AssertionError(f"{method} {route.name} {str(sent)[:200]}: {error}") from error


def check_answer(route: Route, method: str, answer: Any, sent: object) -> None:
    check(route, method, answer.status_code, answer.get("Content-Type", ""), content_of(answer), sent)


def served(route: Route) -> set[str]:
    """`refresh_token` has no HEAD, which would use the token up."""
    return route.methods | ({"head"} if "get" in route.methods and route.name != "refresh_token" else set())


@pytest.fixture
def caller(alice: User, no_limits: None, cheap_passwords: None) -> Caller:
    return Caller(alice)


@pytest.fixture
def cheap_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def content_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


@pytest.mark.one_stack
@EACH
def test_no_header_and_no_body_makes_a_request_fail(caller: Caller, route: Route) -> None:
    """HEAD is answered as GET is, and another method before its headers are read: these get the first of each at once.

    An Idempotency-Key that was sent twice was a 500 on a route without POST.
    """
    for method in METHODS:
        has_it = method.lower() in route.methods
        for sent in EACH_HEADER if has_it else [FIRST_HEADERS]:
            check_answer(route, method, caller.ask(route, method, **sent), sent)
        for label, media in EACH_BODY if has_it else EACH_BODY[:1] + EACH_BODY[-1:]:
            check_answer(route, method, caller.ask(route, method, BODIES[label], media), label)
        for _ in range(2):
            answer = caller.ask(route, method, **{"Idempotency-Key": f"{route.name} {method}"})
            check_answer(route, method, answer, "a key twice")


@pytest.mark.one_stack
def test_a_refused_caller_gets_401_whatever_the_request_carries(db: None, no_limits: None) -> None:
    """Every header on one route; on the others what may be read before the caller is known: all at once, and the body's."""
    client, all_seen = APIClient(raise_request_exception=False), False
    media_types = [{"media": value} for value in HEADERS["Content-Type"]]
    for route in ROUTES:
        if route.name in OPEN:
            continue
        for sent in [FIRST_HEADERS, *media_types] if all_seen else EACH_HEADER:
            headers = {name: value for name, value in sent.items() if name != "media"}
            for method in ("GET", "POST"):
                answer = client.generic(method, route.path(1), b"{}", sent.get("media", JSON), **environ(headers))
                told = answer.status_code, answer["WWW-Authenticate"][:6]
                assert told == (401, "Bearer"), (route.name, method, sent)
        all_seen = True


# What only a real server meets


@pytest.fixture(scope="module")
def tokens(server: Server) -> list[str]:
    return [server.sign_up()[1]]


@pytest.fixture
def token(server: Server, tokens: list[str]) -> str:
    """A valid one: some requests end their session or close their account."""
    if server.ask("GET", "/api/me", token=tokens[-1]).status != 200:
        tokens.append(server.sign_up()[1])
    return tokens[-1]


def cut(server: Server, raw: bytes) -> Answer | None:
    """Send these bytes and nothing more, close that direction, and read what comes back."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = http.client.HTTPResponse(connection, method=raw.partition(b" ")[0].decode())
        try:
            answer.begin()
        except (ConnectionError, http.client.BadStatusLine):
            return None
        return Answer(answer.status, answer.headers, answer.read())


FRAMINGS: dict[str, tuple[list[bytes], bytes]] = {
    "expects a 100": ([b"Expect: 100-continue", b"Content-Length: 2"], b"{}"),
    "expects something else": ([b"Expect: a-miracle", b"Content-Length: 2"], b"{}"),
    "chunked": ([b"Transfer-Encoding: chunked"], b"2\r\n{}\r\n0\r\n\r\n"),
    "a huge length": ([b"Content-Length: 99999999999"], b"{}"),
    "cut": ([b"Content-Length: 500"], b'{"fullname": "An'),
    "cut, and JSON as it is": ([b"Content-Length: 500"], b"{}"),
}


@pytest.mark.one_stack
@EACH
def test_no_framing_of_the_body_makes_a_request_fail(server: Server, token: str, route: Route) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for label in FRAMINGS if method.lower() in route.methods else ["cut"]:
            headers, body = FRAMINGS[label]
            own = [b"Authorization: Bearer " + token.encode(), b"Content-Type: application/json", *headers]
            line = f"{method} {route.path(10**9)}".encode()
            answer = cut(server, request(line, *own, body=body))
            if answer is None:
                continue  # the connection was closed without an answer
            kind = answer.headers["Content-Type"] or ""
            if answer.status == 417:  # gunicorn's own answer to another expectation
                continue
            check(route, method, answer.status, kind, answer.body, label)
    assert server.try_get("/healthz") == 200


def test_a_body_that_is_cut_off_is_not_taken_for_the_whole(server: Server, token: str) -> None:
    """A login with half a password would count as a wrong one, and a contact with half a name be stored."""
    headers = [b"Authorization: Bearer " + token.encode(), b"Content-Type: application/json", b"Content-Length: 500"]
    answer = cut(server, request(b"POST /api/contacts", *headers, body=b'{"fullname": "Cut"}'))
    assert answer is None or answer.status == 400
    assert server.ask("GET", "/api/contacts/Cut", token=token).status == 404
