"""Multistatus answers (RFC 4918 §13). Small ones have a length; large ones are streamed as they are made."""

import itertools
from collections.abc import Iterable, Iterator

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from contacts.carddav import xml
from contacts.streaming import StreamedResponse, reserved_slot

OK = "<D:status>HTTP/1.1 200 OK</D:status>"
FORBIDDEN = "<D:status>HTTP/1.1 403 Forbidden</D:status>"
NOT_FOUND = "<D:status>HTTP/1.1 404 Not Found</D:status>"
TRUNCATED = (
    "<D:status>HTTP/1.1 507 Insufficient Storage</D:status>"
    "<D:error><D:number-of-matches-within-limits/></D:error>"  # RFC 6578 §3.6
)
START = f"{xml.DECLARATION}<D:multistatus{xml.NAMESPACES}>"
END = "</D:multistatus>"
CHUNK = 64 * 1024  # characters
SMALL = 1024 * 1024  # characters; a larger answer is streamed


def response(path: str, *parts: str) -> str:
    return f"<D:response><D:href>{path}</D:href>{''.join(parts)}</D:response>"


def removed(path: str) -> str:
    return response(path, NOT_FOUND)


def propstat(found: Iterable[str], missing: Iterable[str], minimal: bool = False) -> str:
    """Return the found properties first: Thunderbird reads the first status of a response."""
    found, missing = "".join(found), "" if minimal else "".join(missing)
    parts = []
    if found or not missing:
        parts.append(f"<D:propstat><D:prop>{found}</D:prop>{OK}</D:propstat>")
    if missing:
        parts.append(f"<D:propstat><D:prop>{missing}</D:prop>{NOT_FOUND}</D:propstat>")
    return "".join(parts)


def multistatus(parts: Iterable[str]) -> HttpResponseBase:
    """Answer with these responses. What fails before the first megabyte is an error with its own status."""
    chunks = in_chunks(itertools.chain([START], parts, [END]))
    first, size = [], 0
    for chunk in chunks:
        first.append(chunk)
        size += len(chunk)
        if size > SMALL:
            break
    else:
        return HttpResponse("".join(first), xml.CONTENT_TYPE, 207)
    streamed = StreamedResponse(itertools.chain(first, chunks), status=207, content_type=xml.CONTENT_TYPE)
    streamed.slot = reserved_slot()
    return streamed


def in_chunks(parts: Iterable[str]) -> Iterator[str]:
    pending: list[str] = []
    size = 0
    for part in parts:
        pending.append(part)
        size += len(part)
        if size >= CHUNK:
            yield "".join(pending)
            pending, size = [], 0
    yield "".join(pending)
