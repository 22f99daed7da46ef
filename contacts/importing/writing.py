"""What is done with a portion of a file's entries, and the report about each."""

import json
from dataclasses import dataclass
from typing import Any

from contacts.avatars.references import with_uris
from contacts.cards import jscontact, validation
from contacts.cards.jscontact import Card
from contacts.cards.merging import fill
from contacts.importing.items import Item, distinct
from contacts.importing.matching import Match, Matcher
from contacts.models import Book, Contact, Import, ImportEntry
from contacts.models.picture import Prepared

FIELD_BYTES = 8 * 1024  # of the fields of one entry in the report
SHOWN = 1000  # characters of a field in a report that would be larger
FLAT = ("fullname", *jscontact.PLACES)
TOO_LARGE_TOGETHER = "The contact would be too large with what the card adds."
UID_IN_USE = "Another card of the book has this UID; the contact has a new one."
UID_TOO_LONG = "The UID is longer than 255 characters; the contact has a new one."

Status, Done, Policy = ImportEntry.Status, ImportEntry.Done, Import.Policy


@dataclass
class Writer:
    """Makes the report about entries, and with a book and a policy does what the policy says."""

    import_id: int
    matcher: Matcher
    book: Book | None = None
    policy: str = ""
    prepared: dict[str, Prepared] | None = None  # pictures by their names in the cards

    def work(self, items: list[Item]) -> list[ImportEntry]:
        """Report on the entries; those that repeat one of them come after that one is written."""
        rows = [self.failed(item) for item in items if item.card is None]
        first, repeated = distinct([item for item in items if item.card is not None])
        tasks = self.tasks(first, self.matcher.match(first, read_uploads=False)) if first else []
        rows += self.work_on(tasks)
        marked = {mark: task for task in tasks for mark in (task.item.uid_key, task.item.digest) if mark}
        for item in repeated:
            model = marked.get(item.digest) or marked[item.uid_key]
            match = self.matcher.repeat(item, model.row, model.item, model.contact)
            rows += self.work_on(self.tasks([item], [match]))
        return ImportEntry.objects.bulk_create(rows, batch_size=500)

    def tasks(self, items: list[Item], matches: list[Match]) -> list["Task"]:
        return [Task(item, match, self.row(item, match)) for item, match in zip(items, matches, strict=True)]

    def work_on(self, tasks: list["Task"]) -> list[ImportEntry]:
        for task in tasks:
            self.decide(task)
        if self.book is not None:
            self.carry_out(self.book, tasks)
        return [task.finished() for task in tasks]

    # The report

    def row(self, item: Item, match: Match) -> ImportEntry:
        status = Status.NEW
        if match.contact or match.earlier:
            status = Status.SAME if match.same else Status.CHANGES
        return ImportEntry(
            job_id=self.import_id,
            number=item.number,
            line=item.line,
            status=status,
            fullname=item.fullname,
            contact_id=match.contact.pk if match.contact else None,
            notes=item.notes,
            uid=item.uid_key,
            digest=item.digest,
        )

    def failed(self, item: Item) -> ImportEntry:
        reason = (item.reason or "")[:500]
        row = ImportEntry(job_id=self.import_id, number=item.number, line=item.line, status=Status.FAILED)
        row.notes, row.reason = item.notes, reason
        return sized(row)

    def decide(self, task: "Task") -> None:
        """Set what becomes of the card: a new one, that of the contact as it will be, or nothing."""
        item, match, row = task.item, task.match, task.row
        if row.status == Status.SAME or item.card is None:
            task.left = True
        elif row.status == Status.NEW:
            task.card = item.card
        elif self.policy == Policy.KEEP_BOTH:
            task.card, task.adds = item.card, True
        elif match.contact:
            task.before = self.matcher.compared[match.contact.pk]
            task.card = item.card if self.policy != Policy.FILL else self.filled(task, item.card)
            task.left = self.policy == Policy.SKIP or task.card is None or jscontact.same(task.card, task.before)
        else:
            task.left = True

    def filled(self, task: "Task", card: Card) -> Card | None:
        """Return the contact's card with what it lacks; None if that is too large."""
        assert task.before is not None
        filled = fill(task.before, card, self.matcher.region)
        if filled != task.before and validation.out_of_bounds(filled):
            task.row.reason = TOO_LARGE_TOGETHER
            return None
        return filled

    # Writing

    def carry_out(self, book: Book, tasks: list["Task"]) -> None:
        writes = [task for task in tasks if not task.left]
        book.save_together()
        if writes:
            book.check_quota()
        stored = self.store_pictures(book, writes)
        self.matcher.learn(stored)
        for task in writes:
            task.settle(stored)
        self.add(book, [task for task in writes if task.is_new])
        for task in writes:
            if not task.is_new:
                task.change(book)
        for task in tasks:
            if task.left:
                task.row.done, task.card, task.before = Done.LEFT, None, None

    def store_pictures(self, book: Book, writes: list["Task"]) -> dict[str, str]:
        wanted = {picture.reference for task in writes for picture in task.item.pictures}
        prepared = [each for name, each in (self.prepared or {}).items() if name in wanted]
        return book.add_pictures(prepared) if prepared else {}

    def add(self, book: Book, tasks: list["Task"]) -> None:
        uids = [self.new_uid(task) for task in tasks]
        contacts = book.create_many([task.card or {} for task in tasks], uids) if tasks else []
        for task, contact in zip(tasks, contacts, strict=True):
            task.row.done, task.row.contact_id, task.written = Done.ADDED, contact.pk, contact

    def new_uid(self, task: "Task") -> str:
        """Return the card's uid where it can be the contact's, else an empty text."""
        item = task.item
        if task.adds or not item.uid:
            return ""
        if item.uid != item.uid_key:
            task.row.notes = [*item.notes, UID_TOO_LONG]
            return ""
        if item.uid in self.matcher.reserved or task.match.contact:
            task.row.notes = [*item.notes, UID_IN_USE]
            return ""
        return item.uid


@dataclass
class Task:
    """What becomes of one entry."""

    item: Item
    match: Match
    row: ImportEntry
    card: Card | None = None  # of the contact afterwards
    before: Card | None = None
    left: bool = False
    adds: bool = False  # a second contact beside the one that the card is about
    written: Contact | None = None

    @property
    def contact(self) -> Contact | None:
        """The contact that holds the card now, or that it is about."""
        return self.written or self.match.contact

    @property
    def is_new(self) -> bool:
        return self.adds or not (self.match.contact or self.match.trashed)

    def settle(self, stored: dict[str, str]) -> None:
        """Name the pictures in the card by their references: those that the contact has keep theirs."""
        contact = self.match.contact or self.match.trashed
        own: dict[str, str] = {}
        if contact and self.before:
            own = {
                entry["uri"]: contact.card["media"][key]["uri"]
                for key, entry in (self.before.get("media") or {}).items()
                if entry.get("uri")
            }
        self.card = with_uris(self.card, lambda uri: own.get(uri) or stored.get(uri, uri))

    def change(self, book: Book) -> None:
        """Write the card to the contact; one in the trash comes back."""
        contact, card = self.match.contact or self.match.trashed, self.card
        assert contact is not None and card is not None
        self.before = contact.card
        if self.match.trashed:
            book.restore(contact)
        book.put_card(contact, card)
        self.row.contact_id, self.written = contact.pk, contact
        self.row.done = Done.ADDED if self.match.trashed else Done.CHANGED
        if self.match.trashed:
            self.before = None

    def finished(self) -> ImportEntry:
        """Return the row with its fields and its size."""
        if self.card is None or (self.row.status == Status.CHANGES and self.before is None and not self.adds):
            self.row.fields = {}
        else:
            before = {} if self.before is None or self.adds else self.before
            self.row.fields = bounded(jscontact.differences(before, self.card))
        return sized(self.row)


def bounded(fields: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Return the fields as JSON has them, of a large report only the flat ones, cut."""
    fields = {name: [shown(each) for each in pair] for name, pair in fields.items()}
    if len(json.dumps(fields, ensure_ascii=False).encode()) <= FIELD_BYTES:
        return fields
    return {name: [each and each[:SHOWN] for each in pair] for name, pair in fields.items() if name in FLAT}


def shown(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def sized(row: ImportEntry) -> ImportEntry:
    row.size = 200 + len(json.dumps([row.fields, row.notes, row.reason, row.fullname], ensure_ascii=False).encode())
    return row
