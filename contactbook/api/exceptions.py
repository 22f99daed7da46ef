"""The exceptions of the API, and the handler that turns every exception into a JSON error response."""

import errno
import logging
import math
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import IntegrityError, InterfaceError, InternalError, OperationalError
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions, status
from rest_framework.response import Response

from contactbook.db.errors import is_unavailable
from contactbook.exceptions import (
    BusyError,
    ConflictError,
    CredentialsError,
    DomainError,
    InvalidValueError,
    NotFoundError,
    QuotaExceededError,
    TooLargeError,
)

logger = logging.getLogger(__name__)

DISK_FULL = {errno.ENOSPC, errno.EDQUOT}

# Maps the codes of DRF's fields and validators to the `type` values of the contract's 422.
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
    """A 422 for the input at `loc`: `path`, `query` or (as for DRF's own errors) `body`."""

    def __init__(self, loc: str | tuple[str | int, ...], detail: Any, code: str | None = None) -> None:
        super().__init__(detail, code)
        self.loc = (loc,) if isinstance(loc, str) else loc


class InvalidItems(exceptions.APIException):
    """A 422 with the faults of several items, in the form of the response."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        super().__init__()
        self.entries = entries


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


class InsufficientStorage(exceptions.APIException):
    status_code = status.HTTP_507_INSUFFICIENT_STORAGE
    default_detail = "The account's storage is full."


class Unavailable(exceptions.APIException):
    """503: the database, the cache or the picture storage does not answer; `wait` is the Retry-After in seconds."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The service is busy. Try again in a moment."
    wait: float = 5


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response:
    """DRF's EXCEPTION_HANDLER."""
    exc = as_api_exception(exc)
    headers = {}
    if auth_header := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if (wait := getattr(exc, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, math.ceil(wait)))
    response = Response(body(exc), status=exc.status_code, headers=headers)
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django's own line would name the path
    return response


def as_api_exception(exc: Exception) -> exceptions.APIException:
    match exc:
        case exceptions.ValidationError() | exceptions.ParseError():
            exc.status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
            return exc
        case exceptions.APIException():
            return exc
        case DomainError():
            return from_domain(exc)
        case Http404():
            return exceptions.NotFound(str(exc) or "Not found")
        case PermissionDenied():
            return exceptions.PermissionDenied()
        case RequestDataTooBig():
            return TooLarge()
        case SuspiciousOperation() | UnreadablePostError():
            return BadRequest()
        case IntegrityError():
            return Conflict("This conflicts with a change that was made at the same time.")
    return from_failure(exc)


def from_domain(exc: DomainError) -> exceptions.APIException:
    match exc:
        case NotFoundError():
            return exceptions.NotFound(str(exc))
        case ConflictError():
            return Conflict(str(exc))
        case InvalidValueError():
            return as_api_exception(Invalid("body", {exc.field: [str(exc)]}))
        case TooLargeError():
            return TooLarge(str(exc))
        case QuotaExceededError():
            return InsufficientStorage(str(exc))
        case CredentialsError():
            return exceptions.AuthenticationFailed(str(exc))
        case BusyError():
            busy = Unavailable(str(exc))
            busy.wait = exc.retry_after
            return busy
    raise TypeError(f"{type(exc).__name__} has no HTTP status.")


def from_failure(exc: Exception) -> exceptions.APIException:
    """Return a 503 for a failure that may pass, else a 500; log the failure, for a 500 with its traceback."""
    if isinstance(exc, OperationalError | InterfaceError | InternalError) and is_unavailable(exc):
        first_line = str(exc).partition("\n")[0]  # the other lines may contain parts of a row
        logger.error("The database does not answer (%s: %s).", type(exc.__cause__ or exc).__name__, first_line)
        return Unavailable()
    if isinstance(exc, OSError) and exc.errno in DISK_FULL:
        logger.error("A disk is full (%s).", exc.strerror)
        return Unavailable()
    logger.error("Unexpected error", exc_info=exc)
    return exceptions.APIException("Something went wrong on our side.")


def body(exc: exceptions.APIException) -> dict[str, Any]:
    """Return the JSON body of an error."""
    if isinstance(exc, InvalidItems):
        return {"detail": exc.entries}
    if isinstance(exc, exceptions.ValidationError):
        return {"detail": list(faults(exc.detail, [*getattr(exc, "loc", ("body",))]))}
    if isinstance(exc, exceptions.ParseError):
        return {"detail": [fault(["body"], exc.detail)]}
    detail = exc.detail
    if isinstance(detail, dict):  # simplejwt's AuthenticationFailed
        detail = detail["detail"]
    return {"detail": str(detail)}


def faults(detail: Any, loc: list[str | int]) -> Iterator[dict[str, Any]]:
    """Yield one entry per fault, from DRF's nested dicts and lists of messages."""
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
        "loc": [encodable(step) for step in loc],
        "msg": encodable(str(detail)),
        "type": TYPES.get(code, code),
    }


def encodable(text: Any) -> Any:
    """Replace lone surrogates, which a message may repeat from the input and UTF-8 cannot encode."""
    return text.encode("utf-8", "replace").decode() if isinstance(text, str) else text
