"""manage.py refold"""

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Book, Change, Contact
from contacts.tests.cast import add

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]


def refold(capsys):
    call_command("refold")
    return capsys.readouterr().out


def test_stale_columns_are_derived_again_without_a_change(as_alice, alice, capsys):
    contact, other = add(as_alice, "Łukasz", email="Ł@x.org", birthday="2000-02-29"), add(as_alice, "Bea")
    before = Contact.objects.values().get(pk=contact["id"])
    stale = {"fullname_folded": "łukasz", "email_folded": "", "month_day": 1, "phone": "5", "birthday": None}
    Contact._base_manager.filter(pk=contact["id"]).update(**stale)
    assert refold(capsys) == "1 contacts were updated.\n"
    assert Contact.objects.values().get(pk=contact["id"]) == before
    assert refold(capsys) == "0 contacts were updated.\n"
    assert Change.objects.count() == 2
    assert Book.objects.version(alice.pk).sequence == 2
    assert as_alice.get("/api/contacts").json() == [other, contact]


def test_contacts_in_the_trash_are_refolded(as_alice, capsys):
    contact = add(as_alice, "Łukasz")
    as_alice.delete(f"/api/contacts/{contact['id']}")
    Contact._base_manager.update(fullname_folded="x")
    refold(capsys)
    assert Contact.objects.get().fullname_folded == "lukasz"


def test_a_refold_changes_the_etag_of_a_list_and_not_that_of_a_contact(as_alice, alice, capsys):
    contact = add(as_alice, "Łukasz")
    urls = ("/api/contacts", "/api/contacts/bd", f"/api/contacts/{contact['id']}")
    before = [as_alice.get(url)["ETag"] for url in urls]
    refold(capsys)
    assert [as_alice.get(url)["ETag"] for url in urls] == before
    assert Book.objects.version(alice.pk).fold_version == 0
    Contact._base_manager.update(fullname_folded="x")
    refold(capsys)
    after = [as_alice.get(url)["ETag"] for url in urls]
    assert after[0] != before[0] and after[1] != before[1] and after[2] == before[2]
    assert Book.objects.version(alice.pk).fold_version == 1


def test_a_refold_counts_the_bytes_of_a_stale_size(as_alice, alice, capsys):
    add(as_alice, "Łukasz")
    size = Contact.objects.get().size
    Contact._base_manager.update(size=1)
    Book.objects.update(bytes=1)
    refold(capsys)
    assert Contact.objects.get().size == Book.objects.get(pk=alice.pk).bytes == size


def test_a_refold_reads_contacts_after_it_has_locked_their_books(as_alice, capsys):
    """In the order of every other writer: the other order deadlocks."""
    add(as_alice, "Łukasz")
    with CaptureQueriesContext(connection) as queries:
        Book.objects.refold([Contact.objects.get().pk])
    lock, _keys, read = [query["sql"] for query in queries if "SELECT" in query["sql"]][1:4]
    assert lock.startswith('SELECT "contacts_book"') and '"contacts_contact"."card"' in read
    assert connection.vendor == "sqlite" or (lock.endswith("FOR UPDATE") and read.endswith("FOR UPDATE"))
