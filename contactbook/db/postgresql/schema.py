import contextlib
from typing import Any

from django.db.backends.postgresql import schema

from contactbook.db.postgresql.deadline import answer_within

MIGRATION_TIMEOUT = 24 * 3600.0  # seconds


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    """Allows each statement of a migration a day. Its wait for locks stays limited by lock_timeout."""

    def __enter__(self) -> Any:
        self.deadline = contextlib.ExitStack()
        self.deadline.enter_context(answer_within(MIGRATION_TIMEOUT))
        editor = super().__enter__()
        if not self.collect_sql:
            self.execute(f"SET {'LOCAL ' if self.atomic_migration else ''}statement_timeout = 0")
        return editor

    def __exit__(self, *error: Any) -> None:
        with self.deadline:
            super().__exit__(*error)
            if not self.collect_sql and not self.atomic_migration and error[0] is None:
                self.execute("RESET statement_timeout")
