"""The two stacks, each with servers of its own, that wait for the disk as in production, and can be killed."""

import contextlib
import os
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contactbook.tests.faults import (
    Postgres,
    Redis,
    account,
    alive,
    own_postgres,
    own_redis,
    parent_of,
)
from contactbook.tests.live import Server, serving

ACCOUNTS = 2


@dataclass
class Stack:
    name: str
    variables: dict[str, str]
    postgres: Postgres | None = None
    redis: Redis | None = None

    @contextlib.contextmanager
    def serving(self, **variables: str) -> Iterator[Server]:
        """A server with a database that holds nothing of the scenario before it."""
        with tempfile.TemporaryDirectory(prefix="contactbook-") as folder:
            if self.postgres:
                self.postgres.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
                assert self.redis
                self.redis.client.flushall()
            read = {"CHAOS_READ": f"{folder}/read", "RATE_LIMITS": "*=0"}
            with serving(Path(folder) / "var", **read, **self.variables, **variables) as server:
                yield server


@contextlib.contextmanager
def embedded() -> Iterator[Stack]:
    yield Stack("embedded", {})


@contextlib.contextmanager
def production() -> Iterator[Stack]:
    with (
        own_postgres() as postgres,
        tempfile.TemporaryDirectory(prefix="contactbook-") as folder,
        own_redis(Path(folder)) as redis,
    ):
        variables = {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url}
        yield Stack("production", variables, postgres, redis)


STACKS = {"embedded": embedded, "production": production}


def accounts(server: Server, count: int = ACCOUNTS) -> list[str]:
    return [account(server)[0] for _ in range(count)]


def workers(server: Server) -> list[int]:
    assert server.process
    pids = (int(stat.parent.name) for stat in Path("/proc").glob("[0-9]*/stat"))
    return [pid for pid in pids if parent_of(Path(f"/proc/{pid}/stat")) == server.process.pid and alive(pid)]


def kill_a_worker(server: Server) -> None:
    os.kill(workers(server)[0], signal.SIGKILL)


def kill_all_of_it(server: Server) -> None:
    """Master and workers in one moment, and then a new start."""
    server.stop(signal.SIGKILL)
    server.start()


def terminate(server: Server) -> int:
    """As a service manager stops it: the master is told, and tells the others. Returns the exit status."""
    assert server.process
    server.process.send_signal(signal.SIGTERM)
    return server.process.wait(timeout=45)
