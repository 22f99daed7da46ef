"""A rush of logins: nobody who asks for anything else waits behind it."""

import contextlib
import json
import socket
import urllib.parse
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest

from contactbook.serving import HASHES
from contactbook.tests.faults import until
from contactbook.tests.live import PASSWORD, serving
from contactbook.tests.test_metrics_live import numbers

RUSH = 80  # hashes, of which two at a time are made


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("server") / "var", RATE_LIMITS="*=0") as running:
        yield running


def login(email, *headers):
    form = urllib.parse.urlencode({"username": email, "password": PASSWORD})
    kind = "Content-Type: application/x-www-form-urlencoded"
    lines = ["POST /api/auth/login HTTP/1.1", "Host: 127.0.0.1", kind, f"Content-Length: {len(form)}", *headers]
    return "\r\n".join([*lines, "", form]).encode()


def connected(server):
    return socket.create_connection(("127.0.0.1", int(server.env["PORT"])), timeout=60)


def begun(server, email):
    """A login that was sent, on a connection of its own."""
    connection = connected(server)
    connection.sendall(login(email, "Connection: close"))
    return connection


def answered(connection):
    with connection:
        return connection.makefile("rb").read()


def test_it_works(server):
    """Who asks after them is answered before most of them, and all of them are let in."""
    email, token = server.sign_up()
    with ThreadPoolExecutor(RUSH) as pool:
        logins = [pool.submit(answered, begun(server, email)) for _ in range(RUSH)]
        assert server.ask("GET", "/api/contacts", token=token).status == 200
        waiting = sum(not each.done() for each in logins)
        answers = [each.result() for each in as_completed(logins)]
    assert waiting > RUSH / 2
    assert all(answer.startswith(b"HTTP/1.1 200") and b"access_token" in answer for answer in answers)


def test_a_connection_changes_lanes_with_its_requests(server):
    email, token = server.sign_up()
    asked = login(email)
    read = f"GET /api/contacts HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    with connected(server) as connection:
        answers = connection.makefile("rb")
        for request, shows in ((asked, "access_token"), (read, []), (asked, "access_token"), (asked + read, None)):
            connection.sendall(request)
            body = read_one(answers)
            assert shows is None or shows == body or shows in body
        assert read_one(answers) == []


def read_one(answers):
    assert answers.readline().startswith(b"HTTP/1.1 200")
    head = dict(line.lower().split(b": ", 1) for line in iter(lambda: answers.readline().strip(), b""))
    return json.loads(answers.read(int(head[b"content-length"])))


@pytest.mark.parametrize(
    ("line", "waits"),
    [
        ("POST /api/auth/login HTTP/1.1", True),
        ("POST /api/auth/signup/ HTTP/1.1", True),
        ("POST /api/me/password HTTP/1.1", True),
        ("DELETE /api/me HTTP/1.1", True),
        ("DELETE /api/me/ HTTP/1.1", True),
        ("POST /reset/abc HTTP/1.1", True),
        ("POST /admin/login/?next=/admin/ HTTP/1.1", True),
        ("DELETE /api/me/sessions/1 HTTP/1.1", False),
        ("GET /api/auth/refresh_token HTTP/1.1", False),
        ("POST /api/contacts HTTP/1.1", False),
        ("GET /reset/abc HTTP/1.1", False),
    ],
)
def test_what_waits_for_a_hash(line, waits):
    assert bool(HASHES.match(line.encode())) is waits


def test_processes_share_the_connections(server):
    """They are kept alive, so whoever accepts them answers all their requests."""
    if server.env["WEB_CONCURRENCY"] == "1":
        pytest.skip("one process serves the embedded stack")
    for _ in range(3):
        with contextlib.ExitStack() as stack:
            until(lambda: sum(numbers(server, "contactbook_connections").values()) <= 1)
            for _ in range(20):
                stack.enter_context(connected(server))
            until(lambda: sum(numbers(server, "contactbook_connections").values()) >= 20)
            assert min(numbers(server, "contactbook_connections").values()) >= 7


def test_who_waits_when_the_server_stops_is_still_let_in(server):
    email, _ = server.sign_up()
    with ThreadPoolExecutor(20) as pool:
        logins = [pool.submit(answered, begun(server, email)) for _ in range(20)]
        until(lambda: any(each.done() for each in logins))
        server.process.terminate()
        assert all(each.result().startswith(b"HTTP/1.1 200") for each in logins)
    assert server.process.wait(timeout=40) == 0
