"""The outermost middleware: names each request, counts and times it, and answers the scrapes of /metrics."""

import logging
import os
import re
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from contactbook import counting
from contactbook.observability import metrics
from contactbook.observability import request_context as current

logger = logging.getLogger("contactbook.requests")

ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Monitoring:
    """Also answers /metrics, to those who may ask: for all others there is no such page, nor a route to it.

    Here neither ALLOWED_HOSTS nor https matters, so a scraper may ask for each process's host by its address.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        begun = time.perf_counter()
        request.id = identified(request)  # type: ignore[attr-defined]
        token = current.request.set(request)
        try:
            response = metrics.page() if metrics.asked_for(request) else self.get_response(request)
            observe(request, response, time.perf_counter() - begun)
            response.headers["X-Request-ID"] = request.id  # type: ignore[attr-defined]
            return response
        finally:
            current.request.reset(token)


def identified(request: HttpRequest) -> str:
    """The id that a trusted proxy gave, else a new one."""
    if settings.TRUSTED_PROXIES:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        if ID.fullmatch(given):
            return given
    return os.urandom(16).hex()


def observe(request: HttpRequest, response: Any, seconds: float) -> None:
    """`seconds` end where a streamed answer begins to be sent."""
    route = current.route(request)
    method = request.method if request.method in METHODS else "other"
    counting.count(counting.REQUESTS, route, method, str(response.status_code))
    counting.mine.time((counting.SECONDS, route, method), seconds)
    if settings.LOG_REQUESTS:
        ms = round(seconds * 1000, 2)
        said = {"method": method, "route": route, "status": response.status_code, "ms": ms, "user": asker(request)}
        logger.info("Answered.", extra=said)


def asker(request: HttpRequest) -> int | None:
    """The number of the account that was made out; nobody is looked up for this."""
    user = request.__dict__.get("user")
    if isinstance(user, SimpleLazyObject):
        user = request.__dict__.get("_cached_user")
    return getattr(user, "pk", None)
