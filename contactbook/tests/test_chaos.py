"""scripts/chaos, in short: one round of every fault on the stack under test, and the books that would notice a loss."""

import contextlib
import os
import sqlite3

import psycopg2
import pytest

from contactbook.tests.chaos import stacks
from contactbook.tests.chaos.__main__ import SCENARIOS
from contactbook.tests.chaos.actors import GONE, Load
from contactbook.tests.chaos.books import examined
from contactbook.tests.faults import until
from contactbook.tests.nginx import PROGRAM

pytestmark = pytest.mark.long
STACK = "production" if os.environ.get("DATABASE_URL") else "embedded"
HERE = [name for name, (_, where, _) in SCENARIOS.items() if STACK in where]


@pytest.fixture(scope="module")
def stack():
    with stacks.STACKS[STACK]() as running:
        yield running


def assert_kept(result):
    assert result.broken == []
    assert result.lost == result.half == 0
    assert result.statuses.total() > 20


def test_a_server_that_is_killed_twice_loses_nothing_acknowledged(stack):
    scenario = SCENARIOS["server"][0]
    assert_kept(scenario(stack, 2, 0.5))


@pytest.mark.parametrize("name", HERE)
def test_every_promise_is_kept(stack, name):
    if name == "rolling" and not PROGRAM:
        pytest.skip("TWO INSTANCES BEHIND NGINX ARE NOT TRIED: nginx is missing")
    assert_kept(SCENARIOS[name][0](stack, 1, 0.5))


# The books find what is wrong: here somebody else changes what the load was told


@pytest.fixture(scope="module")
def books(stack):
    """A server, a load that has been at work for a moment, and a token of its account."""
    with stack.serving() as server:
        load = Load(server.url, stacks.accounts(server, 1), per_account=2)
        with load.running():
            until(lambda: len(settled(load)) > 10)
        load.settle()
        yield server, load, server.log_in(load.actors[0].email)["access_token"]


def settled(load):
    return [known for actor in load.actors for known in actor.contacts if known.id and known.may_be != {GONE}]


def test_the_books_find_nothing_where_nothing_is_wrong(books):
    server, load, _ = books
    findings = examined(server, load)
    assert load.wrong() == findings.lost == findings.half == []


def wrong_now(server, load):
    findings = examined(server, load)
    return "\n".join(findings.lost), "\n".join(findings.half)


def test_they_find_a_contact_that_is_not_there(books):
    server, load, token = books
    known = settled(load)[0]
    assert server.ask("DELETE", f"/api/contacts/{known.id}", token=token).status == 200
    assert known.name in wrong_now(server, load)[0]


def test_they_find_an_older_state(books):
    server, load, token = books
    known = settled(load)[1]
    server.ask("PUT", f"/api/contacts/{known.id}", known.body("older"), token, {"Content-Type": "application/json"})
    assert known.name in wrong_now(server, load)[0]


def test_they_find_half_a_write(books):
    server, load, token = books
    known = settled(load)[2]
    half = {"fullname": known.name, "email": "other@example.org", "additional": next(iter(known.may_be))}
    server.ask("PUT", f"/api/contacts/{known.id}", half, token)
    lost, found_half = wrong_now(server, load)
    assert known.name in found_half and known.name not in lost


def test_they_find_what_is_there_twice_or_was_never_asked_for(books):
    server, load, token = books
    known = settled(load)[3]
    for name in (known.name, "a stranger"):
        server.ask("POST", "/api/contacts", {"fullname": name}, token)
    assert f"{known.name} is there twice" in wrong_now(server, load)[1]
    assert "a stranger was never asked for" in wrong_now(server, load)[1]


def test_they_find_a_gap_in_the_log(books):
    server, load, _ = books
    execute(server, "DELETE FROM contacts_change WHERE number = 2")
    assert "contacts_change" in wrong_now(server, load)[1]


def execute(server, statement):
    url = server.env.get("DATABASE_URL")
    connection = psycopg2.connect(url) if url else sqlite3.connect(server.folder / "contactbook.sqlite3", timeout=20)
    with contextlib.closing(connection):
        connection.cursor().execute(statement)
        connection.commit()
