"""Duplicates: which of the seeded ones are found in a large book, how soon, and how soon a phone number is found."""

import json
import statistics
import time
from itertools import combinations

import redis

from bench.kinds import Request
from bench.report import table
from bench.servers import PASSWORD, Product, sql

ADDRESS = "seeded@example.org"
FILL = """
import json
from accounts.models import User
from contacts.models import Book
from contacts.tests.duplicate_seeds import seeded_book
from contacts.management.commands.populate import accounts
user = next(accounts(["{address}"], "{password}"))
user.region = "DE"
user.save(update_fields=["region"])
seeds = seeded_book({count}, {seeds})
ids = []
for start in range(0, len(seeds.cards), 5000):
    with Book.objects.writing(user.pk, "command") as book:
        ids += [contact.pk for contact in book.create_many(seeds.cards[start : start + 5000])]
json.dump([[ids[place] for place in pair] for pair in seeds.pairs], open("{file}", "w"))
"""
NUMBERS = """SELECT fullname, phone FROM contacts_contact WHERE user_id = %s AND phone LIKE '+49 15%%'
    ORDER BY id LIMIT %s"""


class Duplicates:
    def __init__(self, server: Product, quick: bool):
        self.server = server
        self.count, self.seeds, self.repeats = (5_000, 150, 3) if quick else (100_000, 3_000, 20)

    def run(self):
        file = self.server.folder / "seeded.json"
        values = {"address": ADDRESS, "password": PASSWORD, "count": self.count, "seeds": self.seeds, "file": file}
        self.server.run("manage.py", "shell", "-v0", "-c", FILL.format(**values))
        self.expected = {tuple(sorted(pair)) for pair in json.loads(file.read_text())}
        sql(self.server.database_url, "VACUUM ANALYZE")
        self.owner = sql(self.server.database_url, "SELECT id, email FROM accounts_user WHERE email = %s", ADDRESS)[0]
        self.server.start()
        try:
            self.server.log_in([self.owner])
            self.measure()
        finally:
            self.server.stop()

    def measure(self):
        user = self.owner[0]
        self.found = {pair for each in self.sets() for pair in combinations(sorted(each), 2)}
        page, new = Request("GET", "/api/contacts/duplicates?limit=20", user), {"fullname": "Somebody Else"}
        write = Request("POST", "/api/contacts", user, body=new)
        self.all = statistics.median(self.without_cache(page) for _ in range(self.repeats))
        times = [(self.seconds(write), self.seconds(page), self.seconds(page))[1:] for _ in range(self.repeats)]
        self.first, self.again = (statistics.median(column) for column in zip(*times, strict=True))
        rows = sql(self.server.database_url, NUMBERS, user, self.repeats)
        national = [phone.replace("+49 ", "0").replace(" ", "") for _, phone in rows]
        self.number = self.finds(national)
        self.name = self.finds([fullname.replace(" ", "%20") for fullname, _ in rows if fullname.isascii()])

    def without_cache(self, page):
        """Return the seconds of a page where no pairs of the book are cached."""
        redis.Redis.from_url(self.server.redis_url).flushdb()
        return self.seconds(page)

    def sets(self):
        """Yield the ids of every set, by pages."""
        skip, total = 0, 1
        while skip < total:
            path = f"/api/contacts/duplicates?skip={skip}&limit=1000"
            status, headers, body = self.server.ask(Request("GET", path, self.owner[0]))
            assert status == 200, body
            yield from ([contact["id"] for contact in each["contacts"]] for each in json.loads(body))
            skip, total = skip + 1000, int(headers["X-Total-Count"])

    def finds(self, texts):
        return statistics.median(self.seconds(Request("GET", f"/api/contacts/{text}", self.owner[0])) for text in texts)

    def seconds(self, request):
        begun = time.perf_counter()
        status, _, body = self.server.ask(request)
        taken = time.perf_counter() - begun
        assert status == request.status, body
        return taken

    def report(self, targets):
        right = len(self.found & self.expected)
        recall, precision = right / len(self.expected), right / len(self.found)
        targets.at_least("duplicates: recall", recall, 0.9, "")
        targets.at_least("duplicates: precision", precision, 0.97, "")
        targets.at_most("duplicates: the first page without a cache", self.all * 1000, 300, "ms")
        targets.at_most("duplicates: the first page after a write", self.first * 1000, 300, "ms")
        targets.at_most("find by number against find by name", self.number / self.name, 1, "×")
        values = [f"{each * 1000:.1f}" for each in (self.all, self.first, self.again, self.number, self.name)]
        head = [
            f"{self.count:,} contacts, {self.seeds:,} seeded duplicates",
            "recall",
            "precision",
            "first page without a cache, ms",
            "after a write, ms",
            "again, ms",
            "find by number, ms",
            "find by name, ms",
        ]
        return table(head, [["", f"{recall:.3f}", f"{precision:.3f}", *values]])
