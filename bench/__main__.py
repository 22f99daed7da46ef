"""scripts/bench: how fast the product is, beside its peers.

Everything that it measures it starts itself. Each case is alternated over the servers, each answer is checked, and the
tables are printed as they stand in docs/performance.md; the numbers behind them go to var/bench/ as JSON.
"""

import argparse
import json
import sys
import time
from datetime import UTC, datetime, timedelta

import jwt

from bench import report
from bench.cases import Cases, Size
from bench.embedded import Embedded
from bench.extras import Extras
from bench.growth import Growth
from bench.parts import Parts
from bench.rounds import CASES, Rounds
from bench.stage import ROOT, SECRET_KEY, stage

FULL = Size(readers=200, writers=50, mixers=50, contacts=200, power=10_000)
QUICK = Size(readers=40, writers=10, mixers=10, contacts=60, power=1_000)


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def minted(**claims):
    return jwt.encode({**claims, "exp": datetime.now(UTC) + timedelta(hours=2)}, SECRET_KEY, algorithm="HS256")


class Bench:
    def __init__(self, here, options):
        self.here, self.options = here, options
        self.size = QUICK if options.quick else FULL
        self.env = here.env()

    def fill(self):
        """The same people for all: in our tables, a copy of them for the bare server, the peers' own tables."""
        self.here.populate(self.size, env=self.env)
        self.people = self.here.inside("people", env=self.env)
        for copy in ("bare", "peers", "growth"):
            self.here.sql(f"CREATE DATABASE {copy} TEMPLATE contactbook", database="postgres")
        self.here.sql((ROOT / "bench" / "peers.sql").read_text(), database="peers")
        for database in ("contactbook", "bare", "peers"):
            self.here.sql("VACUUM ANALYZE", database=database)
        self.cases = Cases(self.here, self.size, [user for user, _, _ in self.people])

    def start(self):
        env = self.here.env("peers")
        self.ours, bare = self.here.product(self.env), self.here.bare(self.here.env("bare"))
        older, expert = self.here.uvicorn("older", env), self.here.uvicorn("expert", env)
        ours = {user: token for user, _, token in self.people}
        self.tokens = {
            self.ours: ours,
            bare: ours,
            older: {user: minted(sub=email, scope="access_token") for user, email, _ in self.people},
            expert: {user: minted(sub=str(user)) for user, _, _ in self.people},
        }
        older.sorts = older.counts = expert.counts = False
        for server in self.tokens:
            say(f"{server.name} answers after {server.start():.2f} s")

    def renew(self):
        """Access tokens live for a quarter of an hour."""
        self.people = self.here.inside("people", env=self.env)
        self.tokens[self.ours] = {user: token for user, _, token in self.people}

    def etag(self, path, user):
        return self.ours.ask("GET", path, self.tokens[self.ours][user])[1]["ETag"]

    def plan(self, server, name, asks):
        tokens = self.tokens[server]
        return self.here.load.plan(f"{server.name}-{name}", [ask.plan(server, tokens[ask.user]) for ask in asks])

    def plans(self, name, servers):
        asks = getattr(self.cases, "list_again" if name == "list_unchanged" else name)()
        plans = {server.name: self.plan(server, name, asks) for server in servers}
        if name == "list_unchanged":
            plans["ours"] = self.plan(self.ours, name, self.cases.list_unchanged(self.etag))
        return plans

    def alternated(self, names, servers, turns):
        """The results of these cases on those of the servers that take part in each."""
        plans = [(name, self.plans(name, [each for each in servers if CASES[name].has(each.name)])) for name in names]
        rounds = Rounds(self.here.load, servers, plans, self.options.seconds)
        first = {server: plan for _, by_server in reversed(plans) for server, plan in by_server.items()}
        for server in servers:  # what a process does once is done before
            if server.name in first:
                self.here.load.run(server, first[server.name], self.options.seconds / 2)
        for turn in range(turns):
            rounds.turn(backwards=turn % 2 == 1)
            say(f"round {turn + 1} of {turns}")
        return rounds.results


PARTS = {"extras": Extras, "embedded": Embedded, "growth": Growth, "profile": Parts}


def main(options):
    machine, targets, tables, results = report.machine(), report.Targets(), [], {}
    with stage() as here:
        bench = Bench(here, options)
        bench.fill()
        say("filled")
        bench.start()
        if cases := [name for name in CASES if name in options.only]:
            results = bench.alternated(cases, list(bench.tokens), options.rounds)
            report.judge(results, targets)
            tables += [report.speed(results), report.latency(results), report.processor(results)]
        for name in [name for name in PARTS if name in options.only]:
            part = PARTS[name](bench, targets)
            bench.renew()
            part.all()
            tables += part.tables()
            say(f"{name} measured")
    tables += targets.tables()
    print("\n\n".join([machine, *tables]))
    keep({"machine": machine, "cases": results, "tables": tables})


def keep(numbers):
    folder = ROOT / "var" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    file.write_text(json.dumps(numbers, indent=1))
    say(f"The numbers are in {file.relative_to(ROOT)}.")


def arguments():
    everything = [*CASES, *PARTS]
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small and short, for correctness alone")
    parser.add_argument("--seconds", type=float, help="of each measurement (1.2, or 0.5 with --quick)")
    parser.add_argument("--rounds", type=int, help="alternations (5, or 1 with --quick)")
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="PART",
        choices=everything,
        default=[name for name in everything if name != "profile"],
        help=f"of {', '.join(everything)}; without it, all but the last",
    )
    growth = "rows of the growth table (1,000,000, or 10,000 with --quick; 10,000,000 takes many minutes more)"
    parser.add_argument("--growth", type=int, metavar="ROWS", help=growth)
    options = parser.parse_args()
    options.growth = options.growth or (10_000 if options.quick else 1_000_000)
    options.seconds = options.seconds or (0.5 if options.quick else 1.2)
    options.rounds = options.rounds or (1 if options.quick else 5)
    return options


if __name__ == "__main__":
    main(arguments())
