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
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django_ratelimit import ALL
from django_ratelimit.core import get_usage
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from contactbook.api import exceptions as errors
from contactbook.cache import circuit_breaker as breaker
from contactbook.cache import rate_limit as stores
from contactbook.cache import responses as caching
from contactbook.observability import metrics

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

    @classmethod
    def of(cls, count: stores.Count, limit: int, ticket: str) -> "Verdict":
        left = limit - count.counted if count.counted else 0
        return cls(count.counted > 0, limit, left, max(count.reset, 0.001), ticket)

    @property
    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(math.ceil(self.reset)),
        }


def log_key(name: str, who: str) -> str:
    """Under the cache's own prefix; who it was cannot be read from it."""
    return breaker.make_key(f"limit:{name}:{hashlib.sha256(who.encode()).hexdigest()[:32]}")


def take(name: str, who: str) -> Verdict | None:
    """Counts one `name` of `who` and judges it; None where that limit is lifted."""
    return look(name, who)[0]


def look(name: str | None, who: str, keys: tuple[str, ...] = ()) -> tuple[Verdict | None, caching.Said]:
    """Counts as `take` does, where there is a name, and brings what is remembered under the keys, in one trip."""
    limit, span = settings.RATE_LIMITS[name] if name else (0, 1)
    if not name or not limit:
        return None, caching.ask(*keys)
    key, ticket = log_key(name, who), secrets.token_hex(8)
    try:
        count = stores.shared.count(key, limit, span, ticket, caching.wanted(*keys))
    except RedisError:
        count = stores.memory.count(key, limit, span, ticket)
    if not count.counted:
        metrics.LIMITS_HIT.labels(name).inc()
    return Verdict.of(count, limit, ticket), caching.said(keys, count.values)


def give_back(name: str, who: str, verdict: Verdict | None) -> None:
    """Takes back what one `take` counted."""
    if verdict:
        in_each_store("give_back", log_key(name, who), verdict.ticket)


def clear(name: str, who: str) -> None:
    in_each_store("clear", log_key(name, who))


def in_each_store(method: str, *args: str) -> None:
    for store in {id(store): store for store in (stores.memory, stores.shared)}.values():
        with contextlib.suppress(RedisError):  # then a count stays, until its time is over
            getattr(store, method)(*args)


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
        metrics.LIMITS_HIT.labels(name).inc()
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
