"""The product as it is run: gunicorn processes on the stack under test, with a database of their own."""

import atexit
import contextlib
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, NamedTuple

import psycopg2

ROOT = Path(__file__).resolve().parent.parent.parent
PASSWORD = "correct horse 9"


class Answer(NamedTuple):
    status: int
    headers: Any
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """A running server, spoken to over HTTP alone."""

    config = "contactbook/gunicorn_conf.py"

    def __init__(self, env: dict[str, str], folder: Path) -> None:
        self.env, self.folder = env, folder
        self.url = f"http://127.0.0.1:{env['PORT']}"
        self.log = folder / "server.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.within: tuple[str, ...] = ()  # the command that runs it elsewhere

    def manage(self, *args: str) -> str:
        command = [sys.executable, "manage.py", *args]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def start(self) -> None:
        command = [sys.executable, "-m", "gunicorn", "-c", self.config, "contactbook.wsgi"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.within, *command], cwd=ROOT, env=self.env, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + 20
        while self.try_get("/healthz") != 200:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError(self.log.read_text())
            time.sleep(0.05)

    def stop(self, signal: int = 15) -> None:
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal)
            self.process.wait(timeout=40)

    def try_get(self, path: str) -> int:
        try:
            return self.ask("GET", path, timeout=2).status
        except OSError:
            return 0

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = 60,
    ) -> Answer:
        """One request: a dict or list goes as JSON, bytes as they are, a str as a form."""
        sent = dict(headers or {})
        if token:
            sent["Authorization"] = f"Bearer {token}"
        if isinstance(body, dict | list):
            body, kind = json.dumps(body).encode(), "application/json"
        elif isinstance(body, str):
            body, kind = body.encode(), "application/x-www-form-urlencoded"
        else:
            kind = "application/octet-stream"
        if body is not None:
            sent.setdefault("Content-Type", kind)
        request = urllib.request.Request(self.url + path, data=body, headers=sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def mails(self) -> list[Any]:
        """What the embedded stack's mail folder holds, oldest first; mails of one second may share a file."""
        files = sorted((self.folder / "mail").glob("*"), key=lambda file: file.stat().st_mtime_ns)
        raw = [mail for file in files for mail in file.read_bytes().split(b"-" * 79 + b"\n") if mail.strip()]
        return [message_from_bytes(mail, policy=policy.default) for mail in raw]

    def sign_up(self, email: str | None = None) -> tuple[str, str]:
        """A confirmed account; returns its address and an access token. Mails must be kept as files."""
        email = email or f"{uuid.uuid4().hex}@example.org"
        signup = {"username": "x", "email": email, "password": PASSWORD}
        assert self.ask("POST", "/api/auth/signup", signup).status == 201
        assert self.ask("GET", self.link_in_mail_to(email)).status == 200
        return email, self.log_in(email)["access_token"]

    def link_in_mail_to(self, email: str) -> str:
        """The path of the confirmation link, as soon as the mail is there: quicker than a command."""
        deadline = time.monotonic() + 20
        while not (mails := [mail for mail in self.mails() if mail["To"] == email]):
            assert time.monotonic() < deadline, f"No mail came for {email}."
            time.sleep(0.02)
        text = mails[-1].get_body(("plain",)).get_content()
        return next(f"/api{word.partition('/api')[2]}" for word in text.split() if "/api/email/confirm/" in word)

    def log_in(self, email: str, password: str = PASSWORD) -> dict[str, str]:
        form = urllib.parse.urlencode({"username": email, "password": password})
        return self.ask("POST", "/api/auth/login", form).json()


def base_environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    return kept | {
        "DJANGO_SETTINGS_MODULE": "contactbook.settings",
        "VAR_DIR": str(folder),
        "PORT": str(free_port()),
        "EMAIL_URL": f"filemail://{folder}/mail",
        "SECRET_KEY": "for-tests-only-" + "x" * 50,
    }


def migrate(**variables: str) -> bytes:
    """The SQLite file that came out of it, if it was not another database's turn."""
    with tempfile.TemporaryDirectory() as folder:
        Server(base_environment(Path(folder)) | variables, Path(folder)).manage("migrate", "-v0")
        file = Path(folder) / "contactbook.sqlite3"
        return file.read_bytes() if file.exists() else b""


@functools.cache
def migrated_file() -> bytes:
    return migrate()


@functools.cache
def migrated_database(url: str) -> str:
    """The name of one to make others after, which is quicker than to migrate each."""
    name = f"migrated_{uuid.uuid4().hex}"
    execute(url, f'CREATE DATABASE "{name}"')
    atexit.register(execute, url, f'DROP DATABASE "{name}" WITH (FORCE)')
    migrate(DATABASE_URL=named(url, name))
    return name


def execute(url: str, statement: str) -> None:
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(statement)


def named(url: str, name: str) -> str:
    return urllib.parse.urlsplit(url)._replace(path=f"/{name}").geturl()


@contextlib.contextmanager
def database(folder: Path, migrated: bool = False) -> Iterator[dict[str, str]]:
    """A database of the stack under test, empty or migrated: the SQLite file in `folder`, or a new PostgreSQL database."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        if migrated:
            (folder / "contactbook.sqlite3").write_bytes(migrated_file())
        yield {}
        return
    name = f"live_{uuid.uuid4().hex}"
    execute(url, f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{migrated_database(url)}"' if migrated else ""))
    try:
        yield {"DATABASE_URL": named(url, name), "REDIS_URL": os.environ["REDIS_URL"], "REDIS_PREFIX": name}
    finally:
        execute(url, f'DROP DATABASE "{name}" WITH (FORCE)')


@contextlib.contextmanager
def serving(folder: Path, processes: int = 2, **variables: str) -> Iterator[Server]:
    """A migrated, running server; `processes` is 1 where there is no Redis. Limits are lifted unless RATE_LIMITS is given."""
    folder.mkdir(parents=True, exist_ok=True)
    elsewhere = not variables.keys().isdisjoint(("DATABASE_URL", "VAR_DIR"))
    with database(folder, migrated=not elsewhere) as stack:
        env = base_environment(folder) | stack | {"RATE_LIMITS": "*=0"} | variables
        processes = processes if "REDIS_URL" in env else 1
        env["WEB_CONCURRENCY"] = str(processes)
        server = Server(env, folder)
        if elsewhere:
            server.manage("migrate", "-v0")
        try:
            server.start()
            yield server
        finally:
            # A single process has no files elsewhere, so it need not end well; it would take half a second.
            server.stop(15 if processes > 1 else 9)
            shutil.rmtree(folder, ignore_errors=True)
