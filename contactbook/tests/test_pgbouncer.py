"""PgBouncer in transaction mode between two processes of sixteen threads and a pool of three connections."""

import contextlib
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from contactbook.tests.faults import account, own_postgres, until
from contactbook.tests.live import PASSWORD, Server, base_environment, serving
from contactbook.tests.pgbouncer_server import own_pgbouncer
from contacts.tests.test_contact_avatar import picture

pytestmark = [pytest.mark.postgresql, pytest.mark.long]
TIMEOUTS = {"statement_timeout": "5s", "lock_timeout": "3s", "idle_in_transaction_session_timeout": "30s"}


@pytest.fixture(scope="module")
def postgres():
    with own_postgres() as server:
        server.execute("CREATE ROLE app LOGIN; ALTER DATABASE contactbook OWNER TO app")
        yield server


@pytest.fixture(scope="module")
def pooler(postgres):
    with own_pgbouncer(postgres.url.replace("contactbook@", "app@")) as running:
        yield running


@pytest.fixture(scope="module")
def server(postgres, pooler, tmp_path_factory):
    """Migrated with PostgreSQL's own address, as the manual says: a migration's SET would stay in the pool."""
    folder = tmp_path_factory.mktemp("direct")
    own = base_environment(folder) | {"DATABASE_URL": postgres.url.replace("contactbook@", "app@")}
    Server(own, folder).manage("migrate", "-v0")
    with serving(tmp_path_factory.mktemp("server") / "var", DATABASE_URL=pooler.url) as running:
        yield running


@pytest.fixture(scope="module")
def token(server):
    return account(server)[1]


def avatar_form():
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    return head + picture().read() + b"\r\n--x--\r\n", {"Content-Type": "multipart/form-data; boundary=x"}


def test_every_kind_of_request_works_through_it(server):
    _, token = account(server)

    def ask(method, path, body=None, status=200, headers=None):
        answer = server.ask(method, f"/api{path}", body, token, headers)
        assert answer.status == status, (path, answer.body)
        return answer.json()

    first = ask("POST", "/contacts", {"fullname": "Łukasz", "birthday": "1990-12-31"}, 201)
    second = ask("POST", "/contacts", {"fullname": "Zoë"}, 201, {"Idempotency-Key": "once"})
    assert ask("POST", "/contacts", {"fullname": "Zoë"}, 201, {"Idempotency-Key": "once"}) == second
    assert [each["fullname"] for each in ask("GET", "/contacts")] == ["Łukasz", "Zoë"]
    assert ask("GET", "/contacts/lukasz")["id"] == first["id"]
    assert [each["id"] for each in ask("GET", "/contacts/bd?days_range=366&across_year=true")] == [first["id"]]
    assert ask("PUT", f"/contacts/{second['id']}", {"fullname": "Zoe"})["fullname"] == "Zoe"
    form, headers = avatar_form()
    assert ask("PATCH", f"/contacts/{first['id']}/avatar", form, 200, headers)["avatar"]
    batch = {"items": [{"op": "create", "contact": {"fullname": str(number)}} for number in range(50)]}
    assert {each["status"] for each in ask("POST", "/contacts/batch", batch)["results"]} == {201}
    assert len(ask("GET", "/contacts/changes?since=0&limit=1000")["changes"]) >= 52
    assert len(ask("POST", "/undo", {"since": 4})["results"]) == 50
    assert server.ask("GET", "/api/me/export", token=token).body.startswith(b"PK")
    assert ask("DELETE", f"/contacts/{first['id']}")["id"] == first["id"]
    assert ask("POST", "/auth/logout") == "Logged out"


def test_the_timeouts_are_in_force_and_the_server_would_say_if_they_were_not(server, pooler):
    with contextlib.closing(psycopg2.connect(pooler.url)) as connection, connection.cursor() as cursor:
        for name, value in TIMEOUTS.items():
            cursor.execute(f"SHOW {name}")
            assert cursor.fetchone() == (value,)
    assert "no issues" in server.manage("check", "--database", "default")


def test_lost_timeouts_are_a_warning(transactional_db):
    from django.core.checks import run_checks
    from django.db import connection

    def warnings():
        return [warning for warning in run_checks(databases=["default"]) if warning.id == "contactbook.W001"]

    assert warnings() == []
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    try:
        (warning,) = warnings()
    finally:
        connection.close()
    assert "statement_timeout" in warning.msg and "lock_timeout" not in warning.msg
    assert "PgBouncer" in warning.hint


def test_sixteen_threads_over_three_connections_see_no_error_and_read_their_own_writes(server, postgres, token):
    contacts = [server.ask("POST", "/api/contacts", {"fullname": "0"}, token).json()["id"] for _ in range(16)]

    def write_and_read(contact_id):
        for number in range(1, 9):
            name = str(number)
            assert server.ask("PUT", f"/api/contacts/{contact_id}", {"fullname": name}, token).status == 200
            assert server.ask("GET", f"/api/contacts/{contact_id}", token=token).json()["fullname"] == name
        return number

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(write_and_read, contacts)) == [8] * 16
    (connections,) = postgres.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'")
    assert 1 <= connections[0] <= 3


@contextlib.contextmanager
def traffic(server, token):
    """A reader and a writer; yields what they were answered: statuses, and the names that were acknowledged."""
    seen, over = {"reads": [], "writes": [], "kept": set()}, threading.Event()

    def read():
        while not over.is_set():
            seen["reads"].append(server.ask("GET", "/api/contacts/zz", token=token).status)

    def write():
        number = 0
        while not over.is_set():
            name = f"w{number}-{time.monotonic_ns()}"
            answer = server.ask("POST", "/api/contacts", {"fullname": name}, token)
            seen["writes"].append(answer.status)
            seen["kept"] |= {name} if answer.status == 201 else set()
            assert answer.status == 201 or int(answer.headers["Retry-After"]) >= 1
            number += 1

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(each) for each in (read, write)]
        try:
            yield seen
        finally:
            over.set()
        [each.result() for each in running]


def more(seen):
    enough = len(seen["kept"]) + 3
    until(lambda: len(seen["kept"]) > enough)


def assert_kept(server, token, names):
    listed = {each["fullname"] for each in server.ask("GET", "/api/contacts?limit=1000", token=token).json()}
    assert names <= listed


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_killed_and_started_again_in_mid_traffic_it_loses_nothing(server, pooler, by):
    _, token = account(server)
    with traffic(server, token) as seen:
        for _ in range(3):
            more(seen)
            pooler.stop(by)
            pooler.start()
        more(seen)
    assert set(seen["reads"]) <= {404, 503} and set(seen["writes"]) <= {201, 503}
    assert_kept(server, token, seen["kept"])


def test_paused_and_resumed_it_costs_nobody_an_error(server, pooler):
    """PAUSE lets what is under way end, so that PostgreSQL can be changed behind it; RESUME lets the rest go on."""
    _, token = account(server)
    with traffic(server, token) as seen:
        more(seen)
        pooler.process.send_signal(signal.SIGUSR1)  # PAUSE
        time.sleep(0.5)
        pooler.process.send_signal(signal.SIGUSR2)  # RESUME
        more(seen)
    assert set(seen["reads"]) == {404} and set(seen["writes"]) == {201}


def test_postgresql_restarted_behind_it_is_a_503_and_it_heals(server, postgres, token):
    postgres.stop()
    try:
        answers = [server.ask("POST", "/api/contacts", {"fullname": "x"}, token) for _ in range(3)]
        login = server.ask("POST", "/api/auth/login", f"username=a@example.org&password={PASSWORD}")
    finally:
        postgres.start()
    for answer in [*answers, login]:
        assert answer.status == 503 and int(answer.headers["Retry-After"]) >= 1
    assert until(lambda: server.ask("GET", "/api/contacts/zz", token=token).status == 404) < 5


def test_a_backup_through_it_is_complete(server, tmp_path):
    server.manage("backup", str(tmp_path / "b.zip"))
    assert "The backup is complete." in server.manage("restore", "--dry-run", str(tmp_path / "b.zip"))
