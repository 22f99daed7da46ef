"""A line's form, and what is taken out of it."""

import io
import json
import logging
import sys

import psycopg2.errors
import pytest
from django.db import IntegrityError

from contactbook.observability import logging as logs
from contactbook.observability import request_context
from contactbook.observability.middleware import RequestMonitoringMiddleware

pytestmark = pytest.mark.one_stack

CANARY = "canary@example.org"


@pytest.fixture(params=["line", "json"])
def form(request):
    return request.param


@pytest.fixture
def log(form):
    """A logger written to as the product writes, and what it wrote."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter({"line": logs.LineFormatter, "json": logs.JSONLogFormatter}[form]())
    handler.addFilter(logs.RedactingFilter())
    made = []

    def logger(name="contactbook.test"):
        one = logging.getLogger(name)
        made.append((one, one.propagate, one.level))
        one.addHandler(handler)
        one.propagate = False
        one.setLevel(logging.INFO)
        return one

    logger.written = written.getvalue
    yield logger
    for one, propagate, level in made:
        one.removeHandler(handler)
        one.propagate, one.level = propagate, level


def test_a_line_holds_the_request_id_and_the_known_fields(log, form, rf):
    ids = []

    def view(request):
        ids.append(request_context.request_id.get())
        log().warning("It is %s.", "so", extra={"status": 200})
        return io.StringIO()

    with pytest.raises(AttributeError):  # a StringIO is no answer
        RequestMonitoringMiddleware(view)(rf.get("/secret"))
    line = log.written()
    if form == "json":
        told = json.loads(line)
        assert told.pop("time").endswith("+00:00") and told.pop("process") > 0
        assert told == {
            "level": "WARNING",
            "logger": "contactbook.test",
            "message": "It is so.",
            "request_id": ids[0],
            "status": 200,
        }
    else:
        assert line.endswith(f" WARNING contactbook.test: It is so. [request_id={ids[0]} status=200]\n")


def test_outside_of_a_request_there_is_no_id(log):
    log().warning("Alone.")
    assert "request_id" not in log.written()


def test_only_known_fields_are_written(log, rf):
    log().warning("x", extra={"request": rf.get("/" + CANARY), "password": CANARY})
    assert CANARY not in log.written()


def test_a_message_stays_one_line(log):
    log().warning("a%s", "\nERROR contactbook: forged\r\n")
    assert len(log.written().splitlines()) == 1


def duplicate():
    """What Django makes of PostgreSQL's answer, as psycopg2 raises it."""
    try:
        raise psycopg2.errors.UniqueViolation(f"duplicate key\nDETAIL:  Key (email)=({CANARY}) already exists.")
    except psycopg2.Error as error:
        raise IntegrityError(*error.args) from error


def nested():
    try:
        {}[CANARY]
    except KeyError:
        int(CANARY)


def chained_to_itself():
    error = ValueError(CANARY)
    error.__cause__ = other = KeyError(CANARY)
    other.__cause__ = error
    raise error


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (duplicate, ["django.db.utils.IntegrityError", "caused by psycopg2.errors.UniqueViolation"]),
        (nested, ["ValueError", "caused by KeyError", "int(CANARY)"]),
        (chained_to_itself, ["ValueError", "caused by KeyError"]),
    ],
)
def test_a_traceback_tells_where_and_what_but_not_with_which_data(log, form, fault, told):
    try:
        fault()
    except Exception:
        record_of_another_handler = sys.exc_info()
        log().error("Unexpected", exc_info=record_of_another_handler)
    text = json.loads(log.written())["exception"] if form == "json" else log.written()
    assert all(each in text for each in told)
    assert __file__ in text and f"in {fault.__name__}" in text
    assert CANARY not in text


def test_an_endless_recursion_is_told_briefly(log):
    def again():
        again()

    try:
        again()
    except RecursionError:
        log().exception("Too deep")
    assert len(log.written()) < 20_000


def test_what_another_handler_made_of_an_exception_is_not_taken_over(log):
    log_text = io.StringIO()
    careless = logging.StreamHandler(log_text)
    logger = log()
    logger.handlers.insert(0, careless)
    try:
        nested()
    except ValueError:
        logger.exception("x")
    logger.removeHandler(careless)
    assert CANARY in log_text.getvalue() and CANARY not in log.written()


@pytest.mark.parametrize(
    ("message", "args", "told"),
    [
        (f"Invalid request from ip=::1: Invalid HTTP request line: '{CANARY}'", (), "Invalid request from ip=::1."),
        ("Error handling request %s %s", ("GET", f"/reset/{CANARY}"), "Error handling a request."),
        (ValueError(CANARY), (), "ValueError"),
        ("Worker (pid:%s) was sent %s!", (1, "SIGKILL"), "Worker (pid:1) was sent SIGKILL!"),
    ],
)
def test_gunicorns_own_lines_repeat_nothing_of_a_client(log, message, args, told):
    log("gunicorn.error").error(message, *args)
    assert told in log.written() and CANARY not in log.written()


def test_a_form_without_its_token_is_told_by_its_route(log, client):
    from django.test import Client

    log("django.security.csrf")
    Client(enforce_csrf_checks=True).post(f"/reset/{CANARY}")
    assert "Forbidden" in log.written() and CANARY not in log.written()
    assert "reset" in log.written()


def test_with_debug_something_suspicious_is_told_by_its_class(log, rf, settings):
    from django.core.exceptions import SuspiciousOperation
    from django.core.handlers.exception import response_for_exception

    settings.DEBUG = True  # else errors.py keeps Django from a line of its own
    log("django.security.SuspiciousOperation")
    response_for_exception(rf.get("/"), SuspiciousOperation(CANARY))
    assert "SuspiciousOperation" in log.written() and CANARY not in log.written()


def test_with_debug_a_wrong_host_is_told(log, client, settings):
    settings.DEBUG = True
    log("django.security.DisallowedHost")
    assert client.get("/", HTTP_HOST="evil.example").status_code == 400
    assert "evil.example" in log.written() and "Traceback" not in log.written()
    assert len(log.written().splitlines()) == 1
