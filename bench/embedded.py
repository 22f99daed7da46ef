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
        for copy in ("bare", "door"):
            self.copy(copy).mkdir()
            shutil.copy(self.file, self.copy(copy))
        self.server = self.here.product(self.env, "embedded")
        self.bench.tokens[self.server] = tokens
        self.server.start()
        self.reads()
        self.writes()
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

    def writes(self):
        """Sixteen people create contacts; any answer but a 201 ends the benchmark."""
        seconds = 1 if self.bench.options.quick else 3
        plan, turns = self.bench.plan(self.server, "create", self.bench.cases.create()), []
        for _ in range(1 if self.bench.options.quick else 3):
            result = self.here.load.run(self.server, plan, seconds)
            bare = self.said("bench.writer", str(self.copy("bare") / self.file.name), str(seconds))
            door = self.said("bench.door", str(seconds), env={**self.env, "VAR_DIR": str(self.copy("door"))})
            turns.append((result["requests"] / result["seconds"], door, bare))
        http, door, bare = zip(*turns, strict=True)
        self.compare("16 writers over HTTP", http, bare)
        self.compare("16 writers through the model", door, bare)

    def copy(self, name):
        return self.here.folder / f"var-{name}-sqlite"

    def said(self, module, *arguments, env=None):
        command = [sys.executable, "-m", module, *arguments]
        return json.loads(subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE).stdout)

    def compare(self, who, rates, bare):
        factor = statistics.median(rate / alone for rate, alone in zip(rates, bare, strict=True))
        numbers = [f"{statistics.median(each):,.0f}/s" for each in (rates, bare)]
        self.rows.append([f"{who}, the bare loop", ", ".join(numbers), f"{factor:.2f}"])
        self.targets.at_least(f"SQLite: {who} against a bare loop, none refused", factor, 0.5)
