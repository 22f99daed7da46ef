"""SQLite under many writers: the modes of settings.py are in force, and nobody is told that the database is locked."""

import sqlite3
import threading

import pytest
from django.db import connection

from contactbook.tests.faults import account, timed
from contactbook.tests.live import serving

pytestmark = pytest.mark.one_stack


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("server") / "var") as running:
        yield running


def test_the_modes_are_in_force(db):
    with connection.cursor() as cursor:
        pragma = {}
        for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "cache_size"):
            cursor.execute(f"PRAGMA {name}")
            pragma[name] = cursor.fetchone()[0]
    assert (pragma["journal_mode"], pragma["synchronous"], pragma["foreign_keys"]) == ("wal", 2, 1)
    assert (pragma["busy_timeout"], pragma["cache_size"]) == (20_000, -256)
    assert connection.transaction_mode == "IMMEDIATE"


def test_sixteen_writers_are_all_served(server):
    tokens = [account(server)[1] for _ in range(4)]
    answers = []

    def write(token):
        for number in range(10):
            answers.append(server.ask("POST", "/api/contacts", {"fullname": str(number)}, token=token).status)

    threads = [threading.Thread(target=write, args=[tokens[n % 4]]) for n in range(16)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert answers == [201] * 160
    total = [server.ask("GET", "/api/contacts?limit=0", token=token).headers["X-Total-Count"] for token in tokens]
    assert total == ["40"] * 4


def hold(server, seconds):
    """Another program writes for that long."""
    held = threading.Event()

    def write():
        database = sqlite3.connect(server.folder / "contactbook.sqlite3", isolation_level=None)
        database.execute("BEGIN IMMEDIATE")
        held.set()
        threading.Event().wait(seconds)
        database.execute("ROLLBACK")
        database.close()

    thread = threading.Thread(target=write)
    thread.start()
    held.wait()
    return thread


def test_a_writer_waits_for_another_and_readers_do_not(server):
    _, token = account(server)
    thread = hold(server, 2)
    answer, seconds = timed(lambda: server.ask("GET", "/api/contacts", token=token))
    assert answer.status == 200 and seconds < 1
    assert server.ask("POST", "/api/contacts", {"fullname": "x"}, token=token).status == 201
    thread.join()


@pytest.mark.long
def test_one_busy_for_longer_than_twenty_seconds_is_a_503(server):
    _, token = account(server)
    thread = hold(server, 25)
    answer = server.ask("POST", "/api/contacts", {"fullname": "x"}, token=token, timeout=40)
    thread.join()
    assert (answer.status, answer.json()) == (503, {"detail": "The service is busy. Try again in a moment."})
    assert answer.headers["Retry-After"] == "5"
