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

# A test runs in a transaction, in which a view's transaction is a savepoint. It is shown as BEGIN and COMMIT, as in production.
AUTHENTICATE = "SELECT accounts_session"  # joined with its account
BOOK = "SELECT contacts_book"  # a read: its version; a write: its counters, locked
LIMIT = "EVALSHA"  # the script that counts
WRITTEN = ["UPDATE contacts_contact", "INSERT contacts_change", "UPDATE contacts_book"]

READ = [AUTHENTICATE, BOOK, "SELECT contacts_contact"], [LIMIT, "GET", "SET"]
CACHED_READ = [AUTHENTICATE, BOOK], [LIMIT, "GET"]
WRITE = [AUTHENTICATE, "BEGIN", BOOK, "SELECT contacts_contact", *WRITTEN, "COMMIT"], [LIMIT]

# Each request: its statements and its trips to Redis, in order.
PATHS: dict[str, tuple[list[str], list[str]]] = {
    "list, not in the cache": READ,
    "list, in the cache": CACHED_READ,
    "list, 304": CACHED_READ,
    "find, not in the cache": READ,
    "find, in the cache": CACHED_READ,
    "birthdays, not in the cache": READ,
    "birthdays, in the cache": CACHED_READ,
    "changes, nothing new": ([AUTHENTICATE, BOOK], [LIMIT]),
    "create": (
        [
            AUTHENTICATE,
            "BEGIN",
            BOOK,
            "INSERT contacts_contact",
            "INSERT contacts_contactkey",
            "INSERT contacts_change",
            "UPDATE contacts_book",
            "COMMIT",
        ],
        [LIMIT],
    ),
    "PUT": (
        [
            AUTHENTICATE,
            "BEGIN",
            BOOK,
            "SELECT contacts_contact",
            "UPDATE contacts_contact",
            "DELETE contacts_contactkey",
            "INSERT contacts_contactkey",
            "INSERT contacts_change",
            "UPDATE contacts_book",
            "COMMIT",
        ],
        [LIMIT],
    ),
    "PUT that changes nothing": ([AUTHENTICATE, "BEGIN", BOOK, "SELECT contacts_contact", "COMMIT"], [LIMIT]),
    "delete": WRITE,
    "login": (
        [
            "SELECT accounts_user",  # whose password is checked, outside of any transaction
            "BEGIN",
            "SELECT accounts_user",  # locked: the password is still the same
            "SAVEPOINT",
            "INSERT accounts_session",
            "SELECT accounts_session",  # those beyond the most that an account may have
            "RELEASE",
            "COMMIT",
        ],
        [LIMIT, LIMIT, "ZREM"],  # the route's limit, and the account's wrong passwords, of which a right one is none
    ),
    "refresh": (["BEGIN", "SELECT accounts_session", "UPDATE accounts_session", "COMMIT"], [LIMIT]),
    "a request without a token": ([], [LIMIT]),
    "a request with an ended session": ([AUTHENTICATE], [LIMIT]),
}


def kinds_and_tables(statements: list[str]) -> list[str]:
    """Return `INSERT contacts_contact` for an INSERT INTO "contacts_contact" …, BEGIN for the outermost savepoint."""
    found, depth = [], 0
    for sql in statements:
        if sql.startswith("SAVEPOINT"):
            depth += 1
            found.append("BEGIN" if depth == 1 else "SAVEPOINT")
        elif sql.startswith("RELEASE"):
            depth -= 1
            found.append("RELEASE" if depth else "COMMIT")
        else:
            table = re.search(r'(?:FROM|INTO|^UPDATE) "(\w+)"', sql)
            found.append(f"{sql.split()[0]} {table[1] if table else '?'}")
    return found


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
    trips.statements = kinds_and_tables([query["sql"] for query in captured.captured_queries])


class Situation:
    """Alice with one contact, and what her requests need."""

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
    client_of(alice).get("/api/groups")  # loads the script into Redis
    statements, commands = PATHS[name]
    with recorded(monkeypatch) as trips:
        assert request().status_code == status
    assert trips.statements == statements
    assert trips.commands == (commands if django_settings.REDIS_URL else [])
