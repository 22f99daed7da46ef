from typing import Any

from django.core import checks
from django.db.backends.base.validation import BaseDatabaseValidation

TIMEOUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


class DatabaseValidation(BaseDatabaseValidation):
    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """Warns where the timeouts of settings.py are not in force: a pooler may drop them."""
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT name FROM pg_settings WHERE name = ANY(%s) AND setting = '0'", [list(TIMEOUTS)])
            lost = ", ".join(sorted(name for (name,) in cursor.fetchall()))
        message = f"Not in force: {lost}. A statement that hangs would hold its locks."
        hint = "Set them for the database's user, see PgBouncer in docs/operations/index.md."
        return [checks.Warning(message, hint, id="contactbook.W001")] if lost else []
