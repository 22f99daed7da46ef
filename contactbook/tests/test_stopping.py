"""SIGTERM: nobody is let in any more, and who was in is answered."""

import contextlib
import json
import os
import signal
import socket

import pytest

from contactbook.tests.chaos.stacks import workers
from contactbook.tests.faults import account, until
from contactbook.tests.live import serving

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


def half_a_request(server, token):
    """A creation whose last byte is not sent yet: a worker reads it, and waits."""
    connection = socket.create_connection(("127.0.0.1", int(server.env["PORT"])), timeout=20)
    head = (
        f"POST /api/contacts HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    )
    connection.sendall(head.encode() + BODY[:-1])
    return connection


def nobody_listens(server):
    with contextlib.suppress(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(server.env["PORT"])), timeout=2).close()
        return False
    return True


def test_it_works(server):
    """From the first moment new connections are refused, so that a proxy goes elsewhere at once."""
    _, token = account(server)
    with half_a_request(server, token) as connection:
        server.try_get("/healthz")  # the half was accepted before this
        os.kill(server.process.pid, signal.SIGTERM)
        until(lambda: nobody_listens(server), 10)
        assert server.process.poll() is None, "it waits for the request that it has begun to read"
        connection.sendall(BODY[-1:])
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 201")
    assert server.process.wait(timeout=40) == 0
    server.start()
    assert [contact["fullname"] for contact in server.ask("GET", "/api/contacts", token=token).json()] == ["Zoë"]


def test_it_ends_at_once_where_nobody_asks(server):
    os.kill(server.process.pid, signal.SIGTERM)
    assert server.process.wait(timeout=10) == 0


def test_workers_that_are_replaced_leave_the_others_listening(server):
    """SIGHUP: the new workers have the same socket as those that stop."""
    old = set(workers(server))
    os.kill(server.process.pid, signal.SIGHUP)
    until(lambda: not old & set(workers(server)) and len(workers(server)) == len(old), 40)
    # Who asks while the new ones still begin waits for them.
    assert [server.ask("GET", "/healthz").status for _ in range(20)] == [200] * 20
