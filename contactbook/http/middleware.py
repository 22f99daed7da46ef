"""Middleware that an API request is spared: it has no session and no messages.

Each is Django's own, or a library's, and works on pages as it always does.
"""

from typing import Any

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware

from contactbook.api.exceptions import is_api

# Of what is no page: it loads nothing, and stands in nobody's frame.
DATA_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def for_pages(middleware: type[Any]) -> type[Any]:
    def __call__(self: Any, request: HttpRequest) -> HttpResponse:
        if is_api(request):
            answer: HttpResponse = self.get_response(request)
            return answer
        return middleware.__call__(self, request)

    return type(middleware.__name__, (middleware,), {"__call__": __call__})


Static = for_pages(WhiteNoiseMiddleware)
Sessions = for_pages(SessionMiddleware)
Users = for_pages(AuthenticationMiddleware)
Messages = for_pages(MessageMiddleware)


class ContentSecurityPolicy(CSPMiddleware):
    """A page's policy is put together for it; what is no page has a fixed one."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if is_api(request) and not response.headers.get("Content-Type", "").startswith("text/html"):
            response.headers.setdefault(HEADER, DATA_POLICY)
            return response
        answer: HttpResponseBase = super().process_response(request, response)
        return answer
