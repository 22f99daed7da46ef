"""A primary and its synchronous standby: what was acknowledged outlives the primary, and nobody restarts us."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import psycopg2
import pytest

from contactbook.tests.faults import (
    Postgres,
    account,
    own_postgres,
    timed,
    until,
)
from contactbook.tests.live import free_port, serving

pytestmark = [pytest.mark.postgresql, pytest.mark.long]
CONTACT = {"fullname": "Zoë"}


def copy_of(primary, folder):
    """Its standby, which follows it from now on."""
    command = Path(f"/proc/{primary.pid}/cmdline").read_text().split("\0")[:-1]
    owner = Path(f"/proc/{primary.pid}").stat()
    user = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    home = folder / "postgres"
    home.mkdir(parents=True)
    os.chown(home, owner.st_uid, owner.st_gid)
    take = [Path(command[0]).with_name("pg_basebackup"), "-d", primary.url.replace("postgres:", "postgresql:")]
    take += ["-D", home / "data", "-R", "-X", "stream", "-c", "fast", "--no-sync"]
    subprocess.run(take, check=True, cwd=home, stdout=subprocess.DEVNULL, **user)
    port = str(free_port())
    standby = Postgres(primary.url.replace(command[command.index("-p") + 1], port), folder)
    standby.owner, standby.command = owner, [*command]
    standby.command[command.index("-D") + 1] = str(home / "data")
    standby.command[command.index("-p") + 1] = port
    return standby


@contextlib.contextmanager
def own_pair():
    with own_postgres() as primary:
        standby = copy_of(primary, primary.folder / "standby")
        standby.start()
        try:
            primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            primary.execute("ALTER SYSTEM SET synchronous_commit = 'remote_apply'")
            primary.execute("SELECT pg_reload_conf()")
            until(lambda: primary.execute("SELECT sync_state FROM pg_stat_replication") == [("sync",)])
            yield primary, standby
        finally:
            standby.process.send_signal(signal.SIGQUIT)
            standby.process.wait()


@contextlib.contextmanager
def own_stage(folder):
    """The pair, and a server that knows both by their addresses."""
    with own_pair() as (primary, standby):
        url = f"{primary.url.rpartition('/')[0]},{standby.url.partition('@')[2]}"
        with serving(folder / "var", DATABASE_URL=url) as server:
            yield SimpleNamespace(primary=primary, standby=standby, server=server, token=account(server)[1])


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with own_stage(tmp_path_factory.mktemp("stage")) as made:
        yield made


class Writers:
    """Three clients who write, and remember what was acknowledged; and one who reads."""

    def __init__(self, server, token):
        self.server, self.token, self.over = server, token, threading.Event()
        self.statuses, self.kept, self.slowest = set(), [], 0.0
        self.threads = [threading.Thread(target=self.write, args=[each]) for each in "abc"]
        self.threads.append(threading.Thread(target=self.read))
        [thread.start() for thread in self.threads]

    def ask(self, *request):
        answer, seconds = timed(lambda: self.server.ask(*request, token=self.token))
        self.slowest = max(self.slowest, seconds)
        self.statuses.add(answer.status)
        assert answer.status != 503 or int(answer.headers["Retry-After"]) >= 1
        return answer

    def write(self, client):
        for number in range(10**6):
            if self.over.is_set():
                return
            name = f"{client}{number}"
            if self.ask("POST", "/api/contacts", {"fullname": name}).status == 201:
                self.kept.append(name)

    def read(self):
        while not self.over.wait(0.02):
            self.ask("GET", "/api/contacts/nobody")

    def stop(self):
        self.over.set()
        [thread.join() for thread in self.threads]

    def more(self, count):
        enough = len(self.kept) + count
        until(lambda: len(self.kept) > enough, 30)


def test_what_the_standby_has_not_got_is_not_acknowledged(stage):
    """PostgreSQL would wait for it without end; we do not."""
    server, token = stage.server, stage.token
    assert server.ask("POST", "/api/contacts", CONTACT, token).status == 201
    stage.standby.freeze()
    try:
        answers = []
        write = lambda: answers.append(timed(lambda: server.ask("POST", "/api/contacts", CONTACT, token)))  # noqa: E731
        thread = threading.Thread(target=write)
        thread.start()
        while thread.is_alive():
            assert server.ask("GET", "/api/contacts", token=token).status == 200, "reading goes on"
            thread.join(0.3)
    finally:
        stage.standby.thaw()
    ((answer, seconds),) = answers
    assert answer.status == 503 and int(answer.headers["Retry-After"]) >= 1
    assert seconds < 8
    assert until(lambda: server.ask("POST", "/api/contacts", CONTACT, token).status == 201) < 5


def test_nor_is_what_an_administrator_waits_for_no_longer(stage):
    """PostgreSQL calls that a commit, with a mere warning."""
    server, token = stage.server, stage.token
    stuck = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    stage.standby.freeze()
    try:
        answers = []
        write = lambda: answers.append(timed(lambda: server.ask("POST", "/api/contacts", CONTACT, token)))  # noqa: E731
        thread = threading.Thread(target=write)
        thread.start()
        until(lambda: stage.primary.execute(f"SELECT pg_cancel_backend(pid) {stuck}"))
        thread.join()
    finally:
        stage.standby.thaw()
    ((answer, seconds),) = answers
    assert answer.status == 503 and int(answer.headers["Retry-After"]) >= 1
    assert seconds < 5.5, "cancelled, and not given up"


def fail_over(stage, way):
    """`way` takes the primary away under load, the standby is promoted; returns what the clients saw."""
    writers = Writers(stage.server, stage.token)
    try:
        writers.more(20)
        way(stage.primary)
        time.sleep(0.5)
        stage.standby.execute("SELECT pg_promote()")
        writers.more(20)
    finally:
        writers.stop()
    return writers


def assert_nothing_is_lost(stage, writers):
    ask = lambda path: stage.server.ask("GET", path, token=stage.token)  # noqa: E731
    assert writers.statuses <= {201, 404, 503} and 503 in writers.statuses
    assert writers.slowest < 12
    assert set(writers.kept) <= {each["fullname"] for each in ask("/api/contacts?limit=1000").json()}
    assert [ask("/api/contacts/nobody").status for _ in range(30)] == [404] * 30


def kill(primary):
    for pid in primary.family():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_a_killed_primary_takes_nothing_acknowledged_with_it(stage):
    assert_nothing_is_lost(stage, fail_over(stage, kill))


@pytest.mark.long
def test_nor_does_one_that_hangs_and_is_fenced(tmp_path):
    """As where a network swallows packets. That it takes no writes when it comes back is the operator's to see to."""
    with own_stage(tmp_path) as stage:
        try:
            writers = fail_over(stage, Postgres.freeze)
        finally:
            stage.primary.thaw()
            kill(stage.primary)
        assert_nothing_is_lost(stage, writers)


def test_a_silent_first_host_costs_its_own_time_once(transactional_db):
    """libpq would give the first host all of the time."""
    from django.db import connection

    from contactbook.db.postgresql.base import DatabaseWrapper

    real = connection.get_connection_params()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        both = real | {"host": f"127.0.0.1,{real['host']}", "port": f"{silent.getsockname()[1]},{real['port']}"}
        try:
            seconds = []
            for _ in range(2):
                opened, took = timed(lambda: connection.get_new_connection(both))
                opened.close()
                seconds.append(took)
        finally:
            DatabaseWrapper.last_host = 0
    assert 1.5 < seconds[0] < 4 and seconds[1] < 1


def test_of_no_host_that_answers_the_failure_is_told(transactional_db):
    from django.db import connection

    real = connection.get_connection_params()
    nobody = real | {"host": "127.0.0.1,127.0.0.1", "port": f"{free_port()},{free_port()}"}
    with pytest.raises(psycopg2.OperationalError):
        connection.get_new_connection(nobody)
