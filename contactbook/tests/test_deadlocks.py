"""Real deadlocks on PostgreSQL between our requests and somebody else: 503 or a second try, and nothing half done."""

import contextlib
import threading

import psycopg2
import pytest

from contactbook.tests.faults import account, own_postgres, until
from contactbook.tests.live import serving

pytestmark = [pytest.mark.postgresql]
CONTACT = {"fullname": "Zoë"}


@pytest.fixture(scope="module")
def postgres():
    with own_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def server(postgres, tmp_path_factory):
    with serving(tmp_path_factory.mktemp("server") / "var", DATABASE_URL=postgres.url) as running:
        yield running


def waits(postgres):
    """How many of the server's own statements wait for a lock."""
    (row,) = postgres.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name <> 'holder'"
    )
    return row[0]


@contextlib.contextmanager
def crossing(postgres, first, second):
    """Holds `first`; once the request waits for it, asks for `second`, which the request holds.

    The request waited first, so it is the one that PostgreSQL finds out and ends.
    """
    with contextlib.closing(psycopg2.connect(postgres.url, application_name="holder")) as connection:
        cursor = connection.cursor()
        cursor.execute(first)

        def cross():
            until(lambda: waits(postgres))
            cursor.execute(second)
            connection.rollback()

        thread = threading.Thread(target=cross)
        thread.start()
        yield
        thread.join()


def deadlocks(postgres):
    until(lambda: postgres.execute("SELECT pg_stat_force_next_flush()"))
    return postgres.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = 'contactbook'")[0][0]


def counted(server, token):
    return server.ask("GET", "/api/contacts?limit=0", token=token).headers["X-Total-Count"]


def test_a_write_is_a_503_and_was_not_done(server, postgres):
    email, token = account(server)
    assert server.ask("POST", "/api/contacts", CONTACT, token).status == 201
    user = f"(SELECT id FROM accounts_user WHERE email = '{email}')"
    before = deadlocks(postgres)
    with crossing(
        postgres,
        first=f"SELECT * FROM accounts_user WHERE id = {user} FOR UPDATE",
        second=f"SELECT * FROM contacts_book WHERE user_id = {user} FOR UPDATE",
    ):
        answer = server.ask("POST", "/api/contacts", CONTACT, token, {"Idempotency-Key": "once"})
    until(lambda: deadlocks(postgres) == before + 1)
    assert (answer.status, answer.json()) == (503, {"detail": "The service is busy. Try again in a moment."})
    assert int(answer.headers["Retry-After"]) >= 1
    assert counted(server, token) == "1"
    repeated = server.ask("POST", "/api/contacts", CONTACT, token, {"Idempotency-Key": "once"})
    assert repeated.status == 201 and counted(server, token) == "2"


def test_a_get_is_tried_once_more_and_its_caller_sees_nothing(server, postgres):
    """As it may meet a migration of both tables: the query locks one, and waits for the other."""
    email, _ = account(server)
    pair = server.log_in(email)
    before = deadlocks(postgres)
    with crossing(
        postgres,
        first="LOCK TABLE accounts_user IN ACCESS EXCLUSIVE MODE",
        second="LOCK TABLE accounts_session IN ACCESS EXCLUSIVE MODE",
    ):
        answer = server.ask("GET", "/api/auth/refresh_token", token=pair["refresh_token"])
    until(lambda: deadlocks(postgres) == before + 1)
    assert answer.status == 200
    assert server.ask("GET", "/api/contacts", token=answer.json()["access_token"]).status == 200
