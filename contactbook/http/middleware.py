"""Middleware for every answer: the error shape, the security headers, the encoding of forms."""

from collections.abc import Callable

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from django.conf import settings
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase

from contactbook.http.errors import HANDLERS, error_response, is_api, is_dav

GetResponse = Callable[[HttpRequest], HttpResponse]

# For responses that are not pages: they load nothing, and no page may frame them.
DATA_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class JSONErrorMiddleware:
    """Converts Django's own error pages outside of pages, to JSON or for CardDAV to text, and sets security headers.

    With DEBUG Django's error pages show settings and code. The headers are set here because the response to a host
    that is not allowed does not pass through SecurityMiddleware.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        handler = HANDLERS.get(response.status_code)
        if (
            handler
            and (is_api(request) or is_dav(request))
            and response.get("Content-Type", "").startswith("text/html")
        ):
            response, page = handler(request), response
            del page["Content-Length"]
            for name, value in page.items():
                response.headers.setdefault(name, value)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", settings.SECURE_REFERRER_POLICY)
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        return response


class ContentSecurityPolicyMiddleware(CSPMiddleware):
    """Sets django-csp's policy on pages, and DATA_POLICY on everything else."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if (is_api(request) or is_dav(request)) and not response.headers.get("Content-Type", "").startswith(
            "text/html"
        ):
            response.headers.setdefault(HEADER, DATA_POLICY)
            return response
        answer: HttpResponseBase = super().process_response(request, response)
        return answer


def require_whole_body(get_response: GetResponse) -> GetResponse:
    """Refuse a body that ended before its Content-Length: a password that was cut off must not be tried.

    Bodies over DATA_UPLOAD_MAX_MEMORY_SIZE are not read here: they are uploads, whose formats have an end mark.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and 0 < int(length) <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            try:
                whole = len(request.body) >= int(length)
            except UnreadablePostError:
                whole = False
            if not whole:
                return error_response(request, 400, "The body is shorter than its Content-Length.")
        return get_response(request)

    return middleware


def utf8_forms(get_response: GetResponse) -> GetResponse:
    """Read every form as UTF-8 (RFC 7578 §5.1) and ignore its charset: some codecs of Python cannot decode forms."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if "charset" in request.META.get("CONTENT_TYPE", "").lower():
            request.encoding = "utf-8"
        return get_response(request)

    return middleware
