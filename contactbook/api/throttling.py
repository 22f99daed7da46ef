"""Rate limits of API routes and of HTML pages. contactbook/cache/rate_limit.py counts."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from contactbook.cache import rate_limit
from contactbook.http import errors
from contactbook.http.client_address import client_address

if TYPE_CHECKING:
    from rest_framework.views import APIView


def client(request: HttpRequest | Request) -> str:
    """Return the key under which a request is counted: the account if there is one, else the address."""
    user = request.user
    return f"user:{user.pk}" if user.is_authenticated else f"address:{client_address(request)}"


class RouteThrottle(BaseThrottle):
    """Counts a request against the limit that the view's `limits` names for its action."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        name = getattr(view, "limits", {}).get(getattr(view, "action", None))
        # A read that is tried once more was counted at the first try.
        result = getattr(view, "rate_limit_result", None)
        if name and result is None:
            result = rate_limit.acquire(name, self.who(request, view))
        if result is None:
            return True
        view.rate_limit_result = result  # type: ignore[attr-defined]
        view.headers |= result.headers
        self.reset = result.reset
        return result.allowed

    def who(self, request: Request, view: "APIView") -> str:
        return client(request)

    def wait(self) -> float:
        return self.reset


View = Callable[..., HttpResponse]


def limited(name: str, method: str | None = None) -> Callable[[View], View]:
    """Decorate one of Django's views with a limit per address; with `method`, only that method counts."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def limited_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if method and request.method != method:
                return view(request, *args, **kwargs)
            result = rate_limit.acquire(name, f"address:{client_address(request)}")
            if result is None or result.allowed:
                response = view(request, *args, **kwargs)
            else:
                response = errors.error_response(request, 429, "Too many requests. Try again in a moment.")
                response["Retry-After"] = result.headers["RateLimit-Reset"]
            for header, value in (result.headers if result else {}).items():
                response.setdefault(header, value)
            return response

        return limited_view

    return decorate
