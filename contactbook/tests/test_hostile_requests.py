"""Requests that no client would make, byte by byte to the running product: none is a 5xx, none stops it."""

import gzip
import http.client
import json
import socket
import urllib.parse
import zlib

import pytest

from contactbook.tests.faults import account
from contactbook.tests.hostile import in_the_contracts_shape
from contactbook.tests.live import Answer

JSON = "application/json"
MAX_BODY = 1024 * 1024


@pytest.fixture(scope="module")
def token(server):
    return account(server)[1]


@pytest.fixture(autouse=True)
def goes_on(server):
    yield
    assert server.ask("GET", "/healthz").status == 200


def exchange(server, raw, timeout=20):
    """What comes back for these very bytes; None where the connection is closed without an answer."""
    address = urllib.parse.urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=timeout) as connection:
        try:
            connection.sendall(raw)
            answer = http.client.HTTPResponse(connection, method=raw.partition(b" ")[0].decode("latin-1"))
            answer.begin()
            return Answer(answer.status, answer.headers, answer.read())
        except (ConnectionError, http.client.BadStatusLine):
            return None


def request(line, *headers, body=b""):
    head = [line + b" HTTP/1.1", b"Host: localhost", b"Connection: close", *headers]
    if body and not any(header.lower().startswith((b"content-length", b"transfer")) for header in headers):
        head.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(head) + b"\r\n\r\n" + body


@pytest.fixture
def post(server, token):
    """POSTs a body as a new contact; the answer is in the contract's shape."""

    def send(body, media=JSON, **headers):
        sent = {"Content-Type": media} | {name.replace("_", "-"): value for name, value in headers.items()}
        answer = server.ask("POST", "/api/contacts", body, token, sent)
        in_the_contracts_shape(answer.status, answer.headers["Content-Type"], answer.body)
        return answer

    return send


# Bodies


def test_it_works(post):
    assert post(b'{"fullname": "Ann"}').status == 201


def test_a_body_may_be_a_megabyte_and_no_more(post):
    whole = lambda size: b'{"fullname": "Ann"' + b" " * (size - 19) + b"}"  # noqa: E731
    assert post(whole(MAX_BODY)).status == 201
    assert post(whole(MAX_BODY + 1)).status == 413


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_nesting_is_bounded_by_a_fault_of_the_body(post, opening):
    closing = {b"[": b"]", b'{"a":': b"}", b'[{"a":': b"}]"}[opening]
    for levels in (50_000, 100_000):
        answer = post(opening * levels + b"1" + closing * levels)
        assert answer.status in (413, 422)
    assert post(opening * 50_000).status == 422, "not even closed"


def test_many_fields_and_items_are_ignored_or_refused_in_good_time(post):
    assert post(json.dumps({"fullname": "Ann"} | {f"f{n}": n for n in range(60_000)}).encode()).status == 201
    assert post(json.dumps([1] * 300_000).encode()).status == 422
    assert post(b'{"fullname": "Ann", ' + b", ".join(b'"fullname": "x"' for _ in range(50_000)) + b"}").status == 201


def test_the_last_of_equal_keys_counts(post):
    assert post(b'{"fullname": "Ann", "fullname": "Bea", "user_id": 1, "id": 7}').json()["fullname"] == "Bea"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "cp037"])
def test_another_encoding_is_no_json_whatever_it_says_of_itself(post, encoding):
    body = '{"fullname": "Änn"}'.encode(encoding)
    for media in (JSON, f"{JSON}; charset={encoding}", f"{JSON}; charset=utf-8"):
        assert post(body, media).status == 422


@pytest.mark.parametrize("charset", ["utf-16", "idna", "rot13", "zip", "base64", "undefined", "\xff", "x" * 1000, '"'])
def test_a_charset_changes_nothing(post, charset):
    assert post('{"fullname": "Änn"}'.encode(), f"{JSON}; charset={charset}").json()["fullname"] == "Änn"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "identity, gzip", "x-\xff"])
def test_a_compressed_body_is_not_unpacked(post, coding):
    """So there is no bomb in one. It is no JSON as it is, and a plain body stays one whatever is said of it."""
    bomb = b'{"fullname": "' + b"a" * 50_000_000 + b'"}'
    packed = gzip.compress(bomb, 1) if "gzip" in coding else zlib.compress(bomb, 1)
    assert len(packed) < MAX_BODY
    assert post(packed, Content_Encoding=coding).status == 422
    assert post(b'{"fullname": "Ann"}', Content_Encoding=coding).status == 201


@pytest.mark.parametrize(
    "media",
    [
        "", "text/plain", "text/html", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data",
        "multipart/form-data; boundary=b", "application/jsonp", "application/octet-stream", "application/merge-patch+json",
        "text/plain; application/json", "application/x-yaml", "application/vnd.api+json", "*/*", "application", ";", "\xff",
    ],
)  # fmt: skip
def test_another_type_of_body_is_415(post, media):
    """Also what a page elsewhere could send without asking first (CSRF): a form, or plain text."""
    assert post(b'{"fullname": "Ann"}', media).status in ({201, 415} if not media else {415})


CHUNKED = b"Transfer-Encoding: chunked"


@pytest.mark.parametrize(
    "raw",
    [
        b"13\r\n" + b'{"fullname": "Ann"}' + b"\r\n0\r\n\r\n",
        b"5\r\n{}\r\n0\r\n\r\n",
        b"ffffffffffffffff\r\nx",
        b"-1\r\nx\r\n0\r\n\r\n",
        b"0x5\r\n{}   \r\n0\r\n\r\n",
        b"5;" + b"a" * 100_000 + b"\r\n{}   \r\n0\r\n\r\n",
        b"zz\r\n\r\n",
    ],
)
def test_a_chunked_body_is_whole_or_refused(server, token, raw):
    auth = b"Authorization: Bearer " + token.encode()
    answer = exchange(
        server, request(b"POST /api/contacts", auth, CHUNKED, b"Content-Type: application/json", body=raw)
    )
    assert answer is None or answer.status in (400, 411, 422)


@pytest.mark.parametrize(
    "headers",
    [
        [b"Content-Length: 5", b"Content-Length: 6"],
        [b"Content-Length: 5", CHUNKED],
        [CHUNKED, b"Content-Length: 5"],
        [b"Content-Length: +5"],
        [b"Content-Length: -5"],
        [b"Content-Length: 5, 5"],
        [b"Content-Length: 99999999999999999999999999"],
        [b"Content-Length: 0x5"],
        [b"Content-Length:"],
        [b"Content-Length : 5"],
        [b"Transfer-Encoding: xchunked"],
        [b"Transfer-Encoding: chunked, identity"],
        [b"Transfer-Encoding:\x0bchunked"],
        [b"Transfer-Encoding: gzip, chunked"],
        [b"Content_Length: 100", b"Content-Length: 5"],
    ],
)
def test_lengths_that_disagree_smuggle_nothing(server, token, headers):
    """Behind the body stands a second request, which must never be answered as one."""
    hidden = b"GET /api/schema HTTP/1.1\r\nHost: localhost\r\n\r\n"
    auth = b"Authorization: Bearer " + token.encode()
    raw = request(b"POST /api/contacts", auth, b"Content-Type: application/json", *headers, body=b"0\r\n\r\n" + hidden)
    answer = exchange(server, raw)
    assert answer is None or answer.status in (400, 411, 413, 422, 501)
    assert answer is None or b"openapi" not in answer.body


# Lines and headers


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
    if answer and (path, answer.status) != ("/healthz", 200):
        assert answer.status in (301, 302, 400, 401, 403, 404, 405, 501), answer.status
    assert answer is None or b"X-Secret" not in answer.body


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
