"""A whole installation in one zip file, taken while it serves, and back again.

The database is copied as of one moment (dumps.py). A picture's file is never changed once it is written: those that
are old enough to be purged meanwhile are copied before the database, the others after it, so that all that it
names are there.
"""

import contextlib
import json
import os
import shutil
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import django.db
import psycopg2
from django.conf import settings
from django.utils import timezone
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from contacts import dumps
from contacts.avatars.image import NAME

FORMAT = 1
MANIFEST = "manifest.json"
LARGEST_MANIFEST = 1024 * 1024  # bytes
CHUNK = 1024 * 1024
AVATARS = settings.MEDIA_ROOT / "avatars"
SETTLED = timedelta(hours=1)  # a file that old is written; purge_history leaves those of the last day

FAULTS: tuple[type[Exception], ...] = (OSError, sqlite3.Error, psycopg2.Error, django.db.Error, zipfile.BadZipFile)
# What zipfile and json let through where a file is broken.
DAMAGE = (AttributeError, EOFError, LookupError, RuntimeError, TypeError, ValueError, struct.error, zlib.error)


class BackupError(Exception):
    """The text is a sentence for the operator."""


@contextlib.contextmanager
def explained(outcome: str, errors: tuple[type[Exception], ...]) -> Iterator[None]:
    try:
        yield
    except errors as error:
        raise BackupError(f"{outcome}: {str(error).strip() or type(error).__name__}") from error


def backup(path: Path) -> dict[str, Any]:
    """Writes the file whole or not at all, reads it again, and returns its manifest."""
    with explained(f"{path} was not written", FAULTS):
        if path.is_dir():
            raise IsADirectoryError("There is a folder of that name.")
        with dumps.workshop(path) as folder:
            draft = folder / path.name
            made = write(draft, folder)
            read_again(draft)
            sync(draft)
            draft.replace(path)
            sync(path.absolute().parent)
    return made


def write(draft: Path, folder: Path) -> dict[str, Any]:
    at = timezone.now()
    with (
        open(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False) as archive,
    ):
        settled = put_avatars(archive, {name for name, age in avatars_here() if age > SETTLED.total_seconds()})
        made = {"format": FORMAT, "version": version(), "at": at.isoformat(), **dumps.put(archive, folder)}
        later = put_avatars(archive, {name for name, _ in avatars_here()} - settled)
        made["avatars"] = len(settled) + len(later)
        archive.writestr(MANIFEST, json.dumps(made, indent=1))
    return made


def version() -> str:
    return str(settings.SPECTACULAR_SETTINGS["VERSION"])


def avatars_here() -> Iterator[tuple[str, float]]:
    """Name and age in seconds."""
    now = timezone.now().timestamp()
    with contextlib.suppress(FileNotFoundError), os.scandir(AVATARS) as entries:
        for entry in entries:
            if NAME.fullmatch(entry.name):
                with contextlib.suppress(FileNotFoundError):
                    yield entry.name, now - entry.stat().st_mtime


def put_avatars(archive: zipfile.ZipFile, names: set[str]) -> set[str]:
    """Those of them that were there."""
    put = set()
    for name in sorted(names):
        with contextlib.suppress(FileNotFoundError):  # purged meanwhile, so nothing named it
            archive.write(AVATARS / name, f"avatars/{name}", zipfile.ZIP_STORED)
            put.add(name)
    return put


def sync(path: Path) -> None:
    """What was written there, a folder's names too, survives a power cut."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def check(path: Path) -> dict[str, Any]:
    """Its manifest, if it is whole: every byte can be read back and is what was written; else BackupError."""
    found = read_again(path)
    if found["stack"] == django.db.connection.vendor == "sqlite":
        with (
            explained(f"{path} could not be checked", FAULTS),
            zipfile.ZipFile(path) as archive,
            dumps.extracted(archive),
        ):
            pass
    return found


def read_again(path: Path) -> dict[str, Any]:
    with explained(f"{path} is no whole backup", FAULTS + DAMAGE), zipfile.ZipFile(path) as archive:
        found = manifest(archive)
        if found["format"] != FORMAT:
            raise BackupError(f"{path} is of another format, {found['format']}, than this version reads, {FORMAT}.")
        avatars = [name for name in archive.namelist() if NAME.fullmatch(name.removeprefix("avatars/"))]
        counted = {name: rows(archive, name) for name in archive.namelist()}
        if sorted(counted) != sorted([MANIFEST, *dumps.members(found), *avatars]) or len(avatars) != found["avatars"]:
            raise zipfile.BadZipFile("there is more in it, or less, than it says")
        if any(counted.get(dumps.member(table), rows) != rows for table, rows in found["tables"].items()):
            raise zipfile.BadZipFile("a table has more rows, or fewer, than it says")
    return found


def manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    if archive.getinfo(MANIFEST).file_size > LARGEST_MANIFEST:
        raise zipfile.BadZipFile(f"its {MANIFEST} is too large")
    found: dict[str, Any] = json.loads(archive.read(MANIFEST))
    return found


def rows(archive: zipfile.ZipFile, name: str) -> int:
    """How many lines a member has, which is read to its end, where its checksum is compared."""
    lines = 0
    with archive.open(name) as member:
        while chunk := member.read(CHUNK):
            lines += chunk.count(b"\n")
    return lines


def restore(path: Path) -> dict[str, Any]:
    """Puts everything back as it was; nothing is changed where the file does not fit this installation."""
    found = check(path)
    with explained("Nothing was changed", FAULTS), zipfile.ZipFile(path) as archive:
        require_fit(path, found)
        take_avatars(archive)
        dumps.take(archive)
    if settings.REDIS_URL:
        with contextlib.suppress(RedisError):  # then what is remembered is believed for half a minute
            get_redis_connection("default").begin_epoch()
    return found


def require_fit(path: Path, found: dict[str, Any]) -> None:
    here = dumps.described()
    if found["stack"] != here["stack"]:
        raise BackupError(f"{path} is of another stack: its database is {found['stack']}, and this is {here['stack']}.")
    if found["migrations"] != here["migrations"]:
        made_by = found.get("version", "?")
        raise BackupError(
            f"{path} is of another version, {made_by}: restore it with the one that made it, then upgrade."
        )


def take_avatars(archive: zipfile.ZipFile) -> None:
    """Adds those that are missing or damaged, each whole or not at all."""
    AVATARS.mkdir(parents=True, exist_ok=True)
    for info in archive.infolist():
        target = AVATARS / info.filename.removeprefix("avatars/")
        if NAME.fullmatch(target.name) and not is_same(target, info):
            draft = target.with_name(f".{target.name}.part")
            with archive.open(info) as source, draft.open("wb") as file:
                shutil.copyfileobj(source, file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)


def is_same(file: Path, info: zipfile.ZipInfo) -> bool:
    try:
        return file.stat().st_size == info.file_size and zlib.crc32(file.read_bytes()) == info.CRC
    except FileNotFoundError:
        return False
