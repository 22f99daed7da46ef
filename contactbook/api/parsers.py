"""Content negotiation, the parsers of JSON and of uploads, and an upload handler that closes its files."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from django.core.files.uploadhandler import TemporaryFileUploadHandler
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser, MultiPartParser

from contactbook.api.exceptions import BadRequest


class JSONContentNegotiation(BaseContentNegotiation):
    """Selects JSON for every response, whatever `Accept` says; selects the parser by Content-Type."""

    def select_parser(self, request, parsers):
        content_type = (request.content_type or "").partition(";")[0].strip().lower()
        if request.method == "PATCH" and content_type == "application/merge-patch+json":  # RFC 7396 §4
            content_type = "application/json"
        return next((parser for parser in parsers if parser.media_type == content_type), None)

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


class JSONParser(BaseParser):
    """Parses JSON as UTF-8 whatever the charset says (RFC 8259 §8.1). NaN and too deep nesting are a ParseError."""

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None):
        try:
            return json.loads(stream.read().decode("utf-8-sig"), parse_constant=self.reject_constant)
        except (ValueError, RecursionError):
            raise ParseError("The body is not JSON that can be read.") from None

    @staticmethod
    def reject_constant(constant: str) -> Any:
        raise ValueError(constant)


class CountedStream:
    """A stream that counts the bytes that were read of it."""

    def __init__(self, stream: Any) -> None:
        self.stream, self.count = stream, 0

    def read(self, size: int = -1) -> bytes:
        data: bytes = self.stream.read(size)
        self.count += len(data)
        return data


class WholeMultiPartParser(MultiPartParser):
    """Refuses a form that ended before its Content-Length: part of a file must not be taken for the whole."""

    def parse(self, stream, media_type=None, parser_context=None):
        counted: Any = CountedStream(stream)
        parsed = super().parse(counted, media_type, parser_context)
        if counted.count < int(parser_context["request"].META["CONTENT_LENGTH"]):
            raise BadRequest("The body is shorter than its Content-Length.")
        return parsed


class UploadHandler(TemporaryFileUploadHandler):
    """Closes a temporary file at once when a full disk stops the upload; Django leaves it to the garbage collector."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        with self.closed_on_failure():
            super().receive_data_chunk(raw_data, start)

    def file_complete(self, file_size: int) -> Any:
        with self.closed_on_failure():
            return super().file_complete(file_size)

    @contextlib.contextmanager
    def closed_on_failure(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            with contextlib.suppress(OSError):  # the data in its buffer cannot be written either
                self.file.close()
            raise
