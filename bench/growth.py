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
SETTINGS = "SET session_replication_role = replica; SET synchronous_commit = off; SET maintenance_work_mem = '1GB'"
NEW = {"id": "nextval(pg_get_serial_sequence('contacts_contact', 'id'))", "uid": "gen_random_uuid()::text"}
FIND, SHORT_FIND, SKIP = "find, 3 letters or more", "find, 2 letters", "page by a deep skip"


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
        (first, power, there), *_ = self.sql(
            "SELECT min(u.id), max(u.id), (SELECT count(*) FROM contacts_contact) FROM accounts_user u"
        )
        count = "SELECT count(*) FROM contacts_contact WHERE user_id = %s"
        (small,), (has,) = self.sql(count, first)[0], self.sql(count, power)[0]
        crowd, missing = max(0, self.wanted - there - (self.large - has)) // small, self.large - has
        indexes, series = self.sql(INDEXES), f"generate_series(1, {crowd}) n"
        emails = {"email": "'crowd' || n || '@example.org'", "email_key": "'crowd' || n || '@example.org'"}
        copies = [
            self.copied("accounts_user", series, f"id = {first}", id=f"{power} + n", **emails),
            self.copied("contacts_book", series, f"user_id = {first}", user_id=f"{power} + n"),
            self.copied("contacts_contact", series, f"user_id = {first} + n % {FROM_USERS}", user_id=f"{power} + n"),
            self.copied(
                "contacts_contact",
                f"generate_series(1, {-(-missing // small)}) n",
                f"user_id < {first} + {FROM_USERS} LIMIT {missing}",
                user_id=str(power),
                revision=f"{has} + row_number() OVER ()",
            ),
        ]
        drops, creates = [f"DROP INDEX {name}" for name, _ in indexes], [definition for _, definition in indexes]
        count = f"UPDATE contacts_book SET sequence = {self.large}, live = {self.large} WHERE user_id = {power}"
        self.sql("; ".join([SETTINGS, *drops, *copies, count, *creates]))
        self.sql("VACUUM ANALYZE")
        self.few = small
        owners = "SELECT id, email FROM accounts_user WHERE id IN (%s, %s) ORDER BY id DESC"
        self.owners = self.sql(owners, power, first)

    def copied(self, name, series, where, **new):
        statement = "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position"
        columns = [column for (column,) in self.sql(statement, name)]
        new = (NEW if name == "contacts_contact" else {}) | new
        values = ", ".join(new.get(column, f"t.{column}") for column in columns)
        return f"INSERT INTO {name} ({', '.join(columns)}) SELECT {values} FROM {name} t, {series} WHERE t.{where}"

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
                    run = measure(self.server.port, map(self.server.encoded, pairs), 600, warm_up=0, connections=1)
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
