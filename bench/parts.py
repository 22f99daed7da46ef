"""What each part of a request costs: py-spy looks two hundred times a second at who holds the interpreter.

It does so without stopping the process: stopped and woken that often, gunicorn's main thread seems to do most.
"""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from bench.report import table

# A sample belongs to the innermost of its frames that is named here.
PARTS = {
    "PostgreSQL: sending, waiting, reading rows": r"contactbook/postgresql/|django/db/backends/|psycopg2",
    "ORM: building the statement, handing out rows": r"django/db/",
    "Redis: account, limit, page": r"redis/|contactbook/(throttling|breaker|caching)\.py|django/core/cache/",
    "the token: signature and claims": r"jwt/|accounts/(tokens|authentication)\.py|rest_framework_simplejwt/",
    "JSON": r"/json/|encoders\.py|contactbook/rendering\.py",
    "the query’s validation": r"rest_framework/(fields|serializers|validators)\.py|contactbook/fields\.py",
    "paging, rows shown as the contract says": r"contactbook/(paging|conditional)\.py|contacts/",
    "DRF: the view around it": r"rest_framework/|contactbook/(api|parsing)\.py",
    "routing": r"django/urls/",
    "middleware": r"django/middleware/|contactbook/errors\.py|csp/|whitenoise/|corsheaders/|deprecation\.py|contrib/",
    "Django: request, response, handlers, signals": r"django/",
    "gunicorn and its worker: HTTP, threads, sockets": r"gunicorn/|contactbook/serving\.py|concurrent/|threading\.py",
}


class Parts:
    """The list of 20 that is not in the cache."""

    def __init__(self, bench, targets):
        self.bench, self.here, self.ours = bench, bench.here, bench.ours

    def all(self):
        seconds = 3 if self.bench.options.quick else 15
        plan = self.bench.plan(self.ours, "list", self.bench.cases.list())
        self.here.load.run(self.ours, plan, 1)
        file = self.here.folder / "stacks"
        spy = Path(sys.executable).with_name("py-spy")
        worker = max(self.ours.processes())
        command = [spy, "record", "--gil", "--nonblocking", "-r", "200", "-d", str(seconds), "-f", "raw"]
        command += ["-o", file, "-p", str(worker)]
        self.here.load.begin(self.ours, plan, seconds + 2)
        subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
        result = self.here.load.end()
        self.cost = result["cpu"] * 1000 / result["requests"]
        self.counted = counted(file.read_text())

    def tables(self):
        total = self.counted.total()
        rows = [
            [part, f"{100 * count / total:.0f} %", f"{self.cost * count / total:.2f}"]
            for part, count in self.counted.most_common()
        ]
        head = ["a list of 20 that is not cached", "of the samples", f"ms of {self.cost:.2f}"]
        return [table(head, rows)]


def counted(stacks):
    found = Counter()
    for line in stacks.splitlines():
        frames, _, count = line.rpartition(" ")
        found[part_of(frames.split(";"))] += int(count)
    return found


def part_of(frames):
    for frame in reversed(frames):
        for part, pattern in PARTS.items():
            if re.search(pattern, frame):
                return part
    return "the rest"
