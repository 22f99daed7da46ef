"""The response cache: rendered responses under keys that name everything they depend on.

A key names the version of the address book, which the request has just read from the database. So an entry cannot
be stale, and nothing is ever invalidated; old entries expire.
"""

import contextlib
import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.conf import settings
from django.core.cache import caches
from redis.exceptions import RedisError

from contactbook.observability import metrics

MAX_BYTES = 64 * 1024  # a larger response is not cached


class CachedResponse(NamedTuple):
    content: bytes  # JSON
    headers: dict[str, str]  # with ETag


def response_key(owner: int, *parts: Any, parameters: Mapping[str, Any]) -> str:
    """Return the digest of the release, the public URL, the owner, `parts` and the route's validated parameters."""
    named = [settings.RELEASE, settings.PUBLIC_URL, owner, *parts, sorted(parameters.items())]
    return hashlib.sha256(json.dumps(named, default=str).encode()).hexdigest()


def get(key: str) -> CachedResponse | None:
    entry = None
    with contextlib.suppress(RedisError):
        entry = caches["responses"].get(key)
    metrics.CACHE.labels("responses", "hit" if entry else "miss").inc()
    return CachedResponse(entry[0].encode(), entry[1]) if entry else None


def store(key: str, response: CachedResponse) -> None:
    if len(response.content) <= MAX_BYTES:
        with contextlib.suppress(RedisError):
            caches["responses"].set(key, (response.content.decode(), response.headers))
