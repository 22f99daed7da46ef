"""Rate limits as sliding logs: no time span of a limit's length contains more requests than its count.

One atomic step decides and counts, so this is true for all processes and hosts and under any concurrency. (DRF's own
throttles read and then write, which lets 40 of 40 simultaneous requests through a limit of 10; a fixed window lets
twice the limit through at its edge.) The log is a sorted set in Redis. Without Redis, or while Redis does not
answer, it is a dict in the process.
"""

import contextlib
import hashlib
import math
import secrets
import threading
import time
from typing import Any, NamedTuple

from django.conf import settings
from django.core.cache import cache
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from contactbook.observability import metrics

# KEYS[1]: the log. ARGV: the limit, the span in seconds, the ticket (empty: nothing is counted). The time is Redis's.
# A ticket that is in the log already is counted once, as of now.
# Returns the number of requests in the log with this one (0: refused), and microseconds until the oldest leaves it.
ACQUIRE = """
local time = redis.call('TIME')
local now, span = time[1] * 1000000 + time[2], ARGV[2] * 1000000
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.0f', now), '+inf')) do
    redis.call('ZADD', KEYS[1], now, member)  -- the clock was set back: entries from the future count as of now
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now - span))
local counted = redis.call('ZCARD', KEYS[1])
local known = redis.call('ZSCORE', KEYS[1], ARGV[3])
if counted >= tonumber(ARGV[1]) and not known then counted = 0 elseif ARGV[3] ~= '' then
    redis.call('ZADD', KEYS[1], now, ARGV[3])
    redis.call('EXPIRE', KEYS[1], ARGV[2] + 1)
    counted = redis.call('ZCARD', KEYS[1])
else
    counted = counted + 1
end
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] or now
return {counted, tostring(oldest + span - now)}
"""


class RateLimitResult(NamedTuple):
    """Whether a request is allowed, and the values of its RateLimit headers; `reset` is in seconds."""

    allowed: bool
    limit: int
    remaining: int
    reset: float
    ticket: str  # identifies this request in the log, so that it can be refunded

    @property
    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(math.ceil(self.reset)),
        }


class ProcessLog:
    """The logs of this process, protected by a lock. Times are of the monotonic clock."""

    SWEEP_EVERY = 10_000  # requests, after which empty logs are deleted

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.entries: dict[str, dict[str, float]] = {}  # the times of tickets, oldest first
        self.spans: dict[str, int] = {}
        self.requests = 0

    def acquire(self, key: str, limit: int, span: int, ticket: str) -> tuple[int, float]:
        """Return the number of requests in the log (0: this one is refused), and seconds until the oldest leaves it."""
        with self.lock:
            now = time.monotonic()
            self.sweep(now)
            entries = self.entries.setdefault(key, {})
            self.spans[key] = span
            while entries and (oldest := next(iter(entries))) and entries[oldest] < now - span:
                del entries[oldest]
            refused = len(entries) >= limit and ticket not in entries
            if ticket and not refused:
                entries.pop(ticket, None)
                entries[ticket] = now
            reset = next(iter(entries.values()), now) + span - now
            return 0 if refused else len(entries) + (not ticket), reset

    def sweep(self, now: float) -> None:
        self.requests += 1
        if self.requests % self.SWEEP_EVERY == 0:
            for key in [k for k, e in self.entries.items() if not e or max(e.values()) < now - self.spans[k]]:
                del self.entries[key], self.spans[key]

    def refund(self, key: str, ticket: str) -> None:
        with self.lock:
            self.entries.get(key, {}).pop(ticket, None)

    def clear(self, key: str) -> None:
        with self.lock:
            self.entries.pop(key, None)
            self.spans.pop(key, None)


process_log = ProcessLog()


def redis_client() -> Any:
    return get_redis_connection("default")


def log_key(name: str, who: str) -> str:
    """Return the log's key. The client is hashed, so that no address can be read in Redis."""
    digest = hashlib.sha256(who.encode()).hexdigest()[:32]
    return str(cache.make_key(f"limit:{name}:{digest}"))


def acquire(name: str, who: str, ticket: str | None = None) -> RateLimitResult | None:
    """Count one request of `who` against the limit `name`; None if there is no such limit.

    Requests with the same `ticket` count once within the limit's span; by default each has its own.
    """
    ticket = secrets.token_hex(8) if ticket is None else ticket
    limit, span = settings.RATE_LIMITS[name]
    if not limit:
        return None
    counted, reset = acquire_in_log(log_key(name, who), limit, span, ticket)
    if not counted:
        metrics.LIMITS_HIT.labels(name).inc()
    remaining = limit - counted if counted else 0
    return RateLimitResult(counted > 0, limit, remaining, max(reset, 0.001), ticket)


def check(name: str, who: str) -> RateLimitResult | None:
    """Return what `acquire` would, and count nothing."""
    return acquire(name, who, ticket="")


def acquire_in_log(key: str, limit: int, span: int, ticket: str) -> tuple[int, float]:
    if settings.REDIS_URL:
        with contextlib.suppress(RedisError):
            counted, microseconds = redis_client().register_script(ACQUIRE)(keys=[key], args=[limit, span, ticket])
            return counted, float(microseconds) / 1_000_000
    return process_log.acquire(key, limit, span, ticket)


def refund(name: str, who: str, result: RateLimitResult | None) -> None:
    """Undo what one `acquire` counted."""
    if result is None:
        return
    key = log_key(name, who)
    process_log.refund(key, result.ticket)
    if settings.REDIS_URL:
        with contextlib.suppress(RedisError):  # then the request stays counted until its span is over
            redis_client().zrem(key, result.ticket)


def clear(name: str, who: str) -> None:
    """Empty the log of `who`."""
    key = log_key(name, who)
    process_log.clear(key)
    if settings.REDIS_URL:
        with contextlib.suppress(RedisError):
            redis_client().delete(key)
