"""An Idempotency-Key that is sent twelve times at once, and one whose first request was killed."""

import contextlib
import http.client
import sqlite3
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from contactbook.tests.live import serving

BATCH = {"items": [{"op": "create", "contact": {"fullname": f"C{i}"}} for i in range(300)]}


def post(server, token, key, body, path="/api/contacts/batch"):
    return server.ask("POST", path, body, token, {"Idempotency-Key": key})


def count(server, token):
    return int(server.ask("GET", "/api/contacts?limit=1", token=token).headers["X-Total-Count"])


def test_twelve_requests_at_once_with_one_key_are_done_once(server):
    _, token = server.sign_up()
    for n in range(1, 6):
        start, key = threading.Barrier(12), uuid.uuid4().hex

        def ask(start=start, key=key):
            start.wait()
            return post(server, token, key, {"fullname": "Ann"}, "/api/contacts")

        with ThreadPoolExecutor(12) as pool:
            answers = [future.result() for future in [pool.submit(ask) for _ in range(12)]]
        assert {answer.status for answer in answers} <= {201, 409}
        made = {
            (answer.body, answer.headers["ETag"], answer.headers["Location"])
            for answer in answers
            if answer.status == 201
        }
        assert len(made) == 1 and count(server, token) == n


@pytest.fixture
def own_server(tmp_path):
    with serving(tmp_path / "var") as running:
        yield running


@contextlib.contextmanager
def beside(server):
    """Yield a function that counts the answers committed in the server's database."""
    url = server.env.get("DATABASE_URL")
    connection = psycopg2.connect(url) if url else sqlite3.connect(server.folder / "contactbook.sqlite3", timeout=20)
    if url:
        connection.autocommit = True

    def answers():
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM contacts_idempotencyrecord")
        return cursor.fetchone()[0]

    try:
        yield answers
    finally:
        connection.close()


def kill_after_commit(server, token, key, answers):
    """Return whether the process died after its commit and before its answer."""
    before, got = answers(), []

    def ask():
        with contextlib.suppress(OSError, http.client.HTTPException):
            got.append(post(server, token, key, BATCH))

    asking = threading.Thread(target=ask)
    asking.start()
    deadline = time.monotonic() + 30
    while answers() == before and time.monotonic() < deadline:
        pass
    server.stop(9)
    asking.join()
    server.start()
    return not got


def kill_in_the_middle(server, token, key, seconds):
    asking = threading.Thread(target=quiet, args=(server, token, key))
    asking.start()
    time.sleep(seconds)
    server.stop(9)
    asking.join()
    server.start()


def quiet(server, token, key):
    with contextlib.suppress(OSError, http.client.HTTPException):
        post(server, token, key, BATCH)


def repeated(server, token, key):
    """Repeat the request until it is answered."""
    deadline = time.monotonic() + 30
    while True:
        answer = post(server, token, key, BATCH)
        if answer.status == 200 or time.monotonic() > deadline:
            return answer
        assert answer.status in (409, 503), answer
        time.sleep(0.2)


def ids(answer):
    return [(result["status"], result["contact"]["id"]) for result in answer.json()["results"]]


def check_kills(server, rounds):
    """Check that each batch is done once; return how often the server died between commit and answer."""
    _, token = server.sign_up()
    between, expected = 0, 0
    with beside(server) as answers:
        for n in range(rounds):
            key = uuid.uuid4().hex
            if n % 2:
                kill_in_the_middle(server, token, key, 0.05 * (n % 10))
            else:
                between += kill_after_commit(server, token, key, answers)
            answer = repeated(server, token, key)
            assert answer.status == 200 and len(answer.json()["results"]) == 300
            expected += 300
            assert count(server, token) == expected
            assert ids(repeated(server, token, key)) == ids(answer)  # an answer over 64 KB is stored as ids
    return between


@pytest.mark.postgresql
def test_a_repeat_after_the_process_was_killed_is_done_once(own_server):
    check_kills(own_server, 2)


@pytest.mark.long
def test_repeats_after_40_kills_are_done_once(own_server):
    assert check_kills(own_server, 40) > 0
