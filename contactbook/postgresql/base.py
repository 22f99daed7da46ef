"""Django's PostgreSQL backend, which waits for no silent server.

A server that is stopped, or a network that swallows packets, answers nothing, not even its own
statement_timeout; libpq would wait for good. So psycopg2 waits here, with a deadline, after which the
connection is closed and the request is a 503.
"""

import contextlib
import select
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg2
from django.db.backends.postgresql import base
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from psycopg2 import extensions

ANSWER = 6.0  # seconds, more than statement_timeout: a server that works gives up by itself
CONNECT = 2.0  # to connect, or to see whether a connection is still good
MIGRATE = 24 * 3600.0

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


class DatabaseWrapper(base.DatabaseWrapper):
    SchemaEditorClass = SchemaEditor

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        with patience(CONNECT):
            return super().get_new_connection(conn_params)

    def is_usable(self) -> bool:
        """Asks the server only where it has something to say: that it, or the connection, is going away.

        Before each request a trip would otherwise be spent on what is nearly always so.
        """
        if not self.connection.closed and not poll_once(self.connection.fileno(), select.POLLIN, 0):
            return True
        with patience(CONNECT):
            return super().is_usable()
