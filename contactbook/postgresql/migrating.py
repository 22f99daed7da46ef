"""Operations of migrations that run while requests write; on SQLite, which has no such need, the plain ones."""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
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


class AddIndexOnline(AddIndexConcurrently):
    """Without a lock that a write would wait for. The migration is not atomic, and can be run again after a failure."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if not is_postgresql(schema_editor):
            return migrations.AddIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)
        unfinished(schema_editor, self.index.name)
        return super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if not is_postgresql(schema_editor):
            return migrations.AddIndex.database_backwards(self, app_label, schema_editor, from_state, to_state)
        return super().database_backwards(app_label, schema_editor, from_state, to_state)


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
