"""Requests that no client would make, byte by byte to the running product: none is a 5xx, none stops it."""

import urllib.parse

import pytest

from contactbook.tests.faults import account
from contactbook.tests.hostile import exchange, request

pytestmark = pytest.mark.postgresql

JSON = "application/json"


@pytest.fixture(scope="module")
def token(server):
    return account(server)[1]


@pytest.fixture(autouse=True)
def goes_on(server):
    yield
    assert server.ask("GET", "/healthz").status == 200


@pytest.mark.parametrize(
    "line",
    [
        b"GET /" + b"a" * 9000,
        b"GET /api/contacts?" + b"a=1&" * 3000,
        b"GET /%00",
        b"GET /\xff\xfe",
        b"GET /a b c",
        b"GET //evil.example/api/contacts",
        b"GET http://evil.example/api/contacts",
        b"GET https://user:pw@localhost/api/contacts",
        b"GET javascript:alert(1)",
        b"GET *",
        b"OPTIONS *",
        b"CONNECT evil.example:443",
        b"GET /api/../admin/",
        b"GET /api/%2e%2e/admin/",
        b"GET /api/contacts/..;/admin/",
        b"GET /api//contacts",
        b"GET /api/contacts;x=y",
        b"GET /api/contacts%3Fskip=1",
        b"GET /api/contacts#x",
        b"GET /API/CONTACTS",
        b"GET /api/contacts%0d%0aX-Owned:1",
        b"GET /static/%00.css",
        b"GET /reset/" + b"x" * 7000,
        b"GET /reset/%ff%00%0d%0a",
        b"GET /api/email/confirm/%ff%00%0d%0a",
        b"GET ?",
        b"GET",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"PRI *",
    ],
)
def test_an_odd_line_is_no_5xx(server, line):
    answer = exchange(server, request(line))
    if answer:
        assert answer.status < 500
        assert "X-Owned" not in answer.headers
        assert "evil.example" not in str(answer.headers) and b"openapi" not in answer.body


METHODS = ["TRACE", "TRACK", "CONNECT", "PROPFIND", "OPTIONS", "get", "FOO", "x" * 50, "PURGE", "QUERY"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ["/api/contacts", "/api/auth/login", "/api/me", "/", "/healthz", "/admin/", "/reset"])
def test_another_method_does_nothing(server, token, method, path):
    answer = exchange(
        server, request(f"{method} {path}".encode(), b"Authorization: Bearer " + token.encode(), b"X-Secret: echo")
    )
    if answer:
        assert answer.status in (301, 302, 400, 401, 403, 404, 405, 501), answer.status
    assert answer is None or b"X-Secret" not in answer.body


@pytest.mark.parametrize("path", ["/api/contacts", "/healthz", "/dav/", "/"])
def test_http_1_1_without_host_is_400(server, path):
    line = f"GET {path} HTTP/1.".encode()
    answer = exchange(server, line + b"1\r\nConnection: close\r\n\r\n")
    assert answer and answer.status == 400 and answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not path.startswith("/api") or answer.json().keys() == {"detail"}
    assert exchange(server, line + b"0\r\n\r\n").status in (200, 401)


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_method_is_not_overridden(server, token, name):
    contact = server.ask("POST", "/api/contacts", {"fullname": "Ann"}, token).json()["id"]
    for method in ("GET", "POST"):
        server.ask(method, f"/api/contacts/{contact}?_method=DELETE", token=token, headers={name: "DELETE"})
    assert server.ask("GET", f"/api/contacts/{contact}", token=token).status == 200


ODD = ["", " ", "\xff\xfe", '"', "*", "x" * 7000, ",,,", "\\", "%00", "null", "-1", "9" * 400, "a\tb", "=?utf-8?q?x?="]
HEADERS = [
    "Accept", "Accept-Encoding", "Accept-Language", "Authorization", "If-Match", "If-None-Match", "If-Modified-Since",
    "If-Range", "Range", "Idempotency-Key", "Cookie", "Origin", "Referer", "User-Agent", "X-Forwarded-For",
    "X-Forwarded-Proto", "X-Forwarded-Host", "X-Request-ID", "Forwarded", "Content-Type", "Content-Encoding",
    "Expect", "Upgrade", "TE", "Traceparent", "Access-Control-Request-Method",
]  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_an_odd_header_is_no_5xx(server, token, name):
    own = {} if name == "Authorization" else {"Authorization": f"Bearer {token}"}
    for value in ODD:
        for method, path in (
            ("GET", "/api/contacts"),
            ("POST", "/api/contacts"),
            ("GET", "/"),
            ("GET", "/static/show.js"),
        ):
            sent = {**own, "Content-Type": JSON, name: value}
            raw = [f"{header}: {text}".encode("latin-1") for header, text in sent.items()]
            answer = exchange(
                server, request(f"{method} {path}".encode(), *raw, body=b"{}" if method == "POST" else b"")
            )
            assert answer is None or answer.status < 500, (value, path, answer.status)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Basic", "Token", "Digest", "Negotiate", ""])
def test_an_odd_authorization_is_401(server, token, scheme):
    for credentials in [
        "",
        " ",
        "\xff",
        "a.b.c",
        "a" * 7000,
        f"{token} {token}",
        f"{token},",
        f'"{token}"',
        "Og==",
        "null",
    ]:
        answer = server.ask("GET", "/api/contacts", headers={"Authorization": f"{scheme} {credentials}".strip()})
        assert answer.status == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_is_taken_from_its_header_alone(server, token):
    """Nor from the address, where it would be logged, nor from a cookie, which a browser sends by itself."""
    for query in ("access_token", "token", "authorization", "jwt"):
        assert server.ask("GET", f"/api/contacts?{query}={token}").status == 401
        assert server.ask("GET", "/api/contacts", headers={"Cookie": f"{query}={token}"}).status == 401
    form = urllib.parse.urlencode({"access_token": token})
    assert server.ask("POST", "/api/contacts", form).status == 401


def test_many_and_large_headers_are_refused(server):
    for headers in ([b"X-%d: y" % n for n in range(500)], [b"X: " + b"y" * 20_000], [b"Cookie: " + b"a=b; " * 1600]):
        answer = exchange(server, request(b"GET /api/contacts", *headers))
        assert answer is None or answer.status in (400, 401, 431)


# Queries


def test_of_a_repeated_parameter_the_last_counts(server, token):
    answer = server.ask("GET", "/api/contacts?limit=1&limit=0&limit=2", token=token)
    assert answer.status == 200 and len(answer.json()) == 2
    assert server.ask("GET", "/api/contacts?limit=5&limit=x", token=token).status == 422
    assert server.ask("GET", "/api/contacts?limit[]=x&limit[0]=x&limit%5B%5D=y", token=token).status == 200


def test_ten_thousand_parameters_are_no_5xx(server, token):
    query = "&".join("a=" for _ in range(1300))
    assert server.ask("GET", f"/api/contacts?{query}", token=token).status in (200, 400, 422)
    assert exchange(server, request(b"GET /api/contacts?" + b"a&" * 10_000)).status in (400, 414)


@pytest.mark.parametrize(
    "name", ["order", "ordering", "sort", "fields", "filter", "user", "user_id", "owner", "expand"]
)
def test_nothing_is_sorted_or_filtered_by_what_is_not_named(server, token, name):
    """A column that is not shown would be told by the order of the rows (API3)."""
    plain = server.ask("GET", "/api/contacts", token=token).body
    for value in ("user__password", "user__email_key", "-user__token_version", "1", "password", "*", "card.x"):
        answer = server.ask("GET", f"/api/contacts?{name}={value}", token=token)
        assert answer.status == 422 or answer.body == plain
