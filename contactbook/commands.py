"""Runs manage.py. A mistake, an outage, Ctrl-C or a closed pipe ends it with one sentence and an exit code."""

import contextlib
import os
import re
import signal
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable

from django.core.management import execute_from_command_line
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from contactbook.db.errors import first_line, sqlstate

FAILED = 1
STOPPED = 128 + signal.SIGINT
CLOSED_PIPE = 128 + signal.SIGPIPE
NO_TABLE_OR_COLUMN = {"42P01", "42703"}  # SQLSTATE
NO_TABLE_OR_COLUMN_IN_SQLITE = ("no such table", "no such column", "has no column named")


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code. With --traceback, and in a shell, errors are raised."""
    try:
        try:
            execute_from_command_line(arguments)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return end("Stopped.", STOPPED)
    except BrokenPipeError:  # such as `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes it once more at its exit
        return CLOSED_PIPE
    except (DatabaseError, InterfaceError, OSError, EOFError) as error:
        sentence = sentence_for(error, arguments[1:2])
        if not sentence or "--traceback" in arguments or arguments[1:2] == ["shell"]:
            raise
        return end(sentence, FAILED)
    return 0


def end(sentence: str, code: int) -> int:
    with contextlib.suppress(OSError):  # standard error may be closed, too
        print(f"contactbook: {sentence}", file=sys.stderr)
    return code


def sentence_for(error: Exception, command: list[str]) -> str:
    """Return the sentence for an outage or an operator's mistake; empty for a fault of the program."""
    if isinstance(error, EOFError):
        return "The command asks a question, and there is no terminal to answer it."
    if isinstance(error, OSError):
        return f"{error.strerror or error}: {error.filename}" if error.filename else str(error.strerror or error)
    if command != ["migrate"] and lacks_tables(error):
        return "The database does not have the tables of this version. Run manage.py migrate first."
    if isinstance(error, OperationalError | InterfaceError):
        place = connection.settings_dict["HOST"] or connection.settings_dict["NAME"]
        return f"The database ({place}) failed: {first_line(error)}"
    return ""


def lacks_tables(error: Exception) -> bool:
    in_sqlite = any(text in str(error) for text in NO_TABLE_OR_COLUMN_IN_SQLITE)
    return sqlstate(error) in NO_TABLE_OR_COLUMN or (connection.vendor == "sqlite" and in_sqlite)


def integer(low: int, high: int) -> Callable[[str], int]:
    """Return a type for an argument of a command: a whole number of these bounds."""

    def bounded(text: str) -> int:
        if not re.fullmatch("-?[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ArgumentTypeError(f"{text} is not a whole number from {low} to {high}")
        return int(text)

    return bounded
