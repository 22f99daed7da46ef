"""Log formats and redaction: no line contains a path, a query or the message of an exception."""

import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from contactbook.observability import request_context

FRAMES = 40  # of a traceback; only the innermost ones are logged
FIELDS = ("request_id", "method", "route", "status", "ms", "user")


class RedactingFilter(logging.Filter):
    """Adds the request id to each record, and removes client input from the messages of Django and gunicorn."""

    def filter(self, record: logging.LogRecord) -> bool:
        if request_id := request_context.request_id.get():
            record.request_id = request_id
        if isinstance(record.msg, BaseException):
            record.msg, record.args = class_name(record.msg), ()
        elif record.name == "gunicorn.error":
            redact_gunicorn(record)
        elif request := getattr(record, "request", None):
            redact_django(record, request)
        return True


def redact_gunicorn(record: logging.LogRecord) -> None:
    """Remove client input from the two messages of gunicorn that repeat a request line or a header."""
    message = str(record.msg)
    if message.startswith("Invalid request from"):
        record.msg, record.args = f"{message.partition(': ')[0]}.", ()
    elif message.startswith("Error handling request"):
        record.msg, record.args = "Error handling a request.", ()


def redact_django(record: logging.LogRecord, request: Any) -> None:
    """Replace a path or referrer by the route, and a suspicious value by the class of the exception.

    A refused Host header is logged: it shows which name is missing from ALLOWED_HOSTS.
    """
    suspicious = record.name.startswith("django.security.")
    if suspicious and record.exc_info and record.exc_info[1]:
        if not record.name.endswith(".DisallowedHost"):
            record.msg = f"Refused: {class_name(record.exc_info[1])}."
        record.exc_info = None
    elif isinstance(record.args, tuple):
        route = request_context.route_name(request)
        record.args = tuple(route if isinstance(arg, str) and "/" in arg else arg for arg in record.args)


def class_name(error: BaseException) -> str:
    """Return the class, with the SQLSTATE if there is one. The message may contain a row of a table or user input."""
    kind, code = type(error), getattr(error, "pgcode", None)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"{name} [{code}]" if code else name


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the exception and its causes, outermost first."""
    seen: set[int] = set()
    while error and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def safe_traceback(error: BaseException) -> str:
    """Return the traceback with source lines and classes, but without messages; each is followed by its cause."""
    parts = [class_name(e) + "\n" + "".join(traceback.format_tb(e.__traceback__, -FRAMES)) for e in causes(error)]
    return "caused by ".join(parts).rstrip()


class LineFormatter(logging.Formatter):
    """Plain text for people. A message is always one line."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None  # the traceback that another handler formatted, with the message
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = record.message.replace("\n", "\\n").replace("\r", "\\r")
        fields = " ".join(f"{name}={getattr(record, name)}" for name in FIELDS if hasattr(record, name))
        return f"{super().formatMessage(record)} [{fields}]" if fields else super().formatMessage(record)

    def formatException(self, ei: Any) -> str:
        return safe_traceback(ei[1])


class JSONLogFormatter(JsonFormatter):
    """JSON for programs: one object per line, with known fields only."""

    NAMES = {"asctime": "time", "levelname": "level", "name": "logger", "message": "message", "process": "process"}

    def __init__(self) -> None:
        names = {**self.NAMES, "exc_info": "exception"}
        super().__init__(list(self.NAMES), rename_fields=names, json_ensure_ascii=False)
        self.known = {*names.values(), *FIELDS}

    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None
        return super().format(record)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")

    def formatException(self, ei: Any) -> str:
        return safe_traceback(ei[1])

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in log_data.items() if name in self.known}
