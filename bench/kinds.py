"""The kinds of requests, and how an answer is known to be right.

Readers' books are never written to; writers and mixers own books of their own. A request that the product must not
answer from its cache is asked for once only in a measurement, before which the product's Redis is emptied.
"""

import calendar
import json
import random
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

PAGE = 20
FIRST_PAGE = f"/api/contacts/?skip=0&limit={PAGE}"
AGAIN = 50  # first pages that are asked for over and over

TITLES = {
    "list": "list of 20",
    "list_cached": "list of 20, in the cache",
    "list_304": "list of 20, 304",
    "find": "find",
    "birthdays": "birthdays",
    "create": "create",
    "put": "PUT",
    "mixed": "90 % lists, 10 % creates",
}


class Person(NamedTuple):
    id: int
    user: int
    fullname: str
    fullname_folded: str
    email_folded: str
    month_day: int | None


PEOPLE = """SELECT id, user_id, fullname, fullname_folded, coalesce(email_folded, ''), month_day FROM contacts_contact
    WHERE user_id = ANY(%s) AND deleted_at IS NULL ORDER BY user_id, fullname_folded COLLATE "C", id"""


class Request(NamedTuple):
    """`names` are those of the answer's contacts in the contract's order, None where they are not known before.

    A server with an order of its own may answer with as many others out of `possible`.
    """

    method: str
    path: str
    user: int
    names: list[str] | None = None
    possible: Iterable[str] = ()
    body: dict[str, Any] | None = None
    total: int | None = None

    @property
    def count(self) -> int | None:
        """How many contacts are in the answer, where that is known before."""
        if self.names is not None:
            return len(self.names)
        return PAGE if self.path == FIRST_PAGE else None

    @property
    def status(self) -> int:
        return 201 if self.method == "POST" else 200


class Kinds:
    """Each method gives the requests of one kind, in an order that is shuffled by a fixed seed."""

    def __init__(self, rows, readers, writers, mixers):
        self.readers, self.writers, self.mixers = readers, writers, mixers
        self.chance = random.Random(1)
        people = (Person(*row) for row in rows)
        self.books = {user: list(book) for user, book in groupby(people, lambda person: person.user)}

    def shuffled(self, requests):
        requests = list(requests)
        self.chance.shuffle(requests)
        return requests

    def page(self, user, skip):
        book = [person.fullname for person in self.books[user]]
        path = f"/api/contacts/?skip={skip}&limit={PAGE}"
        return Request("GET", path, user, book[skip : skip + PAGE], book, total=len(book))

    def list(self):
        pages = ((user, skip) for user in self.readers for skip in range(len(self.books[user]) - PAGE))
        return self.shuffled(self.page(*page) for page in pages)

    def list_cached(self):
        return self.shuffled(self.page(user, 0) for user in self.readers[:AGAIN])

    list_304 = list_cached

    def find(self):
        return self.shuffled(
            self.found(user, text) for user in self.readers for text in texts(self.books[user], "long")
        )

    def found(self, user, text):
        folded, book = text.lower(), self.books[user]
        named = [person.fullname for person in book if folded in person.fullname_folded]
        addressed = [person.fullname for person in book if folded in person.email_folded]
        return Request("GET", f"/api/contacts/{text}", user, named[:1], named + addressed)

    def birthdays(self):
        today = datetime.now(UTC).date()
        return self.shuffled(self.born(user, today, days) for user in self.readers for days in range(1, 61))

    def born(self, user, today, days):
        """Up to the end of the year, as the contract has it; 29 February counts as the 28th in common years."""
        end = min(today + timedelta(days=days), date(today.year, 12, 31))
        first, last = (day.month * 100 + day.day for day in (today, end))
        leap_day = 229 if calendar.isleap(today.year) else 228
        born = [(leap_day if p.month_day == 229 else p.month_day, p) for p in self.books[user] if p.month_day]
        born = sorted((each for each in born if first <= each[0] <= last), key=lambda each: each[0])
        names = [person.fullname for _, person in born]
        return Request("GET", f"/api/contacts/bd?days_range={days}", user, names, names)

    def create(self):
        return self.shuffled(self.new(user, number) for user in self.writers for number in range(100))

    def new(self, user, number):
        body = {
            "fullname": f"Zoe Novy {self.chance.randrange(10**6)}",
            "email": f"zoe{number}@example.org",
            "phone_number": 420255500000 + number,
            "birthday": f"19{number % 80 + 10}-0{number % 9 + 1}-1{number % 10}",
            "additional": "Met at the station",
        }
        return Request("POST", "/api/contacts/", user, [body["fullname"]], [body["fullname"]], body)

    def put(self):
        """Each contact twice, with another note, so that each request is a change."""
        people = self.shuffled(person for user in self.writers for person in self.books[user][:40])
        return [self.changed(person, note) for note in ("Rings on Sundays", "Has moved") for person in people]

    def changed(self, person, note):
        body = {**self.new(person.user, person.id % 100).body, "fullname": person.fullname, "additional": note}
        return Request("PUT", f"/api/contacts/{person.id}", person.user, [person.fullname], [person.fullname], body)

    def mixed(self):
        """Nine first pages and a create, in books that are all read and written."""
        requests = []
        for number in range(1000):
            requests += [self.new(self.mixers[number % len(self.mixers)], number % 100)]
            requests += [Request("GET", FIRST_PAGE, user) for user in self.chance.choices(self.mixers, k=9)]
        return self.shuffled(requests)


def texts(book, length):
    """Texts to find, each once: words of names and their beginnings (of 3 letters or more), or all pairs of letters.

    In ASCII, and as they are written in a name, since the older design minds case and diacritics.
    """
    words = {word for person in book for word in person.fullname.split() if word.isascii() and word.isalpha()}
    if length == "long":
        return sorted({word[:end] for word in words for end in range(3, len(word) + 1)})
    pairs = {word[start : start + 2] for word in words for start in range(len(word) - 1)}
    return sorted(pair for pair in pairs if pair.lower() != "bd")  # a path of its own


def check(server, request, status, headers, body):
    """Compare one answer with what is in the database; SystemExit where it is another."""
    answer = json.loads(body)
    found = answer.get("results", [answer]) if isinstance(answer, dict) else answer
    names = [row["fullname"] for row in found]
    expected = request.names if request.names is not None else names
    total = answer.get("count") if "results" in answer else headers.get("X-Total-Count")
    right = {
        "status": status == request.status,
        "owner": all(row["user_id"] == request.user for row in found),
        "number": request.count in (None, len(names)),
        "names": names == expected if server.ordered else set(names) <= set(request.possible or names),
        "body": all(found[0][name] == value for name, value in (request.body or {}).items()),
        "total": None in (request.total, total) or int(total) == request.total,
    }
    if not all(right.values()):
        wrong = ", ".join(name for name, is_right in right.items() if not is_right)
        raise SystemExit(f"{server.name}: wrong {wrong}: {request.method} {request.path} {expected}: {body[:1000]!r}")
