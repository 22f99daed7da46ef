"""What is remembered between requests, and how a write makes all processes forget it.

Values (what a request must know of an account and of its book) are kept in Redis alone, where commands reach them
too; without it the database lies in the serving process itself, and is asked each time. Pages are kept on
both stacks, since they are shown only while the book's numbers are those that they were built from.

A writer marks the key before its commit: while the mark stands nobody believes or fills the key. After the
commit the writer takes the mark away, or puts the new value in its place. A reader who finds nothing leaves
a lease, reads the row, and fills only if the lease still stands: whoever read an old row cannot put it over
a newer state, however slow it was. A mark outlives any value, so that a writer killed after its commit
leaves nothing stale.

A value also names the epoch (breaker.py) that was read before its row, and is believed in that epoch alone:
so it does not matter that a mark cannot be left while Redis is away. Only plain JSON values are kept, never
rows or secrets.
"""

import contextlib
import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import orjson
from django.db import transaction
from redis.exceptions import RedisError

from contactbook.api.conditional import etag_of
from contactbook.api.renderers import as_json, json_list
from contactbook.cache import rate_limit as stores
from contactbook.cache.circuit_breaker import EPOCH, breaker, make_key, new_epoch
from contactbook.observability import metrics

SECONDS = 30  # how long a value may be believed, and how long a mark stands
LEASE_SECONDS = 5  # in which a reader has to have read its row
PAGE_SECONDS = 600
YEARS = 10**9  # seconds; an epoch ends by another one alone
LARGEST_PAGE = 256 * 1024  # bytes; what is larger is built anew each time
MARK, LEASE = b"write:", b"read:"

# What one trip to the store brought, by key; a key that is not in it was not asked for.
Said = Mapping[str, bytes | None]


def wanted(*keys: str) -> tuple[str, ...]:
    """The store's own keys for these, and for the epoch without which they mean nothing."""
    return tuple(map(make_key, (EPOCH, *keys))) if keys else ()


def said(keys: tuple[str, ...], values: stores.Values) -> Said:
    return dict(zip((EPOCH, *keys), values, strict=True)) if values else {}


def ask(*keys: str) -> Said:
    """Nothing while Redis is away."""
    with contextlib.suppress(RedisError):
        return said(keys, stores.shared.read(wanted(*keys))) if keys else {}
    return {}


def epoch_in(known: Said) -> str:
    """A new one where there is none: Redis was emptied, or nobody has begun one yet. A process's memory has none."""
    if found := known[EPOCH]:
        return found.decode()
    if not stores.redis:
        return ""
    key = make_key(EPOCH)
    stores.redis.swap(key, None, str(new_epoch()).encode(), YEARS)
    return (stores.redis.read([key])[0] or b"").decode()


def is_free(raw: bytes | None) -> bool:
    """Nobody is writing what it stands for, or about to fill it."""
    return raw is None or not raw.startswith((MARK, LEASE))


def remembered(
    key: str, fetch: Callable[[], Any], known: Said | None = None, serves: Callable[[Any], bool] = lambda value: True
) -> Any:
    """The value under `key`, fetched anew where none is kept that can be believed and serves; None is never kept."""
    if not stores.redis:
        return fetch()
    known = known if known and key in known else ask(key)
    if not known:  # Redis is away
        return fetch()
    try:
        raw, epoch = known[key], epoch_in(known)
        kept_in, kept = orjson.loads(raw) if raw and is_free(raw) else (None, None)
        hit = kept_in == epoch and serves(kept)
        metrics.CACHE.labels("values", "hit" if hit else "miss").inc()
        if hit:
            return kept
        lease = leased(stores.redis, key, raw) if is_free(raw) else None
    except RedisError:
        return fetch()
    fetched = fetch()
    if lease and fetched is not None:
        with contextlib.suppress(RedisError):
            stores.redis.swap(make_key(key), lease, entry(epoch, fetched), SECONDS)
    return fetched


def entry(epoch: str, value: Any) -> bytes:
    return as_json([epoch, value])


def leased(redis: stores.Redis, key: str, raw: bytes | None) -> bytes | None:
    lease = LEASE + secrets.token_hex(8).encode()
    return lease if redis.swap(make_key(key), raw, lease, LEASE_SECONDS) else None


def mark(key: str) -> bytes:
    """Nobody believes or fills the key from now on, until the mark is `settled` or its time is over."""
    left = MARK + secrets.token_hex(8).encode()
    try:
        if stores.redis:
            stores.redis.put(make_key(key), left, SECONDS)
    except RedisError as error:
        breaker.fail(error)  # a new epoch does it, as soon as Redis answers
    return left


def settle(key: str, left: bytes, value: Any) -> None:
    """After the commit, the value that was written in the place of one's own mark.

    Only for a key whose writers hold a lock from the mark to the commit: so if the mark is another's, that
    one has written later.
    """
    with contextlib.suppress(RedisError):  # then the mark stands for its time
        if stores.redis:
            stores.redis.settle(make_key(key), left, make_key(EPOCH), as_json(value), SECONDS)


def forget(key: str) -> None:
    """Makes every process fetch `key` anew: from now on, and again from the end of this transaction."""
    mark(key)
    if transaction.get_connection().in_atomic_block:
        transaction.on_commit(lambda: drop(key))


def drop(key: str) -> None:
    try:
        if stores.redis:
            stores.redis.drop(make_key(key))
    except RedisError as error:
        breaker.fail(error)


class Page(NamedTuple):
    """A rendered answer: its JSON text, its ETag, and the headers that belong to it."""

    content: bytes
    etag: str
    headers: dict[str, str]


def page_key(owner: int, url: str) -> str:
    return f"page:{hashlib.sha256(f'{owner} {url}'.encode()).hexdigest()}"


def kept_page(key: str, basis: Any, known: Said) -> Page | None:
    """The page under `key` if it was built from the same: `basis` is JSON that changes with all that it shows."""
    head, _, content = (known.get(key) or b"[null,null,null,null]").partition(b"\n")
    epoch, built_from, etag, headers = orjson.loads(head)
    hit = etag and built_from == basis and epoch.encode() == (known[EPOCH] or b"")
    metrics.CACHE.labels("pages", "hit" if hit else "miss").inc()
    return Page(content, etag, headers) if hit else None


def keep_page(key: str, basis: Any, page: Page, known: Said) -> None:
    if not known or len(page.content) > LARGEST_PAGE:
        return
    with contextlib.suppress(RedisError):
        head = as_json([epoch_in(known), basis, page.etag, page.headers])
        stores.shared.offer(make_key(key), head + b"\n" + page.content, PAGE_SECONDS)


def rendered(data: Any, headers: dict[str, str] | None = None, etag: str = "") -> Page:
    content = as_json(data)
    return Page(content, etag or etag_of(content), headers or {})


def rendered_list(items: Iterable[Any]) -> Page:
    content = json_list(items)
    return Page(bytes(content), etag_of(content), {})
