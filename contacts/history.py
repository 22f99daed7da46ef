"""Reading the log: what became of a contact, and how to take changes back."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from django.db.models import Min, OuterRef, Subquery
from django.http import Http404

from contactbook.api.exceptions import Conflict, Invalid
from contactbook.compiled import Row, each
from contacts.cards import jscontact
from contacts.cards.jscontact import Card
from contacts.models import Book, Change, Contact

MAX_UNDONE = 10_000  # contacts in one undo
NO_LONGER_KEPT = "The contents from that time are no longer kept."


def of_contact(contact: Contact, skip: int, limit: int) -> list[dict[str, Any]]:
    """A contact's changes, newest first, each with what it changed; `fields` is null where that is no longer kept."""
    changes = Change.objects.for_user(contact.user_id).of(contact.pk).order_by("-number")
    changes = changes.filter(number__lte=contact.revision)  # those that are in the card as it was read
    rows = list(changes[max(skip - 1, 0) : skip + limit])
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
    kept = before is not None and after is not None
    return {
        "change": change.number,
        "at": change.at,
        "kind": change.kind,
        "via": change.via,
        "client": change.client,
        "fields": jscontact.differences(before, after) if kept else None,  # type: ignore[arg-type]
    }


def card_after(contact: Contact, number: int) -> Card:
    """The card as it was just after that change of the contact; Invalid if there is no such change."""
    changes = Change.objects.for_user(contact.user_id).of(contact.pk)
    change = changes.filter(number=number).first() if abs(number) < 2**63 else None
    if change is None or change.kind == Change.Kind.DELETED:
        raise Invalid("body", {"to": ["There is no such change of this contact, or it was its deletion."]})
    later = changes.filter(number__gt=number).order_by("number").first()
    card = later.before if later else contact.card
    if card is None:
        raise Conflict(NO_LONGER_KEPT)
    return card


def restored(book: Book, contact: Contact, number: int, names: list[str] | None) -> Contact:
    """The contact, or the named fields of it, as just after that change; out of the trash if it lay there."""
    card = card_after(contact, number)
    if names is not None:
        try:
            card = jscontact.with_fields_of(contact.card, card, names)
        except KeyError as unknown:
            raise Invalid("body", {"fields": [f"There is no field {unknown.args[0]!r}."]}) from None
    if contact.deleted_at:
        book.restore(contact)
    return book.put_card(contact, card)


@dataclass
class Step:
    """What an undo does to one contact: `card` is how it is to be, `live` whether it is to be out of the trash."""

    contact_id: int
    contact: Contact | None
    card: Card | None
    live: bool
    conflict: bool = False

    @property
    def does(self) -> str:
        if self.conflict or self.contact is None:
            return "nothing"
        if self.live and self.contact.deleted_at:
            return "restore"
        if not self.live and not self.contact.deleted_at:
            return "delete"
        return "change" if self.changes else "nothing"

    @property
    def changes(self) -> bool:
        assert self.contact is not None
        return self.card is not None and not jscontact.same(self.card, self.contact.card)

    def take(self, book: Book) -> None:
        contact = self.contact
        if self.conflict or contact is None:
            return
        if contact.deleted_at and (self.live or self.changes):
            book.restore(contact)
        if self.card is not None:
            book.put_card(contact, self.card)
        if not self.live and not contact.deleted_at:
            book.delete(contact)

    def result(self) -> dict[str, Any]:
        return {"id": self.contact_id, "does": self.does, "status": "conflict" if self.conflict else "done"}


def plan_since(book: Book, number: int) -> list[Step]:
    """Every contact as it was just after change `number`: the first later change of each says how that was."""
    changes = Change.objects.for_user(book.user_id).filter(number__gt=number)
    by_contact = changes.order_by().values("contact_id").annotate(first=Min("number"))
    numbers = list(by_contact.values_list("first", flat=True)[: MAX_UNDONE + 1])
    if len(numbers) > MAX_UNDONE:
        raise Invalid("body", {"since": [f"That would change more than {MAX_UNDONE} contacts; undo less at once."]})
    firsts = list(changes.filter(number__in=numbers).order_by("number"))
    contacts = Contact.objects.all_of(book.user_id).in_bulk([change.contact_id for change in firsts])
    return [step(change, contacts.get(change.contact_id)) for change in firsts]


def plan_one(book: Book, number: int) -> list[Step]:
    """The contact of that change as it was before it; a conflict if it was changed again since."""
    changes = Change.objects.for_user(book.user_id)
    change = changes.filter(number=number).first() if abs(number) < 2**63 else None
    if change is None:
        raise Http404("Change was not found")
    contact = Contact.objects.all_of(book.user_id).filter(pk=change.contact_id).first()
    planned = step(change, contact)
    planned.conflict |= changes.of(change.contact_id).filter(number__gt=number).exists()
    return [planned]


def step(first: Change, contact: Contact | None) -> Step:
    if first.kind == Change.Kind.CREATED:
        return Step(first.contact_id, contact, None, live=False)
    lost = contact is None or first.before is None
    return Step(first.contact_id, contact, first.before, live=first.kind != Change.Kind.RESTORED, conflict=lost)


def undo(book: Book, steps: list[Step], dry_run: bool) -> list[dict[str, Any]]:
    results = [step.result() for step in steps]
    if not dry_run:
        for planned in steps:
            planned.take(book)
    return results


class Feed:
    """The contacts that changed after `since`, each at its newest, and what was purged: at most `limit` of both.

    Nothing is skipped under concurrent writers: changes are numbered in commit order, so all up to the
    sequence read first are there; what has moved beyond it meanwhile comes in the next answer.
    """

    def __init__(self, user_id: int, book: Book | None, since: int, limit: int) -> None:
        """No `book`: nothing has changed since."""
        if book and 0 < since < book.resync_below:
            raise Conflict("The server was restored from a backup. Read everything anew, from since=0.")
        self.user_id, self.since, self.limit = user_id, since, limit
        self.newest = max(book.sequence, since) if book else since
        self.following, self.more = self.newest, False  # the next `since`, and whether more wait there

    def rows(self, columns: tuple[str, ...]) -> Iterator[Row]:
        """By number, of each its kind, its contact's id, and these columns of it, or None for what is gone."""
        if self.since == self.newest:
            return
        last = self.since
        for place, row in enumerate(heapq.merge(self.purged(), self.changed(columns), key=itemgetter("number"))):
            if place == self.limit:
                self.following, self.more = last, True
                return
            last = row["number"]
            yield row

    def changed(self, columns: tuple[str, ...]) -> Iterator[Row]:
        kind = Change.objects.filter(book=OuterRef("user"), number=OuterRef("revision")).values("kind")
        contacts = Contact.objects.all_of(self.user_id).filter(revision__gt=self.since, revision__lte=self.newest)
        contacts = contacts.order_by("revision").annotate(kind=Subquery(kind))
        names = {*columns, "id", "revision", "deleted_at", "kind"}
        for row in each(contacts.values(*names)[: self.limit + 1]):
            contact = None if row["deleted_at"] else row
            yield {"number": row["revision"], "kind": row["kind"], "contact_id": row["id"], "contact": contact}

    def purged(self) -> Iterator[Row]:
        changes = Change.objects.for_user(self.user_id).filter(number__gt=self.since, number__lte=self.newest)
        purged = changes.filter(kind=Change.Kind.PURGED).order_by("number")
        for row in each(purged.values("number", "kind", "contact_id")[: self.limit + 1]):
            yield {**row, "contact": None}
