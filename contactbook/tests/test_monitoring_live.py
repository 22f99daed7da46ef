"""The running server's log: its form, its ids, and that nothing of people's stands in it."""

import json
import os
import re
import signal
import subprocess

import pytest

from contactbook.tests.canaries import CANARY, fail, leave_text_everywhere, traces, walk_through_an_account
from contactbook.tests.faults import until
from contactbook.tests.live import ROOT, Server, free_port, serving


@pytest.mark.parametrize("form", ["json", "line"])
def test_no_secret_and_nothing_that_people_wrote_stands_in_the_log(tmp_path, form):
    with serving(tmp_path / "var", LOG_FORMAT=form, LOG_REQUESTS="true") as server:
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
        assert all(line["request_id"] for line in lines if line["logger"].startswith("contactbook.errors"))


def log_holds(server, text):
    return text in server.log.read_text()


def test_each_stack_writes_the_form_that_suits_it(server):
    until(lambda: log_holds(server, "The contact book is at"))
    first = server.log.read_text().splitlines()[0]
    if os.environ.get("DATABASE_URL"):
        assert "The contact book is at" in json.loads(first)["message"]
    else:
        assert first.startswith("The contact book is at")


def test_the_line_of_a_request_names_the_answers_id(tmp_path):
    with serving(tmp_path / "var", LOG_FORMAT="json", LOG_REQUESTS="true") as server:
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


@pytest.fixture
def nginx(tmp_path):
    """The configuration of production before a server of ours, its access log in a file."""
    command = next((each for each in ("/usr/sbin/nginx", "/usr/bin/nginx") if os.access(each, os.X_OK)), None)
    if not command:
        pytest.skip("NGINX'S LOG AND HEADERS ARE NOT TRIED: nginx is missing")
    running = []

    def before(server, port):
        text = (ROOT / "scripts/nginx.conf").read_text()
        text = text.replace("listen 8080;", f"listen 127.0.0.1:{port};")
        text = text.replace("server web:8000 resolve;", f"server 127.0.0.1:{server.env['PORT']};")
        folder = tmp_path / "nginx"
        folder.mkdir()
        (folder / "nginx.conf").write_text(text.replace("/dev/stdout", str(folder / "access.log")))
        started = [command, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
        running.append(subprocess.Popen(started))
        return folder / "access.log"

    yield before
    for process in running:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)


def told(log):
    return [json.loads(line) for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]


def test_behind_nginx_one_id_stands_in_both_logs_and_the_answer(tmp_path, nginx):
    port = free_port()
    variables = {"LOG_FORMAT": "json", "LOG_REQUESTS": "true", "TRUSTED_PROXIES": "1"}
    with serving(tmp_path / "var", **variables) as server:
        access = nginx(server, port)
        outside = Server(server.env | {"PORT": str(port)}, server.folder)
        until(lambda: outside.try_get("/healthz") == 200)
        own = {"X-Request-ID": "made-up-by-the-client"}
        answer = outside.ask("GET", f"/api/contacts/{CANARY}", headers=own)
        refused = outside.ask("GET", "/metrics", headers=own)
        known = answer.headers["X-Request-ID"]
        until(lambda: log_holds(server, known))
        until(lambda: {known, refused.headers["X-Request-ID"]} <= {line["request_id"] for line in told(access)})
        lines = told(access)
    assert re.fullmatch("[0-9a-f]{32}", known)
    assert [line["status"] for line in lines if line["request_id"] == known] == [401]
    assert CANARY not in access.read_text()
    assert refused.status == 404
    assert "camera=()" in refused.headers["Permissions-Policy"]
    assert refused.headers["Cross-Origin-Opener-Policy"] == "same-origin"
