"""Several writes of one contact in one transaction: one change in the log."""

from itertools import product

import pytest

from contacts import history
from contacts.changes_feed import ChangesFeed
from contacts.models import Book, Change, Contact

pytestmark = pytest.mark.django_db

CARD = {"name": {"full": "Ann"}, "keywords": {"Work": True}}
# What each write needs the contact to be, and what it is then.
WRITES = {
    "create": ("absent", "live"),
    "change": ("live", "live"),
    "delete": ("live", "trash"),
    "restore": ("trash", "live"),
    "purge": ("trash", "purged"),
}

# Every pair of writes that is possible: where the contact was before, the two writes, and the change they make.
PAIRS = [
    ("absent", "create change", "created"),
    ("absent", "create delete", "deleted"),
    ("live", "change change", "changed"),
    ("live", "change delete", "deleted"),
    ("live", "delete restore", "changed"),
    ("live", "delete purge", "purged"),
    ("trash", "restore change", "restored"),
    ("trash", "restore delete", "restored"),
]


def sequences(length):
    """Every possible run of so many writes, with what the contact was before and what it is after."""
    for start, writes in product(("absent", "live", "trash"), product(WRITES, repeat=length)):
        state = start
        for write in writes:
            needed, after = WRITES[write]
            if state != needed:
                break
            state = after
        else:
            yield start, " ".join(writes), state


# The kind by what the contact was before and is after, for any number of writes.
KINDS = {
    ("absent", "live"): "created",
    ("absent", "trash"): "deleted",
    ("live", "live"): "changed",
    ("live", "trash"): "deleted",
    ("trash", "live"): "restored",
    ("trash", "trash"): "restored",
}
SINGLE = [(start, write, end) for start, write, end in sequences(1)]


@pytest.fixture
def contact_id(alice, request):
    """A contact that is live or in the trash, or None for an absent one."""
    start = request.param
    if start == "absent":
        return None
    with Book.objects.writing(alice.pk, "test") as book:
        contact = book.create(CARD)
    if start == "trash":
        with Book.objects.writing(alice.pk, "test") as book:
            book.delete(book.get(contact.pk))
    return contact.pk


def apply(alice, contact_id, writes):
    """Carry out the writes in one transaction; return the contact's id."""
    with Book.objects.writing(alice.pk, "test") as book:
        contact = None if contact_id is None else Contact.objects.get(pk=contact_id)
        for number, write in enumerate(writes.split()):
            if write == "create":
                contact = book.create(CARD)
            elif write == "change":
                book.put_card(contact, {**contact.card, "x": number})
            else:
                getattr(book, write)(contact)
            contact_id = contact.pk or contact_id
    return contact_id


def state_of(contact_id):
    contact = Contact.objects.filter(pk=contact_id).first()
    if contact is None:
        return "absent", None
    return ("trash" if contact.deleted_at else "live"), contact.card


def test_the_table_lists_every_possible_pair():
    assert [(start, writes) for start, writes, _ in PAIRS] == [(start, writes) for start, writes, _ in sequences(2)]


@pytest.mark.parametrize(("contact_id", "writes", "kind"), PAIRS, indirect=["contact_id"])
def test_two_writes_in_one_transaction_are_one_change(alice, contact_id, writes, kind):
    before = Book.objects.filter(pk=alice.pk).first()
    sequence = before.sequence if before else 0
    absent = contact_id is None
    contact_id = apply(alice, contact_id, writes)
    change = Change.objects.get(number__gt=sequence)
    assert (change.number, change.operation, change.contact_id) == (sequence + 1, sequence + 1, contact_id)
    # The oldest contents, and those of the deletion for a contact that was created in the same transaction.
    expected = None if kind in ("created", "purged") else CARD
    assert (change.kind, change.before) == (kind, expected)
    assert Book.objects.get(pk=alice.pk).sequence == sequence + 1
    assert not absent or not Change.objects.filter(contact_id=contact_id, number__lte=sequence).exists()


@pytest.mark.parametrize("length", [1, 2, 3, 4])
@pytest.mark.parametrize("start", ["absent", "live", "trash"])
def test_any_writes_in_one_transaction_are_named_by_what_was_before_and_is_after(alice, start, length):
    for begin, writes, end in sequences(length):
        if begin != start:
            continue
        contact_id = None if start == "absent" else apply(alice, None, "create")
        if start == "trash":
            apply(alice, contact_id, "delete")
        since = Book.objects.version(alice.pk).sequence
        contact_id = apply(alice, contact_id, writes)
        change = Change.objects.get(number__gt=since)
        assert change.kind == KINDS.get((start, end), "purged"), writes
        assert (change.before is None) == (change.kind in ("created", "purged")), writes
        feed = ChangesFeed(Book.objects.get(pk=alice.pk), since, 10)
        ((row),) = feed.rows(("id",))
        assert (row["number"], row["kind"], row["contact_id"]) == (change.number, change.kind, contact_id), writes
        assert (row["contact"] is not None) == (end == "live"), writes


@pytest.mark.parametrize("one_change", [True, False])
@pytest.mark.parametrize("start", ["absent", "live", "trash"])
def test_an_undo_of_combined_writes_restores_what_was_before(alice, start, one_change):
    for begin, writes, end in [each for length in (1, 2, 3) for each in sequences(length)]:
        if begin != start or end == "purged":
            continue
        contact_id = None if start == "absent" else apply(alice, None, "create")
        if start == "trash":
            apply(alice, contact_id, "delete")
        before, since = state_of(contact_id), Book.objects.version(alice.pk).sequence
        contact_id = apply(alice, contact_id, writes)
        with Book.objects.writing(alice.pk, "test") as book:
            steps = history.plan(book, {"change": since + 1} if one_change else {"since": since})
            (result,) = history.undo(book, steps, dry_run=False)
        assert result["status"] == "done", writes
        state = state_of(contact_id)
        if start == "absent":
            assert state[0] == "trash", writes
        else:
            assert state == before, writes


def test_a_contact_created_and_purged_in_one_transaction_leaves_nothing_to_undo(alice):
    apply(alice, None, "create delete purge")
    with Book.objects.writing(alice.pk, "test") as book:
        (step,) = history.plan(book, {"since": 0})
    assert step.result() | {"id": 0} == {"id": 0, "does": "nothing", "status": "done"}


def test_writes_of_several_contacts_in_one_transaction_have_one_operation(alice):
    with Book.objects.writing(alice.pk, "test", source=7) as book:
        ann, bea = book.create_many([CARD, CARD])
        book.delete(ann)
        book.change(bea, {"fullname": "Bea"})
    rows = Change.objects.order_by("number").values_list("number", "contact_id", "kind", "operation", "source")
    assert list(rows) == [(1, ann.pk, "deleted", 1, 7), (2, bea.pk, "created", 1, 7)]
    assert [ann.revision, bea.revision] == [1, 2]


def test_a_card_changed_and_changed_back_in_one_transaction_is_one_change(alice):
    contact_id = apply(alice, None, "create")
    with Book.objects.writing(alice.pk, "test") as book:
        contact = book.get(contact_id)
        book.put_card(contact, {**CARD, "x": 1})
        book.put_card(contact, CARD)
    change = Change.objects.get(number=2)
    assert (change.kind, change.before) == ("changed", CARD)
    assert history.of_contact(Contact.objects.get(), 0, 10)[0]["fields"] == {}
