"""Idempotency-Key: a POST with this header runs once, and a repeat gets the first answer.

The answer is stored in the transaction of the request itself. So both are committed or neither, even if the process
is killed. An error rolls back and stores no answer, so a repeat runs again.
"""

import functools
import hashlib
from collections.abc import Callable
from typing import Any, cast

from django.db import IntegrityError, OperationalError, transaction
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from contactbook.api.exceptions import Conflict, Invalid
from contactbook.api.renderers import as_json
from contactbook.db.errors import LOCK_NOT_AVAILABLE, sqlstate
from contacts.models import Book, IdempotencyRecord

HEADER = "Idempotency-Key"
STILL_RUNNING = "The first request with this Idempotency-Key is still running."
MAX_CONTENT, SMALL_CONTENT = 64 * 1024, 4 * 1024  # bytes of an answer that is stored whole; in a full account


def idempotent(action: Callable[..., Response]) -> Callable[..., HttpResponse]:
    """Decorate the action of a viewset that honours the header."""

    @functools.wraps(action)
    def run(view: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        if HEADER not in request.headers:
            return action(view, request, *args, **kwargs)
        key, fingerprint = validated_key(request), fingerprint_of(request)
        with transaction.atomic():
            record = claim(request, key, fingerprint)
            if record.status:
                return first_answer(record, fingerprint)
            response = action(view, request, *args, **kwargs)
            store(record, response)
            return response

    return run


def validated_key(request: Request) -> str:
    key: str = request.headers[HEADER]
    if not 0 < len(key) <= 255 or not key.isascii() or not key.isprintable():
        raise Invalid("body", ["An Idempotency-Key is 1 to 255 printable ASCII characters."])
    return key


def fingerprint_of(request: Request) -> str:
    path = request.path.rstrip("/")  # the same resource with and without the slash
    return hashlib.sha256(f"{request.method} {path}\n".encode() + request._request.body).hexdigest()


def claim(request: Request, key: str, fingerprint: str) -> IdempotencyRecord:
    """Return the stored record, or a new one, for which requests with the same key wait until this transaction ends."""
    records = IdempotencyRecord.objects.filter(user=request.user.pk, key=key)
    if records.expired().exists():
        Book.objects.delete_answers(records.expired())
    if record := records.first():
        return record
    try:
        with transaction.atomic():
            return IdempotencyRecord.objects.create(user_id=cast(int, request.user.pk), key=key, request=fingerprint)
    except IntegrityError:  # a request at the same time was faster
        record = records.first()
    except OperationalError as error:
        if sqlstate(error) != LOCK_NOT_AVAILABLE:
            raise
        record = None
    if record is None:
        raise Conflict(STILL_RUNNING)
    return record


def store(record: IdempotencyRecord, response: Response) -> None:
    content = as_json(response.data)
    if len(content) > MAX_CONTENT or (len(content) > SMALL_CONTENT and Book.objects.is_full(record.user_id)):
        content = as_json(abridged(response.data))
    record.status, record.content = response.status_code, content.decode()
    record.headers = {name: response[name] for name in ("ETag", "Location") if response.has_header(name)}
    record.size = len(content)
    record.save(update_fields=["status", "content", "headers", "size"])
    Book.objects.add_answer(record)


def abridged(data: Any) -> Any:
    """Return an answer with ids in place of contacts, and the statuses: a large one, or one of a full account."""
    if "contact" in data:  # of a merge
        return {"contact": {"id": data["contact"]["id"]}, "change": data["change"]}
    if "results" not in data:
        return {"id": data["id"]}
    return {**data, "results": [abridged_result(result) for result in data["results"]]}


def abridged_result(result: dict[str, Any]) -> dict[str, Any]:
    return {**result, "contact": {"id": result["contact"]["id"]}} if "contact" in result else result


def first_answer(record: IdempotencyRecord, fingerprint: str) -> HttpResponse:
    if record.request != fingerprint:
        raise Invalid("body", ["This Idempotency-Key was used with another request."])
    return HttpResponse(record.content, "application/json", record.status, headers=record.headers)
