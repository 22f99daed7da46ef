"""The alternation: every case on every server in turn, again and again."""

import statistics
from typing import NamedTuple

EVERYBODY = ("ours", "bare", "older", "expert")


class Case(NamedTuple):
    title: str
    kind: str  # read, write, or cached: answered without the database
    servers: tuple[str, ...] = EVERYBODY

    def has(self, server):
        return server in self.servers or server not in EVERYBODY


CASES = {
    "list": Case("list of 20", "read"),
    "find": Case("find", "read"),
    "birthdays": Case("birthdays", "read"),
    "create": Case("create", "write"),
    "put": Case("PUT", "write"),
    "mixed": Case("90 % lists, 10 % creates", "read"),
    "list_again": Case("list of 20, asked again", "cached", ("ours", "bare")),
    "birthdays_again": Case("birthdays, asked again", "cached", ("ours", "bare")),
    "list_unchanged": Case("list of 20, 304", "cached", ("ours", "bare")),
}


def percentile(latencies, part):
    """In milliseconds."""
    return sorted(latencies)[min(int(len(latencies) * part), len(latencies) - 1)] * 1000


def measured(result):
    latencies = result["latencies"]
    return {
        "rate": result["requests"] / result["seconds"],
        "p50": percentile(latencies, 0.5),
        "p99": percentile(latencies, 0.99),
        "cpu": result["cpu"] * 1000 / result["requests"],
        "load": result["load"],
        "requests": result["requests"],
    }


class Rounds:
    def __init__(self, load, servers, cases, seconds):
        """`cases` are pairs of a name and, for each server's name, its plan."""
        self.load, self.servers, self.seconds = load, {server.name: server for server in servers}, seconds
        self.cases = cases
        self.results = {name: {server: [] for server in plans} for name, plans in cases}

    def turn(self, backwards):
        """Each case on each server; every other turn begins with the last server."""
        for name, plans in self.cases:
            for server, plan in sorted(plans.items(), reverse=backwards):
                result = self.load.run(self.servers[server], plan, self.seconds)
                self.results[name][server].append(measured(result))


def median(runs, what):
    return statistics.median(run[what] for run in runs)


def ratio(runs, others, what="rate"):
    """The median over the turns, each compared within itself."""
    return statistics.median(run[what] / other[what] for run, other in zip(runs, others, strict=True))
