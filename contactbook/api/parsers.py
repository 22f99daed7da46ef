"""JSON in, JSON out, whatever a request says of itself."""

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser

Handler = Callable[[HttpRequest], HttpResponse]


def forms_are_utf8(get_response: Handler) -> Handler:
    """Middleware: a form is UTF-8 (RFC 7578 §5.1), whatever its charset says.

    Python has codecs that no form can be read by, `idna` for one.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if "charset" in request.META.get("CONTENT_TYPE", "").lower():
            request.encoding = "utf-8"
        return get_response(request)

    return middleware


class AnswersInJSON(BaseContentNegotiation):
    """`Accept` is never a reason to refuse."""

    def select_parser(self, request, parsers):
        content_type = (request.content_type or "").partition(";")[0].strip().lower()
        if request.method == "PATCH" and content_type == "application/merge-patch+json":  # RFC 7396 §4
            content_type = "application/json"
        return next((parser for parser in parsers if parser.media_type == content_type), None)

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


class JSONParser(BaseParser):
    """UTF-8 whatever a charset says (RFC 8259 §8.1), no NaN; nesting that Python cannot hold is a fault of the body."""

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None):
        try:
            return json.loads(stream.read().decode("utf-8-sig"), parse_constant=self.refuse)
        except (ValueError, RecursionError):
            raise ParseError("The body is not JSON that can be read.") from None

    @staticmethod
    def refuse(constant: str) -> Any:
        raise ValueError(constant)


class LargeFiles(TemporaryFileUploadHandler):
    """Django's leaves half a file to the garbage collector where the disk is full."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        with self.whole_or_gone():
            super().receive_data_chunk(raw_data, start)

    def file_complete(self, file_size: int) -> Any:
        with self.whole_or_gone():
            return super().file_complete(file_size)

    @contextlib.contextmanager
    def whole_or_gone(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            with contextlib.suppress(OSError):  # what is still in its buffer has no room either
                self.file.close()
            raise
