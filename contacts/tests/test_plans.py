"""The indexes behind the reads of a large book, and their number of statements, which does not grow with the rows."""

import json
from contextlib import closing, contextmanager

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conftest import client_of
from contactbook.api.pagination import Position
from contactbook.tests.test_access_table import OPEN, routes
from contacts.models import Book, Contact
from contacts.tests.cast import settle

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]

# By a read of /api/contacts, the indexes that PostgreSQL uses; "id" is either of the two that begin with the id.
# A find reads the start of the order first.
INDEXES = {
    "": {"contact_order"},
    "?skip=2000": {"contact_order", "id"},
    "?order=-fullname": {"contact_order"},
    "?order=updated": {"contact_revisions"},
    "?order=-created": {"id"},
    "?cursor={cursor}": {"contact_order"},
    "?group=Work": {"contact_keywords", "id"},
    "?q=qqq": {"contact_fullname_trigrams", "contact_email_trigrams", "id"},
    "/bd?days_range=7": {"contact_birthday_order"},
    "/ann": {"contact_order", "id"},
    "/qqq": {"contact_order", "id", "contact_fullname_trigrams", "contact_email_trigrams"},
    "?q=%2B49221%200019990": {"contact_fullname_trigrams", "contact_email_trigrams", "contact_key_values", "id"},
    "/0221 0019990": {"contact_fullname_trigrams", "contact_email_trigrams", "contact_key_values", "id"},
    "/{id}": {"id"},
    "/{id}/history": {"id", "change_history"},
    "/changes?since={since}": {"contact_revisions", "change_number_unique_per_book", "change_purges"},
    "/trash": {"contact_trash"},
}

BY_ID = {"contacts_contact_pkey", "contact_created"}


def card(number):
    return {
        "name": {"full": f"{('Ann', 'Łukasz', 'Maria', 'Zoë', 'Іван')[number % 5]} {number}"},
        "emails": {"e1": {"address": f"{number}@example.org"}},
        "phones": {"p1": {"number": f"+49 221 {number:07}"}},
        "anniversaries": {"b1": {"kind": "birth", "date": {"month": 1 + number % 12, "day": 1 + number % 28}}},
        **({"keywords": {"Work": True}} if number % 100 == 0 else {}),
    }


def fill(user, count):
    """Create that many contacts, ten of them in the trash; return the last one."""
    with Book.objects.writing(user.pk, "test") as book:
        created = book.create_many([card(number) for number in range(count)])
        for contact in created[:10]:
            book.delete(contact)
    return created[-1]


def nodes(cursor, sql, params):
    """Return the nodes of PostgreSQL's plan."""
    cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
    plan = cursor.fetchone()[0]
    found = [(json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]]
    for node in found:
        found += node.get("Plans", ())
    return found


def used_indexes(cursor, sql, params):
    """Return the indexes of a statement on PostgreSQL, and on any database each table that is read from end to end."""
    if connection.vendor == "postgresql":
        steps = nodes(cursor, sql, params)
        scanned = [node["Relation Name"] for node in steps if node["Node Type"] == "Seq Scan"]
        indexes = [node["Index Name"] for node in steps if "Index Name" in node]
        return {*scanned, *("id" if name in BY_ID else name for name in indexes)}
    cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
    steps = [row[3] for row in cursor.fetchall()]
    return {step.split()[1] for step in steps if step.startswith("SCAN contacts_") and "USING INDEX" not in step}


@contextmanager
def explained():
    """Collect the indexes of the statements that read contacts or changes."""
    used: set[str] = set()

    def explain(execute, sql, params, many, context):
        if sql.startswith("SELECT") and ("contacts_contact" in sql or "contacts_change" in sql):
            with closing(connection.cursor().cursor) as cursor:
                used.update(used_indexes(cursor, sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield used


def test_the_reads_of_a_large_book_use_their_indexes(alice, make_user, production):
    for number in range(5):
        fill(make_user(f"other{number}"), 200)
    last = fill(alice, 20_000 if production else 500)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    client = client_of(alice)
    position = Position("fullname", last.fullname_folded, last.pk, False).encode()
    used = {}
    for query in INDEXES:
        url = query.format(cursor=position, id=last.pk, since=last.revision - 5)
        with explained() as used[query]:
            assert client.get(f"/api/contacts{url}").status_code in (200, 404)
    assert used == (INDEXES if production else {query: set() for query in INDEXES})


def test_a_statement_without_an_index_is_noticed(alice):
    fill(alice, 20)
    with explained() as used:
        list(Contact._base_manager.filter(additional="x"))
    assert used == {"contacts_contact"}


# The paths of every route that reads, by its name.
READS = {
    "contacts": ["contacts?limit=1000&fields=card", "contacts?q=maria&limit=1000", "contacts?group=Work"],
    "contact": ["contacts/maria", "contacts/qqq", "contacts/{id}"],
    "birthdays": ["contacts/bd?days_range=366&across_year=true"],
    "trash": ["contacts/trash"],
    "changes": ["contacts/changes?limit=1000"],
    "history": ["contacts/{id}/history"],
    "duplicates": ["contacts/duplicates"],
    "groups": ["groups"],
    "export": ["me/export"],
    "contacts_export": ["contacts/export"],
    "imports": ["imports"],
    "app_passwords": ["me/app_passwords"],
    "import": ["imports/1"],
    "import_entries": ["imports/1/entries"],
    "me": ["me"],
    "me_sessions": ["me/sessions"],
    "me_feeds": ["me/feeds"],
}


def test_every_route_that_reads_is_counted():
    assert {route.name for route in routes() if "get" in route.methods} - OPEN == READS.keys()


def statements(client, contact, route):
    """Return the number of statements behind each read."""
    numbers = []
    for path in READS[route]:
        settle()
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(f"/api/{path.format(id=contact.pk)}")
            assert answer.status_code in (200, 404) and b"".join(answer)
        numbers.append(len(captured))
    return numbers


@pytest.mark.parametrize("route", READS)
def test_the_statements_of_a_read_do_not_grow_with_the_rows(alice, bob, monkeypatch, route):
    monkeypatch.setattr("contacts.exporting.PAGE", 1000)  # an export takes a statement for each page
    few, many = fill(alice, 15), fill(bob, 150)
    assert statements(client_of(alice), few, route) == statements(client_of(bob), many, route)


# Requests whose work does not depend on the number of contacts.
WRITES = {
    "create": lambda contact: ("post", "contacts", {"fullname": "New"}),
    "update": lambda contact: ("put", f"contacts/{contact.pk}", {"fullname": "Other"}),
    "partial_update": lambda contact: ("patch", f"contacts/{contact.pk}", {"phone": "1"}),
    "destroy": lambda contact: ("delete", f"contacts/{contact.pk}", {}),
    "restore": lambda contact: ("post", f"contacts/{contact.pk}/restore", {"to": contact.revision}),
    "batch": lambda contact: ("post", "contacts/batch", {"items": [{"op": "delete", "id": contact.pk}]}),
    "merge": lambda contact: ("post", "contacts/merge", {"ids": [contact.pk, contact.pk - 1]}),
    "create_group": lambda contact: ("post", "groups", {"name": "Another"}),
}


@pytest.mark.parametrize("action", WRITES)
def test_the_statements_of_a_write_do_not_grow_with_the_rows(alice, bob, action):
    numbers = []
    for user, count in ((alice, 15), (bob, 150)):
        method, path, body = WRITES[action](fill(user, count))
        client = client_of(user)
        with CaptureQueriesContext(connection) as captured:
            assert getattr(client, method)(f"/api/{path}", body, format="json").status_code in (200, 201)
        numbers.append(len(captured))
    assert numbers[0] == numbers[1]
