"""Django's PostgreSQL backend, which waits for no silent server.

A server that is stopped, or a network that swallows packets, answers nothing, not even its own
statement_timeout; libpq would wait for good. So psycopg2 waits here, with a deadline, after which the
connection is closed and the request is a 503.

Where DATABASE_URL names several hosts, each has its own time to answer: libpq, which is not asked to wait,
would spend all of it on the first, were that one silent.

And a transaction begins with its first statement, in one packet: psycopg2's own BEGIN is a trip of its own,
one of six in a write.
"""

import contextlib
import functools
import select
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg2
from django.core import checks
from django.db.backends.base.validation import BaseDatabaseValidation
from django.db.backends.postgresql import base
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from psycopg2 import extensions

ANSWER = 6.0  # seconds, more than statement_timeout: a server that works gives up by itself
CONNECT = 2.0  # to connect, or to see whether a connection is still good
MIGRATE = 24 * 3600.0
TIMEOUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")

current = threading.local()


@contextlib.contextmanager
def patience(seconds: float) -> Iterator[None]:
    """How long this thread waits, inside, for any one answer."""
    before = getattr(current, "seconds", ANSWER)
    current.seconds = seconds
    try:
        yield
    finally:
        current.seconds = before


def poll_once(file: int, event: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(file, event)
    return bool(poll.poll(max(0.0, seconds) * 1000))


def wait(connection: Any) -> None:
    deadline = time.monotonic() + getattr(current, "seconds", ANSWER)
    while (state := connection.poll()) != extensions.POLL_OK:
        event = select.POLLIN if state == extensions.POLL_READ else select.POLLOUT
        if not poll_once(connection.fileno(), event, deadline - time.monotonic()):
            raise psycopg2.OperationalError("The server did not answer in time.")


extensions.set_wait_callback(wait)


class SchemaEditor(DatabaseSchemaEditor):
    """A migration may take its time, though not while it waits for a lock that requests hold."""

    def __enter__(self) -> Any:
        self.unhurried = contextlib.ExitStack()
        self.unhurried.enter_context(patience(MIGRATE))
        editor = super().__enter__()
        if not self.collect_sql:
            self.execute(f"SET {'LOCAL ' if self.atomic_migration else ''}statement_timeout = 0")
        return editor

    def __exit__(self, *error: Any) -> None:
        with self.unhurried:
            super().__exit__(*error)
            if not self.collect_sql and not self.atomic_migration and error[0] is None:
                self.execute("RESET statement_timeout")
                self.execute("RESET lock_timeout")


class Validation(BaseDatabaseValidation):
    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """A pooler may drop the timeouts that settings.py asks for at the start of a connection."""
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT name FROM pg_settings WHERE name = ANY(%s) AND setting = '0'", [list(TIMEOUTS)])
            lost = sorted(name for (name,) in cursor.fetchall())
        if not lost:
            return []
        return [
            checks.Warning(
                f"Not in force: {', '.join(lost)}. A statement that hangs would hold its locks.",
                hint="Set them for the database's user, see PgBouncer in docs/operations/index.md.",
                id="contactbook.W001",
            )
        ]


def hosts(conn_params: dict[str, Any]) -> list[dict[str, Any]]:
    """The parameters for each of the hosts that `host=a,b port=1,2` names."""
    names, ports = (str(conn_params.get(name, "")).split(",") for name in ("host", "port"))
    if len(names) == 1:
        return [conn_params]
    return [conn_params | {"host": name, "port": port} for name, port in zip(names, ports, strict=True)]


class Connection(extensions.connection):
    """One that psycopg2 takes to commit each statement by itself."""

    atomic = False

    @property
    def is_in_transaction(self) -> bool:
        """As libpq knows it, without a trip."""
        status: int = self.get_transaction_status()
        return status != extensions.TRANSACTION_STATUS_IDLE

    @property
    def is_to_begin(self) -> bool:
        return self.atomic and not self.is_in_transaction


class Cursor(extensions.cursor):
    connection: Connection

    def execute(self, query: Any, parameters: Any = None) -> None:
        if self.connection.is_to_begin:
            text = query if isinstance(query, str) else self.mogrify(query).decode()
            query = f"BEGIN; {text}"
        super().execute(query, parameters)


def after_begin(name: str) -> Any:
    method = getattr(extensions.cursor, name)

    @functools.wraps(method)
    def begun(self: Cursor, *args: Any, **kwargs: Any) -> Any:
        if self.connection.is_to_begin:
            extensions.cursor.execute(self, "BEGIN")
        return method(self, *args, **kwargs)

    return begun


for name in ("executemany", "callproc", "copy_expert", "copy_from", "copy_to"):
    setattr(Cursor, name, after_begin(name))


class DatabaseWrapper(base.DatabaseWrapper):
    SchemaEditorClass = SchemaEditor
    validation_class = Validation
    answered = 0  # which of several hosts was the last to answer: threads ask it first

    def get_connection_params(self) -> dict[str, Any]:
        return {**super().get_connection_params(), "connection_factory": Connection, "cursor_factory": Cursor}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        places = hosts(conn_params)
        first = DatabaseWrapper.answered
        for number in [*range(first, len(places)), *range(first)]:
            try:
                with patience(CONNECT):
                    connection = super().get_new_connection(places[number])
            except psycopg2.OperationalError as error:
                failure = error
            else:
                DatabaseWrapper.answered = number
                return connection
        raise failure

    def is_usable(self) -> bool:
        """Asks the server only where it has something to say: that it, or the connection, is going away.

        Before each request a trip would otherwise be spent on what is nearly always so.
        """
        if not self.connection.closed and not poll_once(self.connection.fileno(), select.POLLIN, 0):
            return True
        with patience(CONNECT):
            return super().is_usable()

    def _set_autocommit(self, autocommit: bool) -> None:
        with self.wrap_database_errors:
            self.connection.autocommit = True  # an InterfaceError where it is lost
            if autocommit and self.connection.is_in_transaction:
                raise psycopg2.ProgrammingError("A transaction is open.")
            self.connection.atomic = not autocommit

    def _end(self, statement: str) -> None:
        with self.wrap_database_errors:
            if self.connection is not None and self.connection.is_in_transaction:
                with self.connection.cursor() as cursor:
                    cursor.execute(statement)

    def _rollback(self) -> None:
        self._end("ROLLBACK")

    def _commit(self) -> None:
        """Not done while a synchronous standby has not got it: a failover would lose what was acknowledged.

        Where an administrator cancels that wait, PostgreSQL says so in a mere warning.
        """
        if self.connection is not None:
            self.connection.notices.clear()
        self._end("COMMIT")
        if self.connection is not None and self.connection.notices:
            with self.wrap_database_errors:
                raise psycopg2.OperationalError(self.connection.notices[-1])
