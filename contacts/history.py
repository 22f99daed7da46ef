"""Reading the log: the history of a contact, undo, and the feed of changes."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from django.db.models import Exists, OuterRef, Subquery, Sum
from django.db.models.functions import JSONObject

from contactbook.api.pagination import MAX_BYTES, SAFE_LIMIT, rows_that_fit
from contactbook.exceptions import ConflictError, InvalidValueError, NotFoundError, TooLargeError
from contacts.avatars.references import with_public_urls
from contacts.cards import jscontact
from contacts.cards.jscontact import Card
from contacts.models import Book, Change, ChangeQuerySet, Contact, ContactQuerySet
from contacts.models.change import app_password_of
from contacts.models.contact import ADDITIONAL_BYTES, PORTION

MAX_UNDONE = 1000  # contacts in one undo
CONTENTS_ERASED = "The contents from that time are no longer kept."

Row = dict[str, Any]


def of_contact(contact: Contact, skip: int, limit: int) -> list[dict[str, Any]]:
    """Return a contact's changes, newest first, each with what it changed; `fields` is None if that was erased."""
    changes = Change.objects.for_user(contact.user_id).of(contact.pk).order_by("-number")
    changes = changes.filter(number__lte=contact.revision)  # later ones are not in the card that was read
    page = changes[max(skip - 1, 0) : skip + limit]
    if limit > SAFE_LIMIT and (fitting := rows_that_fit(page, "size")):
        raise TooLargeError(f"These changes are too large for one page. Use limit={fitting}.")
    rows = list(page)
    after: Card | None = contact.card
    if skip:
        after = rows.pop(0).before if rows else None
    entries = []
    for change in rows:
        entries.append(entry(change, after))
        after = change.before
    return entries


def entry(change: Change, after: Card | None) -> dict[str, Any]:
    created = change.kind == Change.Kind.CREATED
    before: Card | None = {} if created else change.before
    fields = None
    if before is not None and after is not None:
        fields = jscontact.differences(with_public_urls(before), with_public_urls(after))
    return {
        "change": change.number,
        "at": change.at,
        "kind": change.kind,
        "via": change.via,
        "client": change.client,
        "app_password": change.app_password,
        "fields": fields,
    }


def card_after(contact: Contact, number: int) -> Card:
    """Return the card as it was just after that change of the contact.

    InvalidValueError if there is no such change or it was the deletion; ConflictError if its contents were erased.
    """
    changes = Change.objects.for_user(contact.user_id).of(contact.pk)
    change = changes.by_number(number)
    if change is None or change.kind == Change.Kind.DELETED:
        raise InvalidValueError("to", "There is no such change of this contact, or it was its deletion.")
    later = changes.filter(number__gt=number).order_by("number").first()
    card = later.before if later else contact.card
    if card is None:
        raise ConflictError(CONTENTS_ERASED)
    return card


def restore(book: Book, contact: Contact, number: int, names: list[str] | None) -> Contact:
    """Restore the contact, or the named fields of it, to what it was just after that change; out of the trash too."""
    card = card_after(contact, number)
    if names is not None:
        try:
            card = jscontact.with_fields_of(contact.card, card, names)
        except KeyError as unknown:
            raise InvalidValueError("fields", f"There is no field {unknown.args[0]!r}.") from None
    if contact.deleted_at:
        book.restore(contact)
    return book.put_card(contact, card)


@dataclass
class UndoStep:
    """What an undo does to one contact: `card` is its card afterwards, `live` whether it is outside the trash then."""

    contact_id: int
    contact: Contact | None
    card: Card | None
    live: bool
    conflict: bool = False

    @property
    def action(self) -> str:
        if self.conflict or self.contact is None:
            return "nothing"
        if self.live and self.contact.deleted_at:
            return "restore"
        if not self.live and not self.contact.deleted_at:
            return "delete"
        return "change" if self.changes_card else "nothing"

    @property
    def changes_card(self) -> bool:
        assert self.contact is not None
        return self.card is not None and not jscontact.same(self.card, self.contact.card)

    def apply(self, book: Book) -> None:
        contact = self.contact
        if self.conflict or contact is None:
            return
        if contact.deleted_at and (self.live or self.changes_card):
            book.restore(contact)
        if self.card is not None:
            book.put_card(contact, self.card)
        if not self.live and not contact.deleted_at:
            book.delete(contact)

    def result(self) -> dict[str, Any]:
        return {"id": self.contact_id, "does": self.action, "status": "conflict" if self.conflict else "done"}


def plan(book: Book, given: dict[str, Any]) -> list[UndoStep]:
    """Plan the undo of one `change`, or of everything `since` one, or of what one `app_password` wrote since."""
    if "since" not in given:
        return plan_one(book, given["change"])
    changes = Change.objects.for_user(book.user_id).filter(number__gt=given["since"])
    password_id = given.get("app_password")
    return plan_all(book, changes) if password_id is None else plan_app_password(book, changes, password_id)


def plan_all(book: Book, changes: ChangeQuerySet) -> list[UndoStep]:
    """Plan to undo these newest changes: the first of each contact says how it was.

    If that is too much for one undo, contacts that are already as they were are left out: an undo can go back in steps.
    """
    firsts = changes.firsts()
    try:
        bounded = within_bounds(book, firsts)
    except (InvalidValueError, TooLargeError):
        bounded = within_bounds(book, firsts.not_undone())
    return steps_before(book, bounded)


def plan_app_password(book: Book, changes: ChangeQuerySet, password_id: int) -> list[UndoStep]:
    """Plan to undo what an app password wrote among these changes, back to each contact's newest change by another.

    A contact whose newest change is by another is a conflict and stays as it is.
    """
    own = changes.by_app_password(password_id)
    touched = set(own.order_by().values_list("contact_id", flat=True).distinct()[: MAX_UNDONE + 1])
    check_number(len(touched))
    later = changes.filter(contact_id=OuterRef("contact_id"), number__gt=OuterRef("number"))
    steps = plan_all(book, own.filter(~Exists(later.not_by_app_password(password_id))))
    conflicts = sorted(touched - {step.contact_id for step in steps})
    contacts = Contact.objects.all_of(book.user_id).in_bulk(conflicts)
    return steps + [UndoStep(key, contacts.get(key), None, live=True, conflict=True) for key in conflicts]


def check_number(contacts: int) -> None:
    if contacts > MAX_UNDONE:
        raise InvalidValueError("since", f"That would change more than {MAX_UNDONE} contacts; undo less at once.")


def within_bounds(book: Book, firsts: ChangeQuerySet) -> ChangeQuerySet:
    """Return these changes; InvalidValueError or TooLargeError if they are too many, or too large, for one undo."""
    numbers = list(firsts.values_list("number", flat=True)[: MAX_UNDONE + 1])
    check_number(len(numbers))
    changes = Change.objects.for_user(book.user_id).filter(number__in=numbers)
    ids = [key for (key,) in changes.values_list("contact_id")]
    contacts = Contact.objects.all_of(book.user_id).filter(pk__in=ids)
    if sum(rows.aggregate(total=Sum("size"))["total"] or 0 for rows in (changes, contacts)) > PORTION:
        raise TooLargeError(f"That would change more than {PORTION >> 20} MB of contacts at once. Undo less at once.")
    return changes


def plan_one(book: Book, number: int) -> list[UndoStep]:
    """Plan to undo one change of a contact; a conflict if the contact was changed again since."""
    changes = Change.objects.for_user(book.user_id)
    change = changes.by_number(number)
    if change is None:
        raise NotFoundError("Change was not found")
    (step,) = steps_before(book, changes.filter(pk=change.pk))
    step.conflict |= changes.of(change.contact_id).filter(number__gt=number).exists()
    return [step]


def steps_before(book: Book, firsts: ChangeQuerySet) -> list[UndoStep]:
    """Return the steps that take contacts back to before these changes, one of each."""
    found = Contact.objects.all_of(book.user_id).in_bulk([key for (key,) in firsts.values_list("contact_id")])
    earlier = Change.objects.for_user(book.user_id).filter(
        contact_id=OuterRef("contact_id"), number__lt=OuterRef("number")
    )
    firsts = firsts.annotate(existed=Exists(earlier)).order_by("number")
    return [step_before(change, found.get(change.contact_id), change.existed) for change in firsts]


def step_before(first: Change, contact: Contact | None, existed: bool) -> UndoStep:
    """Return the step that takes the contact back to before that change of it.

    A contact that did not exist may have been created and deleted by one transaction, which is the change `deleted`.
    """
    if not existed:
        return UndoStep(first.contact_id, contact, None, live=False)
    lost = contact is None or first.before is None
    live = first.kind != Change.Kind.RESTORED
    return UndoStep(first.contact_id, contact, first.before, live=live, conflict=lost)


def undo(book: Book, steps: list[UndoStep], dry_run: bool) -> list[dict[str, Any]]:
    results = [step.result() for step in steps]
    if not dry_run:
        for step in steps:
            step.apply(book)
    return results


class Feed:
    """The contacts that changed after `since`, each in its newest state, and what was purged: at most `limit` of both.

    Nothing is skipped under concurrent writers: changes are numbered in commit order, so all up to the sequence
    that was read first are there; a contact that moves beyond it meanwhile comes in the next answer.
    """

    with_change = True  # whether a row has the kind of the change, and the app password behind it

    def __init__(self, book: Book | None, since: int, limit: int) -> None:
        self.book, self.since, self.limit = book, since, limit
        self.newest = max(book.sequence, since) if book else since
        self.next_since, self.more = self.newest, False
        self.check_since()

    def check_since(self) -> None:
        if self.book and 0 < self.since < self.book.resync_below:
            raise ConflictError("The server was restored from a backup. Read everything again, from since=0.")

    def rows(self, columns: tuple[str, ...]) -> list[Row]:
        """Return by number: each change's kind, its contact's id, and these columns of it, or None for a deleted one.

        Rows of one number stay together.
        """
        if self.since == self.newest:
            return []
        gone = list(self.gone())
        rows = list(heapq.merge(gone, self.changed(columns), key=itemgetter("number")))
        end = self.limit
        while 0 < end < len(rows) and rows[end]["number"] == rows[end - 1]["number"]:
            end -= 1
        end = end or 2
        if len(rows) > end:
            self.next_since, self.more = rows[end - 1]["number"], True
        return rows[:end]

    def contacts(self) -> ContactQuerySet:
        assert self.book
        contacts = Contact.objects.all_of(self.book.user_id)
        return contacts.filter(revision__gt=self.since, revision__lte=self.newest).order_by("revision")

    def changes(self) -> ChangeQuerySet:
        assert self.book
        changes = Change.objects.for_user(self.book.user_id)
        return changes.filter(number__gt=self.since, number__lte=self.newest).order_by("number")

    def changed(self, columns: tuple[str, ...]) -> Iterator[Row]:
        assert self.book
        newest = Change.objects.filter(book=OuterRef("user"), number=OuterRef("revision"))
        contacts = self.contacts()
        size = "size" if "card" in columns else ADDITIONAL_BYTES
        if self.book.bytes > MAX_BYTES and (fitting := rows_that_fit(contacts[: self.limit], size)):
            self.limit = fitting
        if self.with_change:
            facts = JSONObject(kind="kind", via="via", source="source")
            contacts = contacts.annotate(change=Subquery(newest.values(json=facts)))
            columns = (*columns, "change")
        for row in contacts.values(*{*columns, "id", "kind", "revision", "deleted_at"})[: self.limit + 1]:
            change = row.get("change") or {"kind": None, "via": "", "source": None}
            yield {
                "number": row["revision"],
                "kind": change["kind"],
                "contact_id": row["id"],
                "card_kind": row["kind"],
                "app_password": app_password_of(change["via"], change["source"]),
                "contact": None if row["deleted_at"] else row,
                "row": row,
            }

    def gone(self) -> Iterator[Row]:
        """Yield what no contact shows any more: purges."""
        for change in self.changes().filter(kind=Change.Kind.PURGED).defer("before")[: self.limit + 1]:
            yield {
                "number": change.number,
                "kind": change.kind,
                "contact_id": change.contact_id,
                "card_kind": None,
                "app_password": change.app_password,
                "contact": None,
            }
