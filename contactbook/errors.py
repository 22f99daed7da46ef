"""The one shape of every error, and the one place where an exception becomes an answer."""

import logging
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.shortcuts import render
from rest_framework import exceptions, status
from rest_framework.response import Response

logger = logging.getLogger(__name__)

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
        self.where = where


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
    return Response(body(exc), status=exc.status_code, headers=headers)


def as_api_exception(exc: Exception) -> exceptions.APIException:
    match exc:
        case exceptions.ValidationError() | exceptions.ParseError():
            exc.status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
            return exc
        case exceptions.APIException():
            return exc
        case Http404():
            return exceptions.NotFound("Not found")
        case PermissionDenied():
            return exceptions.PermissionDenied()
        case RequestDataTooBig():
            return TooLarge()
        case SuspiciousOperation() | UnreadablePostError():
            return BadRequest()
        case IntegrityError():
            return Conflict("This conflicts with what somebody else has just done.")
        case OperationalError() | InterfaceError():
            logger.error("The database does not answer: %s", type(exc).__name__)
            return Unavailable()
    logger.error("Unexpected error", exc_info=exc)
    return exceptions.APIException("Something went wrong on our side.")


def body(exc: exceptions.APIException) -> dict[str, Any]:
    if isinstance(exc, exceptions.ValidationError):
        return {"detail": list(faults(exc.detail, [getattr(exc, "where", "body")]))}
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
    return {"loc": loc, "msg": str(detail), "type": TYPES.get(code, code)}


# What Django itself answers outside any view: JSON under /api and for the probes, a page elsewhere.


def answer(request: HttpRequest, code: int, sentence: str) -> HttpResponse:
    if request.path.startswith(("/api/", "/healthz", "/readyz")):
        return JsonResponse({"detail": sentence}, status=code)
    return render(request, "error.html", {"code": code, "sentence": sentence}, status=code)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 400, "The request could not be understood.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 403, "This is not allowed.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 404, "Not found")


def server_error(request: HttpRequest) -> HttpResponse:
    return answer(request, 500, "Something went wrong on our side.")
