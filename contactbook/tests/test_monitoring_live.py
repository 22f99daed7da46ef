"""The running server's log: its form, its ids, and that nothing of people's stands in it."""

import json
import os
import re

import pytest

from contactbook.tests.canaries import CANARY, fail, leave_text_everywhere, traces, walk_through_an_account
from contactbook.tests.faults import until
from contactbook.tests.live import serving
from contactbook.tests.nginx import needs_nginx, nginx


@pytest.mark.parametrize(
    "form", [pytest.param("json", marks=pytest.mark.postgresql), pytest.param("line", marks=pytest.mark.one_stack)]
)
def test_no_secret_and_nothing_that_people_wrote_stands_in_the_log(tmp_path, form):
    with serving(tmp_path / "var", processes=1, LOG_FORMAT=form, LOG_REQUESTS="true") as server:
        secrets, token = walk_through_an_account(server)
        own = leave_text_everywhere(server, token)
        fail(server, token, own)
        until(lambda: log_holds(server, "Invalid request from"))
        log = server.log.read_text()
    assert ("Unexpected error" in log and "AttributeError" in log) or "TypeError" in log
    assert "The database does not answer" in log and "status" in log
    assert traces(log, [*secrets, server.env["SECRET_KEY"]]) == []
    if form == "json":
        lines = [json.loads(line) for line in log.splitlines()]
        assert all(line.keys() >= {"time", "level", "logger", "message", "process"} for line in lines)
        assert all(line["request_id"] for line in lines if line["logger"].startswith("contactbook.api.exceptions"))


def log_holds(server, text):
    return text in server.log.read_text()


def test_each_stack_writes_the_form_that_suits_it(server):
    until(lambda: log_holds(server, "The contact book is at"))
    first = server.log.read_text().splitlines()[0]
    if os.environ.get("DATABASE_URL"):
        assert "The contact book is at" in json.loads(first)["message"]
    else:
        assert first.startswith("The contact book is at")


@pytest.mark.postgresql
def test_the_line_of_a_request_names_the_answers_id(tmp_path):
    with serving(tmp_path / "var", processes=1, LOG_FORMAT="json", LOG_REQUESTS="true") as server:
        _, token = server.sign_up()
        answer = server.ask("GET", "/api/contacts/somebody", token=token)
        until(lambda: log_holds(server, answer.headers["X-Request-ID"]))
        lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    line = next(line for line in lines if line.get("request_id") == answer.headers["X-Request-ID"])
    told = {name: line[name] for name in ("logger", "method", "route", "status", "user")}
    assert told == {"logger": "contactbook.requests", "method": "GET", "route": "contact", "status": 404, "user": 1}
    assert 0 < line["ms"] < 20_000


def test_requests_have_no_line_unless_asked_for(server):
    answer = server.ask("GET", "/api/contacts/somebody")
    assert not log_holds(server, answer.headers["X-Request-ID"])


def told(log):
    """The lines of nginx's access log, which go where its errors go, too."""
    lines = log.read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]


@pytest.mark.one_stack
@needs_nginx
def test_behind_nginx_one_id_stands_in_both_logs_and_the_answer(tmp_path):
    variables = {"LOG_FORMAT": "json", "LOG_REQUESTS": "true", "TRUSTED_PROXIES": "1"}
    with serving(tmp_path / "var", processes=1, **variables) as server, nginx(server) as outside:
        own = {"X-Request-ID": "made-up-by-the-client"}
        answer = outside.ask("GET", f"/api/contacts/{CANARY}", headers=own)
        refused = outside.ask("GET", "/metrics", headers=own)
        known = answer.headers["X-Request-ID"]
        until(lambda: log_holds(server, known))
        until(lambda: {known, refused.headers["X-Request-ID"]} <= {line["request_id"] for line in told(outside.log)})
        lines, written = told(outside.log), outside.log.read_text()
    assert re.fullmatch("[0-9a-f]{32}", known)
    assert [line["status"] for line in lines if line["request_id"] == known] == [401]
    assert CANARY not in written
    assert refused.status == 404
    assert "camera=()" in refused.headers["Permissions-Policy"]
    assert refused.headers["Cross-Origin-Opener-Policy"] == "same-origin"
