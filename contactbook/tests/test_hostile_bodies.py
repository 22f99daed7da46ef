"""Bodies that no client would send, to the running product: none is a 5xx, none is believed, none stops it."""

import gzip
import json
import zlib

import pytest

from contactbook.tests.faults import account
from contactbook.tests.hostile import exchange, in_the_contracts_shape, request

pytestmark = pytest.mark.postgresql

JSON = "application/json"
MAX_BODY = 1024 * 1024


@pytest.fixture(scope="module")
def token(server):
    return account(server)[1]


@pytest.fixture(autouse=True)
def goes_on(server):
    yield
    assert server.ask("GET", "/healthz").status == 200


@pytest.fixture
def post(server, token):
    """POSTs a body as a new contact; the answer is in the contract's shape."""

    def send(body, media=JSON, **headers):
        sent = {"Content-Type": media} | {name.replace("_", "-"): value for name, value in headers.items()}
        answer = server.ask("POST", "/api/contacts", body, token, sent)
        in_the_contracts_shape(answer.status, answer.headers["Content-Type"], answer.body)
        return answer

    return send


def test_a_plain_body_is_taken(post):
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


@pytest.mark.parametrize(("method", "path", "megabytes", "with_token", "status"), [
    ("POST", "/api/imports", 52, True, 413), ("POST", "/api/imports", 50, False, 401), ("PUT", "/dav/x", 14, False, 401),
    ("POST", "/api/contacts/1/avatar", 12, True, 413), ("POST", "/api/auth/login", 2, False, 413),
    ("POST", "/nothing", 20, False, 404),
])  # fmt: skip
def test_a_refused_upload_is_answered_to_a_client_that_sends_all_of_it(
    server, token, method, path, megabytes, with_token, status
):
    for _ in range(3):
        answer = server.ask(method, path, bytes(megabytes * 1024 * 1024), token if with_token else None)
        assert answer.status == status
