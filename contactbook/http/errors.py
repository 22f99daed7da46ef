"""Error responses outside the API views: JSON for the API, feeds and health probes, text for CardDAV, else a page."""

import sys
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from contactbook.api.exceptions import Unavailable, as_api_exception

DAV_METHODS = {"PROPFIND", "PROPPATCH", "REPORT"}
SERVER_ERROR = "Something went wrong on our side."


def is_api(request: HttpRequest) -> bool:
    return f"{request.path}/".startswith(("/api/", "/feeds/", "/healthz/", "/readyz/"))


def is_dav(request: HttpRequest) -> bool:
    """Return whether an address book program asks, which shows no pages."""
    return f"{request.path}/".startswith("/dav/") or request.method in DAV_METHODS


def error_response(request: HttpRequest, code: int, sentence: str) -> HttpResponse:
    response: HttpResponse
    if is_api(request):
        response = JsonResponse({"detail": sentence}, status=code)
    elif is_dav(request):
        response = HttpResponse(f"{sentence}\n", "text/plain; charset=utf-8", code)
    else:
        response = render(request, "error.html", {"code": code, "sentence": sentence}, status=code)
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django's own line would name the path
    return response


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_response(request, 400, "The request could not be understood.")


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_response(request, 403, "This is not allowed.")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_response(request, 404, "Not found")


def method_not_allowed(request: HttpRequest) -> HttpResponse:
    return error_response(request, 405, "This method is not allowed.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an exception of a page with the status that the API would use (404, 409 or 503), else with 500."""
    error = sys.exc_info()[1]
    known = as_api_exception(error) if isinstance(error, Exception) else None
    if known is None or known.status_code not in (404, 409, 503):
        return error_response(request, 500, SERVER_ERROR)
    response = error_response(request, known.status_code, str(known.detail))
    if isinstance(known, Unavailable):
        response["Retry-After"] = str(known.wait)
    return response


HANDLERS: dict[int, Callable[[HttpRequest], HttpResponse]] = {
    400: bad_request,
    403: permission_denied,
    404: not_found,
    405: method_not_allowed,
    500: server_error,
}
