from typing import Any

from django.core import checks
from django.db.backends.base.validation import BaseDatabaseValidation

TIMEOUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


class DatabaseValidation(BaseDatabaseValidation):
    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """Return a warning if the timeouts of env/services.py are not in force: a connection pooler may drop them."""
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT name FROM pg_settings WHERE name = ANY(%s) AND setting = '0'", [list(TIMEOUTS)])
            missing = ", ".join(sorted(name for (name,) in cursor.fetchall()))
        message = f"Not in force: {missing}. A statement that hangs would keep its locks."
        hint = "Set them for the database user; see PgBouncer in docs/operations/index.md."
        return [checks.Warning(message, hint, id="contactbook.W001")] if missing else []
