"""What is remembered between requests, and how a write makes all processes forget it.

A write leaves a tombstone in place of the value and a fill only ever adds: a reader who read the old
row cannot put it back over a newer state. Only plain JSON values are kept, never rows or secrets.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from django.core.cache import cache
from django.db import transaction
from rest_framework.utils.encoders import JSONEncoder

from .conditional import etag_of

SECONDS = 30  # how long a value may be believed, and how long a tombstone stands against slow readers
TOMBSTONE = "gone"


def remembered(key: str, fetch: Callable[[], Any]) -> Any:
    """The value under `key`, fetched anew while a tombstone stands there; None is never kept."""
    value = cache.get(key)
    if value is not None and value != TOMBSTONE:
        return value
    fetched = fetch()
    if value is None and fetched is not None:
        cache.add(key, fetched, SECONDS)
    return fetched


def forget(key: str) -> None:
    """Makes every process fetch `key` anew: from now on, and again from the end of this transaction.

    The first tombstone covers a process killed between its commit and the second one.
    """
    cache.set(key, TOMBSTONE, SECONDS)
    if transaction.get_connection().in_atomic_block:
        transaction.on_commit(lambda: cache.set(key, TOMBSTONE, SECONDS))


class Page(NamedTuple):
    """A rendered answer: its JSON text, its ETag, and the headers that belong to it."""

    content: str
    etag: str
    headers: dict[str, str]


def hot_page(key: str, build: Callable[[], tuple[Any, dict[str, str]]]) -> Page:
    """The page under `key`, which names everything that it depends on; built and kept if it is not there."""
    key = f"page:{hashlib.sha256(key.encode()).hexdigest()}"
    kept = cache.get(key)
    if kept is None:
        data, headers = build()
        content = json.dumps(data, cls=JSONEncoder, ensure_ascii=False, separators=(",", ":"))
        kept = [content, etag_of(content.encode()), headers]
        cache.set(key, kept)
    return Page(*kept)
