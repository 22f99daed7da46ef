"""Conditional requests (RFC 9110 §13): ETag, If-None-Match (304), If-Match (412)."""

import hashlib

from django.http import HttpResponse
from django.utils.http import parse_etags
from rest_framework.request import Request

from contactbook.api.exceptions import PreconditionFailed


def etag_of(content: bytes | bytearray) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def not_modified(request: Request, etag: str) -> bool:
    """If-None-Match holds it, by weak comparison (§13.1.2)."""
    header = request.META.get("HTTP_IF_NONE_MATCH")
    given = [tag.removeprefix("W/") for tag in parse_etags(header)] if header else []
    return etag in given or given == ["*"]


def check_if_match(header: str | None, etag: str) -> None:
    """PreconditionFailed unless the If-Match is absent or holds it, by strong comparison (§13.1.1)."""
    if header is not None and etag not in (given := parse_etags(header)) and given != ["*"]:
        raise PreconditionFailed


def answer(request: Request, content: bytes, etag: str, headers: dict[str, str]) -> HttpResponse:
    """200 with the JSON content, or 304 without."""
    unchanged = not_modified(request, etag)
    response = HttpResponse(b"" if unchanged else content, status=304 if unchanged else 200, headers=headers)
    response["ETag"] = etag
    if unchanged:
        del response["Content-Type"]
    else:
        response["Content-Type"] = "application/json"
    return response
