import contextlib
from typing import Any

from django.db.backends.postgresql import schema

from contactbook.db.postgresql.deadline import answer_within

MIGRATE = 24 * 3600.0  # seconds


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    """Lets a statement of a migration run for a day. It still waits only lock_timeout for a lock that requests hold."""

    def __enter__(self) -> Any:
        self.patience = contextlib.ExitStack()
        self.patience.enter_context(answer_within(MIGRATE))
        editor = super().__enter__()
        if not self.collect_sql:
            self.execute(f"SET {'LOCAL ' if self.atomic_migration else ''}statement_timeout = 0")
        return editor

    def __exit__(self, *error: Any) -> None:
        with self.patience:
            super().__exit__(*error)
            if not self.collect_sql and not self.atomic_migration and error[0] is None:
                self.execute("RESET statement_timeout")
