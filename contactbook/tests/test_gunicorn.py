"""Requests as they arrive at gunicorn: in pieces, malformed, too large, or several on one connection."""

import json
import socket

import pytest

from contactbook.tests.faults import account


def connect(server):
    return socket.create_connection(("127.0.0.1", int(server.env["PORT"])), timeout=60)


def request(method, path, *headers, body=b""):
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def creation(token, body, *headers):
    return request(
        "POST", "/api/contacts", f"Authorization: Bearer {token}", "Content-Type: application/json", *headers, body=body
    )


def read_one(answers, status=b"200"):
    assert answers.readline().startswith(b"HTTP/1.1 " + status)
    head = dict(line.lower().split(b": ", 1) for line in iter(lambda: answers.readline().strip(), b""))
    return json.loads(answers.read(int(head[b"content-length"])))


def test_a_request_may_come_in_any_pieces(server):
    _, token = account(server)
    whole = creation(token, json.dumps({"fullname": "Zoë", "additional": "x" * 40_000}).encode())
    with connect(server) as connection:
        answers = connection.makefile("rb")
        for size in (len(whole), 1000, 20_000):
            for start in range(0, len(whole), size):
                connection.sendall(whole[start : start + size])
            assert read_one(answers, b"201")["fullname"] == "Zoë"
    assert len(server.ask("GET", "/api/contacts", token=token).json()) == 3


def test_requests_that_follow_each_other_without_waiting_are_all_answered(server):
    _, token = account(server)
    read = request("GET", "/api/contacts", f"Authorization: Bearer {token}")
    with connect(server) as connection:
        connection.sendall(creation(token, b'{"fullname": "Ann"}') + read + read)
        answers = connection.makefile("rb")
        assert read_one(answers, b"201")["fullname"] == "Ann"
        assert [len(read_one(answers)) for _ in range(2)] == [1, 1]


def test_a_head_request_writes_no_line_to_the_log(server):
    before = server.log.read_text()
    for path in ("/", "/api/contacts", "/api/docs", "/healthz", "/dav/"):
        assert server.ask("HEAD", path).body == b""
    assert "HEAD" not in server.log.read_text().removeprefix(before)


def test_a_client_that_waits_for_100_continue_is_told_to_send_its_body(server):
    """RFC 9110 section 10.1.1."""
    _, token = account(server)
    body = b'{"fullname":"Zo\xc3\xab"}'
    with connect(server) as connection:
        connection.sendall(creation(token, body, "Expect: 100-continue")[: -len(body)])
        answers = connection.makefile("rb")
        assert answers.readline() == b"HTTP/1.1 100 Continue\r\n" and answers.readline() == b"\r\n"
        connection.sendall(body)
        assert read_one(answers, b"201")["fullname"] == "Zoë"


def test_a_refusal_arrives_while_a_large_body_is_still_sent(server):
    """RFC 9112 section 9.6: a connection that is closed at once is reset, and the answer lost."""
    _, token = account(server)
    for _ in range(5):
        with connect(server) as connection:
            connection.sendall(creation(token, b"x" * 50_000_000)[:3_000_000])
            assert "detail" in read_one(connection.makefile("rb"), b"413")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/9.9\r\n\r\n", b"400"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET /" + b"x" * 40_000, b"414"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
    ],
)
def test_a_malformed_request_is_refused(server, sent, status):
    with connect(server) as connection:
        connection.sendall(sent)
        assert connection.makefile("rb").read().startswith(b"HTTP/1.1 " + status)
