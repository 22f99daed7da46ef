"""Who the client is, and how often it may ask.

A limit is a sliding log: no span of its length ever holds more than its count, over all processes and
hosts, under any concurrency. One step decides and counts (DRF's own throttles read and then write, which
lets 40 of 40 simultaneous requests through a limit of 10; a fixed window lets twice the limit through at
its edge). django-ratelimit's fixed window guards Django's own views, with the same `client`.
"""

import contextlib
import functools
import hashlib
import ipaddress
import math
import re
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django_ratelimit import ALL
from django_ratelimit.core import get_usage
from django_redis import get_redis_connection
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from . import counting, errors

if TYPE_CHECKING:  # models count too, and are loaded before views can be
    from rest_framework.views import APIView


def client_address(request: HttpRequest) -> str:
    """The peer's address: IPv4-mapped IPv6 unmapped, IPv6 by /64, `unknown` where there is none.

    Behind TRUSTED_PROXIES proxies it is the entry of X-Forwarded-For that the outermost of them wrote,
    counted from the right; what stands left of it is the client's own claim.
    """
    peer = request.META.get("REMOTE_ADDR", "")
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    proxies = settings.TRUSTED_PROXIES
    claimed = forwarded[-proxies].strip() if 0 < proxies <= len(forwarded) else peer
    return normalized(claimed) or normalized(peer) or "unknown"


def normalized(text: str) -> str | None:
    """None for what is no address; a port, which some proxies add, is dropped."""
    with_port = re.fullmatch(r"\[(.*)\](?::\d*)?|([^:]*):\d*", text)
    try:
        address = ipaddress.ip_address(next(filter(None, with_port.groups()), "") if with_port else text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address), 64), strict=False).network_address)
    return str(address)


def client(request: HttpRequest | Request) -> str:
    """The account where there is one, else the address."""
    user = getattr(request, "user", None)
    return f"user:{user.pk}" if user and user.is_authenticated else f"address:{client_address(request)}"


class Verdict(NamedTuple):
    allowed: bool
    limit: int
    remaining: int
    reset: float  # seconds until the oldest counted request leaves the span
    ticket: str  # names this one count, so that it can be given back

    @property
    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(math.ceil(self.reset)),
        }


class MemoryLog:
    """The log of the one process: of the embedded stack, and of any process while Redis is away."""

    SWEEP_EVERY = 10_000  # counts, after which keys that hold nothing any more are dropped

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.entries: dict[str, deque[tuple[float, str]]] = {}
        self.spans: dict[str, int] = {}
        self.counted = 0

    def take(self, key: str, limit: int, span: int, ticket: str) -> tuple[int, float]:
        """How many were counted, this one included (0: refused), and the seconds until the oldest leaves."""
        with self.lock:
            now = time.monotonic()
            self.sweep(now)
            entries = self.entries.setdefault(key, deque())
            self.spans[key] = span
            while entries and entries[0][0] < now - span:
                entries.popleft()
            refused = len(entries) >= limit
            if not refused:
                entries.append((now, ticket))
            return 0 if refused else len(entries), entries[0][0] + span - now

    def sweep(self, now: float) -> None:
        self.counted += 1
        if self.counted % self.SWEEP_EVERY == 0:
            for key in [k for k, e in self.entries.items() if not e or e[-1][0] < now - self.spans[k]]:
                del self.entries[key], self.spans[key]

    def give_back(self, key: str, ticket: str) -> None:
        with self.lock:
            entries = self.entries.get(key, deque())
            self.entries[key] = deque(entry for entry in entries if entry[1] != ticket)
            self.spans.setdefault(key, 0)

    def clear(self, key: str) -> None:
        with self.lock:
            self.entries.pop(key, None)
            self.spans.pop(key, None)


class RedisLog:
    """A sorted set a key, judged by Redis's own clock in one atomic script."""

    SCRIPT = """
    local time = redis.call('TIME')
    local now, span = time[1] * 1000000 + time[2], ARGV[2] * 1000000
    for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.0f', now), '+inf')) do
        redis.call('ZADD', KEYS[1], now, member)  -- the clock was set back: neither locked nor forgotten
    end
    redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now - span))
    local counted = redis.call('ZCARD', KEYS[1])
    if counted >= tonumber(ARGV[1]) then counted = 0 else
        redis.call('ZADD', KEYS[1], now, ARGV[3])
        redis.call('EXPIRE', KEYS[1], ARGV[2] + 1)
        counted = counted + 1
    end
    local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
    return {counted, tostring(oldest + span - now)}
    """

    def __init__(self) -> None:
        self.redis = get_redis_connection("default")
        self.script = self.redis.register_script(self.SCRIPT)

    def take(self, key: str, limit: int, span: int, ticket: str) -> tuple[int, float]:
        counted, microseconds = self.script(keys=[key], args=[limit, span, ticket])
        return counted, float(microseconds) / 1_000_000

    def give_back(self, key: str, ticket: str) -> None:
        self.redis.zrem(key, ticket)

    def clear(self, key: str) -> None:
        self.redis.delete(key)


memory_log = MemoryLog()
shared_log = RedisLog() if settings.REDIS_URL else memory_log


def log_key(name: str, who: str) -> str:
    """Under the cache's own prefix; who it was cannot be read from it."""
    return cache.make_key(f"limit:{name}:{hashlib.sha256(who.encode()).hexdigest()[:32]}")


def take(name: str, who: str) -> Verdict | None:
    """Counts one `name` of `who` and judges it; None where that limit is lifted."""
    limit, span = settings.RATE_LIMITS[name]
    if not limit:
        return None
    key, ticket = log_key(name, who), uuid.uuid4().hex
    try:
        counted, reset = shared_log.take(key, limit, span, ticket)
    except RedisError:
        counted, reset = memory_log.take(key, limit, span, ticket)
    if not counted:
        counting.count(counting.LIMITED, name)
    return Verdict(counted > 0, limit, limit - counted if counted else 0, max(reset, 0.001), ticket)


def give_back(name: str, who: str, verdict: Verdict | None) -> None:
    """Takes back what one `take` counted."""
    if verdict:
        each_log("give_back", log_key(name, who), verdict.ticket)


def clear(name: str, who: str) -> None:
    each_log("clear", log_key(name, who))


def each_log(method: str, *args: str) -> None:
    for log in {id(log): log for log in (memory_log, shared_log)}.values():
        with contextlib.suppress(RedisError):  # then a count stays, until its time is over
            getattr(log, method)(*args)


class RouteThrottle(BaseThrottle):
    """Counts a request, once however often it is tried; the view's `limits` names the limit by action."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        name = getattr(view, "limits", {}).get(getattr(view, "action", None))
        asked: Any = request._request
        if not hasattr(asked, "verdict"):
            asked.verdict = take(name, client(request)) if name else None
        verdict = asked.verdict
        if verdict is None:
            return True
        view.headers |= verdict.headers
        self.reset = verdict.reset
        return verdict.allowed

    def wait(self) -> float:
        return self.reset


def page_verdict(name: str, request: HttpRequest, method: str | None) -> Verdict | None:
    """django-ratelimit's, per address, or our own while Redis is away; None where nothing is counted."""
    count, span = settings.RATE_LIMITS[name]
    if not count or (method and request.method != method):
        return None
    who = client_address(request)
    try:
        usage = get_usage(
            request,
            group=name,
            key=lambda group, request: who,
            rate=(count, span),
            method=method or ALL,
            increment=True,
        )
    except RedisError:
        return take(name, f"address:{who}")
    if usage["should_limit"]:
        counting.count(counting.LIMITED, name)
    left = max(1, usage["time_left"])
    return Verdict(not usage["should_limit"], count, max(0, count - usage["count"]), left, "")


View = Callable[..., HttpResponse]


def limited(name: str, method: str | None = None) -> Callable[[View], View]:
    """Guards one of Django's own views by django-ratelimit; with `method`, only that method counts."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            verdict = page_verdict(name, request, method)
            if verdict is None or verdict.allowed:
                response = view(request, *args, **kwargs)
            else:
                response = errors.answer(request, 429, "Too many requests. Try again in a moment.")
                response["Retry-After"] = verdict.headers["RateLimit-Reset"]
            for header, value in (verdict.headers if verdict else {}).items():
                response[header] = value
            return response

        return guarded

    return decorate
