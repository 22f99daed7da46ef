"""SIGTERM: no connection is accepted any more, and each request that was accepted is answered."""

import contextlib
import json
import os
import signal
import socket
import threading

import pytest

from contactbook.tests.chaos.stacks import workers
from contactbook.tests.faults import account, until
from contactbook.tests.live import serving

pytestmark = pytest.mark.postgresql

BODY = json.dumps({"fullname": "Zoë"}).encode()


@pytest.fixture(scope="module")
def own_server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("server") / "var") as running:
        yield running


@pytest.fixture
def server(own_server):
    if own_server.process.poll() is not None:
        own_server.start()
    return own_server


def connect(server):
    return socket.create_connection(("127.0.0.1", int(server.env["PORT"])), timeout=20)


def half_a_request(server, token):
    """A creation whose last byte is not sent yet: a worker reads it, and waits."""
    connection = connect(server)
    head = (
        f"POST /api/contacts HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    )
    connection.sendall(head.encode() + BODY[:-1])
    return connection


def is_refused(server):
    with contextlib.suppress(ConnectionRefusedError):
        connect(server).close()
        return False
    return True


def test_connections_are_refused_at_once_and_accepted_requests_are_answered(server):
    """A proxy sends a request whose connection is refused to another instance at once."""
    _, token = account(server)
    with half_a_request(server, token) as connection:
        server.try_get("/healthz")  # the half was accepted before this
        os.kill(server.process.pid, signal.SIGTERM)
        until(lambda: is_refused(server), 10)
        assert server.process.poll() is None, "it waits for the request that it has begun to read"
        connection.sendall(BODY[-1:])
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 201")
    assert server.process.wait(timeout=40) == 0
    server.start()
    assert [contact["fullname"] for contact in server.ask("GET", "/api/contacts", token=token).json()] == ["Zoë"]


def test_a_request_on_an_open_connection_is_answered_and_told_that_the_connection_ends(server):
    request = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with connect(server) as connection, connection.makefile("rb") as answers:
        connection.sendall(request)
        until(lambda: answers.readline() == b"\r\n")
        assert answers.read(len(b'{"status": "up"}')) == b'{"status": "up"}'
        os.kill(server.process.pid, signal.SIGTERM)
        until(lambda: is_refused(server), 10)
        connection.sendall(request)
        answer = answers.read()
    assert answer.startswith(b"HTTP/1.1 200") and b"\r\nConnection: close\r\n" in answer
    assert server.process.wait(timeout=40) == 0


def test_every_connection_is_refused_or_answered(server):
    """Clients that open a connection for each request see no reset, which is what gunicorn issues 922 and 2409 are about."""
    seen = []

    def ask_until_refused():
        while True:
            try:
                with connect(server) as connection:
                    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                    seen.append(connection.makefile("rb").read()[:12])
            except ConnectionRefusedError:
                return
            except OSError as error:
                seen.append(type(error).__name__)

    threads = [threading.Thread(target=ask_until_refused) for _ in range(8)]
    [thread.start() for thread in threads]
    until(lambda: len(seen) > 50)
    os.kill(server.process.pid, signal.SIGTERM)
    [thread.join(30) for thread in threads]
    assert server.process.wait(timeout=40) == 0
    assert set(seen) == {b"HTTP/1.1 200"}


def test_it_ends_at_once_without_requests(server):
    os.kill(server.process.pid, signal.SIGTERM)
    assert server.process.wait(timeout=10) == 0
    assert "Traceback" not in server.log.read_text()


def test_workers_that_are_replaced_leave_the_others_listening(server):
    """SIGHUP: the new workers have the same socket as those that stop."""
    old = set(workers(server))
    os.kill(server.process.pid, signal.SIGHUP)
    until(lambda: not old & set(workers(server)) and len(workers(server)) == len(old), 40)
    # A request that comes while the new ones still begin waits for them.
    assert [server.ask("GET", "/healthz").status for _ in range(20)] == [200] * 20
