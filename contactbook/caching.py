"""What is remembered between requests, and how a write makes all processes forget it.

A write leaves a tombstone in place of the value and a fill only ever adds: a reader who read the old
row cannot put it back over a newer state. A value also names the epoch (breaker.py) that was read before
its row, and is believed in that epoch alone: so it does not matter that a tombstone cannot be left while
Redis is away. Only plain JSON values are kept, never rows or secrets.
"""

import contextlib
import hashlib
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from django.core.cache import cache, caches
from django.db import transaction
from redis.exceptions import RedisError
from rest_framework.utils.encoders import JSONEncoder

from . import counting
from .breaker import EPOCH, breaker, new_epoch
from .conditional import etag_of

SECONDS = 30  # how long a value may be believed, and how long a tombstone stands against slow readers
TOMBSTONE = "gone"
pages = caches["pages"]
LARGEST_PAGE = 256 * 1024  # characters; what is larger is built anew each time


def remembered(key: str, fetch: Callable[[], Any]) -> Any:
    """The value under `key`, fetched anew while a tombstone stands there; None is never kept."""
    try:
        kept = cache.get_many([EPOCH, key])
        epoch = kept.get(EPOCH) or cache.get_or_set(EPOCH, new_epoch, None)
    except RedisError:
        return fetch()
    entry = kept.get(key)
    if entry and entry != TOMBSTONE and entry[0] == epoch:
        counting.count(counting.CACHE, "values", "hit")
        return entry[1]
    counting.count(counting.CACHE, "values", "miss")
    fetched = fetch()
    if entry is None and fetched is not None:
        with contextlib.suppress(RedisError):
            cache.add(key, [epoch, fetched], SECONDS)
    return fetched


def forget(key: str) -> None:
    """Makes every process fetch `key` anew: from now on, and again from the end of this transaction.

    The first tombstone covers a process killed between its commit and the second one.
    """
    leave_tombstone(key)
    if transaction.get_connection().in_atomic_block:
        transaction.on_commit(lambda: leave_tombstone(key))


def leave_tombstone(key: str) -> None:
    try:
        cache.set(key, TOMBSTONE, SECONDS)
    except RedisError as error:
        breaker.fail(error)  # a new epoch does it, as soon as Redis answers


class Page(NamedTuple):
    """A rendered answer: its JSON text, its ETag, and the headers that belong to it."""

    content: str
    etag: str
    headers: dict[str, str]


def hot_page(key: str, build: Callable[[], tuple[Any, dict[str, str]]]) -> Page:
    """The page under `key`, which names everything that it depends on; built and kept if it is not there."""
    key = f"page:{hashlib.sha256(key.encode()).hexdigest()}"
    kept = None
    with contextlib.suppress(RedisError):
        kept = pages.get(key)
    counting.count(counting.CACHE, "pages", "miss" if kept is None else "hit")
    if kept is None:
        data, headers = build()
        content = json.dumps(data, cls=JSONEncoder, ensure_ascii=False, separators=(",", ":"))
        kept = [content, etag_of(content.encode()), headers]
        if len(content) <= LARGEST_PAGE:
            with contextlib.suppress(RedisError):
                pages.set(key, kept)
    return Page(*kept)
