"""Clients that send half of a request to nginx and wait, or go away: others are served, and nothing of them stays behind."""

import contextlib
import json
import os
import socket
import statistics
import struct
import uuid
from pathlib import Path

import psycopg2
import pytest

from contactbook.tests.chaos.stacks import workers
from contactbook.tests.faults import account, timed, until
from contactbook.tests.live import serving
from contactbook.tests.nginx import needs_nginx, nginx

pytestmark = [pytest.mark.postgresql, needs_nginx]
MANY = 400


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("server") / "var", TRUSTED_PROXIES="1") as running:
        yield running


@pytest.fixture(scope="module")
def front(server):
    with nginx(server) as running:
        yield running


@pytest.fixture(scope="module")
def token(server):
    return account(server)[1]


def head(token, length, method="POST"):
    return (
        f"{method} /api/contacts HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n"
    ).encode()


def body():
    return json.dumps({"fullname": f"slow {uuid.uuid4().hex}", "additional": "x" * 1000}).encode()


def send(server, text):
    connection = socket.create_connection(("127.0.0.1", int(server.env["PORT"])), timeout=20)
    connection.sendall(text)
    return connection


def reset(connection):
    """Closes it as a client does that has died: the server is told so whatever it is doing."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def half_heads(token):
    return head(token, 100)[:-40]


def half_bodies(token):
    text = body()
    return head(token, len(text)) + b"\r\n" + text[: len(text) // 2]


def processes(server):
    return [server.process.pid, *workers(server)]


def held(server):
    """Threads and open files (sockets are files, too) of the server's processes."""
    threads = sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in processes(server))
    return threads, sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in processes(server))


def database_connections(server):
    url = server.env.get("DATABASE_URL")
    if not url:
        return 0
    with contextlib.closing(psycopg2.connect(url)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return cursor.fetchone()[0]


def warm_up(front, token):
    """Every thread has been used, and has its connections."""
    connections = [send(front, head(token, 0, "GET") + b"\r\n") for _ in range(60)]
    for connection in connections:
        connection.recv(1)
        connection.close()


def healthy(front, token):
    """Twenty people who do as one does."""
    return [timed(lambda: front.ask("GET", "/api/contacts?limit=5", token=token)) for _ in range(20)]


@pytest.mark.parametrize("half", [half_heads, half_bodies])
def test_others_are_served_while_four_hundred_send_half_a_request(server, front, token, half):
    warm_up(front, token)
    before = held(server)
    with contextlib.ExitStack() as stack:
        for _ in range(MANY):
            stack.enter_context(send(front, half(token)))
        answers = healthy(front, token)
    assert {answer.status for answer, _ in answers} == {200}
    seconds = [seconds for _, seconds in answers]
    assert statistics.median(seconds) < 1 and max(seconds) < 3
    until(lambda: held(server)[0] <= before[0] and held(server)[1] <= before[1] + 8)


@pytest.mark.long
def test_one_that_sends_nothing_more_is_let_go(front, token):
    """After ten seconds without a byte."""
    with send(front, half_bodies(token)) as connection, pytest.raises(ConnectionResetError):
        connection.recv(1)


def broken_off(token):
    """In the middle of a body, and after all of it was sent."""
    text = body()
    whole = head(token, len(text)) + b"\r\n" + text
    return [whole[:-300], whole]


def names(server, token):
    return [contact["fullname"] for contact in server.ask("GET", "/api/contacts?limit=1000", token=token).json()]


def test_two_hundred_who_go_away_leave_nothing_behind(server, front):
    """A write of theirs is done or not, and never half."""
    _, token = account(server)
    warm_up(front, token)
    before, connected = held(server), database_connections(server)
    for number in range(200):
        reset(send(front, broken_off(token)[number % 2]))
    assert {answer.status for answer, _ in healthy(front, token)} == {200}
    # A thread that had nothing to do before has connections of its own by now, to the database and to Redis.
    until(lambda: held(server)[0] <= before[0] + 8 and held(server)[1] <= before[1] + 32)
    assert database_connections(server) <= connected + 8
    found = names(server, token)
    assert len(found) <= 100 and len(set(found)) == len(found)
    assert "Traceback" not in server.log.read_text()
