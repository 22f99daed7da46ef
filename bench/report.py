"""Markdown tables, and the targets beside what was measured."""

import os
import platform
import statistics
from datetime import UTC, datetime
from pathlib import Path

from bench.kinds import TITLES

AGAINST_OLDER = {"list_cached": 2, "list_304": 2, "create": 1.5, "put": 1.5, "mixed": 2}  # 1.6 for the others
P99_AGAINST_OLDER, LIST_AGAINST_TUTORIAL = 0.5, 5


class Targets:
    def __init__(self):
        self.rows = []

    def at_least(self, what, value, bound, unit):
        self.rows.append([what, f"{value:.2f} {unit}", f"≥ {bound} {unit}", "met" if value >= bound else "**not met**"])

    def at_most(self, what, value, bound, unit):
        self.rows.append([what, f"{value:.2f} {unit}", f"≤ {bound} {unit}", "met" if value <= bound else "**not met**"])

    def table(self):
        return table(["target", "measured", "bound", ""], self.rows)


def table(head, rows):
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in (head, ["---"] * len(head), *rows))


def machine():
    """When and where, in a line."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    load = f"load average at the start {os.getloadavg()[0]:.1f}"
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {os.cpu_count()} cores ({model}), {system}; {load}"


def median(runs, what):
    return statistics.median(run[what] for run in runs)


def ratio(runs, others, what="rate"):
    """The median over the rounds, each compared within itself."""
    return statistics.median(run[what] / other[what] for run, other in zip(runs, others, strict=True))


def rates(results, servers):
    """Requests per second, and the product's ratio to each peer."""
    ours, *peers = servers
    rows = []
    for kind, runs in results.items():
        speeds = [f"{median(runs[server.name], 'rate'):,.0f}" for server in servers]
        ratios = [f"{ratio(runs[ours.name], runs[peer.name]):.2f}" for peer in peers]
        rows.append([TITLES[kind], *speeds, *ratios])
    titles = [server.title for server in servers]
    return table(["requests/s", *titles, *(f"{ours.title} / {peer.title}" for peer in peers)], rows)


def latencies(results, servers):
    rows = []
    for kind, runs in results.items():
        cells = [f"{median(runs[s.name], 'p50'):.1f} / {median(runs[s.name], 'p99'):.1f}" for s in servers]
        rows.append([TITLES[kind], *cells])
    return table(["p50 / p99, ms", *(server.title for server in servers)], rows)


def judge(results, targets):
    for kind, runs in results.items():
        ours, older, title = runs["ours"], runs["older"], TITLES[kind]
        targets.at_least(f"{title}: against the older design", ratio(ours, older), AGAINST_OLDER.get(kind, 1.6), "×")
        targets.at_most(f"{title}: p99 against the older design", ratio(ours, older, "p99"), P99_AGAINST_OLDER, "×")
        if kind == "list":
            factor = ratio(ours, runs["tutorial"])
            targets.at_least(f"{title}: against tutorial DRF", factor, LIST_AGAINST_TUTORIAL, "×")
