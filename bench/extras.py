"""What is measured of the product alone: logins, an idle server, the start, memory, a second process."""

import statistics
from urllib.parse import urlencode

from bench.cases import LIST, Ask
from bench.report import table
from bench.rounds import percentile
from bench.stage import ALL_CORES, OTHER_CORES, PASSWORD

MB = "MB"


class Extras:
    """Each method measures one thing, adds its rows to the table and to the targets."""

    def __init__(self, bench, targets):
        self.bench, self.here, self.ours, self.targets = bench, bench.here, bench.ours, targets
        self.quick, self.rows = bench.options.quick, []

    def all(self):
        bench = self.bench
        self.reads = bench.plan(self.ours, "reads", bench.cases.list())
        self.logins = self.here.load.plan("logins", [self.login_of(email) for _, email, _ in bench.people])
        for measure in (self.idle, self.fifty_logins, self.login, self.cold_start, self.memory, self.two_processes):
            measure()

    def tables(self):
        return [table(["ours alone", ""], self.rows)]

    def row(self, what, *numbers):
        self.rows.append([what, ", ".join(numbers)])

    def login_of(self, email):
        form = urlencode({"username": email, "password": PASSWORD})
        return Ask("POST", "/api/auth/login", None, form, holds=[('"access_token":', 1)]).plan(self.ours, None)

    def idle(self):
        """One list at a time, twenty milliseconds apart; of the bare one too, for what this machine's sleep costs."""
        options = {"connections": 1, "warm": 0.2, "pause": 0.02, "requests": 50 if self.quick else 250}
        bare = next(server for server in self.bench.tokens if server.name == "bare")
        plans = {self.ours: self.reads, bare: self.bench.plan(bare, "reads", self.bench.cases.list())}
        for server, plan in plans.items():
            latencies = self.here.load.run(server, plan, 60, **options)["latencies"]
            p50, p99 = (percentile(latencies, part) for part in (0.5, 0.99))
            self.row(f"idle: a list, one at a time, {server.name}", f"p50 {p50:.1f} ms", f"p99 {p99:.1f} ms")
            if server is self.ours:
                self.targets.at_most("idle: p99 of a list", p99, 10)

    def login(self):
        options = {"connections": 1, "warm": 0, "requests": 10 if self.quick else 40}
        argon2 = self.here.inside("argon2", env=self.bench.env)
        login = percentile(self.here.load.run(self.ours, self.logins, 60, **options)["latencies"], 0.5)
        self.row("login, one at a time", f"p50 {login:.1f} ms", f"of which Argon2id alone {argon2:.1f} ms")
        self.targets.at_most("login: beyond Argon2id", login - argon2, 3)

    def fifty_logins(self):
        """Lists over 16 connections, alone and while fifty people log in at once; their p99."""
        memory, alone, beside = self.ours.memory(), [], []
        seconds = 1 if self.quick else 2
        people = type(self.here.load)(self.here.folder)
        try:
            for _ in range(1 if self.quick else 5):
                alone.append(percentile(self.here.load.run(self.ours, self.reads, seconds)["latencies"], 0.99))
                self.here.load.begin(self.ours, self.reads, seconds)
                people.run(self.ours, self.logins, 60, connections=50, warm=0, requests=50)
                beside.append(percentile(self.here.load.end()["latencies"], 0.99))
        finally:
            people.stop()
        grown = self.ours.memory() - memory
        alone, beside = statistics.median(alone), statistics.median(beside)
        self.row(
            "lists while 50 people log in", f"p99 {beside:.0f} ms (alone {alone:.0f} ms)", f"memory {grown:+.1f} MB"
        )
        self.targets.at_most("50 logins: p99 of lists, against alone", beside / alone, 2, "×")
        self.targets.at_most("50 logins: growth of the process", grown, 100, MB)

    def cold_start(self):
        """From the command to the first list that is answered."""
        _, _, token = self.bench.people[0]
        seconds = []
        for number in range(1 if self.quick else 5):
            server = self.here.product(self.bench.env, f"cold{number}")
            seconds.append(server.start(LIST, token))
            server.stop()
        self.row("cold start to the first list", f"{statistics.median(seconds):.2f} s")
        self.targets.at_most("cold start to the first list", statistics.median(seconds), 1, "s")

    def memory(self):
        """PSS of the serving process: half way, after so many requests, after the largest answers, and after more."""
        wanted = 2_000 if self.quick else 100_000
        half, full = self.after(wanted // 2), self.after(wanted)
        self.largest()
        largest, more = self.sized("the largest answers"), self.after(self.requests() + wanted // 20)
        texts = [f"after {what} {size:.0f} MB" for what, size in (half, full, largest, more)]
        self.row("memory (PSS) of the process", *texts)
        self.targets.at_most(f"memory after {full[0]}", full[1], 80, MB)
        self.targets.at_most(f"memory: growth since {half[0]}", full[1] - half[1], 3, MB)
        self.targets.at_most("memory after the largest answers, and more", more[1], 80, MB)

    def requests(self):
        return sum(self.ours.places.values())

    def after(self, requests):
        """What was answered, and the size then: so many requests in all, or as many as a minute allows."""
        if (missing := requests - self.requests()) > 0:
            self.here.load.run(self.ours, self.reads, 60, warm=0, requests=missing)
        return self.sized(f"{self.requests():,} requests")

    def sized(self, what):
        return what, self.ours.memory()

    def largest(self):
        """Sixteen at once, of the account with the largest book."""
        user, _, token = self.bench.people[-1]
        paths = (
            "/api/contacts/?limit=1000",
            "/api/contacts/?limit=1000&fields=card",
            "/api/contacts/bd?days_range=366&across_year=true",
            "/api/contacts/changes?since=0&limit=1000",
            "/api/me/export",
        )
        asks = [Ask("GET", path, user).plan(self.ours, token) for path in paths for _ in range(16)]
        plan = self.here.load.plan("largest", asks)
        self.here.load.run(self.ours, plan, 300, warm=0, requests=len(asks))

    def two_processes(self):
        """Where there are few cores, one process beside all that it needs on one core, against two on two.

        Each finds no page that the other kept.
        """
        few = len(ALL_CORES) < 4
        rates, servers = {1: [], 2: []}, {}
        for number in rates:
            env = self.bench.env | {"WEB_CONCURRENCY": str(number), "REDIS_PREFIX": f"processes-{number}"}
            server = servers[number] = self.here.product(env, f"ours{number}")
            server.cores = set(ALL_CORES[:number])
            server.start()
            self.here.load.run(server, self.reads, 0.5)
        for _ in range(1 if self.quick else 5):
            for number, server in servers.items():
                self.here.spread(server.cores if few else ALL_CORES[2:])
                result = self.here.load.run(server, self.reads, self.bench.options.seconds)
                rates[number].append(result["requests"] / result["seconds"])
        self.here.spread(OTHER_CORES)
        for server in servers.values():
            server.stop()
        factor = statistics.median(two / one for one, two in zip(rates[1], rates[2], strict=True))
        one, two = (statistics.median(rates[number]) for number in rates)
        share = "all of PostgreSQL, Redis and the load on the same core(s)" if few else "the rest on other cores"
        self.row("lists: one process, two processes", f"{one:,.0f}/s and {two:,.0f}/s ({share})")
        self.targets.at_least("two processes on two cores", factor, 1.8)
