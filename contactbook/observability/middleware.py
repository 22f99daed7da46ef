"""The outermost middleware: request ids, metrics, the access log, and /metrics."""

import logging
import os
import re
import time
from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.functional import SimpleLazyObject

from contactbook.observability import metrics, request_context

logger = logging.getLogger("contactbook.requests")

GetResponse = Callable[[HttpRequest], HttpResponse]

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "PROPPATCH", "REPORT"}


class RequestMonitoringMiddleware:
    """Gives each request an id, counts and times it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        request_id = request_id_of(request)
        tokens = request_context.request.set(request), request_context.request_id.set(request_id)
        try:
            response = self.get_response(request)
            observe(request, response, time.perf_counter() - started)
            if request.method == "HEAD":
                remove_content(response)
        finally:
            request_context.request.reset(tokens[0])
            request_context.request_id.reset(tokens[1])
        response.headers["X-Request-ID"] = request_id
        if response.status_code == 304:
            # CommonMiddleware sets 0, which is not the length of the 200 response (RFC 9110 §8.6).
            response.headers.pop("Content-Length", None)
        return response


def answer_scrapes(get_response: GetResponse) -> GetResponse:
    """Answer scrapes before ALLOWED_HOSTS and the redirect to https apply, since Prometheus uses the IP address.

    Clients outside METRICS_NETWORKS get a 404, because there is no such route.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        return metrics.page() if metrics.is_scrape(request) else get_response(request)

    return middleware


def remove_content(response: HttpResponseBase) -> None:
    """Remove the content of the answer to a HEAD; its headers stay. gunicorn removes it with a warning each time."""
    if response.streaming:
        cast(StreamingHttpResponse, response).streaming_content = ()
    else:
        cast(HttpResponse, response).content = b""


def request_id_of(request: HttpRequest) -> str:
    """Return the id that a trusted proxy sent, else a new one."""
    if settings.TRUSTED_PROXIES:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        if REQUEST_ID.fullmatch(given):
            return given
    return os.urandom(16).hex()


def observe(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    """Count and time the request, and log it; `seconds` does not include the sending of a streamed response."""
    route = request_context.route_name(request)
    method = request.method if request.method in METHODS else "other"
    metrics.REQUESTS.labels(route, method, response.status_code).inc()
    metrics.REQUEST_SECONDS.labels(route, method).observe(seconds)
    if settings.LOG_REQUESTS:
        ms = round(seconds * 1000, 2)
        fields = {"method": method, "route": route, "status": response.status_code, "ms": ms, "user": user_id(request)}
        logger.info("Answered.", extra=fields)


def user_id(request: HttpRequest) -> Any:
    """Return the id of the authenticated account, or None; never reads the database."""
    user = request.__dict__.get("user")
    if isinstance(user, SimpleLazyObject):
        user = request.__dict__.get("_cached_user")
    return getattr(user, "pk", None)
