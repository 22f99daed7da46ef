"""Django's PostgreSQL backend with a deadline for each statement, several hosts, and checked synchronous commits."""

from typing import Any

import psycopg2
from django.db import OperationalError
from django.db.backends.postgresql import base

from contactbook.db.postgresql.deadline import answer_within
from contactbook.db.postgresql.schema import DatabaseSchemaEditor
from contactbook.db.postgresql.validation import DatabaseValidation

CONNECT_TIMEOUT = 2.0  # seconds, to connect or to check a connection


class DatabaseWrapper(base.DatabaseWrapper):
    SchemaEditorClass = DatabaseSchemaEditor
    validation_class = DatabaseValidation
    last_host = 0  # index of the host that was connected to last; new connections try it first

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect to the first host that answers. Each has a deadline of its own, which libpq does not give it."""
        names, ports = (str(conn_params.get(name, "")).split(",") for name in ("host", "port"))
        if len(names) == 1:
            return self.connect_to(conn_params)
        hosts = [conn_params | {"host": name, "port": port} for name, port in zip(names, ports, strict=True)]
        first = DatabaseWrapper.last_host
        for index in [*range(first, len(hosts)), *range(first)]:
            try:
                connection = self.connect_to(hosts[index])
            except psycopg2.OperationalError as error:
                failure = error
            else:
                DatabaseWrapper.last_host = index
                return connection
        raise failure

    def connect_to(self, conn_params: dict[str, Any]) -> Any:
        with answer_within(CONNECT_TIMEOUT):
            return super().get_new_connection(conn_params)

    def is_usable(self) -> bool:
        with answer_within(CONNECT_TIMEOUT):
            return bool(super().is_usable())

    def commit(self) -> None:
        """Commit; OperationalError if no synchronous standby confirmed it, since a failover would lose the commit.

        PostgreSQL sends only a notice when the wait for the standby is cancelled.
        """
        if self.connection is not None:
            self.connection.notices.clear()
        super().commit()
        if self.connection is not None and self.connection.notices:
            raise OperationalError("The commit was not confirmed by a synchronous standby.")
