"""Backup of the database and the pictures in one zip file, made and restored while servers run.

SQLite's database is copied by its online backup, PostgreSQL's tables by COPY; both copies are of one moment.
"""

import contextlib
import fcntl
import json
import os
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from psycopg2 import extensions

from accounts.models import AppPassword, Session, User
from contactbook.db.errors import first_line
from contacts.avatars.references import NAME
from contacts.models import Book, Contact, Feed, Group, Import

FORMAT = 1
MANIFEST = "manifest.json"
LARGEST_MANIFEST = 64 * 1024 * 1024  # bytes; it names each picture
DATABASE = "database.sqlite3"
UPLOAD_SECONDS = 3600  # an older file of a picture is complete

# Ids of these tables are in tokens and in client programs. An id that was used after the backup must not be used for
# another row.
TABLES_WITH_PUBLIC_IDS = [model._meta.db_table for model in (User, Session, AppPassword, Contact, Group, Feed, Import)]
ID_GAP = 10**8  # more ids than were used since any backup


class BackupError(Exception):
    """The backup or restore failed; the message is a sentence for the operator."""


@contextlib.contextmanager
def errors_as_backup_error(outcome: str) -> Iterator[None]:
    """Raise any error inside the block as a BackupError that begins with the outcome."""
    try:
        yield
    except Exception as error:  # zipfile, json and two database drivers have a dozen classes for a damaged file
        raise BackupError(f"{outcome}: {first_line(error)}") from error


def backup(path: Path) -> dict[str, Any]:
    """Write the file completely or not at all, read it again, and return its manifest."""
    failure, path = errors_as_backup_error(f"{path} was not written"), path.resolve()  # a link stays a link
    with failure, staging_dir(path) as folder:
        if path.exists() and not path.is_file():  # root could replace a device
            raise ValueError("there is something else than a file of that name")
        require_tables()
        draft = folder / "backup.zip"
        write(draft, folder)
        manifest = read_manifest(draft)
        sync(draft)
        draft.replace(path)
        sync(path.absolute().parent)
    return manifest


def check(path: Path) -> dict[str, Any]:
    """Return the manifest of a file that is complete and can be restored to this installation."""
    with errors_as_backup_error(f"{path} cannot be restored"):
        manifest = read_manifest(path)
        if manifest["stack"] != connection.vendor:
            raise ValueError(f"its database is {manifest['stack']}, and this installation's is {connection.vendor}")
        require_tables()
        with connection.cursor() as cursor:
            if manifest["migrations"] != applied_migrations(cursor):
                raise ValueError(f"it is of version {manifest['version']}: migrate to that one, restore, then upgrade")
    return manifest


def restore(path: Path) -> None:
    """Add the pictures of the backup, then replace the database in one transaction."""
    check(path)
    target = settings.VAR_DIR / "restore"
    failure = errors_as_backup_error("Nothing was changed")
    with failure, zipfile.ZipFile(path) as archive, staging_dir(target) as folder:
        restore_pictures(archive)
        load_sqlite(archive, folder) if connection.vendor == "sqlite" else load_postgresql(archive)


@contextlib.contextmanager
def staging_dir(path: Path) -> Iterator[Path]:
    """Yield an empty private folder beside `path`; files that a killed process left in it are deleted."""
    folder = path.with_name(f"{path.name}.part")
    folder.mkdir(mode=0o700, exist_ok=True)
    with contextlib.ExitStack() as stack:
        lock = os.open(folder, os.O_DIRECTORY | os.O_NOFOLLOW)
        stack.callback(os.close, lock)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(f"Another process is using {folder}.") from None
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        for file in folder.iterdir():
            file.unlink()
        yield folder


def sync(path: Path) -> None:
    """Write a file, or the names in a folder, to disk, so that they survive a power cut."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def write(draft: Path, folder: Path) -> None:
    """Write the zip file.

    Pictures are added before the database, since some may be deleted while it is copied, and after it, since new ones
    are uploaded meanwhile.
    """
    now = timezone.now()
    manifest = {"format": FORMAT, "version": settings.SPECTACULAR_SETTINGS["VERSION"], "at": now.isoformat()}
    manifest["stack"] = connection.vendor
    draft.touch(0o600, exist_ok=False)
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False) as archive:
        add_pictures(archive, now.timestamp() - UPLOAD_SECONDS)
        dump = dump_sqlite(archive, folder) if connection.vendor == "sqlite" else dump_postgresql(archive)
        add_pictures(archive, float("inf"))
        archive.writestr(MANIFEST, json.dumps(manifest | dump | {"members": archive.namelist()}))


def read_manifest(path: Path) -> dict[str, Any]:
    """Return the manifest, after every member was read and compared with its checksum."""
    with zipfile.ZipFile(path) as archive, archive.open(MANIFEST) as file:
        manifest: dict[str, Any] = json.loads(file.read(LARGEST_MANIFEST))
        if manifest["format"] != FORMAT:
            raise ValueError(f"its format is {manifest['format']}, and this version reads {FORMAT}")
        if missing := {"version", "at", "stack", "migrations", "rows"} - manifest.keys():
            raise ValueError(f"its manifest has no {', '.join(missing)}")
        if archive.namelist() != [*manifest["members"], MANIFEST]:
            raise ValueError("it has other members than its manifest names")
        if damaged := archive.testzip():
            raise ValueError(f"{damaged} is damaged")
    return manifest


def add_pictures(archive: zipfile.ZipFile, before: float) -> None:
    """Add the pictures that are not in the archive yet and were written `before`, in seconds since 1970."""
    added = set(archive.namelist())
    for file in sorted((settings.MEDIA_ROOT / "avatars").glob("*.jpg")):
        if NAME.fullmatch(file.name) and f"avatars/{file.name}" not in added:
            with contextlib.suppress(FileNotFoundError):  # deleted meanwhile, so no contact names it
                if file.stat().st_mtime < before:
                    archive.write(file, f"avatars/{file.name}", zipfile.ZIP_STORED)


def restore_pictures(archive: zipfile.ZipFile) -> None:
    """Add the pictures that are missing or damaged here, each completely or not at all."""
    folder = settings.MEDIA_ROOT / "avatars"
    folder.mkdir(parents=True, exist_ok=True)
    for member in archive.namelist():
        start, slash, name = member.partition("/")
        if (start, slash) == ("avatars", "/") and NAME.fullmatch(name):
            target, content = folder / name, archive.read(member)
            if not target.exists() or target.read_bytes() != content:
                draft = target.with_suffix(".part")
                draft.write_bytes(content)
                sync(draft)
                draft.replace(target)


def tables() -> list[str]:
    return sorted(connection.introspection.table_names())


def require_tables() -> None:
    if "django_migrations" not in tables():
        raise ValueError("the database of this installation is empty: run manage.py migrate first")


def columns(table: str) -> str:
    """Return the columns, sorted: their order may differ between two databases with the same migrations."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_table_description(cursor, table)
    return ", ".join(sorted(f'"{column.name}"' for column in found))


def applied_migrations(cursor: Any) -> list[str]:
    cursor.execute("SELECT app, name FROM django_migrations")
    return sorted(f"{app}.{name}" for app, name in cursor.fetchall())


def dump_sqlite(archive: zipfile.ZipFile, folder: Path) -> dict[str, Any]:
    with contextlib.closing(sqlite3.connect(folder / DATABASE)) as copy:
        connection.ensure_connection()
        connection.connection.backup(copy)
        require_integrity(copy.cursor(), "main")
        migrations = applied_migrations(copy.cursor())
        rows = sum(copy.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0] for table in tables())  # noqa: S608 # nosec B608
    archive.write(folder / DATABASE, DATABASE)
    return {"migrations": migrations, "rows": rows}


def require_integrity(cursor: Any, schema: str) -> None:
    cursor.execute(f"PRAGMA {schema}.integrity_check")
    if (found := cursor.fetchone()[0]) != "ok":
        raise sqlite3.DatabaseError(f"the database is damaged: {found}")


def load_sqlite(archive: zipfile.ZipFile, folder: Path) -> None:
    """Replace the rows of all tables. Running servers would go on with the old file if the file were replaced."""
    copy = archive.extract(DATABASE, folder)
    connection.ensure_connection()
    connection.disable_constraint_checking()  # like ATTACH not possible inside a transaction
    try:
        with connection.cursor() as cursor:
            cursor.execute("ATTACH DATABASE %s AS backup", [copy])
            require_integrity(cursor, "backup")
            with transaction.atomic():
                for table in tables():
                    names = columns(table)
                    cursor.execute(f'DELETE FROM main."{table}"')  # noqa: S608 # nosec B608
                    cursor.execute(f'INSERT INTO main."{table}" ({names}) SELECT {names} FROM backup."{table}"')  # noqa: S608 # nosec B608
                for table in TABLES_WITH_PUBLIC_IDS:  # each INSERT made its row in sqlite_sequence, even for no rows
                    cursor.execute("UPDATE sqlite_sequence SET seq = seq + %s WHERE name = %s", [ID_GAP, table])
                Book.objects.begin_new_epoch(timezone.now())
                connection.check_constraints()
    finally:
        connection.close()


@contextlib.contextmanager
def copy_transaction() -> Iterator[Any]:
    """Open a transaction without time limits and without the wait callback, with which psycopg2 has no COPY."""
    callback = extensions.get_wait_callback()
    connection.close()
    extensions.set_wait_callback(None)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
            yield cursor
    finally:
        connection.close()
        extensions.set_wait_callback(callback)


def dump_postgresql(archive: zipfile.ZipFile) -> dict[str, Any]:
    rows = 0
    with copy_transaction() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        # A snapshot does not include the schema, so migrations must wait.
        cursor.execute("LOCK TABLE " + ", ".join(f'"{table}"' for table in tables()) + " IN ACCESS SHARE MODE")
        migrations = applied_migrations(cursor)
        for table in tables():
            with archive.open(f"tables/{table}", "w", force_zip64=True) as file:
                cursor.copy_expert(f'COPY "{table}" ({columns(table)}) TO STDOUT', file)
            rows += cursor.rowcount
    return {"migrations": migrations, "rows": rows}


def load_postgresql(archive: zipfile.ZipFile) -> None:
    with copy_transaction() as cursor:
        # Writes lock their book first. In the alphabetical order of TRUNCATE a restore beside them ends in a deadlock.
        for model in (Book, User):
            cursor.execute(f'LOCK TABLE "{model._meta.db_table}" IN ACCESS EXCLUSIVE MODE')
        cursor.execute("TRUNCATE " + ", ".join(f'"{table}"' for table in tables()))  # sequences are not reset
        for table in tables():
            with archive.open(f"tables/{table}") as file:
                cursor.copy_expert(f'COPY "{table}" ({columns(table)}) FROM STDIN', file)
            gap = ID_GAP if table in TABLES_WITH_PUBLIC_IDS else 1
            for sequence in connection.introspection.get_sequences(cursor, table):
                name, column = sequence["name"], sequence["column"]
                highest = f'GREATEST(last_value, (SELECT max("{column}") FROM "{table}"))'  # noqa: S608 # nosec B608
                cursor.execute(f'SELECT setval(%s, {highest} + %s) FROM "{name}"', [f'"{name}"', gap])  # noqa: S608 # nosec B608
        Book.objects.begin_new_epoch(timezone.now())
