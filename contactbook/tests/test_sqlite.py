"""SQLite under many writers: it is in the modes that we set, they take turns, and nobody is told that it is locked."""

import os
import sqlite3
import threading

import pytest
from django.db import OperationalError, connection, transaction

from accounts.models import Session
from contactbook.tests.faults import account, timed
from contactbook.tests.live import serving
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


def in_a_thread(work):
    """The thread, and what is set when it is done."""
    done = threading.Event()

    def run():
        work()
        connection.close()
        done.set()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, done


def fail():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        raise ZeroDivisionError


def write():
    with transaction.atomic():
        Session.objects.expired().delete()


def close():
    with transaction.atomic():
        connection.close()


@pytest.mark.parametrize("work", [fail, write, close])
def test_a_writer_waits_for_its_turn_and_gives_it_back(transactional_db, work):
    with connection.turn:
        thread, done = in_a_thread(work)
        assert not done.wait(0.2)
    thread.join(5)
    assert done.is_set() and not connection.turn.locked()


def test_a_turn_ends_before_what_waits_for_the_commit(transactional_db):
    with transaction.atomic():
        transaction.on_commit(lambda: held.append(connection.turn.locked()))
        held = [connection.turn.locked()]
    assert held == [True, False]


def test_who_cannot_begin_gives_the_turn_back(transactional_db, monkeypatch):
    connection.ensure_connection()
    with monkeypatch.context() as patch:
        patch.setattr(transaction.get_connection(), "transaction_mode", "AT ONCE")
        with pytest.raises(OperationalError), transaction.atomic():
            pass
    assert not connection.turn.locked()


def test_a_turn_survives_a_commit_that_fails_until_the_rollback(transactional_db, monkeypatch):
    def full():
        raise OperationalError("database or disk is full")

    with monkeypatch.context() as patch, pytest.raises(OperationalError), transaction.atomic():
        patch.setattr(transaction.get_connection(), "commit", full)
    assert not connection.turn.locked() and not connection.connection.in_transaction


def test_within_a_transaction_nobody_waits_for_a_turn(transactional_db, alice):
    with transaction.atomic(), Book.objects.writing(alice.pk, "test") as book:
        book.create({"name": {"full": "Ann"}})
        assert connection.turn.locked()
    assert Contact.objects.for_user(alice.pk).count() == 1 and not connection.turn.locked()


def test_who_waits_for_a_turn_in_vain_is_told_what_sqlite_would_say(transactional_db, monkeypatch):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.05)
    with connection.turn, pytest.raises(OperationalError, match="database is locked"), transaction.atomic():
        pass


def test_statements_mean_what_they_do_in_django(db):
    with connection.cursor() as cursor:
        for statement, given in [
            ("SELECT %s || '%%' || %s", ["a", "b"]),
            ("SELECT %(x)s || '%%' || %(y)s", {"y": "b", "x": "a"}),
            ("SELECT 'a%' || 'b'", None),
            ("SELECT 'a%%b'", []),
            ("SELECT 'a%%b'", {}),
        ]:
            cursor.execute(statement, given)
            assert cursor.fetchone()[0] == "a%b"


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
