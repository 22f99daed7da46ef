"""A deadline for every answer of PostgreSQL.

A stopped server and a network that drops packets send nothing, and libpq waits for them without end; the server's own
statement_timeout does not help. psycopg2's wait callback gives up, and psycopg2 then closes the connection.
"""

import contextlib
import select
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import psycopg2
from psycopg2 import extensions

ANSWER = 6.0  # seconds, more than statement_timeout: a server that works gives up by itself
seconds_to_wait: ContextVar[float] = ContextVar("seconds_to_wait", default=ANSWER)


@contextlib.contextmanager
def answer_within(seconds: float) -> Iterator[None]:
    """The deadline of each statement of this thread inside the block."""
    token = seconds_to_wait.set(seconds)
    try:
        yield
    finally:
        seconds_to_wait.reset(token)


def wait(connection: Any) -> None:
    deadline = time.monotonic() + seconds_to_wait.get()
    while (state := connection.poll()) != extensions.POLL_OK:
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN if state == extensions.POLL_READ else select.POLLOUT)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise psycopg2.OperationalError("The server did not answer in time.")


extensions.set_wait_callback(wait)
