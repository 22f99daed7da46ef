"""scripts/bench: how fast the product is, beside its peers. Everything that is measured is started here.

Each kind of request is measured on each server in turn, every answer is checked, and the tables are printed as they
stand in docs/performance.md. A time never fails the run; a wrong answer does.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import redis

from bench import report
from bench.dav import Dav
from bench.duplicates import Duplicates
from bench.files import Files
from bench.growth import Growth
from bench.kinds import PEOPLE, TITLES, Kinds, Request
from bench.load import measure, percentile
from bench.peers import Ours
from bench.servers import OTHER_CORES, PASSWORD, Bare, Older, Product, Tutorial, fill_peer, login, sql
from scripts.services import services

PARTS = ("memory", "cold_start", "logins", "growth", "duplicates", "files", "dav")
TOKEN_SECONDS = 480  # after which people log in again; an access token lives for 15 minutes
CHECKED = 20  # requests of each kind whose whole answer is checked on each server
EXPORT = "/api/me/export"
LARGEST = ("/api/contacts/?skip=0&limit=1000",)
OUR_LARGEST = (
    *LARGEST,
    "/api/contacts/?limit=1000&fields=card",
    "/api/contacts/bd?days_range=366&across_year=true",
    "/api/contacts/changes?since=0&limit=1000",
    EXPORT,
)


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


class Bench:
    def __init__(self, options, folder, database_url, redis_url):
        self.options, self.database_url, self.logged_in = options, database_url, 0
        self.targets, self.tables = report.Targets(), []

        def server(kind, name, number):
            return kind(folder, self.database(name), urlsplit(redis_url)._replace(path=f"/{number}").geturl())

        self.ours, self.grown = server(Product, "contactbook", 1), server(Product, "growth", 2)
        self.grown.name = "growth"
        self.seeded = server(Product, "seeded", 6)
        self.seeded.name = "seeded"
        self.dav_server = server(Ours, "dav", 7)
        self.older, self.tutorial = server(Older, "older", 3), server(Tutorial, "tutorial", 4)
        self.bare = server(Bare, "bare", 5)
        self.servers = [self.ours, self.older, self.tutorial, self.bare]

    def database(self, name):
        return urlsplit(self.database_url)._replace(path=f"/{name}").geturl()

    def fill(self):
        """The same people in every database."""
        readers, others, contacts, power = (20, 15, 60, 1_000) if self.options.quick else (100, 50, 200, 10_000)
        self.ours.run("manage.py", "migrate", "-v0")
        counts = [f"--users={readers + 2 * others}", f"--contacts={contacts}", f"--power={power}"]
        self.ours.run("manage.py", "populate", *counts, f"--password={PASSWORD}")
        for name in ("older", "tutorial"):
            sql(self.database("postgres"), f"CREATE DATABASE {name}")
        for name in ("bare", "growth", "seeded", "dav"):
            sql(self.database("postgres"), f"CREATE DATABASE {name} TEMPLATE contactbook")
        for server in (self.older, self.tutorial):
            fill_peer(server, self.database_url)
        for server in self.servers:
            sql(server.database_url, "VACUUM ANALYZE")
        self.people = sql(self.database_url, "SELECT id, email FROM accounts_user ORDER BY id")
        users = [user for user, _ in self.people[:-1]]
        groups = users[:readers], users[readers : readers + others], users[readers + others :]
        self.kinds = Kinds(sql(self.database_url, PEOPLE, users), *groups)

    def start(self):
        for server in self.servers:
            server.start()

    def log_in(self):
        if not self.logged_in or time.monotonic() - self.logged_in > TOKEN_SECONDS:
            for server in self.servers:
                server.log_in(self.people)
            self.logged_in = time.monotonic()

    def compare(self, kinds):
        """Rates and latencies of these kinds, every round in the opposite order of the servers."""
        requests = {kind: getattr(self.kinds, kind)() for kind in kinds}
        for kind, server in ((kind, server) for kind in kinds for server in self.servers):
            for request in requests[kind][-CHECKED:]:
                server.check(request)
        say("every answer is right")
        results = {kind: {server.name: [] for server in self.servers} for kind in kinds}
        for number in range(self.options.rounds):
            self.log_in()
            for kind in kinds:
                for server in self.servers[:: -1 if number % 2 else 1]:
                    results[kind][server.name].append(self.measured(server, kind, requests[kind]))
            say(f"round {number + 1} of {self.options.rounds}")
        self.tables += [report.rates(results, self.servers), report.latencies(results, self.servers)]
        report.judge(results, self.targets)

    def measured(self, server, kind, requests):
        if server is self.ours:
            redis.Redis.from_url(server.redis_url).flushdb()
        run = server.measure(kind, requests, self.options.seconds)
        return {"rate": run.rate, "p50": percentile(run.latencies, 0.5), "p99": percentile(run.latencies, 0.99)}

    def memory(self):
        """After the largest answers, each asked for by 16 at once, of the account with the most contacts."""
        rows, power = [], self.people[-1][0]
        for server in self.servers:
            paths = OUR_LARGEST if server is self.ours else LARGEST
            before = server.memory()
            with ThreadPoolExecutor(16) as pool:
                for path in paths:
                    answers = list(pool.map(server.ask, [Request("GET", path, power)] * 16))
                    # Half the threads of a process export at once; the other requests get a 503.
                    allowed = {200, 503} if path == EXPORT else {200}
                    statuses = {status for status, _, _ in answers}
                    if 200 not in statuses or statuses - allowed:
                        raise SystemExit(f"{server.name} answers {path} with the statuses {sorted(statuses)}.")
            after = server.memory()
            rows.append([server.title, *(f"{pss:.0f} / {rss:.0f}" for pss, rss in (before, after))])
            if server is self.ours:
                self.targets.at_most("memory (PSS) after the largest answers", after[0], 100, "MB")
        self.tables.append(report.table(["PSS / RSS of a process, MB", "before", "after the largest answers"], rows))

    def cold_start(self):
        """From the command to the first list that is right."""
        rows, list_of_20 = [], self.kinds.page(self.kinds.readers[0], 0)
        for server in self.servers:
            seconds = []
            for _ in range(1 if self.options.quick else 5):
                server.stop()
                seconds.append(server.start(list_of_20))
            rows.append([server.title, f"{statistics.median(seconds):.2f}"])
            if server is self.ours:
                self.targets.at_most("cold start to the first answer", statistics.median(seconds), 1.5, "s")
        self.tables.append(report.table(["cold start to the first list", "s"], rows))

    def logins(self):
        """Lists that are not in the cache over 16 connections, alone and while fifty people log in at once."""
        lists, alone, beside, refused = self.kinds.list(), [], [], []
        for _ in range(1 if self.options.quick else 5):
            for times, logins in ((alone, []), (beside, self.people[:50])):
                redis.Redis.from_url(self.ours.redis_url).flushdb()
                requests, logins = map(self.ours.encoded, lists), [login(email) for _, email in logins]
                run = measure(self.ours, requests, 2, beside=logins)
                times.append(percentile(run.latencies, 0.99))
                refused += [run.statuses[b"503"]] if logins else []
        alone, beside = statistics.median(alone), statistics.median(beside)
        row = ["ours", f"{alone:.1f}", f"{beside:.1f}", f"{beside / alone:.2f}", f"{statistics.median(refused):.0f}"]
        head = ["p99 of lists, ms", "alone", "while 50 people log in", "ratio", "logins answered by 503"]
        self.tables.append(report.table(head, [row]))
        self.targets.at_most("50 logins: p99 of lists against alone", beside / alone, 3, "×")

    def growth(self):
        growth = Growth(self.grown, self.options.growth, self.options.quick)
        say(f"the growth table was filled in {growth.run():.0f} s")
        self.tables.append(growth.report(self.targets))

    def duplicates(self):
        duplicates = Duplicates(self.seeded, self.options.quick)
        duplicates.run()
        self.tables.append(duplicates.report(self.targets))

    def files(self):
        files = Files(self.ours, self.options.quick)
        files.run()
        self.tables.append(files.report(self.targets))

    def dav(self):
        dav = Dav(self.dav_server, self.options.quick)
        dav.run()
        self.tables.append(dav.report(self.targets))

    def run(self):
        self.fill()
        self.start()
        self.log_in()
        say("filled and started")
        if kinds := [kind for kind in TITLES if kind in self.options.only]:
            self.compare(kinds)
        for part in [part for part in PARTS if part in self.options.only]:
            self.log_in()
            getattr(self, part)()
            say(f"{part} measured")

    def stop(self):
        for server in [*self.servers, self.grown, self.seeded]:
            server.stop()


def main(options):
    machine = report.machine()
    os.sched_setaffinity(0, OTHER_CORES)
    with services() as urls, tempfile.TemporaryDirectory(prefix="contactbook-bench-") as folder:
        bench = Bench(options, Path(folder), urls["DATABASE_URL"], urls["REDIS_URL"])
        try:
            bench.run()
        finally:
            bench.stop()
    print("\n\n".join([machine, *bench.tables, bench.targets.table()]))


def arguments():
    everything = [*TITLES, *PARTS]
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small and short, to see that every answer is right")
    parser.add_argument("--seconds", type=float, help="of each measurement (1.2, or 0.5 with --quick)")
    parser.add_argument("--rounds", type=int, help="how often each is measured (5, or 1 with --quick)")
    only = f"of {', '.join(everything)}; all without it"
    parser.add_argument("--only", nargs="+", metavar="PART", choices=everything, default=everything, help=only)
    growth = "rows of the growth table (1,000,000, or 10,000 with --quick)"
    parser.add_argument("--growth", type=int, metavar="ROWS", help=growth)
    options = parser.parse_args()
    options.growth = options.growth or (10_000 if options.quick else 1_000_000)
    options.seconds = options.seconds or (0.5 if options.quick else 1.2)
    options.rounds = options.rounds or (1 if options.quick else 5)
    return options


if __name__ == "__main__":
    main(arguments())
