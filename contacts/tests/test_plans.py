"""How the database finds what a request asks for: by an index, and by as many statements for many rows as for few.

Generated from the URL resolver: a new route fails here until it is told how it is asked.
"""

import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Session
from conftest import client_of
from contactbook.api.pagination import Position, encoded
from contactbook.tests.test_access_table import OPEN, routes
from contacts import search as hot
from contacts.api import export
from contacts.models import Book, Contact, Group
from contacts.serializers.contacts import ORDERS
from contacts.tests.cast import settle

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]

postgresql = pytest.mark.skipif(not os.environ.get("DATABASE_URL"), reason="runs with the production stack")
MANY = 400
OURS = ("contacts_", "accounts_")  # how the tables' names begin
GIVEN = ["Ann", "Łukasz", "Maria", "Zoë", "Іван"]


def card(number):
    group = {"keywords": {"Work": True}} if number % 5 == 0 else {}
    born = {"@type": "PartialDate", "year": 1980, "month": 1 + number % 12, "day": 1 + number % 28}
    return {
        "name": {"full": f"{GIVEN[number % len(GIVEN)]} {number}"},
        "emails": {"e1": {"address": f"{number}@example.org"}},
        "anniversaries": {"b1": {"kind": "birth", "date": born}},
        **group,
    }


def fill(user, contacts):
    """So many contacts, some in the trash, some changed; returns one that is left."""
    with Book.objects.writing(user.pk, "test") as book:
        book.create_many([card(number) for number in range(contacts)])
    mine = list(Contact.objects.for_user(user.pk).order_by("id"))
    with Book.objects.writing(user.pk, "test") as book:
        for contact in mine[:: max(2, contacts // 20)]:
            book.delete(contact)
        book.change(mine[1], {"additional": "changed"})
    Session.objects.begin(user)
    return Contact.objects.get(pk=mine[1].pk)


def cursors(contact):
    values = {"fullname": contact.fullname_folded, "updated": contact.revision, "created": contact.pk}
    for order in ORDERS:
        for back in (False, True):
            yield order, encoded(Position(order, values[order.removeprefix("-")], contact.pk, back))


def lists(contact):
    yield ""
    yield "?skip=50"
    yield "?skip=2000"
    yield "?limit=1000&fields=card"
    yield from (f"?order={order}" for order in ORDERS)
    yield from (f"?{urlencode({'order': order, 'cursor': cursor})}" for order, cursor in cursors(contact))
    for filters in (
        {"q": "maria"},
        {"q": "qqq"},
        {"group": "Work"},
        {"group": "No such"},
        {"q": "12", "group": "Work"},
    ):
        yield from (f"?{urlencode({**filters, 'order': order})}" for order in ORDERS)
    yield from ("?favourite=true", "?favourite=false", "?updated_since=2020-01-01T00:00:00Z")


def finds(contact):
    words = ("maria", "mar", "qqq", "ma", "q", "іван", "%_\\", "@example", contact.fullname_folded, str(contact.pk))
    return map(quote, words)


def birthdays(contact):
    yield from ("", "?days_range=0", "?days_range=7&limit=20", "?days_range=366&across_year=true")
    yield "?days_range=366&across_year=true&limit=20&skip=200"


# By a route's name, what is asked of it, after its path.
READS = {
    "contacts": lambda contact: [f"contacts{query}" for query in lists(contact)],
    "contact": lambda contact: [f"contacts/{query}" for query in finds(contact)],
    "birthdays": lambda contact: [f"contacts/bd{query}" for query in birthdays(contact)],
    "trash": lambda contact: ["contacts/trash", "contacts/trash?limit=5&skip=10"],
    "changes": lambda contact: [f"contacts/changes?since={since}&limit=1000" for since in (0, contact.revision - 2)],
    "history": lambda contact: [f"contacts/{contact.pk}/history"],
    "groups": lambda contact: ["groups"],
    "export": lambda contact: ["me/export"],
    "me": lambda contact: ["me"],
    "me_sessions": lambda contact: ["me/sessions"],
}
# Many rows of one's own are their subject, or none is read.
WRITES = {
    "contacts": lambda contact: [("post", "contacts", {"fullname": "New"})],
    "contact": lambda contact: [
        ("put", f"contacts/{contact.pk}", {"fullname": "Other"}),
        ("patch", f"contacts/{contact.pk}", {"phone": "1"}),
        ("delete", f"contacts/{contact.pk}", None),
    ],
    "trash_restore": lambda contact: [("post", f"contacts/trash/{contact.pk}/restore", {})],
    "restore": lambda contact: [("post", f"contacts/{contact.pk}/restore", {"to": contact.revision})],
    "undo": lambda contact: [("post", "undo", {"since": contact.revision})],
    "batch": lambda contact: [("post", "contacts/batch", {"items": [{"op": "create", "contact": {"fullname": "x"}}]})],
    "groups": lambda contact: [("post", "groups", {"name": "Another"})],
    "group": lambda contact: [
        ("patch", f"groups/{group_of(contact)}", {"name": "Play"}),
        ("delete", f"groups/{group_of(contact)}", None),
    ],
}


def group_of(contact):
    return Group.objects.for_user(contact.user_id).get().pk


def test_every_read_has_its_place():
    assert {route.name for route in routes() if "get" in route.methods} - OPEN == READS.keys()


def read(client, path):
    answer = client.get(f"/api/{path}")
    assert answer.status_code == 200 or (answer.status_code == 404 and path.startswith("contacts/")), answer.content
    assert b"".join(answer) is not None
    return answer


@contextmanager
def explained() -> Iterator[list[tuple[str, list[str]]]]:
    """Collects each statement with what is wrong with its plan."""
    found: list[tuple[str, list[str]]] = []

    def explain(execute, sql, params, many, context):
        if sql.split(" ", 1)[0] in ("SELECT", "UPDATE", "DELETE", "WITH", "(SELECT"):
            with closing(connection.cursor().cursor) as cursor:
                found.append((sql, faults(cursor, sql, params)))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield found


def faults(cursor, sql, params):
    """The scans of our tables that no index bounds."""
    if connection.vendor == "sqlite":
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
        steps = [row[3] for row in cursor.fetchall()]
        assert steps
        return [step for step in steps if step.startswith("SCAN ") and not step.startswith(SCANS_OF_NO_TABLE)]
    return [node for node in map(unbounded, nodes(cursor, sql, params)) if node]


SCANS_OF_NO_TABLE = ("SCAN json_each", "SCAN CONSTANT ROW", "SCAN (subquery")


def nodes(cursor, sql, params):
    """Of PostgreSQL's plan."""
    cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
    plan = cursor.fetchone()[0]
    found = [(json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]]
    for node in found:
        found += node.get("Plans", ())
    return found


def unbounded(node):
    """The name of a node that reads a table of ours without a condition of an index."""
    # A bitmap's index scans stand below it, as does the scan that finds what is to be written.
    if "Index Cond" in node or node["Node Type"] in ("Bitmap Heap Scan", "ModifyTable"):
        return ""
    if node.get("Relation Name", "").startswith(OURS):
        return f"{node['Node Type']} on {node['Relation Name']} {node.get('Index Name', '')}"
    return f"{node['Node Type']} {node['Index Name']}" if node["Node Type"] == "Bitmap Index Scan" else ""


@pytest.fixture
def crowd(make_user):
    """Many owners: with few of them, the key of the whole table is as good as an index of the owner's."""
    users = [make_user(f"owner{number}") for number in range(20)]
    kept = [fill(user, 100) for user in users]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Only where no index serves does the planner then read a whole table, small as these are.
            for way in ("seqscan", "hashjoin", "mergejoin"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute("ANALYZE")
    return users[9], kept[9]


@pytest.mark.parametrize("route", READS)
def test_a_read_is_served_by_indexes(crowd, route):
    user, contact = crowd
    client = client_of(user)
    for path in READS[route](contact):
        settle()
        with explained() as statements:
            read(client, path)
        assert [(path, sql, wrong) for sql, wrong in statements if wrong] == []
        assert statements, path


@pytest.mark.parametrize("route", WRITES)
def test_a_write_is_served_by_indexes(crowd, route):
    user, contact = crowd
    client = client_of(user)
    if route == "trash_restore":
        contact = Contact.objects.trash_of(user.pk).first()
    for method, path, body in WRITES[route](contact):
        settle()
        with explained() as statements:
            answer = getattr(client, method)(f"/api/{path}", body, format="json")
        assert answer.status_code in (200, 201), answer.content
        assert [(path, sql, wrong) for sql, wrong in statements if wrong] == []
        assert statements, path


@contextmanager
def scanned() -> Iterator[set[str]]:
    """The indexes, and the tables read from end to end, that PostgreSQL's functions use inside, too."""
    found: set[str] = set()
    before = scans()
    yield found
    found |= {name for name, number in scans().items() if number > before[name]}


def scans():
    """How often each was scanned, in this transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_stat_get_xact_numscans(oid) FROM pg_class WHERE relname LIKE 'contact%' AND relkind IN ('r', 'i')"
        )
        return dict(cursor.fetchall())


@contextmanager
def planned() -> Iterator[list[dict[str, Any]]]:
    """The nodes of PostgreSQL's plans for the statements inside."""
    found: list[dict[str, Any]] = []
    with CaptureQueriesContext(connection) as captured:
        yield found
    with connection.cursor() as cursor:
        for statement in captured.captured_queries:
            found += nodes(cursor, statement["sql"], None)


@postgresql
def test_a_large_book_is_searched_by_indexes_of_its_letters(crowd):
    user, _ = crowd
    with scanned() as used:
        assert hot.searched(user.pk, "maria") and not hot.searched(user.pk, "quetzal")
    by_letters = {"contact_fullname_folded_inside", "contact_email_folded_pieces"}
    assert used == {"contact_order", "contacts_contact_pkey", *by_letters}


@postgresql
def test_names_that_begin_with_a_text_are_looked_for_where_they_would_stand(crowd, monkeypatch):
    """Of a hundred rows one is read, wherever in the order that is, and what entries there are of versions gone."""
    monkeypatch.setattr(hot, "EARLY", 0)
    user, _ = crowd
    for text in ("aaaa", "quetzal", "zzzz"):
        before = rows_read()
        assert not hot.searched(user.pk, text)
        assert rows_read() - before < 50


def rows_read():
    """By all scans of contacts and of their indexes, in this transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_stat_get_xact_tuples_returned(oid)) FROM pg_class "
            "WHERE oid = 'contacts_contact'::regclass "
            "OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'contacts_contact'::regclass)"
        )
        return cursor.fetchone()[0]


@postgresql
def test_birthdays_are_read_in_their_order(crowd):
    user, _ = crowd
    with planned() as plan:
        assert list(hot.born_between(user.pk, date(2026, 3, 1), date(2026, 3, 31), "02-28", 20, 0))
    assert [node["Node Type"] for node in plan] == ["Limit", "Index Scan"]


def test_a_statement_without_an_index_is_found(crowd):
    with explained() as statements:
        list(Contact.objects.filter(additional="x"))
    assert statements[0][1]


def counted(client, contact, route):
    """Statements of each read, by the place of its path."""
    numbers = []
    for path in READS[route](contact):
        if path.startswith("contacts/bd") and "skip" in path:
            continue  # one for each part of the year that is skipped as a whole, of five at most
        settle()
        with CaptureQueriesContext(connection) as captured:
            read(client, path)
        numbers.append(len(captured))
    return numbers


@pytest.mark.parametrize("route", READS)
def test_the_statements_of_a_read_do_not_grow_with_the_rows(alice, bob, monkeypatch, route):
    for module in (export, hot):  # what comes in pages takes a statement for each
        monkeypatch.setattr(module, "PAGE", 10 * MANY)
    few, many = fill(alice, 10), fill(bob, MANY)
    assert counted(client_of(alice), few, route) == counted(client_of(bob), many, route)


def written(client, contact, route):
    numbers = []
    for method, path, body in WRITES[route](contact):
        settle()
        with CaptureQueriesContext(connection) as captured:
            assert getattr(client, method)(f"/api/{path}", body, format="json").status_code in (200, 201)
        numbers.append(len(captured))
    return numbers


@pytest.mark.parametrize(
    "route", sorted(WRITES.keys() - {"group", "undo"})
)  # which change as many contacts as there are
def test_the_statements_of_a_write_do_not_grow_with_the_rows(alice, bob, route):
    few, many = fill(alice, 10), fill(bob, MANY)
    if route == "trash_restore":
        few, many = (Contact.objects.trash_of(user.pk).first() for user in (alice, bob))
    assert written(client_of(alice), few, route) == written(client_of(bob), many, route)
