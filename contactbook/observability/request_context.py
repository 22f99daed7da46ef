"""The request that this thread is answering: its id, and what may be said of where it went."""

from contextvars import ContextVar
from typing import Any

request: ContextVar[Any] = ContextVar("request", default=None)  # an HttpRequest, while it is answered


def request_id() -> str:
    """Empty outside of requests."""
    return getattr(request.get(), "id", "")


def route(asked: Any) -> str:
    """The route's name, never the path, which may hold a secret or somebody's name; `none` where nothing is."""
    match = getattr(asked, "resolver_match", None)
    return match.view_name if match and match.url_name else "none"
