"""nginx in front: what never reaches Django is refused in JSON, with the security headers."""

import json
import re

import pytest

from contactbook.tests.faults import account, until
from contactbook.tests.hostile import exchange, request
from contactbook.tests.live import serving
from contactbook.tests.nginx import needs_nginx, nginx
from contacts.tests.dav import basic, vcard

pytestmark = [needs_nginx, pytest.mark.one_stack]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("server") / "var", TRUSTED_PROXIES="1") as running:
        yield running


@pytest.fixture(scope="module")
def front(server):
    with nginx(server) as running:
        yield running


LINES = {
    "raw UTF-8 in a path": ("GET /api/contacts/Zoë".encode(), 400),
    "raw UTF-8 in a query": ("GET /api/contacts?q=Zoë".encode(), 400),
    "a long method": (b"X" * 50 + b" /api/contacts", 405),
    "a short method": (b"X /api/contacts", 405),
    "TRACE": (b"TRACE /api/contacts", 405),
    "a method in small letters": (b"get /api/contacts", 400),
    "a long path": (b"GET /" + b"a" * 9000, 414),
    "a long query": (b"GET /api/contacts?" + b"a=1&" * 3000, 414),
    "no path": (b"GET", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00", 400),
    "a control character": (b"GET /\x01", 400),
}
HEADERS = {
    "a long header": ([b"X-Long: " + b"a" * 9000], 431),
    "headers that are long together": ([b"X-%d: " % n + b"a" * 7000 for n in range(6)], 431),
    "a length that is no number": ([b"Content-Length: many"], 400),
    "a body that is too large": ([b"Content-Length: 99999999"], 413),
    "two hosts": ([b"Host: a.example"], 400),
}


def assert_refused(answer, status):
    assert answer is not None and answer.status == status
    assert answer.headers["Content-Type"] == "application/json"
    assert json.loads(answer.body).keys() == {"detail"}
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert len(answer.headers["X-Request-ID"]) == 32


@pytest.mark.parametrize("name", LINES)
def test_a_line_that_gunicorn_would_refuse_is_refused_in_json(front, name):
    line, status = LINES[name]
    assert_refused(exchange(front, request(line)), status)


@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_gunicorn_would_refuse_are_refused_in_json(front, name):
    headers, status = HEADERS[name]
    assert_refused(exchange(front, request(b"POST /api/contacts", *headers)), status)


@pytest.mark.parametrize(("path", "megabytes", "status"), [
    ("/api/imports", 50, 401), ("/api/imports/", 50, 401), ("/api/imports", 52, 413),
    ("/api/imports/1/apply", 12, 413), ("/api/contacts", 12, 413),
])  # fmt: skip
def test_a_file_of_contacts_may_be_larger_than_other_bodies(front, path, megabytes, status):
    for _ in range(3):
        assert front.ask("POST", path, bytes(megabytes * 1024 * 1024)).status == status


def test_many_headers_reach_the_application(front):
    answer = exchange(front, request(b"GET /api/contacts", *[b"X-%d: a" % number for number in range(500)]))
    assert answer.status == 401 and answer.headers["Content-Type"] == "application/json"


def test_bytes_in_headers_are_answered_in_json(front):
    for value in (b"\xff\xfe", "Zoë".encode(), b"", b"a\tb"):
        answer = exchange(front, request(b"GET /api/contacts", b"Accept-Language: " + value))
        assert answer.headers["Content-Type"] == "application/json", value


def test_no_query_and_no_personal_part_of_a_path_is_logged(front):
    for path in (
        "/api/contacts/Kanarienvogel",
        "/api/groups/Kanarienvogel",
        "/reset/Kanarienvogel",
        "/dav/addressbooks/1/contacts/Kanarienvogel.vcf",
        "/feeds/Kanarienvogel/birthdays.ics",
        "/reminders/off/Kanarienvogel",
        "/?q=Kanarienvogel",
    ):
        front.ask("GET", path)
    front.ask("GET", "/api/email/confirm/Kanarienvogel/?x=Kanarienvogel")
    front.ask("GET", "/last")
    until(lambda: "GET /last" in front.log.read_text())
    assert "Kanarienvogel" not in front.log.read_text()
    assert "GET /api/groups/…" in front.log.read_text()


def test_without_a_server_it_is_a_502_in_json(front, server):
    server.stop()
    try:
        answer = front.ask("GET", "/api/contacts")
        large = front.ask("POST", "/api/imports", bytes(50 * 1024 * 1024))
    finally:
        server.start()
    assert_refused(answer, 502)
    assert_refused(large, 502)
    assert answer.headers["Retry-After"] == "5"
    assert answer.headers["Strict-Transport-Security"] is None


def test_behind_tls_a_refusal_has_hsts(front):
    answer = front.ask("GET", "/metrics", headers={"X-Forwarded-Proto": "https"})
    assert_refused(answer, 404)
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_what_the_application_answers_passes_through(front, server):
    _, token = account(server)
    answer = front.ask("GET", "/api/contacts/nobody", token=token)
    assert (answer.status, answer.json()) == (404, {"detail": "Contact was not found"})
    etag = front.ask("GET", "/api/contacts", token=token).headers["ETag"]
    unchanged = front.ask("GET", "/api/contacts", token=token, headers={"If-None-Match": etag})
    assert unchanged.status == 304 and unchanged.headers["Content-Length"] is None


def test_the_methods_of_carddav_and_a_card_of_10_megabytes_pass_through(front, server):
    email, token = account(server)
    password = server.ask("POST", "/api/me/app_passwords", {"name": "x"}, token).json()["password"]
    login = {"Authorization": basic(email, password), "Depth": "0"}
    assert front.ask("PROPFIND", "/.well-known/carddav").headers["Location"] == "/dav/"
    assert front.ask("PROPFIND", "/").status == 401
    for method, path, status in (("PROPFIND", "/", 207), ("OPTIONS", "/dav/", 200), ("PROPPATCH", "/dav/", 400)):
        assert front.ask(method, path, headers=login).status == status
    principal = front.ask("PROPFIND", "/dav/principals/", headers={**login, "Depth": "1"}).body.decode()
    user_id = re.search(r"/dav/principals/(\d+)/", principal)[1]
    card = vcard(more=f"NOTE:{'x' * 100}\r\n").encode()
    path = f"/dav/addressbooks/{user_id}/contacts/a.vcf"
    headers = {**login, "Content-Type": "text/vcard"}
    assert front.ask("PUT", path, card, headers=headers).status == 201
    too_large = front.ask("PUT", path, b"x" * (10 * 1024 * 1024 + 1), headers=headers)
    assert too_large.status == 413 and b"max-resource-size" in too_large.body
    assert front.ask("DELETE", path, headers=login).status == 204
