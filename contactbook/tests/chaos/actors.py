"""The load: threads, each a program with a session of its own, which writes down what it was told."""

import contextlib
import io
import json
import random
import threading
import time
import urllib.parse
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from PIL import Image

from contactbook.tests.chaos.client import Answer, Client, Lost, Refused, multipart
from contactbook.tests.live import PASSWORD

GONE = None  # the state of a deleted contact; any other is the tag that was last written into it


class Asked(NamedTuple):
    """A request as its sender saw it; `status` is 0 where the answer was lost and -1 where nobody listened."""

    name: str
    method: str
    path: str
    begun: float
    ended: float
    status: int

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300


@dataclass
class Known:
    """A contact as its one writer knows it. While `open`, nobody knows whether the last write was done."""

    name: str
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    id: int = 0  # until its creation is answered
    may_be: set[str | None] = field(default_factory=set)
    avatar: str | None = None
    open: bool = False

    def body(self, tag: str) -> bytes:
        """Three fields that always agree, unless half a write is seen."""
        return json.dumps({"fullname": self.name, "email": f"{tag}@example.org", "additional": tag}).encode()


class Wrong(Exception):
    """An answer that no fault excuses."""


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (300, 260), tuple(random.randbytes(3))).save(file, "PNG")
    return file.getvalue()


class Actor:
    """One thread's session and contacts."""

    def __init__(self, url: str, email: str, keeps: bool) -> None:
        self.client, self.email = Client(url, keeps), email
        self.contacts: list[Known] = []
        self.unanswered: Known | None = None  # a creation, to be repeated with its key until it is answered
        self.asked: list[Asked] = []
        self.wrong: list[str] = []
        self.access = self.refresh = ""
        self.doings: dict[Callable[[], None], int] = {
            self.create: 30, self.put: 25, self.delete: 8, self.illustrate: 2, self.read_own: 12, self.read_page: 18,
            self.renew: 3, self.log_in: 1,
        }  # fmt: skip

    def step(self) -> None:
        """One thing that a program does. What is lost stays open; what nobody heard is tried again later."""
        try:
            if not self.access:
                self.log_in()
            elif self.unanswered:
                self.finish(self.unanswered)
            else:
                random.choices(list(self.doings), list(self.doings.values()))[0]()
        except Refused:
            time.sleep(0.05)
        except Lost:
            pass
        except Wrong as error:
            self.wrong.append(str(error))

    def ask(self, method: str, path: str, body: bytes | None = None, *fine: int, **headers: str) -> Answer:
        """Lost also for a 5xx, after which nobody knows either; Wrong for an answer that is not `fine`."""
        begun, status = time.monotonic(), 0
        headers.setdefault("Authorization", f"Bearer {self.access}")
        try:
            answer = self.client.ask(method, path, body, **headers)
            status = answer.status
        except Refused:
            status = -1
            raise
        finally:
            self.asked.append(Asked(self.client.name, method, path, begun, time.monotonic(), status))
        if status >= 500:
            raise Lost(status)
        if status not in (fine or (200,)):
            raise Wrong(f"{method} {path}: {status} {answer.body[:200]!r}")
        return answer

    def create(self) -> None:
        self.unanswered = Known(f"contact {uuid.uuid4().hex}")
        self.contacts.append(self.unanswered)
        self.finish(self.unanswered)

    def finish(self, known: Known) -> None:
        """409 while the first request with this key may still be running."""
        answer = self.ask(
            "POST", "/api/contacts", known.body("new"), 201, 409, Content_Type="application/json",
            Idempotency_Key=known.key,
        )  # fmt: skip
        if answer.status == 201:
            known.id, known.may_be, self.unanswered = answer.json()["id"], {"new"}, None

    def any(self) -> Known | None:
        mine = [known for known in self.contacts[-40:] if known.id and not known.open and known.may_be != {GONE}]
        return random.choice(mine) if mine else None

    @contextlib.contextmanager
    def writing(self, known: Known, state: str | None) -> Iterator[None]:
        before, known.may_be, known.open = known.may_be, known.may_be | {state}, True
        try:
            yield
        except Refused:
            known.may_be, known.open = before, False
            raise
        known.may_be = {state}
        known.open = False

    def put(self) -> None:
        if known := self.any():
            tag = uuid.uuid4().hex
            with self.writing(known, tag):
                self.ask("PUT", f"/api/contacts/{known.id}", known.body(tag), Content_Type="application/json")

    def delete(self) -> None:
        if known := self.any():
            with self.writing(known, GONE):
                self.ask("DELETE", f"/api/contacts/{known.id}")

    def illustrate(self) -> None:
        if known := self.any():
            body, kind = multipart(picture())
            with self.writing(known, next(iter(known.may_be))):
                answer = self.ask("PATCH", f"/api/contacts/{known.id}/avatar", body, Content_Type=kind)
                known.avatar = answer.json()["avatar"]

    def read_own(self) -> None:
        """A program reads what it wrote."""
        if known := self.any():
            found = self.ask("GET", f"/api/contacts/{known.id}").json()
            if found["fullname"] != known.name or found["additional"] not in known.may_be:
                raise Wrong(f"{known} was read as {found}")

    def read_page(self) -> None:
        pages = ("?limit=20", "/bd?days_range=30", "/changes?limit=20", "/trash?limit=20", "?q=contact&limit=5")
        self.ask("GET", f"/api/contacts{random.choice(pages)}")

    def renew(self) -> None:
        """A refresh whose answer is lost is repeated, as HTTP libraries do; past the 10 seconds one logs in again."""
        begun = time.monotonic()
        while True:
            try:
                return self.take(self.ask("GET", "/api/auth/refresh_token", Authorization=f"Bearer {self.refresh}"))
            except (Lost, Refused):
                if time.monotonic() - begun > 8:
                    self.access = ""
                    return None
                time.sleep(0.1)

    def log_in(self) -> None:
        form = urllib.parse.urlencode({"username": self.email, "password": PASSWORD}).encode()
        self.take(self.ask("POST", "/api/auth/login", form, Content_Type="application/x-www-form-urlencoded"))

    def take(self, answer: Answer) -> None:
        pair: Any = answer.json()
        self.access, self.refresh = pair["access_token"], pair["refresh_token"]


class Load:
    """The actors, three for each account, so that they wait for each other's locks too."""

    def __init__(self, url: str, accounts: list[str], per_account: int = 3) -> None:
        self.actors = [Actor(url, email, keeps=number % 2 == 0) for email in accounts for number in range(per_account)]
        self.over = threading.Event()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        self.over.clear()
        for actor in self.actors:
            actor.asked.clear()
        threads = [threading.Thread(target=self.act, args=[actor]) for actor in self.actors]
        [thread.start() for thread in threads]
        try:
            yield
        finally:
            self.over.set()
            [thread.join() for thread in threads]
            [actor.client.close() for actor in self.actors]

    def act(self, actor: Actor) -> None:
        while not self.over.is_set():
            try:
                actor.step()
            except Exception as error:
                actor.wrong.append(f"{type(error).__name__}: {error}")
            time.sleep(0.005)  # programs think, too; and the machine is not ours alone

    def settle(self) -> None:
        """Every creation that was not answered is repeated until it is, by the same key."""
        for actor in self.actors:
            deadline = time.monotonic() + 30
            while actor.unanswered and time.monotonic() < deadline:
                actor.step()

    @property
    def asked(self) -> list[Asked]:
        """What the last run asked."""
        return [asked for actor in self.actors for asked in list(actor.asked)]

    def good_since(self, moment: float) -> list[Asked]:
        return [asked for asked in self.asked if asked.begun >= moment and asked.good]

    def wrong(self) -> list[str]:
        """What the actors found wrong since this was last asked."""
        return [actor.wrong.pop() for actor in self.actors for _ in range(len(actor.wrong))]
