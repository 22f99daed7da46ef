"""scripts/bench: how fast the product is, beside its peers."""

import argparse
import statistics
import sys
import time

from bench.cases import Cases, Size
from bench.stage import stage

FULL = Size(readers=200, writers=50, mixers=50, contacts=200)
QUICK = Size(readers=40, writers=10, mixers=10, contacts=60)
CASES = ["list", "find", "birthdays", "create", "put", "mixed", "list_again", "birthdays_again"]


def say(text):
    print(text, file=sys.stderr, flush=True)


def main(options):
    size = QUICK if options.quick else FULL
    with stage() as here:
        env = here.env()
        begun = time.perf_counter()
        here.manage("migrate", "-v0", env=env)
        here.manage("populate", f"--users={size.users}", f"--contacts={size.contacts}", env=env)
        people = here.inside("people", env=env)
        here.sql("VACUUM ANALYZE")
        here.sql("CREATE DATABASE bare TEMPLATE contactbook", database="postgres")
        say(f"filled in {time.perf_counter() - begun:.0f} s")
        servers = [here.product(env), here.bare(here.env("bare"))]
        for server in servers:
            server.sorts = server.counts = True
            say(f"{server.name} answers after {server.start():.2f} s")
        tokens = {user: token for user, _, token in people}
        cases = Cases(here, size, [user for user, _, _ in people])
        for case in options.only or CASES:
            asks = getattr(cases, case)()
            for server in servers:
                plan = here.load.plan(f"{server.name}-{case}", [ask.plan(server, tokens[ask.user]) for ask in asks])
                results = [here.load.run(server, plan, options.seconds) for _ in range(options.rounds)]
                latencies = sorted(sum((result["latencies"] for result in results), []))
                rate = statistics.median(result["requests"] / result["seconds"] for result in results)
                cpu = sum(r["cpu"] for r in results) / sum(r["requests"] for r in results)
                say(
                    f"{case:16} {server.name:8} {rate:7.0f}/s p50 {latencies[len(latencies) // 2] * 1000:6.1f} "
                    f"p99 {latencies[int(len(latencies) * 0.99)] * 1000:6.1f} cpu {cpu * 1000:.2f} load {results[0]['load']:.2f}"
                )
        for server in servers:
            say(f"{server.name} {server.memory():.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small and short, for correctness alone")
    parser.add_argument("--seconds", type=float, help="of each measurement")
    parser.add_argument("--rounds", type=int, help="alternations")
    parser.add_argument("--only", nargs="+", metavar="CASE", help="these cases alone: " + ", ".join(CASES))
    options = parser.parse_args()
    options.seconds = options.seconds or (0.5 if options.quick else 2)
    options.rounds = options.rounds or (1 if options.quick else 5)
    main(options)
