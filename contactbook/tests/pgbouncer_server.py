"""Debian's PgBouncer with scripts/pgbouncer.ini, in front of a test's own PostgreSQL."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest

from contactbook.tests.faults import until
from contactbook.tests.live import ROOT, free_port

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH')}:/usr/sbin")


class PgBouncer:
    """Keeps its port through its deaths."""

    def __init__(self, folder: Path, server: str) -> None:
        self.folder, self.port, self.server = folder, free_port(), server
        parts = urlsplit(server)
        self.url = parts._replace(netloc=f"{parts.username}@127.0.0.1:{self.port}").geturl()

    def configure(self, **changes: Any) -> None:
        """The file that operators are given, with the addresses of this test, and a pool of 3."""
        parts, lines = urlsplit(self.server), (ROOT / "scripts" / "pgbouncer.ini").read_text()
        lines = lines.replace("host=db port=5432", f"host={parts.hostname} port={parts.port}")
        changes = {"listen_port": self.port, "auth_type": "trust", "default_pool_size": 3} | changes
        for name, value in changes.items():
            (line,) = [line for line in lines.splitlines() if line.startswith(f"{name} =")]
            lines = lines.replace(line, f"{name} = {value}")
        (self.folder / "pgbouncer.ini").write_text(lines)
        (self.folder / "userlist.txt").write_text(f'"{parts.username}" ""\n')

    def start(self) -> None:
        user: dict[str, Any] = {}
        if os.geteuid() == 0:  # it refuses root
            nobody = pwd.getpwnam("nobody")
            user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        with (self.folder / "log").open("ab") as log:
            command = [PROGRAM, "pgbouncer.ini"]
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, **user)
        until(self.answers)

    def answers(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()
        with contextlib.suppress(psycopg2.OperationalError):
            psycopg2.connect(self.url).close()
            return True
        return False

    def stop(self, by: int = signal.SIGKILL) -> None:
        if self.process.poll() is None:
            self.process.send_signal(by)
            self.process.wait()


@contextlib.contextmanager
def own_pgbouncer(server: str) -> Iterator[PgBouncer]:
    if not PROGRAM:
        pytest.skip("pgbouncer is not installed")
    with tempfile.TemporaryDirectory(prefix="contactbook-") as folder:
        Path(folder).chmod(0o711)
        pooler = PgBouncer(Path(folder), server)
        pooler.configure()
        pooler.start()
        try:
            yield pooler
        finally:
            pooler.stop()
