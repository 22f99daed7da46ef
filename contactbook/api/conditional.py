"""Conditional requests (RFC 9110 §13): ETag, If-None-Match (304), If-Match (412)."""

import re

from django.http import HttpRequest
from django.utils.http import parse_etags
from rest_framework.request import Request

from contactbook.api.exceptions import PreconditionFailed

# What Apache and Caddy add to the tag of an answer that they compress.
COMPRESSED = re.compile(r'-(?:br|gzip|zstd)"\Z')


def tags(header: str) -> list[str]:
    """Return the header's entity tags without the weakness mark and a compressing proxy's suffix, or `["*"]`."""
    return [COMPRESSED.sub('"', tag.removeprefix("W/")) for tag in parse_etags(header)]


def is_not_modified(request: Request | HttpRequest, etag: str) -> bool:
    """Return whether If-None-Match contains the tag, by weak comparison (§13.1.2)."""
    header = request.META.get("HTTP_IF_NONE_MATCH")
    given = tags(header) if header else []
    return etag in given or given == ["*"]


def matches(header: str | None, *etags: str) -> bool:
    """Return whether If-Match is absent or contains one of the tags (§13.1.1).

    `W/"1"` counts as `"1"`: proxies that compress an answer weaken its tag, and the state is the same.
    """
    if header is None:
        return True
    given = tags(header)
    return given == ["*"] or not set(etags).isdisjoint(given)


def check_if_match(header: str | None, *etags: str) -> None:
    """Raise PreconditionFailed unless `matches`."""
    if not matches(header, *etags):
        raise PreconditionFailed
