"""The bare loop of one creation's statements on an SQLite file: `python -m bench.writer FILE SECONDS` prints how many
transactions a second this disk takes, with the product's pragmas and nothing else to do."""

import json
import os
import sqlite3
import sys
import time
import uuid

from bench import statements
from bench.stage import SERVER_CORES

CARD = {
    "name": {"full": "Zoë Nový"},
    "emails": {"e1": {"address": "zoe@example.org"}},
    "phones": {"p1": {"number": "420255500000"}},
    "notes": {"n1": {"note": "Met at the station"}},
}


def here(statement):
    return statement.replace("%s", "?").removesuffix(" FOR UPDATE")


def main(file, seconds):
    os.sched_setaffinity(0, SERVER_CORES)
    database = sqlite3.connect(file, isolation_level=None)
    database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL")
    owners = [row[0] for row in database.execute("SELECT user_id FROM contacts_book ORDER BY user_id")][:50]
    lock, insert, change, count = map(here, (statements.LOCK, statements.INSERT, statements.CHANGE, statements.COUNT))
    begun, done = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        owner, now = owners[done % len(owners)], time.strftime("%Y-%m-%d %H:%M:%S")
        card, number = json.dumps(CARD), f"zoe{done}@example.org"
        database.execute("BEGIN IMMEDIATE")
        counters = [counter + 1 for counter in database.execute(lock, [owner]).fetchone()]
        sequence = counters[0]
        values = ["Zoë Nový", number, "420255500000", "1990-01-11", "Met at the station", None, 111, "zoe novy", number]
        row = database.execute(insert, [owner, str(uuid.uuid4()), sequence, now, now, card, *values]).fetchone()
        database.execute(change, [owner, sequence, row[0], "created", "bench", now, None])
        database.execute(count, [*counters, owner])
        database.execute("COMMIT")
        done += 1
    print(json.dumps(done / (time.perf_counter() - begun)))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
