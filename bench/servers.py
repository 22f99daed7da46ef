"""The servers, their databases, and the core on which each runs."""

import contextlib
import http.client
import io
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import jwt
import psycopg2

from bench import kinds
from bench.load import Encoded, measure
from scripts.services import free_port

ROOT = Path(__file__).resolve().parent.parent
CORES = sorted(os.sched_getaffinity(0))
# The server process has the first core alone; PostgreSQL, Redis and the load share the others.
SERVER_CORES, OTHER_CORES = set(CORES[:1]), set(CORES[1:] or CORES)
PASSWORD = "a quiet harbour 42"
SECRET_KEY = "for-the-benchmark-only-" + "x" * 40
START_SECONDS = 30
GUNICORN = [sys.executable, "-m", "gunicorn"]
GTHREAD = [*GUNICORN, "-k", "gthread", "--threads", "16", "--no-control-socket", "-b", "127.0.0.1:{port}"]


class Server:
    """One server under test, on PostgreSQL and a database of its own in Redis."""

    name = title = ""
    command: list[str] = []
    ordered = True  # lists have the contract's order
    timeout = 60  # seconds

    def __init__(self, folder, database_url, redis_url):
        self.folder, self.database_url, self.redis_url = folder, database_url, redis_url
        self.port, self.process, self.tokens, self.next = free_port(), None, {}, {}

    def log_in(self, people):
        """Make a token for each account."""
        expires = datetime.now(UTC) + timedelta(hours=1)
        for user, email in people:
            self.tokens[user] = jwt.encode({**self.claims(user, email), "exp": expires}, SECRET_KEY)

    def claims(self, user, email):
        raise NotImplementedError

    @property
    def env(self):
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        urls = {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}
        return kept | urls | {"SECRET_KEY": SECRET_KEY, "PORT": str(self.port), "MALLOC_ARENA_MAX": "2"}

    def run(self, *arguments):
        subprocess.run([sys.executable, *arguments], cwd=ROOT, env=self.env, check=True, stdout=sys.stderr)

    def start(self, ready=None):
        """Start and return the seconds until this request, or any connection, is answered."""
        begun = time.perf_counter()
        with (self.folder / f"{self.name}.log").open("ab") as log:
            options = {"stdout": log, "stderr": log, "start_new_session": True}
            command = [part.format(port=self.port) for part in self.command]
            options["preexec_fn"] = lambda: os.sched_setaffinity(0, SERVER_CORES)
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.env, **options)
        while True:
            with contextlib.suppress(OSError):
                self.check(ready) if ready else socket.create_connection(("127.0.0.1", self.port)).close()
                return time.perf_counter() - begun
            if self.process.poll() is not None or time.perf_counter() - begun > START_SECONDS:
                raise SystemExit(f"{self.name} did not start:\n{self.log()}")
            time.sleep(0.005)

    def stop(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def log(self):
        return (self.folder / f"{self.name}.log").read_text()[-3000:]

    def memory(self):
        """PSS and RSS in MB of the largest process, which is the one that serves."""
        sizes = []
        for pid in [self.process.pid, *children(self.process.pid)]:
            fields = dict(line.split()[:2] for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
            sizes.append((int(fields["Pss:"]) / 1024, int(fields["Rss:"]) / 1024))
        return max(sizes)

    def path(self, request):
        return request.path

    def ask(self, request):
        """Send one request: its status, headers and body."""
        return self.send(self.encoded(request))

    def send(self, encoded):
        with socket.create_connection(("127.0.0.1", self.port), timeout=self.timeout) as connection:
            connection.sendall(encoded.request)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return answer.status, answer.headers, answer.read()

    def check(self, request):
        kinds.check(self, request, *self.ask(request))

    def encoded(self, request, kind=None):
        body = json.dumps(request.body, ensure_ascii=False).encode() if request.body else b""
        headers = {"Authorization": f"Bearer {self.tokens[request.user]}", "Content-Type": "application/json"}
        sent = http_request(request.method, self.path(request), headers, body)
        return Encoded(sent, (b"%d" % request.status,), b'"user_id":%d,' % request.user, request.count)

    def measure(self, kind, requests, seconds):
        """One run: new requests go on where the last run ended; those for the cache are repeated."""
        repeated = kind in ("list_cached", "list_304")
        start = 0 if repeated else self.next.get(kind, 0)
        ordered = requests[start:] + requests[:start]
        used = [self.encoded(each, kind) for each in ordered[: int(5000 * (seconds + 1))]]
        load = measure(self, itertools.cycle(used) if repeated else used, seconds)
        self.next[kind] = (start + sum(load.statuses.values())) % len(requests)
        return load


class Product(Server):
    """The product as scripts/run serves it; every request counts on its limit, which is never reached."""

    name = title = "ours"
    command = [*GUNICORN, "-c", "contactbook/gunicorn_conf.py", "contactbook.wsgi"]

    @property
    def env(self):
        var = self.folder / f"var-{self.name}"
        own = {"VAR_DIR": str(var), "EMAIL_URL": f"filemail://{var}/mail", "RATE_LIMITS": "*=100000000/m"}
        return super().env | own | {"WEB_CONCURRENCY": "1", "DJANGO_SETTINGS_MODULE": "contactbook.settings"}

    def log_in(self, people):
        for user, email in people:
            self.tokens[user] = json.loads(self.send(login(email))[2])["access_token"]

    def encoded(self, request, kind=None):
        encoded = super().encoded(request)
        if kind != "list_304":
            return encoded
        unchanged = f"\r\nIf-None-Match: {self.ask(request)[1]['ETag']}\r\n\r\n".encode()
        return encoded._replace(request=encoded.request.replace(b"\r\n\r\n", unchanged), statuses=(b"304",), count=0)


class Bare(Server):
    name, title = "bare", "bare function"
    command = [*GTHREAD, "bench.bare:application"]

    def claims(self, user, email):
        return {"sub": str(user)}


class Older(Server):
    name, title, ordered = "older", "older design", False
    command = [sys.executable, "-m", "uvicorn", "bench.older:app", "--port", "{port}", "--log-level", "warning"]
    command += ["--no-access-log"]

    def claims(self, user, email):
        return {"sub": email, "scope": "access_token"}


class Tutorial(Server):
    name, title, ordered = "tutorial", "tutorial DRF", False
    command = [*GTHREAD, "bench.tutorial:application"]

    def claims(self, user, email):
        return {"token_type": "access", "user_id": str(user), "jti": str(user)}

    def path(self, request):
        """The same question at the tutorial's routes."""
        path, _, query = request.path.partition("?")
        rest = path.removeprefix("/api/contacts").strip("/")
        if rest == "bd":
            return f"/api/contacts/birthdays/?{query}"
        if rest and request.method == "GET":
            return f"/api/contacts/?search={rest}&limit=1"
        return f"{path.rstrip('/')}/" + (f"?{query.replace('skip=', 'offset=')}" if query else "")


def http_request(method, path, headers, body):
    headers = {"Host": "127.0.0.1", **headers} | ({"Content-Length": len(body)} if body else {})
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def login(email):
    """Right by a 200, or by a 503 where too many log in at once."""
    form = urlencode({"username": email, "password": PASSWORD}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Encoded(http_request("POST", "/api/auth/login", headers, form), (b"200", b"503"), b"", None)


def children(pid):
    """All processes that this one started, and that these started."""
    found = [pid]
    for each in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{each}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found[1:]


def sql(url, statement, *parameters):
    connection = psycopg2.connect(url)
    with contextlib.closing(connection):
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []


def copy_rows(source_url, query, target_url, table, columns):
    """The rows of a query into a table of another database, and its sequence behind them."""
    rows, source, target = io.BytesIO(), psycopg2.connect(source_url), psycopg2.connect(target_url)
    with contextlib.closing(source), contextlib.closing(target):
        source.cursor().copy_expert(f"COPY ({query}) TO STDOUT", rows)
        rows.seek(0)
        target.cursor().copy_expert(f"COPY {table} ({columns}) FROM STDIN", rows)
        target.cursor().execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
        target.commit()


CONTACT_COLUMNS = "id, fullname, email, phone_number, birthday, additional, avatar, user_id"
# 29 February is the contract's 28th in common years, which the peers do not know.
CONTACTS = r"""SELECT id, fullname, email, left(regexp_replace(phone, '\D', '', 'g'), 15)::bigint,
    CASE WHEN month_day = 229 THEN birthday - 1 ELSE birthday END, additional, left(avatar, 255), user_id
    FROM contacts_contact WHERE deleted_at IS NULL"""
USERS = {  # a peer's table of accounts, its columns, and their values
    "older": ("users", "id, username, email, password, confirmed", "id, username, email, password, true"),
    "tutorial": (
        "auth_user",
        "id, username, email, password, first_name, last_name, is_superuser, is_staff, is_active, date_joined",
        "id, email, email, password, '', '', false, false, true, created_at",
    ),
}


def fill_peer(peer, source_url):
    peer.run("-c", f"from bench import {peer.name}; {peer.name}.create_tables()")
    table, columns, values = USERS[peer.name]
    copy_rows(source_url, f"SELECT {values} FROM accounts_user", peer.database_url, table, columns)
    copy_rows(source_url, CONTACTS, peer.database_url, "contacts", CONTACT_COLUMNS)
