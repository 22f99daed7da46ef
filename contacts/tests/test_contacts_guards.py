"""Every route of contacts: authentication, methods, and the headers of every answer."""

import jwt
import pytest
import time_machine
from django.conf import settings

from contacts.tests.cast import UNKNOWN, add, path

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]

# method, path, whether a body goes with it
ROUTES = [
    ("GET", "/api/contacts"),
    ("POST", "/api/contacts"),
    ("GET", "/api/contacts/bd"),
    ("GET", "/api/contacts/{id}"),
    ("PUT", "/api/contacts/{id}"),
    ("DELETE", "/api/contacts/{id}"),
    ("PATCH", "/api/contacts/{id}/avatar"),
]
ALLOWED = {
    "/api/contacts": {"GET", "POST", "HEAD"},
    "/api/contacts/bd": {"GET", "HEAD"},
    "/api/contacts/{id}/avatar": {"PATCH"},
}
every_route = pytest.mark.parametrize(("method", "url"), ROUTES)


def ask(client, method, url, number=1, **headers):
    return client.generic(method, url.format(id=number), b'{"fullname": "Ann"}', "application/json", headers=headers)


@every_route
def test_every_route_answers_with_and_without_a_slash(as_alice, method, url):
    """No redirect."""
    for slash in ("", "/"):
        contact = add(as_alice)
        answer = ask(as_alice, method, url + slash, contact["id"])
        assert answer.status_code == {"POST": 201, "PATCH": 415}.get(method, 200), (slash, answer.content)


@every_route
def test_a_request_without_a_token_is_401(as_nobody, as_alice, method, url):
    contact = add(as_alice)
    answer = ask(as_nobody, method, url, contact["id"])
    assert answer.status_code == 401 and answer["WWW-Authenticate"].split()[0] == "Bearer"
    assert answer.json().keys() == {"detail"} and isinstance(answer.json()["detail"], str)
    assert answer.content == ask(as_nobody, method, url, 999999999).content


def forged(**changes):
    """Return a token that differs from a valid one by these claims or its key."""
    claims = {
        "sub": "1",
        "sid": 1,
        "v": 1,
        "token_type": "access",
        "exp": 4_000_000_000,
        "jti": "x",
    } | changes
    return jwt.encode(claims, changes.get("key", settings.SECRET_KEY), "HS256")


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer a.b.c",
        "Bearer a b",
        "Bearer \x00",
        "Bearer é",
        "Basic YTpi",
        "Token x",
        "Bearer " + "x" * 5000,
        "Bearer " + "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",  # pragma: allowlist secret
        "Bearer " + forged(),
        "Bearer " + forged(exp=1),
        "Bearer " + forged(key="another key, which is long enough for it"),
        "Bearer " + forged(sub="9" * 30, sid="x"),
        "Bearer " + forged(token_type="refresh"),
    ],
)
@pytest.mark.parametrize(("method", "url"), [ROUTES[0], ROUTES[3], ROUTES[6]])
def test_an_invalid_token_is_401(as_nobody, alice, authorization, method, url):
    answer = ask(as_nobody, method, url, authorization=authorization)
    assert answer.status_code == 401 and answer["WWW-Authenticate"].split()[0] == "Bearer"
    assert answer.json().keys() == {"detail"} and isinstance(answer.json()["detail"], str)


@every_route
def test_an_expired_token_is_401(as_alice, method, url):
    with time_machine.travel("2100-01-01"):
        answer = ask(as_alice, method, url)
    assert answer.status_code == 401 and answer["WWW-Authenticate"].split()[0] == "Bearer"


@pytest.mark.parametrize("url", ALLOWED)
@pytest.mark.parametrize("slash", ["", "/"])
def test_another_method_is_405_with_allow(as_alice, url, slash):
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "PROPFIND"} - ALLOWED[url]:
        answer = ask(as_alice, method, url + slash, add(as_alice)["id"])
        assert answer.status_code == 405, method
        assert answer.json().keys() == {"detail"}
        assert {name.strip() for name in answer["Allow"].split(",")} - {"HEAD"} == ALLOWED[url] - {"HEAD"}


def test_a_contact_allows_its_own_methods(as_alice):
    answer = ask(as_alice, "POST", path(add(as_alice)))
    assert answer.status_code == 405
    assert {name.strip() for name in answer["Allow"].split(",")} >= {"GET", "PUT", "DELETE"}


@every_route
def test_every_answer_has_security_headers_and_vary(as_alice, as_nobody, method, url):
    for client in (as_alice, as_nobody):
        answer = ask(client, method, url, add(as_alice)["id"])
        assert answer["X-Content-Type-Options"] == "nosniff" and answer["X-Frame-Options"] == "DENY"
        assert answer["Referrer-Policy"] == "same-origin" and answer["Content-Security-Policy"]
        assert answer["Content-Type"] == "application/json"
        assert "Authorization" in answer["Vary"]


@every_route
def test_a_body_without_a_length_is_411(as_alice, method, url):
    if method in ("POST", "PUT", "PATCH"):
        kind = "multipart/form-data; boundary=x" if method == "PATCH" else "application/json"
        environment = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
        answer = as_alice.generic(method, url.format(id=add(as_alice)["id"]), b"", kind, **environment)
        assert answer.status_code == 411 and answer.json().keys() == {"detail"}


@every_route
def test_bob_gets_the_bytes_of_an_unknown_contact_for_alices(as_alice, as_bob, method, url):
    if "{id}" in url and method != "PATCH":  # the avatar's own file does it with uploads
        contact = add(as_alice)
        answer = ask(as_bob, method, url, contact["id"])
        unknown = ask(as_bob, method, UNKNOWN)
        assert (answer.status_code, answer.content) == (404, unknown.content)
        assert stable_headers(answer) == stable_headers(unknown)


def stable_headers(answer):
    """Return the headers that do not differ from one request to the next."""
    return {n: value for n, value in answer.items() if not n.startswith("RateLimit") and n != "X-Request-ID"}
