"""Processes of ours that die: one worker, all of them, or as they are told to."""

import random
import time
from collections.abc import Callable
from pathlib import Path

from contactbook.tests.chaos import stacks
from contactbook.tests.chaos.actors import Load
from contactbook.tests.chaos.books import examined
from contactbook.tests.chaos.report import Result, say
from contactbook.tests.chaos.stacks import Stack
from contactbook.tests.faults import until
from contactbook.tests.live import Server

HEAL = 30.0  # seconds in which every fault must be over; the table tells how long it took


def under_load(server: Server, load: Load, result: Result, seconds: float, fault: Callable[[], float | None]) -> None:
    """One round: load, the fault, load until all is well and a little longer; then the books are examined.

    The fault returns the moment from which its end is counted, or None for its beginning.
    """
    with load.running():
        time.sleep(seconds * random.uniform(0.5, 1.5))
        begun = time.monotonic()
        begun = fault() or begun
        until(lambda: load.good_since(begun), HEAL)
        time.sleep(0.3)
    result.take(load.asked)
    result.first_good.append(min(asked.ended for asked in load.good_since(begun)) - begun)
    load.settle()
    result.find(examined(server, load))
    result.broken += load.wrong()
    said = "; ".join(result.broken[:3]) or "ok"
    say(f"  {result.fault}, {result.stack}, round {result.rounds}: {dict(result.statuses)} {said}")


def again_and_again(
    stack: Stack, name: str, rounds: int, seconds: float, fault: Callable[[Server], float | None]
) -> Result:
    result = Result(name, stack.name)
    with stack.serving() as server:
        load = Load(server.url, stacks.accounts(server))
        for _ in range(rounds):
            under_load(server, load, result, seconds, lambda: fault(server))
    result.promise(result.server_errors == 0, f"{result.server_errors} answers were a 5xx")
    return result


def worker_killed(stack: Stack, rounds: int, seconds: float) -> Result:
    return again_and_again(stack, "`kill -9` of a worker", rounds, seconds, stacks.kill_a_worker)


def server_killed(stack: Stack, rounds: int, seconds: float) -> Result:
    return again_and_again(stack, "`kill -9` of the whole server", rounds, seconds, stacks.kill_all_of_it)


def terminated(stack: Stack, rounds: int, seconds: float) -> Result:
    """SIGTERM. A request that no worker has read may go without an answer, and then it has done nothing."""
    result = Result("SIGTERM", stack.name)
    with stack.serving() as server:
        server.config = "contactbook/tests/chaos/gunicorn_conf.py"
        stacks.terminate(server)
        server.start()
        load = Load(server.url, stacks.accounts(server))
        for _ in range(rounds):
            under_load(server, load, result, seconds, lambda: stop_and_start(server, result))
            unanswered = {asked.name for asked in load.asked if asked.status == 0}
            read = set(Path(server.env["CHAOS_READ"]).read_text().split())
            result.promise(not unanswered & read, f"{len(unanswered & read)} requests were read and not answered")
    result.promise(result.server_errors == 0, f"{result.server_errors} answers were a 5xx")
    return result


def stop_and_start(server: Server, result: Result) -> None:
    begun = time.monotonic()
    status, seconds = stacks.terminate(server), time.monotonic() - begun
    result.promise(status == 0, f"SIGTERM: the exit status was {status}")
    result.promise(seconds < 31, f"SIGTERM: it took {seconds:.0f} s")
    server.start()
