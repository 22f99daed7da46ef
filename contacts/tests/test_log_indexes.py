"""The queries of history, trash, undo and the changes feed read indexes."""

import pytest
from django.db import connection

from contacts.models import Book, Change, Contact

pytestmark = pytest.mark.django_db

QUERIES = {
    "contact_order": lambda user, contact: Contact.objects.for_user(user).in_order()[:20],
    "contact_revisions": lambda user, contact: (
        Contact.objects.all_of(user).filter(revision__gt=5, revision__lte=9).order_by("revision")
    ),
    "contact_trash": lambda user, contact: Contact.objects.trash_of(user).order_by("-deleted_at", "-id")[:20],
    "change_history": lambda user, contact: Change.objects.for_user(user).of(contact).order_by("-number"),
    "change_purges": lambda user, contact: (
        Change.objects.for_user(user).filter(number__gt=1, kind="purged").order_by("number")
    ),
    "change_contents": lambda user, contact: Change.objects.with_contents_before("2020-01-01T00:00Z"),
    "change_number_unique_per_book": lambda user, contact: (
        Change.objects.for_user(user).filter(number__gt=1).order_by("number")
    ),
}


@pytest.fixture
def analysed(alice):
    """Alice's id and that of a contact, among enough analysed rows for the planner to prefer an index."""
    with Book.objects.writing(alice.pk, "command") as book:
        book.create_many([{"name": {"full": f"Ann {number}"}} for number in range(300)])
        for contact in Contact.objects.for_user(alice.pk)[:30]:
            book.delete(contact)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # it prefers to read all of so small a table
            cursor.execute(
                "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off"
            )
        cursor.execute("ANALYZE")
    return alice.pk, contact.pk


@pytest.mark.parametrize("index", QUERIES)
def test_a_frequent_query_reads_an_index(analysed, index):
    plan = QUERIES[index](*analysed).explain()
    assert index in plan or "sqlite_autoindex_contacts_change" in plan, plan
