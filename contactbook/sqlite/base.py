"""Django's SQLite backend, whose writers in a process take turns.

SQLite has one writer at a time and lets the others try again by a timer: whoever has just written comes first again,
and some wait for seconds. Here a transaction of this process waits for its turn before it begins.
"""

import functools
import os
import threading
from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base

TURNS: dict[str, threading.Lock] = {}  # of each file


@functools.lru_cache(maxsize=100)
def converted(query: str) -> str:
    """With SQLite's placeholders: the hottest statements are always the same."""
    return base.FORMAT_QMARK_REGEX.sub("?", query).replace("%%", "%")


class Cursor(base.SQLiteCursorWrapper):
    def convert_query(self, query: str, *, param_names: list[str] | None = None) -> str:
        return super().convert_query(query, param_names=param_names) if param_names else converted(query)


class DatabaseWrapper(base.DatabaseWrapper):
    has_turn = False

    def create_cursor(self, name: str | None = None) -> Any:
        return self.connection.cursor(factory=Cursor)

    @property
    def turn(self) -> threading.Lock:
        return TURNS.setdefault(str(self.settings_dict["NAME"]), threading.Lock())

    def _start_transaction_under_autocommit(self) -> None:
        if not self.has_turn and not self.turn.acquire(timeout=self.settings_dict["OPTIONS"]["timeout"]):
            raise OperationalError("database is locked")  # as SQLite says after that time
        self.has_turn = True
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self.end_turn()
            raise

    def end_turn(self) -> None:
        """Whoever is next begins before this thread goes on, which then works while that one waits for the disk."""
        if self.has_turn:
            self.has_turn = False
            self.turn.release()
            os.sched_yield()

    def commit(self) -> None:
        """Where it fails, a rollback follows. A turn ends before what waits for the commit is done."""
        super().commit()
        self.end_turn()

    def rollback(self) -> None:
        try:
            super().rollback()
        finally:
            self.end_turn()

    def close(self) -> None:
        try:
            super().close()
        finally:
            self.end_turn()
