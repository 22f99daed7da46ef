"""The one shape of every error, and the one place where an exception becomes an answer."""

import contextlib
import errno
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import IntegrityError, InterfaceError, InternalError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.shortcuts import render
from rest_framework import exceptions, status
from rest_framework.response import Response

logger = logging.getLogger(__name__)

FULL = {errno.ENOSPC, errno.EDQUOT}
ROLLED_BACK = {"40001", "40P01"}  # PostgreSQL's serialization failure and deadlock
READ_ONLY = "25006"  # PostgreSQL's answer to a write after it became a standby

# From the codes of DRF's fields and validators to the `type` of the contract's 422.
TYPES = {
    "required": "missing",
    "null": "null_not_allowed",
    "blank": "string_too_short",
    "min_length": "string_too_short",
    "max_length": "string_too_long",
    "max_string_length": "number_too_long",
    "min_value": "greater_than_equal",
    "max_value": "less_than_equal",
    "invalid": "value_error",
    "not_a_dict": "dict_type",
    "not_a_list": "list_type",
    "parse_error": "json_invalid",
    "null_characters_not_allowed": "string_unicode",
    "surrogate_characters_not_allowed": "string_unicode",
}


class Invalid(exceptions.ValidationError):
    """A 422 whose faults lie in the `path`, the `query`, or (as DRF's own errors) the `body`."""

    def __init__(self, where: str, detail: Any, code: str | None = None) -> None:
        super().__init__(detail, code)
        self.where: tuple[str | int, ...] = (where,)


class InvalidItems(exceptions.APIException):
    """A 422 with the faults of several items, each already as the answer shows it."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        super().__init__()
        self.entries = entries


@contextlib.contextmanager
def within(*path: str | int) -> Iterator[None]:
    """Places the faults of what it surrounds below `path`."""
    try:
        yield
    except Invalid as error:
        error.where = path
        raise


class BadRequest(exceptions.APIException):
    status_code = status.HTTP_400_BAD_REQUEST
    default_detail = "The request could not be understood."


class Conflict(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_detail = "Already exists"


class LengthRequired(exceptions.APIException):
    status_code = status.HTTP_411_LENGTH_REQUIRED
    default_detail = "Send the body with its Content-Length."


class PreconditionFailed(exceptions.APIException):
    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = "The contact was changed meanwhile."


class TooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too large."


class Unavailable(exceptions.APIException):
    """503: something behind us does not answer; `wait` is the Retry-After in seconds."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The service is busy. Try again in a moment."
    wait = 5


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response:
    exc = as_api_exception(exc)
    headers = {}
    if auth_header := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if (wait := getattr(exc, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, int(-(-wait // 1))))
    response = Response(body(exc), status=exc.status_code, headers=headers)
    return logged(response)


def logged(response: Any) -> Any:
    """Keeps Django from a line of its own, which would name the path, and so the secret of a link."""
    response._has_been_logged = True
    return response


def as_api_exception(exc: Exception) -> exceptions.APIException:
    match exc:
        case exceptions.ValidationError() | exceptions.ParseError():
            exc.status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
            return exc
        case exceptions.APIException():
            return exc
        case Http404():
            return exceptions.NotFound(str(exc) or "Not found")
        case PermissionDenied():
            return exceptions.PermissionDenied()
        case RequestDataTooBig():
            return TooLarge()
        case SuspiciousOperation() | UnreadablePostError():
            return BadRequest()
        case IntegrityError():
            return Conflict("This conflicts with what somebody else has just done.")
        case OperationalError() | InterfaceError() | InternalError() if database_is_away(exc):
            why = str(exc).partition("\n")[0]  # the lines below may hold parts of a row
            logger.error("The database does not answer (%s: %s).", type(exc.__cause__ or exc).__name__, why)
            return Unavailable()
        case OSError() if exc.errno in FULL:
            logger.error("A disk is full (%s).", exc.strerror)
            return Unavailable()
    logger.error("Unexpected error", exc_info=exc)
    return exceptions.APIException("Something went wrong on our side.")


def body(exc: exceptions.APIException) -> dict[str, Any]:
    if isinstance(exc, InvalidItems):
        return {"detail": exc.entries}
    if isinstance(exc, exceptions.ValidationError):
        return {"detail": list(faults(exc.detail, [*getattr(exc, "where", ("body",))]))}
    if isinstance(exc, exceptions.ParseError):
        return {"detail": [fault(["body"], exc.detail)]}
    detail = exc.detail
    if isinstance(detail, dict):  # simplejwt's InvalidToken
        detail = detail["detail"]
    return {"detail": str(detail)}


def faults(detail: Any, loc: list[str | int]) -> Iterator[dict[str, Any]]:
    """One entry per fault, from DRF's nested dicts and lists of messages."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from faults(inner, loc if name == "non_field_errors" else [*loc, name])
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, dict | list)
            if inner or not nested:
                yield from faults(inner, [*loc, index] if nested else loc)
    else:
        yield fault(loc, detail)


def fault(loc: list[str | int], detail: Any) -> dict[str, Any]:
    code = getattr(detail, "code", "invalid")
    return {
        "loc": [sendable(step) for step in loc],
        "msg": sendable(str(detail)),
        "type": TYPES.get(code, code),
    }


def sendable(text: Any) -> Any:
    """Lone surrogates, which a fault may repeat from the input, cannot be written as UTF-8."""
    return text.encode("utf-8", "replace").decode() if isinstance(text, str) else text


def database_is_away(exc: BaseException | None) -> bool:
    """It is the database's fault; a connection to one that takes no writes any more is closed."""
    if exc and getattr(exc.__cause__, "pgcode", None) == READ_ONLY:
        connection.close()
        return True
    return isinstance(exc, OperationalError | InterfaceError)


def lost_a_race(exc: BaseException | None) -> bool:
    """The database chose this transaction to give way; it finds that out after deadlock_timeout, a second."""
    return exc is not None and getattr(exc.__cause__, "pgcode", "") in ROLLED_BACK


# What Django itself answers outside any view: JSON under /api and for the probes, a page elsewhere.


def is_api(request: HttpRequest) -> bool:
    return f"{request.path}/".startswith(("/api/", "/healthz/", "/readyz/"))


def answer(request: HttpRequest, code: int, sentence: str) -> HttpResponse:
    response: HttpResponse
    if is_api(request):
        response = JsonResponse({"detail": sentence}, status=code)
    else:
        response = render(request, "error.html", {"code": code, "sentence": sentence}, status=code)
    return logged(response)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, 400, "The request could not be understood.")


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, 403, "This is not allowed.")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, 404, "Not found")


def server_error(request: HttpRequest) -> HttpResponse:
    """What any page makes of any exception: the same answer as the API's."""
    error = sys.exc_info()[1]
    known = as_api_exception(error) if isinstance(error, Exception) else exceptions.APIException()
    code = 503 if isinstance(known, Unavailable) else 500
    response = answer(request, code, str(known.detail) if code == 503 else "Something went wrong on our side.")
    if code == 503:
        response["Retry-After"] = str(Unavailable.wait)
    return response


HANDLERS: dict[int, Callable[[HttpRequest], HttpResponse]] = {
    400: bad_request,
    403: permission_denied,
    404: not_found,
    500: server_error,
}


class Envelope:
    """What Django answers before, beside or instead of a view has our shape, too.

    With DEBUG its own pages show settings and code; under /api nobody shall see them. Whatever answers a
    host that is not ours comes before the headers of the middleware behind us.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        handler = HANDLERS.get(response.status_code)
        if handler and is_api(request) and response.get("Content-Type", "").startswith("text/html"):
            response, replaced = handler(request), response
            del replaced["Content-Length"]  # of the page, which whoever asked would wait for
            for name, value in replaced.items():
                response.headers.setdefault(name, value)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", settings.SECURE_REFERRER_POLICY)
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        return response
