"""A birthday feed as a calendar program reads it: no log line or metric has its secret"""

import threading

import icalendar
import pytest

from contactbook.tests.live import serving

pytestmark = pytest.mark.postgresql


def test_a_feeds_secret_is_in_no_log_line_and_no_metric(tmp_path):
    with serving(tmp_path / "var", processes=1, LOG_REQUESTS="true") as server:
        _, token = server.sign_up()
        server.ask("POST", "/api/contacts", {"fullname": "Ann", "birthday": "1990-05-06"}, token)
        feed = server.ask("POST", "/api/me/feeds", {"name": "Phone"}, token).json()
        path = feed["url"].removeprefix(server.url)
        answer = server.ask("GET", path)
        assert [str(event["SUMMARY"]) for event in icalendar.Calendar.from_ical(answer.body).walk("VEVENT")] == [
            "Ann (1990)"
        ]
        head = server.ask("HEAD", path)
        assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(answer.body)))
        assert server.ask("GET", path, headers={"If-None-Match": answer.headers["ETag"]}).status == 304
        assert server.ask("GET", path.replace("birthdays", "x")).status == 404
        assert server.ask("DELETE", f"/api/me/feeds/{feed['id']}", token=token).status == 204
        assert server.ask("GET", path).status == 404
        secret = path.split("/")[2]
        metrics = server.ask("GET", "/metrics").body.decode()
        log = server.log.read_text()
    assert "birthdays_feed" in log and "birthdays_feed" in metrics
    assert secret not in log and secret not in metrics


def test_a_hundred_readings_at_once_are_all_answered(server):
    _, token = server.sign_up()
    server.ask("POST", "/api/contacts", {"fullname": "Ann", "birthday": "1990-05-06"}, token)
    path = server.ask("POST", "/api/me/feeds", {"name": "Phone"}, token).json()["url"].removeprefix(server.url)
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(server.ask("GET", path).status)) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 100
