"""On PostgreSQL a transaction begins with its first statement, whatever that is and however it goes."""

import os

import pytest
from django.db import DatabaseError, InterfaceError, connection, transaction
from psycopg2 import extensions, sql

from contactbook.compiled import run

pytestmark = [
    pytest.mark.skipif(not os.environ.get("DATABASE_URL"), reason="runs with the production stack"),
    pytest.mark.django_db(transaction=True),
]


class Undone(Exception):
    pass


@pytest.fixture
def table():
    """Of numbers."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE tried (number integer PRIMARY KEY)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE tried")


def numbers():
    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM tried ORDER BY number")
        return [number for (number,) in cursor.fetchall()]


def execute(statement, *given):
    with connection.cursor() as cursor:
        cursor.execute(statement, *given)


def is_open():
    return connection.connection.get_transaction_status() != extensions.TRANSACTION_STATUS_IDLE


INSERT = "INSERT INTO tried VALUES (%s)"
FIRST = {
    "a statement": lambda cursor: cursor.execute(INSERT, [1]),
    "one without parameters": lambda cursor: cursor.execute("INSERT INTO tried VALUES (1)"),
    "one in bytes": lambda cursor: cursor.cursor.execute(INSERT.encode(), [1]),
    "one that was composed": lambda cursor: cursor.cursor.execute(sql.SQL(INSERT), [1]),
    "many": lambda cursor: cursor.executemany(INSERT, [[1], [2]]),
    "several in one packet": lambda cursor: run((INSERT, [1]), (INSERT, [2])),
    "a savepoint": lambda cursor: transaction.savepoint(),
    "a function": lambda cursor: cursor.callproc("nextval", ["django_migrations_id_seq"]),
}


@pytest.mark.parametrize("first", FIRST.values(), ids=FIRST)
def test_all_or_nothing(table, first):
    with pytest.raises(Undone), transaction.atomic(), connection.cursor() as cursor:
        first(cursor)
        assert is_open()
        execute(INSERT, [7])
        raise Undone
    assert numbers() == [] and not is_open()
    with transaction.atomic(), connection.cursor() as cursor:
        first(cursor)
        execute(INSERT, [7])
    assert numbers()[-1] == 7 and not is_open()


def test_nothing_is_sent_where_nothing_is_done(table):
    with transaction.atomic():
        connection.ensure_connection()
        assert not is_open()
    assert not is_open() and numbers() == []


def test_a_first_statement_that_was_never_sent(table):
    """What is caught, and gone on after, is still inside."""
    with pytest.raises(Undone), transaction.atomic():
        with pytest.raises(TypeError):
            execute("INSERT INTO tried VALUES (%s)", [1, 2])
        execute(INSERT, [3])
        assert is_open()
        raise Undone
    assert numbers() == []


def test_a_first_statement_that_fails(table):
    execute(INSERT, [1])
    with pytest.raises(DatabaseError), transaction.atomic():
        execute(INSERT, [1])
    assert not is_open()
    with transaction.atomic():
        with pytest.raises(DatabaseError), transaction.atomic():
            execute(INSERT, [1])
        execute(INSERT, [2])
    assert numbers() == [1, 2]


def test_several_in_one_packet_go_together(table):
    execute(INSERT, [2])
    with pytest.raises(DatabaseError):
        run((INSERT, [1]), (INSERT, [2]))
    assert numbers() == [2]


def test_what_is_done_after_it(table):
    done = []
    with transaction.atomic():
        execute(INSERT, [1])
        transaction.on_commit(lambda: done.append(is_open()))
        with pytest.raises(Undone), transaction.atomic():
            execute(INSERT, [2])
            raise Undone
    execute(INSERT, [3])
    assert done == [False] and numbers() == [1, 3]


@pytest.mark.parametrize("first", [True, False])
def test_a_lost_connection(table, first):
    with pytest.raises(InterfaceError), transaction.atomic():
        if not first:
            execute(INSERT, [1])
        connection.connection.close()
        if first:
            execute(INSERT, [1])
    connection.close()  # as before the next request
    assert numbers() == []


def test_autocommit_by_hand(table):
    """psycopg2's own way is still there."""
    transaction.set_autocommit(False)
    try:
        execute(INSERT, [1])
        transaction.rollback()
        execute(INSERT, [2])
        transaction.commit()
        execute(INSERT, [3])
        with pytest.raises(DatabaseError):
            transaction.set_autocommit(True)
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)
    assert numbers() == [2]
