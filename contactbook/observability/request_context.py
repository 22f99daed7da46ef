"""The current request of this thread, for log lines and error reports."""

from contextvars import ContextVar
from typing import Any

request: ContextVar[Any] = ContextVar("request", default=None)  # an HttpRequest
request_id: ContextVar[str] = ContextVar("request_id", default="")  # empty outside a request


def route_name(http_request: Any) -> str:
    """Return the name of the route, or `none`. The path is not used: it may contain a secret or a person's name."""
    match = getattr(http_request, "resolver_match", None)
    return match.view_name if match and match.url_name else "none"
