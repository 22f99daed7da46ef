"""Writers in this process take turns where the database is SQLite, which has one at a time.

It lets the others try again by a timer: whoever has just written comes first again, and some wait for seconds.
"""

import contextlib
import threading
from collections.abc import Iterator

from django.db import OperationalError, transaction

WRITER = threading.Lock()


@contextlib.contextmanager
def atomic() -> Iterator[None]:
    """Django's, in turn. A turn ends with the commit, before what waits for that is done."""
    connection = transaction.get_connection()
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        with transaction.atomic():
            yield
        return
    if not WRITER.acquire(timeout=connection.settings_dict["OPTIONS"]["timeout"]):
        raise OperationalError("database is locked")  # as SQLite says after that time
    with contextlib.ExitStack() as turn:
        turn.callback(WRITER.release)
        with transaction.atomic():
            transaction.on_commit(turn.close)
            yield
