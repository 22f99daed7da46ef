"""Backup and restore beside running servers: under writers, killed half-way, on a full disk"""

import contextlib
import itertools
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import zipfile

import psycopg2
import pytest

from contactbook.tests.faults import until
from contactbook.tests.live import ROOT, serving
from contactbook.tests.test_manual import MULTIPART, UPLOAD


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One of our own, whose whole state is put back again and again."""
    with serving(tmp_path_factory.mktemp("server") / "var") as running:
        yield running


@pytest.fixture
def other(tmp_path):
    """Another installation, of the same keys."""
    with serving(tmp_path / "other") as running:
        yield running


def query(server, statement):
    url = server.env.get("DATABASE_URL")
    connect = psycopg2.connect(url) if url else sqlite3.connect(server.folder / "contactbook.sqlite3", timeout=20)
    with contextlib.closing(connect) as connection, contextlib.closing(connection.cursor()) as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def fill(server, token, count, text=""):
    items = [{"op": "create", "contact": {"fullname": f"C{i}", "additional": text}} for i in range(count)]
    for start in range(0, count, 400):
        answer = server.ask("POST", "/api/contacts/batch", {"items": items[start : start + 400]}, token)
        assert answer.status == 200, answer


class Writers:
    """Eight clients of two accounts, who write until they are told to stop."""

    def __init__(self, server):
        self.server, self.done, self.answers = server, threading.Event(), []
        self.tokens = [server.sign_up()[1] for _ in range(2)]
        self.threads = [threading.Thread(target=self.write, args=[self.tokens[i % 2]]) for i in range(8)]

    def ask(self, *args):
        answer = self.server.ask(*args, timeout=60)
        self.answers.append(answer.status)
        return answer

    def write(self, token):
        while not self.done.is_set():
            answer = self.ask("POST", "/api/contacts", {"fullname": "A"}, token)
            if answer.status != 201:
                continue
            path = f"/api/contacts/{answer.json()['id']}"
            self.ask("PATCH", f"{path}/avatar", UPLOAD, token, MULTIPART)
            self.ask("PATCH", path, {"fullname": "B"}, token)
            if random.random() < 0.3:
                self.ask("DELETE", path, None, token)

    def __enter__(self):
        [thread.start() for thread in self.threads]
        until(lambda: self.answers.count(201) >= 16, 30)
        return self

    def __exit__(self, *error):
        self.done.set()
        [thread.join() for thread in self.threads]


def numbers(server):
    """Of each book, the numbers of its changes."""
    rows = query(server, "SELECT book_id, number FROM contacts_change ORDER BY book_id, number")
    return {book: [number for _, number in of] for book, of in itertools.groupby(rows, lambda row: row[0])}


def check_contacts(server):
    """Each is as its newest change left it, and every picture that it shows is there."""
    assert query(
        server,
        "SELECT contact.id FROM contacts_contact contact WHERE revision <> (SELECT max(number) FROM contacts_change"
        " WHERE book_id = contact.user_id AND contact_id = contact.id)",
    ) == []  # fmt: skip
    shown = {url.rpartition("/")[2] for (url,) in query(server, "SELECT avatar FROM contacts_contact") if url}
    assert shown and shown <= {file.name for file in (server.folder / "media/avatars").iterdir()}


def counters(file, folder):
    """Of each book, its counter as it stands in the backup."""
    with zipfile.ZipFile(file) as archive:
        if "database.sqlite3" not in archive.namelist():
            lines = archive.read("tables/contacts_book").decode().splitlines()
            return {int(user): int(sequence) for user, sequence, *_ in (line.split("\t") for line in lines)}
        with contextlib.closing(sqlite3.connect(archive.extract("database.sqlite3", folder))) as database:
            return dict(database.execute("SELECT user_id, sequence FROM contacts_book").fetchall())


def test_it_is_of_one_moment_while_eight_write(server, other, tmp_path):
    file = tmp_path / "contacts.zip"
    with Writers(server) as writers:
        for _ in range(2):
            seen = len(writers.answers)
            server.manage("backup", str(file))
            until(lambda seen=seen: len(writers.answers) > seen + 8)
    assert set(writers.answers) <= {200, 201}
    other.manage("restore", "--yes", str(file))  # while it serves, with nothing to do
    of = numbers(other)
    assert all(each == list(range(1, len(each) + 1)) for each in of.values())
    kept = counters(file, tmp_path)
    assert {book: len(each) for book, each in of.items()} == {book: kept[book] for book in of}
    check_contacts(other)
    for token in writers.tokens:
        listed = other.ask("GET", "/api/contacts?limit=1000", token=token)
        assert listed.status == 200 and int(listed.headers["X-Total-Count"]) > 0
        assert other.ask("POST", "/api/contacts", {"fullname": "A"}, token).status == 201


def test_a_restore_under_writers_loses_nothing_that_comes_after_it(server, tmp_path):
    """Not the way to do it, but no server is left writing to a file or a history that is lost."""
    file = tmp_path / "contacts.zip"
    with Writers(server) as writers:
        server.manage("backup", str(file))
        until(lambda: restored(server, file), 60)
        seen = len(writers.answers)
        until(lambda: writers.answers[seen:].count(201) > 16, 60)
        last = [server.ask("POST", "/api/contacts", {"fullname": "last"}, token).json() for token in writers.tokens]
    assert set(writers.answers) <= {200, 201, 404, 409, 503}
    check_contacts(server)
    for contact, token in zip(last, writers.tokens, strict=True):
        assert server.ask("GET", f"/api/contacts/{contact['id']}", token=token).json()["fullname"] == "last"
    for each in numbers(server).values():
        gaps = [later - earlier for earlier, later in itertools.pairwise(each) if later != earlier + 1]
        assert len(gaps) <= 1 and all(gap > 10**12 for gap in gaps)


def restored(server, file):
    """Where writers hold the tables for too long it is refused, and nothing is changed."""
    with contextlib.suppress(subprocess.CalledProcessError):
        server.manage("restore", "--yes", str(file))
        return True
    return False


# Runs each command in a process that is forked off one which has loaded everything: a kill a second, not in ten.
COMMANDS = """
import json, os, resource, sys, django
django.setup()
from django.core.management import CommandError, call_command
from django.db import connections
for line in sys.stdin:
    args, said, limit = json.loads(line)
    pid = os.fork()
    if not pid:
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            call_command(*args)
            code = 0
        except CommandError as error:
            print(error)
            code = 1
        sys.stdout.flush()
        connections.close_all()
        os._exit(code)
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Commands:
    def __init__(self, server, said):
        pipe = subprocess.PIPE
        self.server, self.said = server, said
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", COMMANDS], cwd=ROOT, env=server.env, stdin=pipe, stdout=pipe, text=True
        )

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.communicate()

    def begin(self, *args, limit=-1):
        self.said.write_text("")
        self.process.stdin.write(json.dumps([[str(arg) for arg in args], str(self.said), limit]) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self):
        return int(self.process.stdout.readline())

    def run(self, *args, **options):
        self.begin(*args, **options)
        return self.end()

    def killed(self, pid, after):
        """Whether it was, before it was done."""
        time.sleep(after)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return self.end() == -9


@pytest.fixture
def commands(server, tmp_path_factory):
    with Commands(server, tmp_path_factory.mktemp("said") / "said") as running:
        yield running


@pytest.fixture(scope="module")
def account(server):
    """Somebody with 5 MB of contacts."""
    _, token = server.sign_up()
    fill(server, token, 1200, "x" * 1500)
    return token


def test_a_backup_that_is_killed_leaves_the_older_one(server, account, commands, tmp_path):
    file, draft, kills = tmp_path / "contacts.zip", tmp_path / "contacts.zip.part", 0
    assert commands.run("backup", file) == 0
    for round_ in range(8):
        older = file.read_bytes()
        pid = commands.begin("backup", file)
        until(draft.exists)
        killed = commands.killed(pid, random.uniform(0, 0.05 * round_))
        kills += killed
        assert {each.name for each in tmp_path.iterdir()} <= {"contacts.zip", "contacts.zip.part"}
        assert not killed or file.read_bytes() == older or not list(draft.glob("*"))
    assert kills
    assert commands.run("backup", file) == 0
    assert [each.name for each in tmp_path.iterdir()] == ["contacts.zip"]
    assert commands.run("restore", "--dry-run", file) == 0


def test_a_backup_that_fills_the_disk_leaves_the_older_one(server, account, commands, tmp_path):
    file = tmp_path / "contacts.zip"
    assert commands.run("backup", file) == 0
    older = file.read_bytes()
    for size in (0, 10_000, len(older) - 1000):
        assert commands.run("backup", file, limit=size) == 1
        if size:  # else there was no room for the sentence either
            assert f"{file} was not written: " in commands.said.read_text()
        assert [each.name for each in tmp_path.iterdir()] == ["contacts.zip"]
        assert file.read_bytes() == older


def state(server):
    """Of every contact, in its order; a SQLite database is looked through as well."""
    if "DATABASE_URL" not in server.env:
        assert query(server, "PRAGMA integrity_check") == [("ok",)]
    return query(server, "SELECT id, fullname, revision FROM contacts_contact ORDER BY id")


def test_a_restore_that_is_killed_has_done_all_or_nothing(server, account, commands, tmp_path):
    files, states, kills = [], [], 0
    for name in ("one.zip", "two.zip"):
        fill(server, account, 400, "x" * 1500)
        files.append(tmp_path / name)
        assert commands.run("backup", files[-1]) == 0
        states.append(state(server))
    for round_ in range(10):
        at = states.index(state(server))
        pid = commands.begin("restore", "--yes", files[1 - at])
        until(lambda: "rows, whole." in commands.said.read_text())
        kills += commands.killed(pid, random.uniform(0, 0.1 * round_))
        assert state(server) in states
    assert kills
    assert commands.run("restore", "--yes", files[0]) == 0
    assert state(server) == states[0]
    assert not (server.folder / "restore.part").exists()


@pytest.mark.skipif(
    bool(os.environ.get("DATABASE_URL")), reason="runs with the embedded stack: PostgreSQL has a disk of its own"
)
def test_a_restore_that_fills_the_disk_changes_nothing(server, account, commands, tmp_path):
    file = tmp_path / "contacts.zip"
    assert commands.run("backup", file) == 0
    with zipfile.ZipFile(file) as archive:
        needed = archive.getinfo("database.sqlite3").file_size
    # While it is taken out of the archive; while its pages go into the log of writes, which is a little larger.
    for size, sentence in ((needed // 2, "could not be checked: "), (needed + 50_000, "Nothing was changed: ")):
        assert server.ask("POST", "/api/contacts", {"fullname": "A"}, account).status == 201
        before = state(server)
        assert commands.run("restore", "--yes", file, limit=size) == 1
        assert sentence in commands.said.read_text()
        assert state(server) == before
