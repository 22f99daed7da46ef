"""What is asked for, and how an answer is known to be right.

Three groups of accounts: readers, whose books nobody writes to, writers, and mixers, who do both. Requests come in an
order that is shuffled once, so that a read is a new one each time: no page is asked for again while it may be cached,
except in the cases that are named `again`.
"""

import json
import random
from datetime import UTC, datetime
from itertools import groupby
from typing import NamedTuple
from urllib.parse import quote

from contacts.cards import birthdays
from contacts.cards.folding import fold

PAGE = 20
LIST = f"/api/contacts/?skip=0&limit={PAGE}"


class Size(NamedTuple):
    readers: int
    writers: int
    mixers: int
    contacts: int  # of each of them
    power: int  # of one more account, for the largest answers

    @property
    def users(self):
        return self.readers + self.writers + self.mixers


class Ask(NamedTuple):
    """A request and what its answer must hold: text, and how often. `ordered` holds where a server sorts as the
    contract says, `total` where it tells how many there are."""

    method: str
    path: str
    user: int | None
    body: dict | str | None = None  # JSON, or a form
    status: int = 200
    holds: list = []
    ordered: list = []
    total: list = []
    headers: dict = {}

    def plan(self, server, token):
        form = isinstance(self.body, str)
        body = (self.body if form else json.dumps(self.body, ensure_ascii=False)).encode() if self.body else b""
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: 127.0.0.1"]
        lines += [f"Authorization: Bearer {token}"] if token else []
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body:
            kind = "application/x-www-form-urlencoded" if form else "application/json"
            lines += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
        needles = self.holds + self.ordered * server.sorts + self.total * server.counts
        request = "\r\n".join([*lines, "", ""]).encode() + body
        return request, self.status, [(text.encode(), count) for text, count in needles]


class Person(NamedTuple):
    """A row of the filled database."""

    id: int
    user: int
    fullname: str
    fullname_folded: str
    month_day: int | None
    email_folded: str


PEOPLE = """SELECT id, user_id, fullname, fullname_folded, month_day, email_folded FROM contacts_contact
    WHERE user_id = ANY(%s) ORDER BY user_id, fullname_folded COLLATE "C", id"""


class Cases:
    def __init__(self, stage, size, users):
        readers, rest = users[: size.readers], users[size.readers : size.users]
        self.readers, self.writers, self.mixers = readers, rest[: size.writers], rest[size.writers :]
        self.size, self.chance = size, random.Random(1)
        rows = [Person(*row) for row in stage.sql(PEOPLE, users, fetch=True)]
        self.books = {user: list(book) for user, book in groupby(rows, lambda row: row.user)}

    def shuffled(self, asks):
        asks = list(asks)
        self.chance.shuffle(asks)
        return asks

    def list(self):
        last = self.size.contacts - PAGE
        return self.shuffled(self.page(user, skip) for user in self.readers for skip in range(last))

    def list_again(self):
        return self.shuffled(self.page(user, 0) for user in self.readers[:50])

    def page(self, user, skip):
        rows = self.books[user][skip : skip + PAGE]
        texts = [named(row) for row in rows]
        edges = [(text, texts.count(text)) for text in {texts[0], texts[-1]}]
        total = [(f"X-Total-Count: {len(self.books[user])}\r\n", 1)]
        path = f"/api/contacts/?skip={skip}&limit={PAGE}"
        return Ask("GET", path, user, holds=owned(user, PAGE), ordered=edges, total=total)

    def list_unchanged(self, etag_of):
        """`etag_of` asks for a page and says what its ETag is."""
        asks = [self.page(user, 0) for user in self.readers[:50]]
        return [
            Ask("GET", ask.path, ask.user, status=304, headers={"If-None-Match": etag_of(ask.path, ask.user)})
            for ask in asks
        ]

    def birthdays(self):
        today = datetime.now(UTC).date()
        return self.shuffled(self.born(user, today, days) for user in self.readers for days in range(1, 31))

    def birthdays_again(self):
        today = datetime.now(UTC).date()
        return self.shuffled(self.born(user, today, 7) for user in self.readers[:50])

    def born(self, user, today, days):
        window = birthdays.window(*birthdays.span(today, days, across_year=False), 228)
        born = [row for row in self.books[user] if row.month_day and window.first <= row.month_day <= window.last]
        return Ask("GET", f"/api/contacts/bd?days_range={days}", user, holds=owned(user, len(born)))

    def find(self):
        return self.shuffled(
            self.found_in(self.books[user], row) for user in self.readers for row in self.books[user][::4]
        )

    def found_in(self, book, wanted):
        """By a name of three letters and more, written as it stands there: the older design minds its case."""
        words = [word for word in wanted.fullname.split() if len(word) > 2 and not word.isdigit()]
        query = self.chance.choice(words or [wanted.fullname])
        first = next(row for row in book if fold(query) in row.fullname_folded)
        holds = [(f'"user_id":{first.user},', 1)]
        return Ask("GET", f"/api/contacts/{quote(query)}", first.user, holds=holds, ordered=[(named(first), 1)])

    def create(self):
        return self.shuffled(self.added(user, number) for user in self.writers for number in range(100))

    def added(self, user, number):
        name = f"Zoë Nový {self.chance.randrange(10**6)}"
        body = {
            "fullname": name,
            "email": f"zoe{number}@example.org",
            "phone_number": 420255500000 + number,
            "birthday": f"19{number % 80 + 10}-0{number % 9 + 1}-1{number % 10}",
            "additional": "Met at the station",
        }
        holds = [(f'"user_id":{user},', 1), (f'"fullname":"{name}",', 1)]
        return Ask("POST", "/api/contacts/", user, body, 201, holds=holds)

    def put(self):
        """Each contact in turn, and then again with another note: every one of these is a change."""
        rows = self.shuffled(row for user in self.writers for row in self.books[user][:40])
        return [self.replaced(row, note) for note in ("Rings on Sundays", "Has moved") for row in rows]

    def replaced(self, row, note):
        body = {**self.added(row.user, row.id % 100).body, "fullname": row.fullname, "additional": note}
        holds = [(f'"user_id":{row.user},', 1), (f'"additional":"{note}"', 1), (named(row), 1)]
        return Ask("PUT", f"/api/contacts/{row.id}", row.user, body, holds=holds)

    def mixed(self):
        """Nine lists and a creation, in books of which every one is read and written."""
        asks = []
        for number in range(1000):
            user = self.mixers[number % len(self.mixers)]
            asks += [self.added(user, number % 100)]
            asks += [Ask("GET", LIST, each, holds=owned(each, PAGE)) for each in self.chance.choices(self.mixers, k=9)]
        return self.shuffled(asks)


def owned(user, count):
    """So many contacts, all of them this user's."""
    return [('"fullname":', count), (f'"user_id":{user},', count)]


def named(row):
    return f'"fullname":{json.dumps(row.fullname, ensure_ascii=False)},'
