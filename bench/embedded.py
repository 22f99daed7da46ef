"""The stack without configuration: SQLite, one process, its cache inside; beside the same server on PostgreSQL."""

import json
import shutil
import statistics
import subprocess
import sys

from bench.report import table
from bench.rounds import ratio
from bench.stage import ROOT

READS = ("list", "find", "birthdays")


class Embedded:
    def __init__(self, bench, targets):
        self.bench, self.here, self.targets, self.rows = bench, bench.here, targets, []
        self.env = self.here.env(database=None, redis=False)
        self.file = self.here.folder / "var-sqlite" / "contactbook.sqlite3"

    def all(self):
        """Only after the rounds: nothing is to fill while they are measured."""
        self.here.populate(self.bench.size._replace(mixers=0, power=0), env=self.env)
        tokens = {user: token for user, _, token in self.here.inside("people", env=self.env)}
        shutil.copy(self.file, copy := self.file.with_name("bare.sqlite3"))
        self.server = self.here.product(self.env, "embedded")
        self.bench.tokens[self.server] = tokens
        self.server.start()
        self.reads()
        self.writes(copy)
        self.server.stop()

    def tables(self):
        return [table(["SQLite", "requests/s", "ratio"], self.rows)]

    def reads(self):
        rates = self.bench.alternated(READS, [self.server, self.bench.ours], 1 if self.bench.options.quick else 3)
        for name, by_server in rates.items():
            sqlite, postgresql = by_server["embedded"], by_server["ours"]
            factor = ratio(sqlite, postgresql)
            numbers = [f"{statistics.median(run['rate'] for run in runs):,.0f}/s" for runs in (sqlite, postgresql)]
            self.rows.append([f"{name}: SQLite, PostgreSQL", ", ".join(numbers), f"{factor:.2f}"])
            self.targets.at_least(f"SQLite: {name} against PostgreSQL", factor, 0.8)

    def writes(self, copy):
        """Sixteen people create contacts; any answer but a 201 ends the benchmark."""
        seconds = 1 if self.bench.options.quick else 3
        plan, pairs = self.bench.plan(self.server, "create", self.bench.cases.create()), []
        for _ in range(1 if self.bench.options.quick else 3):
            result = self.here.load.run(self.server, plan, seconds)
            command = [sys.executable, "-m", "bench.writer", str(copy), str(seconds)]
            bare = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
            pairs.append((result["requests"] / result["seconds"], bare))
        factor = statistics.median(ours / bare for ours, bare in pairs)
        ours, bare = (statistics.median(each) for each in zip(*pairs, strict=True))
        self.rows.append(["16 writers: SQLite, the bare loop", f"{ours:,.0f}/s, {bare:,.0f}/s", f"{factor:.2f}"])
        self.targets.at_least("SQLite: 16 writers against a bare loop, none refused", factor, 0.5)
