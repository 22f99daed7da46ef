"""PostgreSQL stopped, restarted, frozen, out of connections or read-only: a 503 in time, and it recovers by itself."""

import contextlib
import threading

import psycopg2
import pytest
from django.db import OperationalError, connection

from contactbook.api.viewsets import APIViewSet
from contactbook.tests.faults import account, own_postgres, timed, until
from contactbook.tests.live import serving
from contacts import search

UNAVAILABLE = {"detail": "The service is busy. Try again in a moment."}
CONTACT = {"fullname": "Zoë"}


@pytest.fixture(scope="module")
def postgres():
    with own_postgres() as server:
        server.execute("CREATE ROLE app LOGIN; ALTER DATABASE contactbook OWNER TO app")
        yield server


def as_app(postgres):
    return postgres.url.replace("contactbook@", "app@")


def cut_connections(postgres):
    postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")


@pytest.fixture(scope="module")
def server(postgres, tmp_path_factory):
    with serving(tmp_path_factory.mktemp("server") / "var", DATABASE_URL=as_app(postgres)) as running:
        yield running


@pytest.fixture(scope="module")
def token(server):
    return account(server)[1]


def everything(server, token):
    """One request of each kind: a read, a write, a login, our pages, the admin."""
    return {
        "read": server.ask("GET", "/api/contacts", token=token),
        "write": server.ask("POST", "/api/contacts", CONTACT, token=token),
        "login": server.ask("POST", "/api/auth/login", "username=a@example.org&password=b"),
        "page": server.ask("GET", "/reset/x.y.z"),
        "admin": server.ask("GET", "/admin/login/", headers={"Cookie": "sessionid=abcdefghijklmnopqrstuvwxyz012345"}),
    }


def works(server, token):
    return server.ask("GET", "/api/contacts/zo%C3%AB", token=token).status in (200, 404)


def assert_unavailable(answer):
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.postgresql
@pytest.mark.long
def test_a_stopped_database_is_a_503_at_once_and_recovers(server, token, postgres):
    postgres.stop()
    try:
        answers, seconds = timed(lambda: everything(server, token))
        ready, alive = server.ask("GET", "/readyz"), server.try_get("/healthz")
    finally:
        postgres.start()
    assert seconds < 5
    for name in ("read", "write", "login"):
        assert_unavailable(answers[name])
        assert answers[name].json() == UNAVAILABLE
    assert_unavailable(answers["admin"])
    assert b"<html" in answers["admin"].body and b"Traceback" not in answers["admin"].body
    assert (ready.status, ready.json()["database"], ready.json()["cache"]) == (503, "down", "up")
    assert alive == 200
    assert until(lambda: works(server, token)) < 2
    assert [works(server, token) for _ in range(40)] == [True] * 40, "every thread's connection has healed"


@pytest.mark.postgresql
@pytest.mark.long
def test_a_frozen_database_is_a_503_in_time(server, token, postgres):
    for _ in range(20):
        works(server, token)  # several threads hold connections
    postgres.freeze()
    answers = []
    try:
        ask = lambda: answers.append(timed(lambda: server.ask("GET", "/api/contacts", token=token)))  # noqa: E731
        threads = [threading.Thread(target=ask) for _ in range(6)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        ready, seconds_ready = timed(lambda: server.ask("GET", "/readyz"))
    finally:
        postgres.thaw()
    assert {answer.status for answer, _ in answers} == {503}
    assert max(seconds for _, seconds in answers) < 6.5
    assert ready.status == 503 and seconds_ready < 6.5
    assert until(lambda: works(server, token)) < 3
    assert [works(server, token) for _ in range(20)] == [True] * 20


@pytest.mark.postgresql
@pytest.mark.long
def test_a_read_whose_connection_is_lost_is_tried_once_more(server, token, postgres):
    """Every connection is cut again and again while reads are answered."""
    answers, over = [], threading.Event()

    def read():
        while not over.is_set():
            answers.append(server.ask("GET", "/api/contacts/zo%C3%AB", token=token).status)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(12):
        # Not twice in one request: a read is tried once more, and no oftener.
        seen = len(answers)
        until(lambda seen=seen: len(answers) > seen + 1)
        cut_connections(postgres)
    over.set()
    reader.join()
    assert len(answers) > 20
    assert set(answers) <= {200, 404}


def the_last_connection(postgres):
    """Once those that were cut are gone."""
    while True:
        with contextlib.suppress(psycopg2.OperationalError):
            return psycopg2.connect(as_app(postgres))


@pytest.mark.postgresql
@pytest.mark.long
def test_no_connection_left_is_a_503(server, token, postgres):
    works(server, token)
    postgres.execute("ALTER ROLE app CONNECTION LIMIT 1")
    cut_connections(postgres)
    try:
        with contextlib.closing(the_last_connection(postgres)):
            answer, seconds = timed(lambda: server.ask("GET", "/api/contacts/zo", token=token))
    finally:
        postgres.execute("ALTER ROLE app CONNECTION LIMIT -1")
    assert_unavailable(answer)
    assert seconds < 5
    assert until(lambda: works(server, token)) < 2


@pytest.mark.postgresql
@pytest.mark.long
def test_a_row_that_another_program_locks_is_a_503_in_time(server, token, postgres):
    server.ask("POST", "/api/contacts", CONTACT, token=token)
    with contextlib.closing(psycopg2.connect(postgres.url)) as holder:
        holder.cursor().execute("SELECT * FROM contacts_book FOR UPDATE")
        answer, seconds = timed(lambda: server.ask("POST", "/api/contacts", CONTACT, token=token))
        assert works(server, token), "readers do not wait"
    assert_unavailable(answer)
    assert seconds < 5


@pytest.mark.postgresql
@pytest.mark.long
def test_a_server_that_became_a_standby_is_a_503_and_its_connection_closed(server, token, postgres):
    """After a failover the old primary answers, but writes nothing."""
    postgres.execute("ALTER ROLE app SET default_transaction_read_only = on")
    cut_connections(postgres)
    try:
        answer = server.ask("POST", "/api/contacts", CONTACT, token=token)
        assert works(server, token)
    finally:
        postgres.execute("ALTER ROLE app RESET ALL")
    assert_unavailable(answer)

    def written(count):
        return [server.ask("POST", "/api/contacts", CONTACT, token=token).status for _ in range(count)]

    until(lambda: written(1) == [201])
    assert written(40).count(201) >= 25, "each of 16 threads may find out once for itself"
    until(lambda: written(5) == [201] * 5)


@pytest.mark.postgresql
@pytest.mark.long
def test_the_log_holds_no_link_and_no_secret(server, token, postgres):
    postgres.stop()
    try:
        server.ask("GET", "/api/email/confirm/SECRET-OF-A-LINK")
        server.ask("GET", "/reset/SECRET-OF-A-LINK")
        server.ask("GET", "/admin/SECRET-OF-A-LINK", headers={"Cookie": f"sessionid={'s' * 32}"})
    finally:
        postgres.start()
    assert "SECRET-OF-A-LINK" not in server.log.read_text()
    until(lambda: works(server, token))


# One request at a time: which failures are tried again


@pytest.fixture
def failing(monkeypatch, no_limits):
    """Make the first `times` searches of a find fail."""

    def fail(times, error=OperationalError):
        state = {"left": times, "tried": 0}

        def find(*args):
            state["tried"] += 1
            if state["left"]:
                state["left"] -= 1
                raise error("deadlock detected")
            return real(*args)

        real = search.find
        monkeypatch.setattr(search, "find", find)
        return state

    return fail


def test_a_read_that_failed_is_tried_once_more(as_alice, failing):
    state = failing(1)
    assert as_alice.get("/api/contacts/nobody").status_code == 404
    assert state["tried"] == 2


def test_a_read_is_not_tried_a_third_time(as_alice, failing):
    state = failing(5)
    answer = as_alice.get("/api/contacts/nobody")
    assert (answer.status_code, answer.json(), answer["Retry-After"]) == (503, UNAVAILABLE, "5")
    assert state["left"] == 3


def test_a_read_that_waited_long_is_not_tried_again(as_alice, failing, monkeypatch):
    monkeypatch.setattr(APIViewSet, "retry_within", 0)
    state = failing(5)
    assert as_alice.get("/api/contacts/nobody").status_code == 503
    assert state["left"] == 4


def test_a_read_that_is_tried_again_is_counted_once(as_alice, failing, limits):
    limits(contacts_find=(2, 60))
    for remaining in ("1", "0"):
        failing(1)
        answer = as_alice.get("/api/contacts/nobody")
        assert (answer.status_code, answer["RateLimit-Remaining"]) == (404, remaining)
    assert as_alice.get("/api/contacts/nobody").status_code == 429


@pytest.mark.postgresql
def test_a_server_that_does_not_answer_is_given_up_and_the_connection_closed(transactional_db):
    from contactbook.db.postgresql.deadline import answer_within

    with answer_within(0.2), pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(2)")
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
