"""SQLite under many writers: it is in the modes that we set, they take turns, and nobody is told that it is locked."""

import os
import sqlite3
import threading

import pytest
from django.db import OperationalError, connection, transaction

from contactbook.tests.faults import account, timed
from contactbook.tests.live import serving
from contactbook.turns import WRITER, atomic
from contacts.models import Book, Contact

pytestmark = pytest.mark.skipif(bool(os.environ.get("DATABASE_URL")), reason="runs with the embedded stack")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("server") / "var") as running:
        yield running


def test_the_modes_are_in_force(db):
    with connection.cursor() as cursor:
        pragma = {}
        for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout"):
            cursor.execute(f"PRAGMA {name}")
            pragma[name] = cursor.fetchone()[0]
    assert pragma == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 20_000}
    assert connection.transaction_mode == "IMMEDIATE"


def test_a_writer_waits_for_its_turn_and_gives_it_back(transactional_db, alice):
    begun, done = threading.Event(), threading.Event()

    def write():
        begun.set()
        with pytest.raises(ZeroDivisionError), Book.objects.writing(alice.pk, "test"):
            raise ZeroDivisionError
        connection.close()
        done.set()

    thread = threading.Thread(target=write)
    with WRITER:
        thread.start()
        assert begun.wait(5) and not done.wait(0.2)
    thread.join(5)
    assert done.is_set() and not WRITER.locked()


def test_within_a_transaction_nobody_waits_for_a_turn(db, alice):
    """Whoever has it may wait for this very transaction."""
    with WRITER, transaction.atomic(), Book.objects.writing(alice.pk, "test") as book:
        book.create({"name": {"full": "Ann"}})
    assert Contact.objects.for_user(alice.pk).count() == 1


def test_who_waits_for_a_turn_in_vain_is_told_what_sqlite_would_say(transactional_db, monkeypatch):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.05)
    with WRITER, pytest.raises(OperationalError), atomic():
        pass


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
