"""Helpers of the tests of accounts"""

import json
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import Session, User
from conftest import PASSWORD
from contactbook.tests.live import Server

FORM = "application/x-www-form-urlencoded"
PAIR = {"access_token", "refresh_token", "token_type"}
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


def told(answer: Any) -> tuple[Any, ...]:
    """All of an answer but the id of its request."""
    headers = tuple((name, value) for name, value in answer.headers.items() if name != "X-Request-ID")
    return answer.status_code, answer.content, headers


REFUSED = {"detail": "The refresh token is not valid."}


def sign_up(client: APIClient, **fields: Any) -> Any:
    body = {"username": "Zed", "email": "zed@example.org", "password": PASSWORD, **fields}
    return client.post("/api/auth/signup", json.dumps(body), content_type="application/json")


def log_in(client: APIClient, email: str, password: str = PASSWORD, **fields: str) -> Any:
    form = urlencode({"username": email, "password": password, **fields})
    return client.post("/api/auth/login", form, content_type=FORM)


def bearer(token: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {token}"}


def refresh(client: APIClient, token: str) -> Any:
    return client.get("/api/auth/refresh_token", **bearer(token))


def contacts(client: APIClient, token: str) -> int:
    """The status that an access token gets."""
    return client.get("/api/contacts/", **bearer(token)).status_code


def pair_of(user: User) -> dict[str, str]:
    """The first pair of a new session."""
    session = Session.objects.begin(user)
    return tokens.pair(session, 0, session.last_used_at.timestamp())


def faults(answer: Any) -> list[list[Any]]:
    """Where the faults of a 422 lie; its shape is checked."""
    assert answer.status_code == 422, answer.content
    assert answer.json().keys() == {"detail"} and answer.json()["detail"]
    for entry in answer.json()["detail"]:
        assert entry.keys() == {"loc", "msg", "type"}
        assert isinstance(entry["msg"], str) and isinstance(entry["type"], str)
    return [entry["loc"] for entry in answer.json()["detail"]]


def at_once(count: int, act: Callable[[int], Any]) -> list[Any]:
    """What `act` returns for 0 to `count` - 1, called by threads that start at the same moment."""
    start = threading.Barrier(count)

    def begin(number: int) -> Any:
        start.wait()
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


def newest_link(server: Server, subject: str, to: str, mails: int = 1) -> str:
    """The path of the link in somebody's newest mail with that subject, once there are so many."""
    text = newest_mail(server, subject, to, mails).get_body(("plain",)).get_content()
    return re.search(r"^(http\S+)$", text, re.MULTILINE).group(1).removeprefix(server.url)


def newest_mail(server: Server, subject: str, to: str, mails: int = 1) -> Any:
    deadline = time.monotonic() + 15
    while True:
        found = [mail for mail in server.mails() if mail["Subject"] == subject and mail["To"] == to]
        if len(found) >= mails:
            return found[-1]
        assert time.monotonic() < deadline, f"no mail came: {subject}"
        time.sleep(0.1)
