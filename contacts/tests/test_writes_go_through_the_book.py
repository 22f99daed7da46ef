"""No code but the book and its parts writes contacts or changes."""

import ast
import re
from pathlib import Path

import pytest

from contacts.models import Book, Change, Contact

pytestmark = pytest.mark.one_stack

ROOT = Path(__file__).resolve().parents[2]
WRITERS = {ROOT / f"contacts/models/{name}.py" for name in ("book", "book_manager", "rows", "change")}
MODELS = {"Contact", "Change"}
WRITES = {
    "save", "save_base", "create", "get_or_create", "update_or_create", "update", "delete", "bulk_create", "bulk_update",
    "acreate", "aget_or_create", "aupdate_or_create", "aupdate", "adelete", "abulk_create", "abulk_update", "asave",
    "_update", "_insert", "_raw_delete", "raw",
}  # fmt: skip
RAW_SQL = {"execute", "executemany", "cursor", "callproc", "copy_expert"}
# Where a module knows Contact or Change, a write may be called on the book, or on rows of another model.
NOT_CONTACTS = {
    "book", "self.book", "group", "answer", "answers", "self.groups()", "IdempotencyRecord.objects", "records.expired()", "IdempotencyRecord.objects.expired()",
    "answers.filter(pk__in=keys)", "user", "storage", "Book.objects", "Group.objects", "old", "row", "ImportEntry.objects", "written.filter(is_group=True)",
}  # fmt: skip
OWN_ROWS = {("group.py", "self"), ("change.py", "self")}
# Ids in a set of duplicates, the method of a query, a count.
IDS_ALONE = {"duplicates.py", "changes_feed.py", "app_passwords.py", "sync.py"}
TABLES = re.compile(r"contacts_(contact|change)\b")


def modules():
    for app in ("accounts", "contactbook", "contacts"):
        for file in (ROOT / app).rglob("*.py"):
            if not {"tests", "migrations", "migrating.py"} & set(file.parts) and file not in WRITERS:
                yield file, ast.parse(file.read_text())


def knows_them(tree):
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    return names & MODELS


def calls(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield ast.unparse(node.func.value), node.func.attr


def test_no_other_module_calls_a_write_of_contacts_or_changes():
    writes = {
        (file.relative_to(ROOT).as_posix(), on, method)
        for file, tree in modules()
        if knows_them(tree)
        for on, method in calls(tree)
        if method in WRITES
        and on not in NOT_CONTACTS
        and (file.name, on) != ("group.py", "self")
        and file.name != "key.py"  # it writes keys
    }
    assert not writes


def test_no_other_module_reaches_them_by_relation_registry_or_table_name():
    for file, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in ("contacts", "changes", "contact_set", "change_set"):
                # A view's method.
                assert file.name in IDS_ALONE or ast.unparse(node) == "self.contacts", (
                    file,
                    ast.unparse(node),
                )
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not TABLES.search(node.value), (file, node.value)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assert node.func.attr != "get_model", file


def test_raw_sql_is_in_the_listed_files_alone():
    files = {file.relative_to(ROOT).as_posix() for file, tree in modules() if any(m in RAW_SQL for _, m in calls(tree))}
    assert {file for file in files if file.startswith("contacts/")} <= {"contacts/backup.py", "contacts/models/key.py"}


@pytest.mark.django_db
def test_save_and_delete_of_a_contact_are_refused(alice):
    contact = Contact(user=alice)
    for write in (contact.save, contact.delete):
        with pytest.raises(TypeError, match="Book.objects.writing"):
            write()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "write",
    [
        lambda rows: rows.update(fullname="x"),
        lambda rows: rows.delete(),
        lambda rows: rows.create(fullname="x"),
        lambda rows: rows.get_or_create(fullname="x", revision=1),
        lambda rows: rows.update_or_create(fullname="x"),
        lambda rows: rows.bulk_create([Contact(fullname="x")]),
        lambda rows: rows.bulk_update([Contact(pk=1)], ["fullname"]),
    ],
)
@pytest.mark.parametrize(
    "rows", [lambda: Contact.objects, lambda: Contact.objects.all(), lambda: Contact.objects.for_user(1)]
)
def test_bulk_writes_of_contacts_are_refused(write, rows):
    with pytest.raises(TypeError, match="Book.objects.writing"):
        write(rows())


@pytest.mark.django_db
def test_the_deletion_of_an_account_deletes_its_contacts_changes_and_book(alice):
    with Book.objects.writing(alice.pk, "command") as book:
        book.delete(book.create({"name": {"full": "Ann"}, "keywords": {"Work": True}}))
    alice.delete()
    assert not (Contact.objects.exists() or Change.objects.exists() or Book.objects.exists())


@pytest.mark.django_db
def test_a_write_that_fails_leaves_no_change(alice):
    with pytest.raises(ZeroDivisionError), Book.objects.writing(alice.pk, "command") as book:
        book.create({"name": {"full": "Ann"}})
        raise ZeroDivisionError
    assert Book.objects.version(alice.pk).sequence == 0 and not Change.objects.exists()


@pytest.mark.django_db
def test_a_contact_in_the_trash_is_not_changed(alice):
    with Book.objects.writing(alice.pk, "command") as book:
        contact = book.delete(book.create({"name": {"full": "Ann"}}))
        with pytest.raises(ValueError, match="restored before"):
            book.change(contact, {"fullname": "Bea"})
