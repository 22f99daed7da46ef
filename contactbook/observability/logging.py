"""What a log line looks like, and what never stands in one: a path, a query, the text of an exception."""

import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from contactbook.observability import request_context as current

FRAMES = 40  # of a traceback, the innermost
FIELDS = ("request_id", "method", "route", "status", "ms", "user")


class Safe(logging.Filter):
    """Adds the request's id, and takes the client's own words out of the lines of Django and gunicorn."""

    def filter(self, record: logging.LogRecord) -> bool:
        if told := current.request_id():
            record.request_id = told
        if isinstance(record.msg, BaseException):
            record.msg, record.args = named(record.msg), ()
        elif record.name == "gunicorn.error":
            of_gunicorn(record)
        elif asked := getattr(record, "request", None):
            of_django(record, asked)
        return True


def of_gunicorn(record: logging.LogRecord) -> None:
    """Two of its lines repeat what was asked for, or the line or header that could not be read."""
    message = str(record.msg)
    if message.startswith("Invalid request from"):
        record.msg, record.args = f"{message.partition(': ')[0]}.", ()
    elif message.startswith("Error handling request"):
        record.msg, record.args = "Error handling a request.", ()


def of_django(record: logging.LogRecord, asked: Any) -> None:
    """Its lines name a path, a referrer, or what was suspicious: the route and the class instead.

    A Host that is not ours stays, since that is how a forgotten name in ALLOWED_HOSTS is noticed.
    """
    suspicious = record.name.startswith("django.security.")
    if suspicious and record.exc_info and record.exc_info[1]:
        if not record.name.endswith(".DisallowedHost"):
            record.msg = f"Refused: {named(record.exc_info[1])}."
        record.exc_info = None
    elif isinstance(record.args, tuple):
        said = [current.route(asked) if isinstance(each, str) and "/" in each else each for each in record.args]
        record.args = tuple(said)


def named(error: BaseException) -> str:
    """Its class, and SQLSTATE where there is one; its text may be a row of a table, or what somebody typed."""
    kind, code = type(error), getattr(error, "pgcode", None)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"{name} [{code}]" if code else name


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The exception and those behind it, outermost first."""
    seen: set[int] = set()
    while error and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def safe_traceback(error: BaseException) -> str:
    """Where it happened, in lines of source, and the classes alone; each followed by what caused it."""
    parts = [named(each) + "\n" + "".join(traceback.format_tb(each.__traceback__, -FRAMES)) for each in chain(error)]
    return "caused by ".join(parts).rstrip()


class Line(logging.Formatter):
    """For people; a message stays one line, whatever was written into it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None  # what another handler made of it
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = record.message.replace("\n", "\\n").replace("\r", "\\r")
        own = " ".join(f"{name}={getattr(record, name)}" for name in FIELDS if hasattr(record, name))
        return f"{super().formatMessage(record)} [{own}]" if own else super().formatMessage(record)

    def formatException(self, ei: Any) -> str:
        return safe_traceback(ei[1])


class JSON(JsonFormatter):
    """For programs: an object a line, of known fields only."""

    NAMES = {"asctime": "time", "levelname": "level", "name": "logger", "message": "message", "process": "process"}

    def __init__(self) -> None:
        names = {**self.NAMES, "exc_info": "exception"}
        super().__init__(list(self.NAMES), rename_fields=names, json_ensure_ascii=False)
        self.kept = {*names.values(), *FIELDS}

    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None
        return super().format(record)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")

    def formatException(self, ei: Any) -> str:
        return safe_traceback(ei[1])

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in log_data.items() if name in self.kept}
