"""Backup and restore beside a running server: under writers, killed half-way, on a full disk"""

import contextlib
import itertools
import json
import os
import random
import shutil
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
    """A server for this module alone, since each restore replaces its accounts."""
    with serving(tmp_path_factory.mktemp("server") / "var") as running:
        yield running


def query(server, statement):
    url = server.env.get("DATABASE_URL")
    connect = psycopg2.connect(url) if url else sqlite3.connect(server.folder / "contactbook.sqlite3", timeout=20)
    with contextlib.closing(connect) as connection, contextlib.closing(connection.cursor()) as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


# Each command runs in a fork of a process that has loaded Django: a kill takes a second instead of ten.
COMMANDS = """
import json, os, resource, sys, django
django.setup()
from django.core.management import CommandError, call_command
from django.db import connections
for line in sys.stdin:
    args, output, limit = json.loads(line)
    pid = os.fork()
    if not pid:
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
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
    def __init__(self, process, output):
        self.process, self.output = process, output

    def begin(self, *args, limit=-1):
        """Returns the process id. No file that the command writes may be larger than `limit` bytes."""
        self.output.write_text("")
        self.process.stdin.write(json.dumps([[str(arg) for arg in args], str(self.output), limit]) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def run(self, *args, **options):
        self.begin(*args, **options)
        return int(self.process.stdout.readline())

    def kill(self, pid, after):
        """Whether the command was killed before its end."""
        time.sleep(after)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return int(self.process.stdout.readline()) == -9


@pytest.fixture(scope="module")
def commands(server, tmp_path_factory):
    command = [sys.executable, "-u", "-c", COMMANDS]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=server.env, stdin=pipe, stdout=pipe, text=True) as process:
        yield Commands(process, tmp_path_factory.mktemp("output") / "output")
        process.communicate()


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

    def created(self, more):
        """Waits until so many more were created."""
        enough = self.answers.count(201) + more
        until(lambda: self.answers.count(201) >= enough, 60)

    def __enter__(self):
        [thread.start() for thread in self.threads]
        self.created(16)
        return self

    def __exit__(self, *error):
        self.done.set()
        [thread.join() for thread in self.threads]


def check_contacts(server):
    """Each contact is as its newest change left it, its picture is there, and only a restore leaves gaps in numbers."""
    assert query(
        server,
        "SELECT contact.id FROM contacts_contact contact WHERE revision <> (SELECT max(number) FROM contacts_change"
        " WHERE book_id = contact.user_id AND contact_id = contact.id)",
    ) == []  # fmt: skip
    shown = {url.rpartition("/")[2] for (url,) in query(server, "SELECT avatar FROM contacts_contact") if url}
    assert shown and shown <= {file.name for file in (server.folder / "media/avatars").iterdir()}
    rows = query(server, "SELECT book_id, number FROM contacts_change ORDER BY book_id, number")
    for _, of_book in itertools.groupby(rows, lambda row: row[0]):
        numbers = [0, *(number for _, number in of_book)]
        gaps = [later - earlier for earlier, later in itertools.pairwise(numbers) if later != earlier + 1]
        assert len(gaps) <= 1 and all(gap > 10**12 for gap in gaps)


def counters(file, folder):
    """The counter of each book in the backup."""
    with zipfile.ZipFile(file) as archive:
        if "database.sqlite3" in archive.namelist():
            with contextlib.closing(sqlite3.connect(archive.extract("database.sqlite3", folder))) as database:
                return dict(database.execute("SELECT user_id, sequence FROM contacts_book").fetchall())
        rows = archive.read("tables/contacts_book").decode().splitlines()
    return {int(row.split("\t")[-1]): int(row.split("\t")[-2]) for row in rows}  # columns in alphabetical order


def newest_numbers(server):
    return dict(query(server, "SELECT book_id, max(number) FROM contacts_change GROUP BY book_id"))


def test_a_backup_under_eight_writers_is_of_one_moment(server, commands, tmp_path):
    file = tmp_path / "contacts.zip"
    with Writers(server) as writers:
        for _ in range(2):
            assert commands.run("backup", file) == 0
            writers.created(4)
    assert set(writers.answers) <= {200, 201}
    shutil.rmtree(server.folder / "media/avatars")
    assert commands.run("restore", "--yes", file) == 0
    check_contacts(server)
    expected = counters(file, tmp_path)
    numbers = newest_numbers(server)
    assert len(numbers) == 2 and numbers == {book: expected[book] for book in numbers}
    for token in writers.tokens:
        listed = server.ask("GET", "/api/contacts?limit=1000", token=token)
        assert listed.status == 200 and int(listed.headers["X-Total-Count"]) > 0
        assert server.ask("POST", "/api/contacts", {"fullname": "A"}, token).status == 201


def test_writes_after_a_restore_under_eight_writers_are_not_lost(server, commands, tmp_path):
    """Servers should be stopped for a restore. One that runs must not go on with a replaced file or lost numbers."""
    file = tmp_path / "contacts.zip"
    with Writers(server) as writers:
        assert commands.run("backup", file) == 0
        assert commands.run("restore", "--yes", file) == 0, commands.output.read_text()
        writers.created(16)
        last = [server.ask("POST", "/api/contacts", {"fullname": "last"}, token).json() for token in writers.tokens]
    assert set(writers.answers) <= {200, 201, 404, 409, 503}
    check_contacts(server)
    for contact, token in zip(last, writers.tokens, strict=True):
        assert server.ask("GET", f"/api/contacts/{contact['id']}", token=token).json()["fullname"] == "last"


def create(server, token, count):
    items = [{"op": "create", "contact": {"fullname": f"C{i}", "additional": "x" * 1500}} for i in range(count)]
    assert server.ask("POST", "/api/contacts/batch", {"items": items}, token).status == 200


@pytest.fixture(scope="module")
def account(server):
    """The token of an account with 2 MB of contacts."""
    _, token = server.sign_up()
    for _ in range(3):
        create(server, token, 400)
    return token


def test_a_killed_backup_leaves_the_older_file(server, account, commands, tmp_path):
    file, draft, kills = tmp_path / "contacts.zip", tmp_path / "contacts.zip.part", 0
    assert commands.run("backup", file) == 0
    for number in range(6):
        older = file.read_bytes()
        pid = commands.begin("backup", file)
        until(draft.exists)
        killed = commands.kill(pid, random.uniform(0, 0.05 * number))
        kills += killed
        assert {each.name for each in tmp_path.iterdir()} <= {"contacts.zip", "contacts.zip.part"}
        # The new one is there before the draft is removed.
        assert file.read_bytes() == older or commands.run("restore", "--dry-run", file) == 0
    assert kills
    assert commands.run("backup", file) == 0
    assert [each.name for each in tmp_path.iterdir()] == ["contacts.zip"]
    assert commands.run("restore", "--dry-run", file) == 0


def test_a_backup_that_fills_the_disk_leaves_the_older_file(server, account, commands, tmp_path):
    file = tmp_path / "contacts.zip"
    assert commands.run("backup", file) == 0
    older = file.read_bytes()
    for size in (0, 10_000, len(older) - 1000):
        assert commands.run("backup", file, limit=size) == 1
        if size:  # otherwise the output has no room either
            assert f"{file} was not written: " in commands.output.read_text()
        assert [each.name for each in tmp_path.iterdir()] == ["contacts.zip"]
        assert file.read_bytes() == older


def state(server):
    """All contacts in order, from a database that passes SQLite's check."""
    if "DATABASE_URL" not in server.env:
        assert query(server, "PRAGMA integrity_check") == [("ok",)]
    return query(server, "SELECT id, fullname, revision FROM contacts_contact ORDER BY id")


def test_a_killed_restore_has_done_all_or_nothing(server, account, commands, tmp_path):
    files, states, kills = [], [], 0
    for name in ("one.zip", "two.zip"):
        create(server, account, 400)
        files.append(tmp_path / name)
        assert commands.run("backup", files[-1]) == 0
        states.append(state(server))
    for number in range(8):
        now = states.index(state(server))
        pid = commands.begin("restore", "--yes", files[1 - now])
        until(lambda: "The backup is complete." in commands.output.read_text())
        kills += commands.kill(pid, random.uniform(0, 0.1 * number))
        assert state(server) in states
    assert kills
    assert commands.run("restore", "--yes", files[0]) == 0
    assert state(server) == states[0]
    assert not (server.folder / "restore.part").exists()


@pytest.mark.one_stack
def test_a_restore_that_fills_the_disk_changes_nothing(server, account, commands, tmp_path):
    file = tmp_path / "contacts.zip"
    query(server, "VACUUM")  # so that the log of the restore is a little larger than the file
    assert commands.run("backup", file) == 0
    with zipfile.ZipFile(file) as archive:
        needed = archive.getinfo("database.sqlite3").file_size
    for size in (needed // 2, needed):  # no room for the extracted file; no room for the write-ahead log
        assert server.ask("POST", "/api/contacts", {"fullname": "A"}, account).status == 201
        before = state(server)
        assert commands.run("restore", "--yes", file, limit=size) == 1
        assert "Nothing was changed: " in commands.output.read_text()
        assert state(server) == before
