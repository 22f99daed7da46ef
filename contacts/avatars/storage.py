"""Storage of pictures in STORAGES["avatars"], which is a folder or Cloudinary."""

import logging
import secrets
import threading
from collections.abc import Iterator
from datetime import datetime

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from contacts.avatars.cloudinary import CloudinaryStorage
from contacts.avatars.image import MAX_BYTES
from contacts.avatars.references import NAME, name_of

logger = logging.getLogger(__name__)

# Threads of a process that may wait at once for a storage that does not answer.
STORING = threading.BoundedSemaphore(4)
MAX_WAIT = 0.5  # seconds


class StorageUnavailable(Exception):
    """The picture could not be stored, and nothing was changed; the client may try again later."""


def store(jpeg: bytes) -> str:
    """Store the picture and return its reference; StorageUnavailable on a failure.

    It may take 15 seconds, so it must not run in a transaction.
    """
    if not STORING.acquire(timeout=MAX_WAIT):
        raise StorageUnavailable("Too many pictures are waiting to be stored.")
    try:
        return _store(jpeg)
    finally:
        STORING.release()


def _store(jpeg: bytes) -> str:
    storage = storages["avatars"]
    name = f"{secrets.token_hex(16)}.jpg"
    try:
        return storage.url(storage.save(name, ContentFile(jpeg)))
    except OSError as error:
        logger.warning("Avatar %s was not stored: %.300r", name, error)
        if not isinstance(error, ConnectionError):
            _remove(storage, name)  # part of a file on a full disk, or stored although the answer was lost
        raise StorageUnavailable("Pictures cannot be stored at the moment.") from error


def delete(reference: str | None) -> None:
    """Delete the picture if `store` made it; never raises.

    Any owner can write the reference into a contact, so the caller first checks that no other contact has it.
    """
    storage = storages["avatars"]
    if name := _name_in(storage, reference):
        _remove(storage, name)


def stored_before(moment: datetime) -> Iterator[str]:
    """Yield the names of the pictures that were stored before then; OSError if they cannot be listed."""
    storage = storages["avatars"]
    if isinstance(storage, CloudinaryStorage):
        yield from filter(NAME.fullmatch, storage.stored_before(moment))
        return
    try:
        names = storage.listdir("")[1]
    except FileNotFoundError:
        return
    for name in names:
        if NAME.fullmatch(name) and storage.get_modified_time(name) < moment:
            yield name


def read(reference: str | None) -> bytes | None:
    """Return the picture of a reference that `store` returned; None for another text, or if it cannot be read now."""
    storage = storages["avatars"]
    name = _name_in(storage, reference)
    if name is None:
        return None
    try:
        with storage.open(name) as file:
            return file.read(MAX_BYTES)
    except OSError as error:
        logger.warning("Avatar %s could not be read: %.300r", name, error)
        return None


def _name_in(storage: Storage, reference: str | None) -> str | None:
    """Return the name of the picture that a reference stands for; None if `store` does not make such a reference."""
    name = name_of(reference or "")
    return name if NAME.fullmatch(name) and storage.url(name) == reference else None


def _remove(storage: Storage, name: str) -> None:
    try:
        storage.delete(name)
    except OSError as error:
        logger.warning("Avatar %s may be left over: %.300r", name, error)
