"""A client-side deadline for each statement on PostgreSQL, by psycopg2's wait callback.

libpq waits forever for a server that is stopped or behind a network that drops packets, and statement_timeout needs a
working server. When the callback raises, psycopg2 closes the connection.
"""

import contextlib
import select
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import psycopg2
from psycopg2 import extensions

ANSWER_TIMEOUT = 6.0  # seconds; longer than statement_timeout, with which a working server cancels a statement
seconds_to_wait: ContextVar[float] = ContextVar("seconds_to_wait", default=ANSWER_TIMEOUT)


@contextlib.contextmanager
def answer_within(seconds: float) -> Iterator[None]:
    """Set the deadline for each statement of this thread inside the block."""
    token = seconds_to_wait.set(seconds)
    try:
        yield
    finally:
        seconds_to_wait.reset(token)


def wait(connection: Any) -> None:
    """Wait for the connection's answer, as psycopg2's wait callback; OperationalError after the deadline."""
    deadline = time.monotonic() + seconds_to_wait.get()
    while (state := connection.poll()) != extensions.POLL_OK:
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN if state == extensions.POLL_READ else select.POLLOUT)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise psycopg2.OperationalError("The server did not answer in time.")


extensions.set_wait_callback(wait)
