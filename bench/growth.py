"""The growth table: what an owner with 100,000 contacts waits for beside one with 200, in a table of so many rows."""

import time

from bench.cases import PAGE, PEOPLE, Ask, Person, owned
from bench.report import table
from bench.rounds import percentile
from bench.stage import ALL_CORES, OTHER_CORES

FLAT, DEEP_SKIP = 1.5, 60  # times; milliseconds
IN_POSTGRESQL = {"first page": 1, "find": 5, "birthdays": 5}  # milliseconds
TURNS = 4
FROM_USERS = 50  # whose contacts are copied again and again
INDEXES = """SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'contacts_contact'
    AND indexname NOT IN (SELECT conname FROM pg_constraint)"""
COLUMNS = "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position"


class Growth:
    def __init__(self, bench, targets):
        self.bench, self.here, self.targets, self.wanted = bench, bench.here, targets, bench.options.growth
        self.env = self.here.env("growth")
        self.repeats = 20 if bench.options.quick else 60
        self.few, self.many = bench.size.contacts, 5_000 if bench.options.quick else 100_000

    def sql(self, statement, *parameters, fetch=False):
        return self.here.sql(statement, *parameters, database="growth", fetch=fetch)

    def all(self):
        begun = time.perf_counter()
        self.here.spread(ALL_CORES)
        self.fill()
        self.here.spread(OTHER_CORES)
        self.filled = time.perf_counter() - begun
        self.server = self.here.product(self.env, "growth")
        self.server.start()
        plans = [self.plans(user, token) for user, _, token in self.people]
        self.times = self.measured(*plans)
        power, _, token = self.people[0]
        self.inside = self.explained(power, token)
        self.server.stop()
        self.judge()

    def fill(self):
        """By copying the people of the first accounts; constraints are not checked, and indexes made at the end."""
        first = self.sql("SELECT id FROM accounts_user ORDER BY id LIMIT 1", fetch=True)[0][0]
        power = self.sql("SELECT max(id) FROM accounts_user", fetch=True)[0][0]
        there, has = self.sql(
            "SELECT count(*), count(*) FILTER (WHERE user_id = %s) FROM contacts_contact", power, fetch=True
        )[0]
        each = self.sql("SELECT count(*) FROM contacts_contact WHERE user_id = %s", first, fetch=True)[0][0]
        crowd = max(0, self.wanted - there - (self.many - has)) // each
        indexes = self.sql(INDEXES, fetch=True)
        self.sql(
            f"""SET session_replication_role = replica; SET synchronous_commit = off; SET maintenance_work_mem = '1GB';
            {"".join(f"DROP INDEX {name};" for name, _ in indexes)}
            {
                self.copy(
                    "accounts_user",
                    f"generate_series(1, {crowd}) n",
                    f"id = {first}",
                    id=f"{power} + n",
                    email="'crowd' || n || '@example.org'",
                    email_key="'crowd' || n || '@example.org'",
                )
            }
            {self.copy("contacts_book", f"generate_series(1, {crowd}) n", f"user_id = {first}", user_id=f"{power} + n")}
            {
                self.copy(
                    "contacts_contact",
                    f"generate_series(1, {crowd}) n",
                    f"user_id = {first} + n % {FROM_USERS}",
                    **NEW,
                    user_id=f"{power} + n",
                )
            }
            {
                self.copy(
                    "contacts_contact",
                    f"generate_series(1, {-(-(self.many - has) // (each * FROM_USERS))}) n",
                    f"user_id < {first} + {FROM_USERS} LIMIT {self.many - has}",
                    **NEW,
                    user_id=str(power),
                    revision=f"{has} + row_number() OVER ()",
                )
            }
            UPDATE contacts_book SET sequence = {self.many} WHERE user_id = {power};
            {"".join(f"{definition};" for _, definition in indexes)}"""
        )
        if "live" in self.columns("contacts_book"):
            self.sql(f"UPDATE contacts_book SET live = {self.many} WHERE user_id = {power}")
        self.sql("VACUUM ANALYZE")
        self.rows = self.sql("SELECT count(*) FROM contacts_contact", fetch=True)[0][0]
        emails = self.sql(
            "SELECT email FROM accounts_user WHERE id IN (%s, %s) ORDER BY id DESC", first, power, fetch=True
        )
        self.people = self.here.inside("people", *(email for (email,) in emails), env=self.env)[::-1]

    def columns(self, of):
        return [name for (name,) in self.sql(COLUMNS, of, fetch=True)]

    def copy(self, of, times, where, **new):
        columns = self.columns(of)
        values = ", ".join(new.get(name, f"t.{name}") for name in columns)
        return f"INSERT INTO {of} ({', '.join(columns)}) SELECT {values} FROM {of} t, {times} WHERE t.{where};"

    def plans(self, user, token):
        """Of each read, with a PUT before it, so that none comes from a cache."""
        book = [Person(*row) for row in self.sql(PEOPLE, [user], fetch=True)]
        edge = book[-PAGE - 1]
        last = self.here.inside("cursor", edge.fullname_folded, str(edge.id), env=self.env)
        put = self.bench.cases.replaced
        puts = [put(row, f"Rings on day {number}") for number, row in enumerate(book[:: len(book) // 60][:60])]
        page = "/api/contacts/?limit=20"
        finds = [self.bench.cases.found_in(book, row) for row in book[7 :: len(book) // 60][:60]]
        reads = {
            "first page": [Ask("GET", f"{page}&skip=0", user, holds=owned(user, PAGE))],
            "last page by cursor": [Ask("GET", f"{page}&cursor={last}", user, holds=owned(user, PAGE))],
            "deep skip": [Ask("GET", f"{page}&skip={len(book) - PAGE}", user, holds=owned(user, PAGE))],
            "find": finds,
            "birthdays, a page": [Ask("GET", "/api/contacts/bd?days_range=7&limit=20", user)],
        }
        plans = {}
        for name, asks in reads.items():
            pairs = [ask for number, change in enumerate(puts) for ask in (change, asks[number % len(asks)])]
            plans[name] = self.here.load.plan(f"growth-{user}-{name}", [ask.plan(self.server, token) for ask in pairs])
        return plans

    def measured(self, *plans):
        """For the owner of many and that of few, milliseconds (p50) of each, asked one at a time and by turns."""
        latencies = [{name: [] for name in ("PUT", *mine)} for mine in plans]
        for turn in range(TURNS + 1):
            for name in plans[0]:
                for mine, kept in zip(plans, latencies, strict=True):
                    options = {"connections": 1, "warm": 0, "requests": 2 * self.repeats // TURNS}
                    run = self.here.load.run(self.server, mine[name], 600, **options)["latencies"]
                    if turn:  # in the first, what is read is read from the disk
                        kept["PUT"] += run[0::2]
                        kept[name] += run[1::2]
        return [{name: percentile(each, 0.5) for name, each in kept.items()} for kept in latencies]

    def explained(self, power, token):
        """What PostgreSQL itself takes, and how, for the owner of many."""
        book = [Person(*row) for row in self.sql(PEOPLE, [power], fetch=True)]
        chance = self.bench.cases.chance
        words = {word for row in chance.sample(book, 40) for word in row.fullname_folded.split() if len(word) > 2}
        nothing_cached = {**self.env, "REDIS_PREFIX": "explain"}
        return self.here.inside("explain", token, *sorted(words)[:12], env=nothing_cached)

    def judge(self):
        power, small = self.times
        for name in power:
            if name == "deep skip":
                self.targets.at_most(f"{self.many:,} contacts: a deep skip", power[name], DEEP_SKIP)
            else:
                self.targets.at_most(
                    f"{self.many:,} contacts against {self.few}: {name}", power[name] / small[name], FLAT, "×"
                )
        for name, bound in IN_POSTGRESQL.items():
            self.targets.at_most(f"in PostgreSQL itself: {name}", self.inside[name][0], bound)

    def tables(self):
        power, small = self.times
        head = [
            f"{self.rows:,} rows, p50 in ms",
            f"owner of {self.many:,}",
            f"owner of {self.few}",
            "ratio",
        ]
        rows = [
            [name, f"{power[name]:.1f}", f"{small[name]:.1f}", f"{power[name] / small[name]:.2f}"] for name in power
        ]
        itself = [[name, f"{ms:.2f}", scans(plan)] for name, (ms, plan) in self.inside.items()]
        return [
            f"(The table was filled and indexed in {self.filled:.0f} s.)",
            table(head, rows),
            table([f"in PostgreSQL itself, owner of {self.many:,}", "ms", "by"], itself),
        ]


NEW = {"id": "nextval(pg_get_serial_sequence('contacts_contact', 'id'))", "uid": "gen_random_uuid()::text"}


def scans(plan):
    """The scans of a plan, as EXPLAIN names them."""
    lines = [line.strip().removeprefix("->").strip().partition("  (")[0] for line in plan.splitlines()]
    return "; ".join(dict.fromkeys(line for line in lines if "Scan" in line))
