"""Django's PostgreSQL backend with a deadline for every answer, several hosts, and commits that a standby has got."""

from typing import Any

import psycopg2
from django.db import OperationalError
from django.db.backends.postgresql import base

from contactbook.db.postgresql.deadline import answer_within
from contactbook.db.postgresql.schema import DatabaseSchemaEditor
from contactbook.db.postgresql.validation import DatabaseValidation

CONNECT = 2.0  # seconds to connect, or to check a connection


class DatabaseWrapper(base.DatabaseWrapper):
    SchemaEditorClass = DatabaseSchemaEditor
    validation_class = DatabaseValidation
    last_host = 0  # the index of the host that answered last: the next connection tries it first

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Gives each of several hosts its own deadline; libpq under a wait callback spends all of it on the first."""
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
        with answer_within(CONNECT):
            return super().get_new_connection(conn_params)

    def is_usable(self) -> bool:
        with answer_within(CONNECT):
            return bool(super().is_usable())

    def commit(self) -> None:
        """Fails where a synchronous standby has not got the commit: a failover would lose what was acknowledged.

        Where an administrator cancels the wait for the standby, PostgreSQL only sends a notice.
        """
        if self.connection is not None:
            self.connection.notices.clear()
        super().commit()
        if self.connection is not None and self.connection.notices:
            raise OperationalError("The commit was not confirmed by a synchronous standby.")
