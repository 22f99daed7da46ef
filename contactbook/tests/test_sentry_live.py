"""What the running server reports to Sentry, where it is told to."""

import http.server
import json
import socket
import threading
import time
import zlib

import pytest

from contactbook.tests.canaries import (
    canary,
    execute,
    fail,
    leave_text_everywhere,
    traces,
    walk_through_an_account,
)
from contactbook.tests.faults import until
from contactbook.tests.live import serving

pytestmark = pytest.mark.postgresql


class Sentry(http.server.ThreadingHTTPServer):
    """What the library speaks to: keeps the bodies of its envelopes."""

    def __init__(self):
        self.envelopes = []
        super().__init__(("127.0.0.1", 0), Ear)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def dsn(self):
        return f"http://key@127.0.0.1:{self.server_port}/1"

    def events(self):
        texts = [line for envelope in self.envelopes for line in envelope.decode().splitlines()]
        return [event for event in map(json.loads, texts) if "platform" in event]


class Ear(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = zlib.decompress(body, wbits=31)
        self.server.envelopes.append(body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def sentry():
    server = Sentry()
    yield server
    server.shutdown()
    server.server_close()


def test_sentry_gets_where_it_happened_and_nothing_that_people_wrote(tmp_path, sentry):
    with serving(tmp_path / "var", processes=1, SENTRY_DSN=sentry.dsn) as server:
        secrets, token = walk_through_an_account(server)
        own = leave_text_everywhere(server, token)
        execute(server, f"UPDATE contacts_contact SET card = '\"{canary('card')}\"'")
        query = f"?q={canary('query')}"
        odd = {"Cookie": f"sessionid={canary('cookie')}", "Referer": f"http://x/{canary('header')}"}
        answer = server.ask("PATCH", own + query, {"fullname": canary("fullname")}, token, odd)
        assert answer.status == 500
        until(sentry.events)
        execute(server, "ALTER TABLE accounts_user RENAME TO accounts_gone")
        page = server.ask("GET", f"/reset/{secrets[3]}")
        assert page.status in (500, 503)
        until(lambda: len(sentry.events()) > 1)
        execute(server, "ALTER TABLE accounts_gone RENAME TO accounts_user")
        fail(server, token, own)
        time.sleep(0.5)  # for what would come, and must not hold any of it either
        everything = b"".join(sentry.envelopes).decode()
    event, of_page = sentry.events()[:2]
    assert event["tags"] == {"request_id": answer.headers["X-Request-ID"], "route": "contact"}
    assert event["transaction"] == "contact" and event["request"]["method"] == "PATCH"
    assert event["request"].keys() == {"method", "url"} and event["request"]["url"].startswith(server.url)
    assert event["logentry"] == {"message": "Unexpected error"}
    frames = event["exception"]["values"][-1]["stacktrace"]["frames"]
    assert any(frame["function"] == "partial_update" and "vars" not in frame for frame in frames)
    assert of_page["tags"]["request_id"] == page.headers["X-Request-ID"]
    assert traces(everything, secrets) == []


def test_a_sentry_that_is_away_hurts_nobody(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and never answers
        dsn = f"http://key@127.0.0.1:{silent.getsockname()[1]}/1"
        with serving(tmp_path / "var", processes=1, SENTRY_DSN=dsn) as server:
            _, token = server.sign_up()
            own = server.ask("POST", "/api/contacts", {"fullname": "x"}, token).json()["id"]
            execute(server, "UPDATE contacts_contact SET card = '\"x\"'")
            begun = time.monotonic()
            for _ in range(10):
                assert server.ask("PATCH", f"/api/contacts/{own}", {"fullname": "y"}, token).status == 500
            assert time.monotonic() - begun < 10
            server.stop()
            assert server.process.returncode == 0
