"""/api/schema, /api/docs and /api/redoc: the OpenAPI document and the pages that show it."""

import functools
import gzip
import hashlib
import re
import threading
from typing import NamedTuple

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView

from contactbook.api.conditional import is_not_modified
from contactbook.api.renderers import as_json
from contactbook.api.throttling import limited

ACCEPTS_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))")
LOCK = threading.Lock()


class Document(NamedTuple):
    content: bytes  # JSON
    gzipped: bytes
    etag: str


def document() -> Document:
    """Return the document, which a process makes once.

    One thread makes it: drf-spectacular loads its extensions at the first need, and another thread would use them
    half loaded.
    """
    with LOCK:
        return make_document()


@functools.cache
def make_document() -> Document:
    content = as_json(SchemaGenerator().get_schema(request=None, public=True))
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return Document(content, gzip.compress(content, mtime=0), etag)


@csrf_exempt
@limited("pages")
@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    content, gzipped, etag = document()
    # The tag is weak since it is that of both encodings (RFC 9110 §8.8.3.3).
    headers = {"ETag": f"W/{etag}", "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if is_not_modified(request, etag):
        response = HttpResponse(status=304, headers=headers)
        del response["Content-Type"]
        return response
    if ACCEPTS_GZIP.search(request.headers.get("Accept-Encoding", "").lower()):
        content, headers["Content-Encoding"] = gzipped, "gzip"
    return HttpResponse(content, content_type="application/vnd.oai.openapi+json", headers=headers)


# Swagger UI and Redoc write style attributes; Redoc also starts a worker from a blob.
page_policy = csp_update({"style-src": ["'unsafe-inline'"], "img-src": ["data:", "blob:"], "worker-src": ["blob:"]})

docs = page_policy(limited("pages")(SpectacularSwaggerSplitView.as_view()))
redoc = page_policy(limited("pages")(SpectacularRedocView.as_view()))
