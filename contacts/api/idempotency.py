"""A POST with an Idempotency-Key is done once, and its repeats are told the first answer.

The answer is written in the transaction of what was done: a process killed before the commit has done
nothing, and one killed after it has left the answer. An error rolls back and leaves none, so that the
repeat is judged anew.
"""

import hashlib
from collections.abc import Callable
from typing import Any, cast

from django.db import IntegrityError, OperationalError, transaction
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from contactbook.api import throttling
from contactbook.api.exceptions import Conflict, Invalid
from contactbook.api.renderers import as_json
from contacts.models import FirstAnswer

HEADER = "HTTP_IDEMPOTENCY_KEY"  # as WSGI names it; `headers` would first build all of them
STILL_RUNNING = "The first request with this Idempotency-Key is still running."
LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's, after lock_timeout


def key_of(request: Request) -> str:
    key = request.META[HEADER]
    if not 0 < len(key) <= 255 or not key.isascii() or not key.isprintable():
        raise Invalid("body", ["An Idempotency-Key is 1 to 255 printable ASCII characters."])
    return key


def fingerprint(request: Request) -> str:
    path = request.path.rstrip("/")  # which is the same resource with and without
    return hashlib.sha256(f"{request.method} {path}\n".encode() + request._request.body).hexdigest()


def first_answer(request: Request, key: str) -> FirstAnswer | None:
    return FirstAnswer.objects.current().filter(user=request.user.pk, key=key).first()


def is_repeat(request: Request) -> bool:
    """Whether this very request was answered before; a repeat is not counted by the limit."""
    if HEADER not in request.META or not request.user.is_authenticated:
        return False
    first = first_answer(request, request.META[HEADER][:255])
    return first is not None and first.request == fingerprint(request)


def show_limit(request: Request, view: APIView) -> None:
    name = getattr(view, "limits", {}).get(getattr(view, "action", None))
    who = throttling.client(request)
    if name and (verdict := throttling.take(name, who)):
        throttling.give_back(name, who, verdict)
        view.headers |= verdict._replace(remaining=min(verdict.limit, verdict.remaining + verdict.allowed)).headers


def once(handler: Callable[..., Response], request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
    """The handler's answer, or the first one if this very request was answered before."""
    key, asked = key_of(request), fingerprint(request)
    try:
        with transaction.atomic():
            answer = claim(request, key, asked)
            response = handler(request, *args, **kwargs)
            keep(answer, request, response)
            return response
    except IntegrityError:
        return repeated(first_answer(request, key), asked)


def claim(request: Request, key: str, asked: str) -> FirstAnswer:
    """Holds the key until the end of the transaction; whoever else wants it waits, or is refused."""
    try:
        FirstAnswer.objects.expired().filter(user=request.user.pk, key=key).delete()
        return FirstAnswer.objects.create(user_id=cast(int, request.user.pk), key=key, request=asked)
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", None) == LOCK_NOT_AVAILABLE:
            raise Conflict(STILL_RUNNING) from None
        raise


def keep(answer: FirstAnswer, request: Request, response: Response) -> None:
    answer.status = response.status_code
    answer.content = as_json(response.data).decode()
    answer.headers = {name: response[name] for name in ("ETag", "Location") if response.has_header(name)}
    answer.save(update_fields=["status", "content", "headers"])


def repeated(answer: FirstAnswer | None, asked: str) -> HttpResponse:
    if answer is None:
        raise Conflict(STILL_RUNNING)
    if answer.request != asked:
        raise Invalid("body", ["This Idempotency-Key was used with another request."])
    return HttpResponse(answer.content, status=answer.status, content_type="application/json", headers=answer.headers)
