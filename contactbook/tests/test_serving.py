"""The worker: nobody waits behind a rush of logins, nor behind who sends half a request, and all are answered whole."""

import contextlib
import json
import os
import signal
import socket
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest

from contactbook.serving import READING, STALLED, hashes
from contactbook.tests.faults import until
from contactbook.tests.live import PASSWORD, serving
from contactbook.tests.test_metrics_live import children, numbers

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


def read_one(answers, status=b"200"):
    assert answers.readline().startswith(b"HTTP/1.1 " + status)
    head = dict(line.lower().split(b": ", 1) for line in iter(lambda: answers.readline().strip(), b""))
    return json.loads(answers.read(int(head[b"content-length"])))


@pytest.mark.parametrize(
    ("line", "waits"),
    [
        ("POST /api/auth/login", True),
        ("POST /api/auth/signup/", True),
        ("POST /api/me/password", True),
        ("DELETE /api/me", True),
        ("DELETE /api/me/", True),
        ("POST /reset/abc", True),
        ("POST /admin/login/", True),
        ("POST //api/%61uth/login", True),
        ("DELETE /api/me/sessions/1", False),
        ("GET /api/auth/refresh_token", False),
        ("POST /api/contacts", False),
        ("GET /reset/abc", False),
    ],
)
def test_what_waits_for_a_hash(line, waits):
    assert hashes(*line.split()) is waits


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


@contextlib.contextmanager
def on_cores(cores):
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cores_of(pid):
    """Of all its threads together."""
    return set().union(*(os.sched_getaffinity(int(thread)) for thread in os.listdir(f"/proc/{pid}/task")))


def test_a_process_keeps_to_one_core_where_each_core_has_as_many(tmp_path):
    """Also the one that replaces it."""
    if "REDIS_URL" not in os.environ:
        pytest.skip("one process serves the embedded stack")
    cores = sorted(os.sched_getaffinity(0))[:2]
    own = [{core} for core in cores]
    with on_cores(cores), serving(tmp_path / "own", len(cores)) as server:
        for _ in range(3):
            until(lambda: sorted(map(cores_of, children(server)), key=min) == own)
            killed = children(server)[0]
            os.kill(killed, signal.SIGKILL)
            until(lambda killed=killed: killed not in children(server))
        assert cores_of(server.process.pid) == set(cores)
    with on_cores(cores), serving(tmp_path / "all", len(cores) + 1) as server:
        assert [cores_of(pid) for pid in children(server)] == [set(cores)] * (len(cores) + 1)


def asking(method, path, *headers, body=b""):
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def test_half_a_request_holds_no_thread(server):
    """Nor one of the two for hashes: more than all threads of all processes are asked by halves, and others go on."""
    email, token = server.sign_up()
    whole = login(email)
    with contextlib.ExitStack() as stack:
        halves = [stack.enter_context(connected(server)) for _ in range(60)]
        for number, connection in enumerate(halves):
            connection.sendall(whole[: (7, 60, len(whole) - 1)[number % 3]])
        assert server.ask("GET", "/api/contacts", token=token).status == 200
        assert answered(begun(server, email)).startswith(b"HTTP/1.1 200")
        for connection, number in zip(halves[:3], range(3), strict=True):
            connection.sendall(whole[(7, 60, len(whole) - 1)[number] :])
            assert "access_token" in read_one(connection.makefile("rb"))


def test_a_request_may_come_in_any_pieces(server):
    _, token = server.sign_up()
    body = json.dumps({"fullname": "Zoë", "additional": "x" * 40_000}).encode()
    whole = asking(
        "POST", "/api/contacts", f"Authorization: Bearer {token}", "Content-Type: application/json", body=body
    )
    with connected(server) as connection:
        answers = connection.makefile("rb")
        for size in (len(whole), 1000, 20_000):
            for start in range(0, len(whole), size):
                connection.sendall(whole[start : start + size])
            assert read_one(answers, b"201")["fullname"] == "Zoë"
    assert len(server.ask("GET", "/api/contacts", token=token).json()) == 3


def test_who_waits_to_be_asked_for_a_body_is_asked(server):
    """RFC 9110 section 10.1.1: the body follows only upon 100."""
    _, token = server.sign_up()
    body = b'{"fullname":"Zo\xc3\xab"}'
    headers = (f"Authorization: Bearer {token}", "Content-Type: application/json", "Expect: 100-continue")
    whole = asking("POST", "/api/contacts", *headers, body=body)
    with connected(server) as connection:
        connection.sendall(whole[: -len(body)])
        answers = connection.makefile("rb")
        assert answers.readline() == b"HTTP/1.1 100 Continue\r\n" and answers.readline() == b"\r\n"
        connection.sendall(body)
        assert read_one(answers, b"201")["fullname"] == "Zoë"


def test_an_answer_arrives_while_a_body_is_still_sent(server):
    """RFC 9112 section 9.6: a connection that is closed at once is reset, and the answer lost."""
    _, token = server.sign_up()
    for _ in range(5):
        with connected(server) as connection:
            kind = ("Content-Type: application/json", f"Authorization: Bearer {token}")
            connection.sendall(asking("POST", "/api/contacts", *kind, body=b"x" * 50_000_000)[:3_000_000])
            answers = connection.makefile("rb")
            assert answers.readline().startswith(b"HTTP/1.1 413")
            assert b'"detail"' in answers.read()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/9.9\r\n\r\n", b"400"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET /" + b"x" * 40_000, b"414"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
    ],
)
def test_what_is_no_request_is_told_so(server, sent, status):
    with connected(server) as connection:
        connection.sendall(sent)
        assert connection.makefile("rb").read().startswith(b"HTTP/1.1 " + status)


def test_who_keeps_a_connection_open_when_the_server_stops_is_told_that_it_ends(server):
    asked = asking("GET", "/healthz")
    with connected(server) as connection:
        answers = connection.makefile("rb")
        connection.sendall(asked)
        read_one(answers)
        server.process.terminate()
        until(lambda: refused(server))
        connection.sendall(asked)
        answer = answers.read()
    assert answer.startswith(b"HTTP/1.1 200") and b"\r\nConnection: close\r\n" in answer
    assert server.process.wait(timeout=40) == 0
    server.start()


def refused(server):
    with contextlib.suppress(ConnectionRefusedError):
        connected(server).close()
        return False
    return True


@pytest.mark.long
def test_who_is_too_slow_is_let_go(server):
    """A head and a small body, of which a part comes; a large body that stands still, and one that trickles."""
    parts = [b"GET / HT", asking("POST", "/api/auth/signup", body=b"{}")[:-1]]
    large = asking("POST", "/api/auth/signup", "Content-Type: application/json", body=b'"' + b"x" * 100_000)
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(connected(server)) for _ in range(4)]
        for connection, sent in zip(connections, [*parts, large[:40_000], large[:40_000]], strict=True):
            connection.sendall(sent)
        begun = time.monotonic()
        still, trickle = connections[2:]
        answer = still.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 4") and STALLED - 1 < time.monotonic() - begun < STALLED + 5
        for connection in connections[:2]:
            assert connection.recv(1) == b""
        assert READING - 1 < time.monotonic() - begun < READING + 5
        with contextlib.suppress(OSError):
            while time.monotonic() < begun + 3 * READING:
                trickle.sendall(b"x")
                time.sleep(0.2)
            pytest.fail("It is still waited for.")


@pytest.mark.long
def test_what_comes_too_late_is_no_request(server):
    """Behind a proxy it would be answered to somebody else."""
    large = asking("POST", "/api/auth/signup", "Content-Type: application/json", body=b'"' + b"x" * 100_000)
    with connected(server) as connection:
        connection.sendall(large[:40_000])
        time.sleep(STALLED - 0.5)
        answers = connection.makefile("rb")
        assert answers.readline().startswith(b"HTTP/1.1 4")
        with contextlib.suppress(OSError):
            connection.sendall(asking("GET", "/healthz") * 1000)
            assert b"HTTP/1.1" not in answers.read()


def test_who_waits_when_the_server_stops_is_still_let_in(server):
    email, _ = server.sign_up()
    with ThreadPoolExecutor(20) as pool:
        logins = [pool.submit(answered, begun(server, email)) for _ in range(20)]
        until(lambda: any(each.done() for each in logins))
        server.process.terminate()
        assert all(each.result().startswith(b"HTTP/1.1 200") for each in logins)
    assert server.process.wait(timeout=40) == 0
