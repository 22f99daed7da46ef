"""An HTTP client that knows what it does not know: a request that was refused, and one whose answer was lost."""

import contextlib
import http.client
import json
import urllib.parse
import uuid
from typing import Any, NamedTuple

PATIENCE = 30.0  # seconds for an answer
NAME = "X-Chaos"  # the header by which a request is found again in what a server has read


class Lost(Exception):
    """The connection ended without an answer: nobody knows whether the request was done."""


class Refused(Exception):
    """There was no connection, so nothing was done."""


class Answer(NamedTuple):
    status: int
    headers: Any
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One connection after another; with `keeps`, each is used for as long as the server lets it."""

    def __init__(self, url: str, keeps: bool) -> None:
        parts = urllib.parse.urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
        self.keeps = keeps
        self.name = ""  # of the last request

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        self.name = uuid.uuid4().hex
        sent = {name.replace("_", "-"): value for name, value in headers.items()} | {NAME: self.name}
        if not self.keeps:
            self.connection.close()
            sent["Connection"] = "close"
        self.connect()
        try:
            self.connection.request(method, path, body, sent)
            answer = self.connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            raise Lost(type(error).__name__) from error

    def connect(self) -> None:
        if self.connection.sock is None:
            try:
                self.connection.connect()
            except OSError as error:
                raise Refused(type(error).__name__) from error

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.close()


def multipart(content: bytes) -> tuple[bytes, str]:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="x.png"\r\n\r\n'
    return head + content + b"\r\n--x--\r\n", "multipart/form-data; boundary=x"
