"""scripts/chaos [--kills 50] [--seconds 0.6] [--only NAME …] [--stack embedded|production|both]

The product under load while its processes and services are killed; prints a table in Markdown. The exit status is 1
if anything acknowledged was lost, anything half done was seen, or any other promise was not kept.
"""

import argparse
import sys
import traceback
from collections.abc import Callable

from contactbook.tests.chaos import kills, outages, rolling
from contactbook.tests.chaos.report import Result, say, table
from contactbook.tests.chaos.stacks import STACKS, Stack
from contactbook.tests.faults import services

BOTH = tuple(STACKS)
PRODUCTION = ("production",)
Scenario = Callable[[Stack, int, float], Result]
# Name: the scenario, the stacks that it is for, and its rounds for fifty kills.
SCENARIOS: dict[str, tuple[Scenario, tuple[str, ...], int]] = {
    "worker": (kills.worker_killed, BOTH, 50),
    "server": (kills.server_killed, BOTH, 50),
    "sigterm": (kills.terminated, BOTH, 10),
    "rolling": (rolling.instances_restarted, PRODUCTION, 5),
    "redis-dead": (outages.redis_dead, PRODUCTION, 5),
    "redis-silent": (outages.redis_silent, PRODUCTION, 3),
    "postgres": (outages.postgres_restarted, PRODUCTION, 5),
    "mail": (outages.mail_server_dead, BOTH, 2),
    "migration": (rolling.migrated, BOTH, 3),
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "scripts/chaos", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50, help="rounds of each kind of kill; of other faults fewer")
    parser.add_argument("--seconds", type=float, default=0.6, help="of load before each fault, on average")
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, default=list(SCENARIOS))
    parser.add_argument("--stack", choices=[*STACKS, "both"], default="both")
    return parser.parse_args()


def results(asked: argparse.Namespace) -> list[Result]:
    done = []
    for name in STACKS if asked.stack == "both" else [asked.stack]:
        with STACKS[name]() as stack:
            for scenario, stacks, rounds in (SCENARIOS[each] for each in asked.only):
                if name in stacks:
                    done.append(finished(scenario, stack, -(-rounds * asked.kills // 50), asked.seconds))
    return done


def finished(scenario: Scenario, stack: Stack, rounds: int, seconds: float) -> Result:
    """What went wrong in a way that nobody thought of ends its own scenario, and no other."""
    try:
        return scenario(stack, rounds, seconds)
    except Exception as error:
        say(traceback.format_exc())
        return Result(scenario.__name__, stack.name, broken=[f"it ended by {type(error).__name__}: {error}"[:500]])


def main() -> int:
    asked = arguments()
    with services.signals_as_exceptions():  # whatever ends us, the servers end first
        done = results(asked)
    print(table(done))
    broken = [f"{each.fault}, {each.stack}: {words}" for each in done for words in each.broken[:10]]
    print("\n".join(broken) or f"{len(done)} faults, every promise was kept")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
