"""Operations of migrations that run while requests write; on SQLite, which has no such need, the plain ones."""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations


def is_postgresql(schema_editor: Any) -> bool:
    return bool(schema_editor.connection.vendor == "postgresql")


class OnPostgreSQL(migrations.RunSQL):
    """Nothing on SQLite."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if is_postgresql(schema_editor):
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if is_postgresql(schema_editor):
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class Online:
    """Without a lock that a write would wait for. The migration is not atomic, and can be run again after a failure."""

    plain: Any
    online: Any
    index_name: Any

    def database_forwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        self.way(schema_editor).database_forwards(self, app_label, schema_editor, *states)

    def database_backwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        self.way(schema_editor).database_backwards(self, app_label, schema_editor, *states)

    def way(self, schema_editor: Any) -> Any:
        if not is_postgresql(schema_editor):
            return self.plain
        unfinished(schema_editor, self.index_name)
        return self.online


class AddIndexOnline(Online, AddIndexConcurrently):
    plain, online = migrations.AddIndex, AddIndexConcurrently

    @property
    def index_name(self) -> str:
        return self.index.name


class RemoveIndexOnline(Online, RemoveIndexConcurrently):
    plain, online = migrations.RemoveIndex, RemoveIndexConcurrently

    @property
    def index_name(self) -> str:
        return self.name


def unfinished(schema_editor: Any, index: str) -> None:
    """What an attempt that failed has left goes; and nobody waits for whom this one waits for."""
    schema_editor.execute("SET lock_timeout = 0")
    schema_editor.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{index}"')


class WithoutIndex(migrations.AlterField):
    """A foreign key loses its index, and nothing else: Django's own would check the whole table's keys anew."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        index = self.index_of(app_label, schema_editor, from_state)
        schema_editor.execute(f'DROP INDEX {"CONCURRENTLY " * is_postgresql(schema_editor)}IF EXISTS "{index}"')

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        schema_editor.execute(schema_editor._create_index_sql(model, fields=[model._meta.get_field(self.name)]))

    def index_of(self, app_label: str, schema_editor: Any, state: Any) -> str:
        model = state.apps.get_model(app_label, self.model_name)
        column = model._meta.get_field(self.name).column
        name: str = schema_editor._create_index_name(model._meta.db_table, [column])
        return name
