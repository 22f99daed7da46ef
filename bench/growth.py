"""The growth table: requests of an owner of 100,000 contacts beside one of 200, in a table of a million rows."""

import re
import time

from bench.kinds import PEOPLE, Kinds, Request, texts
from bench.load import measure, percentile
from bench.report import table
from bench.servers import Product, sql

ROUNDS = 4
FROM_USERS = 50  # whose contacts are copied again and again
INDEXES = """SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'contacts_contact'
    AND indexname NOT IN (SELECT conname FROM pg_constraint)"""
ACCOUNTS = "SELECT min(id), max(id), (SELECT count(*) FROM contacts_contact) FROM accounts_user"
SETTINGS = "SET session_replication_role = replica; SET synchronous_commit = off; SET maintenance_work_mem = '1GB'"
NEW = {"id": "nextval(pg_get_serial_sequence('contacts_contact', 'id'))", "uid": "gen_random_uuid()"}
EMAIL, REVISION = "'crowd' || n || '@example.org'", "nextval('revisions')"
FIND, SHORT_FIND, SKIP = "find, 3 letters or more", "find, 2 letters", "page by a deep skip"


def copies(table, times, where, **new):
    """A statement that inserts these rows that many times, numbered `n`, with new values in some columns."""
    # With n among the values PostgreSQL computes each row again; it is no column, and left out.
    values = ", ".join(f"'{column}', {value}" for column, value in {"n": "n", **new}.items())
    changed = f"jsonb_populate_record(old, jsonb_build_object({values})) new"
    return f"INSERT INTO {table} SELECT new.* FROM {table} old, generate_series(1, {times}) n, {changed} WHERE {where}"


class Growth:
    def __init__(self, server: Product, wanted: int, quick: bool):
        self.server, self.wanted = server, wanted
        self.large, self.repeats = (5_000, 5) if quick else (100_000, 15)

    def sql(self, statement, *parameters):
        return sql(self.server.database_url, statement, *parameters)

    def run(self):
        begun = time.perf_counter()
        self.fill()
        filled = time.perf_counter() - begun
        self.server.start()
        self.server.log_in(self.owners)
        try:
            users = [user for user, _ in self.owners]
            self.kinds = Kinds(self.sql(PEOPLE, users), [], [], [])
            requests = [self.requests(user) for user in users]
            self.latencies = self.measured(requests)
        finally:
            self.server.stop()
        return filled

    def fill(self):
        """Copy the first accounts' contacts, with no constraint checked, and make the indexes at the end.

        The copies have no change log. The owner of many is the last account, that of few the first.
        """
        first, power, there = self.sql(ACCOUNTS)[0]
        self.few, has = (
            self.sql(f"SELECT count(*) FROM contacts_contact WHERE user_id = {u}")[0][0] for u in (first, power)
        )
        missing, indexes = self.large - has, self.sql(INDEXES)
        crowd = max(0, self.wanted - there - missing) // self.few
        some, owner = f"old.user_id < {first} + {FROM_USERS} LIMIT {missing}", {"user_id": f"{power} + n"}
        self.sql(
            ";".join(
                [
                    f"{SETTINGS}; CREATE TEMP SEQUENCE revisions START {has + 1}",
                    *(f"DROP INDEX {name}" for name, _ in indexes),
                    copies(
                        "accounts_user", crowd, f"old.id = {first}", id=f"{power} + n", email=EMAIL, email_key=EMAIL
                    ),
                    copies("contacts_book", crowd, f"old.user_id = {first}", **owner),
                    copies("contacts_contact", crowd, f"old.user_id = {first} + n % {FROM_USERS}", **NEW, **owner),
                    copies("contacts_contact", -(-missing // self.few), some, **NEW, user_id=power, revision=REVISION),
                    f"UPDATE contacts_book SET sequence = {self.large}, live = {self.large} WHERE user_id = {power}",
                    *(definition for _, definition in indexes),
                ]
            )
        )
        self.sql("VACUUM ANALYZE")
        self.owners = self.sql(f"SELECT id, email FROM accounts_user WHERE id IN ({first}, {power}) ORDER BY id DESC")

    def requests(self, user):
        """A title and the requests of each row of the table; every one follows a PUT, so that no cache answers."""
        kinds, book = self.kinds, self.kinds.books[user]
        skip, cursor = len(book) - 20, self.last_cursor(user)
        names = [person.fullname for person in book]

        def page(query, expected):
            return Request("GET", f"/api/contacts/?limit=20&{query}", user, expected)

        def finds(length):
            return [kinds.found(user, text) for text in kinds.shuffled(texts(book, length))[: ROUNDS * self.repeats]]

        return {
            "first page": [page("skip=0", names[:20])],
            "last page by cursor": [page(f"cursor={cursor}", names[-20:])],
            SKIP: [page(f"skip={skip}", names[-20:])],
            FIND: finds("long"),
            SHORT_FIND: finds("pairs"),
            "birthdays, a page": [Request("GET", "/api/contacts/bd?days_range=7&limit=20", user)],
        }

    def last_cursor(self, user):
        """The cursor of the page with the last twenty contacts, by the Link headers from the first page on."""
        cursor, left = "", len(self.kinds.books[user]) - 20
        while left:
            path, limit = f"/api/contacts/?cursor={cursor}&limit=", min(left, 1000)
            link = self.server.ask(Request("GET", f"{path}{limit}", user))[1]["Link"]
            cursor, left = re.search(r'cursor=([^&>]+)[^>]*>; rel="next"', link)[1], left - limit
        return cursor

    def measured(self, requests):
        """For each owner the latencies of each row in seconds, asked one at a time and by turns."""
        latencies = [{name: [] for name in ("PUT", *rows)} for rows in requests]
        for number in range(ROUNDS + 1):
            for name in requests[0]:
                for (user, _), rows, kept in zip(self.owners, requests, latencies, strict=True):
                    pairs = self.pairs(user, rows[name], f"Rings on day {number} {name}", number)
                    for each in pairs[:2]:
                        self.server.check(each)
                    run = measure(self.server, map(self.server.encoded, pairs), 600, warm_up=0, connections=1)
                    if number:  # the first round reads from the disk
                        kept["PUT"] += run.latencies[0::2]
                        kept[name] += run.latencies[1::2]
        return latencies

    def pairs(self, user, requests, note, number):
        book = self.kinds.books[user]
        people = book[:: max(1, len(book) // self.repeats)][: self.repeats]
        reads = [requests[(number * self.repeats + place) % len(requests)] for place in range(self.repeats)]
        puts = [self.kinds.changed(person, f"{note} {place}") for place, person in enumerate(people)]
        return [request for pair in zip(puts, reads, strict=True) for request in pair]

    def report(self, targets):
        large, small = self.latencies
        rows = []
        for name in large:
            times = [percentile(owner[name], part) for owner in (large, small) for part in (0.5, 0.99)]
            ratio = times[0] / times[2]
            rows.append([name, *(f"{each:.1f}" for each in times), f"{ratio:.2f}"])
            if name == SHORT_FIND:
                targets.at_most(f"{self.large:,} contacts: {name}, p99", times[1], 30, "ms")
            elif name != SKIP:
                targets.at_most(f"{self.large:,} contacts against {self.few}: {name}", ratio, 2, "×")
        (count,), *_ = self.sql("SELECT count(*) FROM contacts_contact")
        head = [f"{count:,} rows, ms", f"{self.large:,}: p50", "p99", f"{self.few}: p50", "p99", "ratio of p50"]
        return table(head, rows)
