"""The request that this thread is answering, for log lines and error reports."""

from contextvars import ContextVar
from typing import Any

request: ContextVar[Any] = ContextVar("request", default=None)  # an HttpRequest while it is answered
request_id: ContextVar[str] = ContextVar("request_id", default="")  # empty outside of requests


def route_name(http_request: Any) -> str:
    """The name of the route, `none` without one. Never the path, which may hold a secret or a person's name."""
    match = getattr(http_request, "resolver_match", None)
    return match.view_name if match and match.url_name else "none"
