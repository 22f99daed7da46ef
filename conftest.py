"""Fixtures of all tests: the users alice, bob and staff, clients, a mail server, and a running server."""

import asyncio
import gc
import os
import threading
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hypothesis
import pytest
from aiosmtpd.controller import Controller
from django.conf import settings as django_settings
from django.core.cache import caches
from django.utils import timezone
from rest_framework.test import APIClient
from whitenoise.middleware import WhiteNoiseMiddleware

from accounts import tokens
from accounts.models import Session, User
from contactbook.cache import rate_limit
from contactbook.tests.live import PASSWORD, Server, free_port, serving

# SQL statements of authentication, in every request, and of reading the book's version, in every read.
AUTHENTICATION, VERSION = 1, 1

# Hypothesis uses the same examples in every run, so that a failure in CI can be repeated.
hypothesis.settings.register_profile("same", derandomize=True, deadline=None, max_examples=30)
hypothesis.settings.register_profile("long", derandomize=True, deadline=None, max_examples=200)
hypothesis.settings.load_profile("same")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that are marked to run on the other stack alone."""
    elsewhere = "one_stack" if os.environ.get("DATABASE_URL") else "postgresql"
    deselected = [item for item in items if item.get_closest_marker(elsewhere)]
    config.hook.pytest_deselected(items=deselected)
    items[:] = [item for item in items if not item.get_closest_marker(elsewhere)]


def pytest_collection_finish() -> None:
    """Exempt what is loaded by now from garbage collection: to examine it again and again takes a fifth of the time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def empty_caches() -> None:
    """Empty the caches before each test: the cached responses and the counters of limits."""
    for each in caches.all():
        each.clear()
    rate_limit.process_log.__init__()


@pytest.fixture(scope="session", autouse=True)
def static_files_found_once() -> Iterator[None]:
    """Let WhiteNoise search the static files once: it would search them for each test client, which takes longest."""
    find, found = WhiteNoiseMiddleware.add_files_from_finders, dict[str, Any]()

    def add_files(self: WhiteNoiseMiddleware) -> None:
        if not found:
            find(self)
            found.update(self.files)
        self.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", add_files)
        yield


@pytest.fixture(scope="session")
def hashed_password() -> str:
    user = User()
    user.set_password(PASSWORD)
    return user.password


@pytest.fixture
def make_user(db: None, hashed_password: str) -> Callable[..., User]:
    def make(name: str, **fields: Any) -> User:
        values = {
            "username": name.title(),
            "email": f"{name}@example.org",
            "confirmed_at": timezone.now(),
            "password": hashed_password,
            **fields,
        }
        user = User(**values)
        user.save()
        return user

    return make


@pytest.fixture
def alice(make_user: Callable[..., User]) -> User:
    return make_user("alice")


@pytest.fixture
def bob(make_user: Callable[..., User]) -> User:
    return make_user("bob")


@pytest.fixture
def staff(make_user: Callable[..., User]) -> User:
    return make_user("staff", is_staff=True, is_superuser=True)


def client_of(user: User | None) -> APIClient:
    """Return a client with a real access token of that user, or without any."""
    client = APIClient(raise_request_exception=False)
    if user:
        session = Session.objects.begin(user)
        access = tokens.pair(session, 0, session.last_used_at.timestamp())["access_token"]
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return client


@pytest.fixture
def as_nobody(db: None) -> APIClient:
    return client_of(None)


@pytest.fixture
def as_alice(alice: User) -> APIClient:
    return client_of(alice)


@pytest.fixture
def as_bob(bob: User) -> APIClient:
    return client_of(bob)


@pytest.fixture
def limits(settings: Any) -> Callable[..., None]:
    """Return a function that sets limits, as limits(login=(10, 60)); a count of 0 means no limit."""

    def change(**rates: tuple[int, int]) -> None:
        settings.RATE_LIMITS = {**settings.RATE_LIMITS, **rates}

    return change


@pytest.fixture
def no_limits(settings: Any) -> None:
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, (0, 1))


class Mailbox:
    """A real SMTP server, and the e-mails that it received."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self.refuse = ""  # an SMTP answer such as "451 later"
        self.drop = False  # accepts an e-mail and closes the connection before it answers
        self.open = threading.Event()  # no mail is answered until this is set
        self.open.set()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuse:
            return self.refuse
        self.raw.append(envelope.content)
        while not self.open.is_set():
            await asyncio.sleep(0.05)
        if self.drop:
            server.transport.close()
        return "250 OK"

    def controller(self, port: int) -> Controller:
        # aiosmtpd reads every attribute of its handler for each connection, and `messages` would parse all e-mails.
        handler = SimpleNamespace(handle_DATA=self.handle_DATA)
        return Controller(handler, hostname="127.0.0.1", port=port, server_hostname="localhost")

    @property
    def messages(self) -> list[Any]:
        return [message_from_bytes(raw, policy=policy.default) for raw in self.raw]

    def link(self, index: int = -1) -> str:
        """Return the path of the link in the text of a message."""
        text = self.messages[index].get_body(("plain",)).get_content()
        return next(word for word in text.split() if word.startswith(django_settings.PUBLIC_URL)).removeprefix(
            django_settings.PUBLIC_URL
        )


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    box = Mailbox()
    controller = box.controller(free_port())
    controller.start()
    settings.EMAIL_BACKEND = "accounts.mail.backends.SMTPBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = controller.hostname, controller.port
    yield box
    controller.stop()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run the server without limits, for all tests: two processes on PostgreSQL, one on SQLite.

    Each test makes its own accounts.
    """
    with serving(tmp_path_factory.mktemp("server") / "var") as running:
        yield running


@pytest.fixture
def production() -> bool:
    return bool(os.environ.get("DATABASE_URL"))


@pytest.fixture
def checkout() -> Path:
    return Path(__file__).resolve().parent
