"""What each kind of request asks of the database and of Redis, statement by statement and trip by trip.

docs/architecture.md shows the same paths.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import Session, User
from conftest import PASSWORD, client_of
from contactbook.cache import circuit_breaker
from contacts.models import Book

pytestmark = pytest.mark.django_db

SESSION = "SELECT accounts_session"  # authentication: the session joined with its account
BOOK = "SELECT contacts_book"  # a read: the version; a write: the counters, locked
COUNT = "EVALSHA"  # the limit
BEGIN, COMMIT = "SAVEPOINT", "RELEASE SAVEPOINT"  # a test runs in a transaction, in which a transaction is a savepoint

# Each request, its statements in order, and its trips to Redis in order.
PATHS: dict[str, tuple[list[str], list[str]]] = {
    "list, not in the cache": ([SESSION, BOOK, "SELECT contacts_contact"], [COUNT, "GET", "SET"]),
    "list, in the cache": ([SESSION, BOOK], [COUNT, "GET"]),
    "list, 304": ([SESSION, BOOK], [COUNT, "GET"]),
    "find, not in the cache": ([SESSION, BOOK, "SELECT contacts_contact"], [COUNT, "GET", "SET"]),
    "find, in the cache": ([SESSION, BOOK], [COUNT, "GET"]),
    "birthdays, not in the cache": ([SESSION, BOOK, "SELECT contacts_contact"], [COUNT, "GET", "SET"]),
    "birthdays, in the cache": ([SESSION, BOOK], [COUNT, "GET"]),
    "create": (
        [
            SESSION,
            BEGIN,
            BOOK,
            "INSERT contacts_contact",
            "INSERT contacts_change",
            "UPDATE contacts_book",
            COMMIT,
        ],
        [COUNT],
    ),
    "PUT": ([], [COUNT]),
    "PUT that changes nothing": ([], [COUNT]),
    "delete": ([], [COUNT]),
    "changes, nothing new": ([SESSION, BOOK], [COUNT]),
    "login": ([], [COUNT, COUNT, "ZREM"]),
    "refresh": ([], [COUNT]),
    "a request without a token": ([], [COUNT]),
    "a request with an ended session": ([SESSION], [COUNT]),
}


def kind_and_table(sql: str) -> str:
    """`INSERT contacts_contact` of an INSERT INTO "contacts_contact" …; the first word or two of what names no table."""
    found = re.match(r'(SELECT|INSERT|UPDATE|DELETE)\b.*?(?:FROM|INTO|UPDATE)?\s*"(\w+)"', sql, re.DOTALL)
    if found and found[1] == "SELECT":
        return "SELECT " + re.search(r'FROM "(\w+)"', sql)[1]
    return f"{found[1]} {found[2]}" if found else re.match(r"(RELEASE SAVEPOINT|\w+)", sql)[1]


class Trips:
    """The statements and the Redis commands of one request."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.commands: list[str] = []


@contextmanager
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trips]:
    trips, execute = Trips(), circuit_breaker.Redis.execute_command

    def counted(self: Any, *args: Any, **options: Any) -> Any:
        trips.commands.append(args[0])
        return execute(self, *args, **options)

    with monkeypatch.context() as patch, CaptureQueriesContext(connection) as captured:
        patch.setattr(circuit_breaker.Redis, "execute_command", counted)
        yield trips
    trips.statements = [kind_and_table(query["sql"]) for query in captured.captured_queries]


class Situation:
    """Alice with one contact, whose birthday is today, and whatever her requests need."""

    def __init__(self, alice: User) -> None:
        self.client = client_of(alice)
        with Book.objects.writing(alice.pk, "test") as book:
            card = {"name": {"full": "Kim"}, "emails": {"e": {"address": "kim@example.org"}}}
            self.contact = book.create(card)
        self.path = f"/api/contacts/{self.contact.pk}"
        self.session = Session.objects.begin(alice)
        self.pair = tokens.pair(self.session, 0, self.session.last_used_at.timestamp())

    def get(self, path: str, warm: bool = False, **headers: str) -> Callable[[], Any]:
        if warm:
            headers = {"HTTP_IF_NONE_MATCH": self.client.get(path)["ETag"]} if headers else {}
            self.client.get(path)
        return lambda: self.client.get(path, **headers)

    def put(self, name: str) -> Callable[[], Any]:
        body = {"fullname": name, "email": "kim@example.org"}
        return lambda: self.client.put(self.path, body, format="json")

    def login(self) -> Any:
        form = {"username": "alice@example.org", "password": PASSWORD}
        return APIClient().post("/api/auth/login", form)

    def refresh(self) -> Any:
        return APIClient().get("/api/auth/refresh_token", HTTP_AUTHORIZATION=f"Bearer {self.pair['refresh_token']}")

    def with_ended_session(self) -> Callable[[], Any]:
        self.session.end()
        header = f"Bearer {self.pair['access_token']}"
        return lambda: APIClient().get("/api/contacts", HTTP_AUTHORIZATION=header)

    def request(self, name: str) -> tuple[Callable[[], Any], int]:
        """Return the prepared request and its status."""
        listed, birthdays = "/api/contacts", "/api/contacts/bd"
        requests: dict[str, Callable[[], tuple[Callable[[], Any], int]]] = {
            "list, not in the cache": lambda: (self.get(listed), 200),
            "list, in the cache": lambda: (self.get(listed, warm=True), 200),
            "list, 304": lambda: (self.get(listed, warm=True, HTTP_IF_NONE_MATCH=""), 304),
            "find, not in the cache": lambda: (self.get("/api/contacts/kim"), 200),
            "find, in the cache": lambda: (self.get("/api/contacts/kim", warm=True), 200),
            "birthdays, not in the cache": lambda: (self.get(birthdays), 200),
            "birthdays, in the cache": lambda: (self.get(birthdays, warm=True), 200),
            "create": lambda: (lambda: self.client.post(listed, {"fullname": "New"}, format="json"), 201),
            "PUT": lambda: (self.put("Kim 2"), 200),
            "PUT that changes nothing": lambda: (self.put("Kim"), 200),
            "delete": lambda: (lambda: self.client.delete(self.path), 200),
            "changes, nothing new": lambda: (self.get("/api/contacts/changes?since=1"), 200),
            "login": lambda: (self.login, 200),
            "refresh": lambda: (self.refresh, 200),
            "a request without a token": lambda: (lambda: APIClient().get(listed), 401),
            "a request with an ended session": lambda: (self.with_ended_session(), 401),
        }
        assert requests.keys() == PATHS.keys()
        return requests[name]()


@pytest.mark.parametrize("name", PATHS)
def test_a_request_asks_the_database_and_redis_for_this_and_no_more(
    name: str, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, status = Situation(alice).request(name)
    Situation(User.objects.create(username="warm", email="w@example.org")).client.get("/api/contacts")  # loads the script
    statements, commands = PATHS[name]
    with recorded(monkeypatch) as trips:
        assert request().status_code == status
    print("DBG", name, trips.statements)
    assert trips.statements == statements
    assert trips.commands == (commands if django_settings.REDIS_URL else [])
