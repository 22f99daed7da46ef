"""The tables, and what is reached of the targets."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from bench.rounds import CASES, median, ratio

# Of `rate` against the older design, and against the bare WSGI limit.
AGAINST_OLDER = {"read": 3.0, "write": 3.5}
AGAINST_BARE = {"read": 0.42, "write": 0.42, "cached": 0.75}
P99_AGAINST_OLDER = 0.4
PEERS = {"bare": "bare WSGI", "older": "older design", "expert": "expert’s"}


class Targets:
    """What was to be reached, and whether it was."""

    def __init__(self):
        self.rows = []

    def at_least(self, what, value, bound, unit="×"):
        self.rows.append((what, f"{value:.2f} {unit}", f"≥ {bound} {unit}", value >= bound))

    def at_most(self, what, value, bound, unit="ms"):
        self.rows.append((what, f"{value:.2f} {unit}", f"≤ {bound} {unit}", value <= bound))

    def tables(self):
        cells = [[what, value, bound, "reached" if ok else "**not reached**"] for what, value, bound, ok in self.rows]
        return [table(["target", "measured", "to reach", ""], cells)] if cells else []


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def machine():
    """A line on where and when."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    busy = f"load average at the start {os.getloadavg()[0]:.1f}"
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {os.cpu_count()} cores ({model}), {system}; {busy}"


def speed(results):
    """Requests a second, and what one costs: a row a case."""
    rows = []
    for name, by_server in results.items():
        cells = [CASES[name].title]
        for server in ("ours", *PEERS):
            runs = by_server.get(server)
            cells.append(f"{median(runs, 'rate'):,.0f}" if runs else "")
        ours = by_server["ours"]
        for peer in PEERS:
            cells.append(f"{ratio(ours, by_server[peer]):.2f}" if by_server.get(peer) else "")
        rows.append(cells)
    return table(["requests/s", "ours", *PEERS.values(), *(f"ours / {each}" for each in PEERS.values())], rows)


def latency(results):
    rows = []
    for name, by_server in results.items():
        cells = [CASES[name].title]
        for server in ("ours", *PEERS):
            runs = by_server.get(server)
            cells.append(f"{median(runs, 'p50'):.1f} / {median(runs, 'p99'):.1f}" if runs else "")
        rows.append(cells)
    return table(["p50 / p99, ms", "ours", *PEERS.values()], rows)


def processor(results):
    rows = []
    for name, by_server in results.items():
        runs = [by_server.get(server) for server in ("ours", *PEERS)]
        rows.append([CASES[name].title, *(f"{median(each, 'cpu'):.2f}" if each else "" for each in runs)])
    return table(["processor a request, ms", "ours", *PEERS.values()], rows)


def judge(results, targets):
    for name, by_server in results.items():
        title, kind = CASES[name].title, CASES[name].kind
        ours, older, bare = (by_server.get(each) for each in ("ours", "older", "bare"))
        if older:
            targets.at_least(f"{title}: against the older design", ratio(ours, older), AGAINST_OLDER[kind])
            targets.at_most(f"{title}: p99 against the older design", ratio(ours, older, "p99"), P99_AGAINST_OLDER, "×")
        if bare:
            targets.at_least(f"{title}: against bare WSGI", ratio(ours, bare), AGAINST_BARE[kind])
