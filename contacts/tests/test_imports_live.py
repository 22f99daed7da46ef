"""Imports by running processes: the thread takes steps up by itself, and a killed process loses nothing."""

import time

import pytest

from contactbook.tests.live import Server, serving
from contacts.tests.importing import vcard

CARDS = 2000
FORM = {"Content-Type": "multipart/form-data; boundary=part"}
WITHIN = 60  # seconds in which another process continues a step


def form(content: bytes) -> bytes:
    head = b'--part\r\nContent-Disposition: form-data; name="file"; filename="cards.vcf"\r\n\r\n'
    return head + content + b"\r\n--part--\r\n"


def file_of(count: int) -> bytes:
    return "".join(
        vcard(f"Card {index}", f"TEL:+49 221 {index:07d}", uid=f"u{index}") for index in range(count)
    ).encode()


def send(server: Server, token: str, content: bytes) -> str:
    answer = server.ask("POST", "/api/imports", form(content), token, FORM, timeout=60)
    assert answer.status == 201, answer.body
    return f"/api/imports/{answer.json()['id']}"


def wait(server: Server, token: str, path: str, until, seconds: float = 200):
    deadline = time.monotonic() + seconds
    while not until(found := server.ask("GET", path, token=token).json()):
        assert found["status"] != "failed" and time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def began(status: str):
    return lambda found: found["status"] == status and 0 < found["progress"]["done"] < CARDS


def ended(status: str):
    return lambda found: found["status"] == status


def goes_on(before: int, after: str):
    """Entries were worked on since, or the step has ended meanwhile."""
    return lambda found: found["status"] == after or found["progress"]["done"] > before


def whole(server: Server, token: str) -> int:
    return int(server.ask("GET", "/api/contacts?limit=0", token=token).headers["X-Total-Count"])


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A server of its own, which is killed."""
    with serving(tmp_path_factory.mktemp("imports") / "var") as running:
        yield running


@pytest.mark.long
@pytest.mark.parametrize("signal", [9, 15])
def test_steps_that_were_cut_off_are_continued_and_nothing_is_written_twice(own: Server, signal: int) -> None:
    _, token = own.sign_up()
    path = send(own, token, file_of(CARDS))
    for begin, during, after in (
        (None, "reading", "ready"),
        (("apply", {"policy": "skip"}), "applying", "applied"),
        (("undo", None), "undoing", "undone"),
    ):
        if begin:
            assert own.ask("POST", f"{path}/{begin[0]}", begin[1], token).status == 202
        wait(own, token, path, began(during))
        own.stop(signal)
        while own.try_get("/healthz"):  # a killed worker may still be ending
            time.sleep(0.05)
        own.start()
        started = time.monotonic()
        before = own.ask("GET", path, token=token).json()["progress"]["done"]
        wait(own, token, path, goes_on(before, after), WITHIN)
        assert time.monotonic() - started < WITHIN
        found = wait(own, token, path, ended(after))
        assert found["counts"] == {"new": CARDS, "same": 0, "changes": 0, "failed": 0}
        assert whole(own, token) == (CARDS if after == "applied" else 0)
    changes = own.ask("GET", "/api/contacts/changes?limit=1000", token=token).json()
    assert changes["next"] <= 2 * CARDS


def test_requests_are_answered_while_a_step_runs(own: Server) -> None:
    _, token = own.sign_up()
    path = send(own, token, file_of(CARDS))
    wait(own, token, path, began("reading"))
    for number in range(20):
        assert own.ask("POST", "/api/contacts/", {"fullname": f"Mine {number}"}, token).status == 201
    wait(own, token, path, ended("ready"))
    assert whole(own, token) == 20
    assert own.ask("DELETE", path, token=token).status == 204


@pytest.mark.postgresql
def test_a_form_that_was_cut_off_is_refused(own: Server) -> None:
    _, token = own.sign_up()
    import http.client
    import socket
    from urllib.parse import urlsplit

    body = form(file_of(5_000))
    connection = http.client.HTTPConnection(urlsplit(own.url).netloc, timeout=20)
    connection.putrequest("POST", "/api/imports")
    for name, value in {**FORM, "Authorization": f"Bearer {token}", "Content-Length": str(len(body))}.items():
        connection.putheader(name, value)
    connection.endheaders(body[: len(body) // 2])
    assert connection.sock
    connection.sock.shutdown(socket.SHUT_WR)
    assert connection.getresponse().status == 400
    assert own.ask("GET", "/api/imports", token=token).json() == []
