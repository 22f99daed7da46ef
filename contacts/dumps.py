"""The database as a part of a backup's archive: SQLite's file by its own online backup, PostgreSQL's tables by COPY.

What comes back is made a history of its own before anybody sees it: no number and no id that was given after
the backup, and is lost now, is given again.
"""

import contextlib
import fcntl
import os
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from psycopg2 import extensions

from accounts.models import Session, User
from contacts.models import Book, Contact, Group

SQLITE = "database.sqlite3"
COPY = "copy"  # the alias of a SQLite file that is not the live one

# Tokens and other programs hold their ids: one that was given to somebody else since would speak for them.
HELD = [model._meta.db_table for model in (User, Session, Contact, Group)]
ID_GAP = 10**8  # more ids than were given since any backup


def put(archive: zipfile.ZipFile, folder: Path) -> dict[str, Any]:
    """What the manifest says of it; `folder` takes what is needed meanwhile."""
    return put_sqlite(archive, folder) if connection.vendor == "sqlite" else put_postgresql(archive)


def take(archive: zipfile.ZipFile) -> None:
    """In one step, which servers that run see whole or not at all."""
    take_sqlite(archive) if connection.vendor == "sqlite" else take_postgresql(archive)


def described(alias: str = DEFAULT_DB_ALIAS) -> dict[str, Any]:
    applied = MigrationRecorder(connections[alias]).applied_migrations()
    return {"stack": connection.vendor, "migrations": sorted(f"{app}.{name}" for app, name in applied)}


def members(manifest: dict[str, Any]) -> list[str]:
    return [SQLITE] if manifest["stack"] == "sqlite" else [member(table) for table in manifest["tables"]]


def member(table: str) -> str:
    return f"tables/{table}"


def tables() -> list[str]:
    return sorted(connection.introspection.table_names())


@contextlib.contextmanager
def workshop(path: Path) -> Iterator[Path]:
    """An empty folder beside the file, for us alone; what one that was killed has left there goes."""
    folder = path.with_name(f"{path.name}.part")
    folder.mkdir(mode=0o700, exist_ok=True)
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(f"Another one is at work in {folder}.") from None
        for left in folder.iterdir():
            left.unlink()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(held)


# SQLite


def put_sqlite(archive: zipfile.ZipFile, folder: Path) -> dict[str, Any]:
    copy = folder / SQLITE
    with contextlib.closing(sqlite3.connect(copy)) as target:
        connection.ensure_connection()
        connection.connection.backup(target)
    with opened(copy):
        made = described(COPY) | {"tables": {table: count(table) for table in tables()}}
    archive.write(copy, SQLITE)
    copy.unlink()
    return made


def count(table: str) -> int:
    with connections[COPY].cursor() as cursor:
        cursor.execute(f'SELECT count(*) FROM "{table}"')  # noqa: S608 # nosec B608
        return cursor.fetchone()[0]


@contextlib.contextmanager
def opened(copy: Path) -> Iterator[None]:
    """The file as a database of Django's, under the alias COPY; sqlite3.DatabaseError if it is damaged."""
    connections[COPY] = type(connections[DEFAULT_DB_ALIAS])({**connection.settings_dict, "NAME": copy}, COPY)
    try:
        with connections[COPY].cursor() as cursor:
            cursor.execute("PRAGMA integrity_check")
            if (found := cursor.fetchone()[0]) != "ok":
                raise sqlite3.DatabaseError(f"the database is damaged: {found}")
        yield
    finally:
        connections[COPY].close()
        del connections[COPY]


@contextlib.contextmanager
def extracted(archive: zipfile.ZipFile) -> Iterator[Path]:
    """The file out of the archive, opened as COPY; OSError if there is no room for it."""
    needed, free = archive.getinfo(SQLITE).file_size, shutil.disk_usage(settings.VAR_DIR).free
    if needed > free:
        raise OSError(f"it needs {needed:,} bytes in {settings.VAR_DIR}, where {free:,} are free")
    with workshop(settings.VAR_DIR / "restore") as folder:
        copy = Path(archive.extract(SQLITE, folder))
        with opened(copy):
            yield copy


def take_sqlite(archive: zipfile.ZipFile) -> None:
    """Page by page into the live file, in one transaction: servers that have it open see the new pages, and a
    file put in its place would leave them writing to the lost one."""
    with extracted(archive) as copy:
        Book.objects.db_manager(COPY).begin_new_epoch(timezone.now())
        skip_ids_of_sqlite()
        connections[COPY].close()
        connection.ensure_connection()
        with contextlib.closing(sqlite3.connect(copy)) as source:
            source.backup(connection.connection)


def skip_ids_of_sqlite() -> None:
    given, kept = last_ids(DEFAULT_DB_ALIAS), last_ids(COPY)
    with connections[COPY].cursor() as cursor:
        for table in HELD:
            last = max(given.get(table, 0), kept.get(table, 0)) + ID_GAP
            cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
            cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, last])


def last_ids(alias: str) -> dict[str, int]:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT name, seq FROM sqlite_sequence")
        return dict(cursor.fetchall())


# PostgreSQL


def put_postgresql(archive: zipfile.ZipFile) -> dict[str, Any]:
    locked = ", ".join(f'"{table}"' for table in tables())
    with copying() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        # Against migrations: what they do to a table is seen at once, whatever the transaction's moment.
        cursor.execute(f"LOCK TABLE {locked} IN ACCESS SHARE MODE")
        made = described() | {"tables": {}}
        for table in tables():
            with archive.open(member(table), "w", force_zip64=True) as file:
                cursor.copy_expert(f'COPY "{table}" ({columns(table)}) TO STDOUT', file)
            made["tables"][table] = cursor.rowcount
    return made


def take_postgresql(archive: zipfile.ZipFile) -> None:
    with copying() as cursor:
        cursor.execute("TRUNCATE " + ", ".join(f'"{table}"' for table in tables()))
        for table in tables():
            with archive.open(member(table)) as file:
                cursor.copy_expert(f'COPY "{table}" ({columns(table)}) FROM STDIN', file)
            skip_ids_of_postgresql(cursor, table)
        Book.objects.begin_new_epoch(timezone.now())


@contextlib.contextmanager
def copying() -> Iterator[Any]:
    """A transaction in which COPY works, however long it takes.

    psycopg2 has no COPY where it waits by a callback (contactbook/postgresql).
    """
    waiting = extensions.get_wait_callback()
    connection.close()
    extensions.set_wait_callback(None)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
            yield cursor.cursor
    finally:
        connection.close()
        extensions.set_wait_callback(waiting)


def columns(table: str) -> str:
    with connection.cursor() as cursor:
        names = [column.name for column in connection.introspection.get_table_description(cursor, table)]
    return ", ".join(f'"{name}"' for name in names)


def skip_ids_of_postgresql(cursor: Any, table: str) -> None:
    """TRUNCATE has left the sequence where the lost history brought it."""
    for sequence in connection.introspection.get_sequences(cursor, table):
        column = sequence["column"]
        cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [table, column])
        (name,) = cursor.fetchone()
        highest = f'GREATEST(pg_sequence_last_value(%s::regclass), (SELECT max("{column}") FROM "{table}"), 0)'  # noqa: S608 # nosec B608
        cursor.execute(f"SELECT setval(%s, {highest} + %s)", [name, name, ID_GAP if table in HELD else 1])
