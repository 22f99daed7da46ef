"""A whole installation in one zip file, taken while it serves, and back again.

The database comes first, as of one moment: SQLite by its own online backup, PostgreSQL by COPY within one
REPEATABLE READ transaction. Avatar files are never changed once written, so those that the database
names are all there when they are copied after it.
"""

import contextlib
import json
import os
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from psycopg2 import extensions

FORMAT = 1
SQLITE = "database.sqlite3"
AVATARS = settings.MEDIA_ROOT / "avatars"


class BackupError(Exception):
    """The text is a sentence for the operator."""


def backup(path: Path) -> dict[str, Any]:
    """Writes the file whole or not at all, reads it again, and returns its manifest."""
    draft = path.with_name(path.name + ".part")
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            made = manifest() | {"tables": put_database(archive), "avatars": put_avatars(archive)}
            archive.writestr("manifest.json", json.dumps(made, indent=1))
        check(draft)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return made


def manifest() -> dict[str, Any]:
    applied = MigrationRecorder(connection).applied_migrations()
    return {
        "format": FORMAT,
        "stack": connection.vendor,
        "at": timezone.now().isoformat(),
        "migrations": sorted(f"{app}.{name}" for app, name in applied),
    }


def put_database(archive: zipfile.ZipFile) -> dict[str, int]:
    return put_sqlite(archive) if connection.vendor == "sqlite" else put_postgresql(archive)


def put_sqlite(archive: zipfile.ZipFile) -> dict[str, int]:
    with tempfile.TemporaryDirectory(dir=settings.VAR_DIR) as folder:
        copy = Path(folder) / SQLITE
        with contextlib.closing(sqlite3.connect(copy)) as target:
            connection.ensure_connection()
            connection.connection.backup(target)
            counts = {table: target.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0] for table in tables()}  # noqa: S608 # nosec B608
        archive.write(copy, SQLITE)
    return counts


def put_postgresql(archive: zipfile.ZipFile) -> dict[str, int]:
    with copying() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        counts = {}
        for table in tables():
            with archive.open(f"tables/{table}", "w", force_zip64=True) as member:
                cursor.copy_expert(f'COPY "{table}" ({columns(table)}) TO STDOUT', member)
            counts[table] = cursor.rowcount
    return counts


@contextlib.contextmanager
def copying() -> Iterator[Any]:
    """A transaction in which COPY works: psycopg2 has none where it waits by a callback (contactbook/postgresql)."""
    waiting = extensions.get_wait_callback()
    connection.close()
    extensions.set_wait_callback(None)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            yield cursor.cursor
    finally:
        connection.close()
        extensions.set_wait_callback(waiting)


def tables() -> list[str]:
    return sorted(connection.introspection.table_names())


def columns(table: str) -> str:
    with connection.cursor() as cursor:
        names = [column.name for column in connection.introspection.get_table_description(cursor, table)]
    return ", ".join(f'"{name}"' for name in names)


def put_avatars(archive: zipfile.ZipFile) -> int:
    files = sorted(AVATARS.glob("*.jpg")) if AVATARS.is_dir() else []
    for file in files:
        with contextlib.suppress(FileNotFoundError):  # purged meanwhile, so nothing names it
            archive.write(file, f"avatars/{file.name}")
    return len(files)


def check(path: Path) -> dict[str, Any]:
    """Its manifest, if every byte of it can be read back and is what was written; else BackupError."""
    try:
        with zipfile.ZipFile(path) as archive:
            if broken := archive.testzip():
                raise BackupError(f"{path}: {broken} is damaged.")
            found = json.loads(archive.read("manifest.json"))
            if found["stack"] == "sqlite":
                with extracted(archive) as copy, contextlib.closing(sqlite3.connect(copy)) as database:
                    if database.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                        raise BackupError(f"{path}: the database in it is damaged.")
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise BackupError(f"{path} is no backup that can be read ({error}).") from error
    return found


@contextlib.contextmanager
def extracted(archive: zipfile.ZipFile) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=settings.VAR_DIR) as folder:
        yield Path(archive.extract(SQLITE, folder))


def restore(path: Path) -> dict[str, Any]:
    """Puts everything back as it was; nothing is changed where the file does not fit this installation."""
    found = check(path)
    here = manifest()
    if found["format"] != FORMAT or found["stack"] != here["stack"]:
        raise BackupError(f"{path} is of another stack: {found['stack']}, and this is {here['stack']}.")
    if found["migrations"] != here["migrations"]:
        raise BackupError(f"{path} is of another version: restore it with the version that made it, then upgrade.")
    with zipfile.ZipFile(path) as archive:
        take_avatars(archive)
        take_sqlite(archive) if found["stack"] == "sqlite" else take_postgresql(archive)
    cache.clear()
    return found


def take_sqlite(archive: zipfile.ZipFile) -> None:
    with extracted(archive) as copy, contextlib.closing(sqlite3.connect(copy)) as source:
        connection.ensure_connection()
        source.backup(connection.connection)


def take_postgresql(archive: zipfile.ZipFile) -> None:
    with copying() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        names = ", ".join(f'"{table}"' for table in tables())
        cursor.execute(f"TRUNCATE {names}")
        for table in tables():
            with archive.open(f"tables/{table}") as member:
                cursor.copy_expert(f'COPY "{table}" ({columns(table)}) FROM STDIN', member)
        for statement in connection.ops.sequence_reset_sql(no_style(), all_models()):
            cursor.execute(statement)


def all_models() -> list[Any]:
    from django.apps import apps

    return apps.get_models(include_auto_created=True)


def take_avatars(archive: zipfile.ZipFile) -> None:
    """Adds those that are missing; one that is there is the same one, since names are random and files never change."""
    AVATARS.mkdir(parents=True, exist_ok=True)
    for name in archive.namelist():
        target = AVATARS / Path(name).name
        if name.startswith("avatars/") and not target.exists():
            with archive.open(name) as source, target.open("wb") as file:
                shutil.copyfileobj(source, file)
