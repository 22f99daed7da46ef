"""What a scenario has come to, and the table of all of them."""

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from contactbook.tests.chaos.actors import Asked
from contactbook.tests.chaos.books import Findings

HEADS = (
    "fault", "stack", "rounds", "requests", "answered", "5xx", "outcome unknown", "nobody listened",
    "acknowledged, lost", "half done, seen", "worst good answer", "first good answer after it (median, worst)",
)  # fmt: skip


@dataclass
class Result:
    fault: str
    stack: str
    rounds: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    lost: int = 0
    half: int = 0
    worst: float = 0.0
    first_good: list[float] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)  # every promise that did not hold

    def take(self, asked: Iterable[Asked]) -> None:
        self.rounds += 1
        for each in asked:
            self.statuses[each.status] += 1
            if each.good:
                self.worst = max(self.worst, each.ended - each.begun)

    def find(self, findings: Findings) -> None:
        self.lost += len(findings.lost)
        self.half += len(findings.half)
        self.broken += findings.lost + findings.half

    def promise(self, kept: object, words: str) -> None:
        if not kept:
            self.broken.append(words)

    @property
    def server_errors(self) -> int:
        return sum(count for status, count in self.statuses.items() if status >= 500)

    def cells(self) -> list[str]:
        answered = sum(count for status, count in self.statuses.items() if status > 0)
        errors = ", ".join(f"{count} × {status}" for status, count in sorted(self.statuses.items()) if status >= 500)
        times = sorted(self.first_good)
        first = f"{times[len(times) // 2]:.2f} s, {times[-1]:.2f} s" if times else "–"
        unknown, refused = self.statuses[0], self.statuses[-1]
        numbers = (self.rounds, self.statuses.total(), answered, errors or 0, unknown, refused, self.lost, self.half)
        return [self.fault, self.stack, *map(str, numbers), f"{self.worst:.2f} s", first]


def table(results: Iterable[Result]) -> str:
    lines = [HEADS, ["---"] * len(HEADS), *(result.cells() for result in results)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
