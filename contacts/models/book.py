"""The door to every write of a contact, and the log that each write leaves behind it."""

import contextlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple, Self

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models, transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.http import Http404
from django.utils import timezone

from contactbook.api.exceptions import Conflict
from contactbook.cache.responses import Said, mark, remembered, settle
from contactbook.compiled import Compiled, Writes, attributes, run
from contacts.cards import jscontact
from contacts.models.contact import LARGEST_ID, NOT_FOUND, Contact, Group


class Version(NamedTuple):
    """`sequence` is another number after every write; `live` counts the contacts that are not in the trash."""

    sequence: int
    live: int


def book_key(user_id: int) -> str:
    return f"book:{user_id}"


# Hot statements: one lock, one contact, one change, one counter a write.
LOCKED = Compiled(lambda: Book.objects.select_for_update().filter(pk=0).values(*attributes(Book)))
COUNTERS = Compiled(lambda: Book.objects.filter(pk=0).order_by().values(*Version._fields))
LIVE = Compiled(lambda: Contact.objects.for_user(0).filter(pk=0).order_by().values(*attributes(Contact)))
CONTACTS = Writes(Contact)


class BookManager(models.Manager["Book"]):
    @contextlib.contextmanager
    def writing(self, user_id: int, via: str, client: str = "") -> Iterator["Book"]:
        """The owner's book, locked until the end of the transaction: the one door to every write of a contact.

        `via` names the door for the log (rest, admin, command …), `client` the program behind it.
        The lock comes first, so changes are numbered in the order in which they are committed.
        """
        with transaction.atomic():
            book = self.locked(user_id)
            book.via, book.client, book.unlogged, book.named = via, client[:200], [], set()
            yield book
            if book.unlogged:
                book.keep()

    def locked(self, user_id: int) -> "Book":
        book: Book | None = LOCKED.first(Book, user_id)
        return book or self.select_for_update().get_or_create(user_id=user_id)[0]

    def refold(self, contact_ids: list[int]) -> int:
        """Reads the columns of these contacts out of their cards anew; how many differed.

        That is no change: the cards stay as they are, and nobody's copy is out of date.
        """
        with transaction.atomic():
            contacts = Contact.objects.select_for_update().filter(pk__in=contact_ids)
            stale = [contact for contact in contacts if contact.refold()]
            models.QuerySet[Contact, Contact](Contact).bulk_update(stale, Contact.DERIVED, batch_size=100)
        return len(stale)

    def begin_new_epoch(self, moment: datetime) -> None:
        """After a restore from a backup: no number that was given before it is ever given again, and
        who asks for the changes since one of those is told to read everything anew.

        Numbers go on from the clock, in microseconds since 1970: no book counts as fast, so whatever was given
        in a history that is lost, also in one that came out of the same backup, is lower.
        """
        now = int(moment.timestamp() * 1_000_000)
        owners = get_user_model().objects.using(self.db)
        # Who has no book yet may have had one in the history that is lost.
        without = list(owners.filter(book=None).values_list("pk", flat=True))
        self.bulk_create((Book(user_id=pk) for pk in without), batch_size=1000)
        later = Greatest(F("sequence") + 1, now)
        self.update(sequence=later, resync_below=later)

    def version(self, user_id: int, known: Said | None = None) -> Version:
        """From the cache."""
        return Version(*remembered(book_key(user_id), lambda: self.version_of(user_id), known))

    def version_of(self, user_id: int) -> Version:
        rows = COUNTERS.rows(user_id, limit=1)
        return Version(**rows[0]) if rows else Version(0, 0)


class Book(models.Model):
    """An owner's counter of changes and, while it is open for writing, the door to their contacts."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="book"
    )
    sequence = models.BigIntegerField(default=0)
    live = models.PositiveIntegerField(default=0, db_default=0)  # contacts that are not in the trash
    resync_below = models.BigIntegerField(default=0)  # older numbers may belong to a history that was rolled back

    via: str
    client: str
    unlogged: list["Change"]
    named: set[str]  # groups that cards name anew

    objects = BookManager()

    def __str__(self) -> str:
        return f"{self.sequence} changes"

    def get(self, contact_id: int) -> Contact:
        contact: Contact | None = (
            LIVE.first(Contact, self.user_id, contact_id) if abs(contact_id) <= LARGEST_ID else None
        )
        if contact is None:
            raise Http404(NOT_FOUND)
        return contact

    def get_from_trash(self, contact_id: int) -> Contact:
        return Contact.objects.trash_of(self.user_id).by_id(contact_id)

    def create(self, card: jscontact.Card) -> Contact:
        contact = Contact(user_id=self.user_id, created_at=timezone.now())
        contact.take_card(card)
        return self.write(contact, Change.Kind.CREATED, None)

    def create_many(self, cards: list[jscontact.Card]) -> None:
        """What `create` does for each of them, in a few statements for all."""
        now = timezone.now()
        contacts = [Contact(user_id=self.user_id, created_at=now, updated_at=now) for _ in cards]
        for number, (contact, card) in enumerate(zip(contacts, cards, strict=True), self.sequence + 1):
            contact.take_card(card)
            contact.revision = number
            self.named |= set(card.get("keywords") or ())
        for contact in models.QuerySet[Contact, Contact](Contact).bulk_create(contacts, batch_size=500):
            self.log(contact.pk, Change.Kind.CREATED, None)

    def change(self, contact: Contact, flat: dict[str, Any]) -> Contact:
        """Sets flat fields, and leaves the rest of the card as it is."""
        return self.put_card(contact, jscontact.with_flat(contact.card, flat))

    def put_card(self, contact: Contact, card: jscontact.Card) -> Contact:
        """Replaces the card; a write that changes nothing leaves no trace.

        The log would not tell a change in the trash from one outside, so a contact is taken out first.
        """
        before = contact.card
        if jscontact.same(card, before):
            return contact
        if contact.deleted_at:
            raise ValueError("A contact in the trash is restored before it is changed.")
        contact.take_card(card)
        return self.write(contact, Change.Kind.CHANGED, before)

    def delete(self, contact: Contact) -> Contact:  # type: ignore[override]
        """Moves it to the trash."""
        contact.deleted_at = timezone.now()
        return self.write(contact, Change.Kind.DELETED, contact.card)

    def restore(self, contact: Contact) -> Contact:
        """Takes it out of the trash, with its id and uid."""
        contact.deleted_at = None
        return self.write(contact, Change.Kind.RESTORED, contact.card)

    def purge(self, contact: Contact) -> None:
        """Erases it and what the log holds of it; that it was there stays in the log."""
        contact_id = contact.pk
        models.Model.delete(contact)
        Change.objects.for_user(self.user_id).of(contact_id).forget()
        for change in self.unlogged:
            if change.contact_id == contact_id:
                change.before = None
        self.log(contact_id, Change.Kind.PURGED, None)

    def rename_group(self, group: Group, name: str) -> Group:
        """Also in the cards of those who are in it; Conflict if the owner has another group of that name."""
        if Group.objects.for_user(self.user_id).filter(name=name).exclude(pk=group.pk).exists():
            raise Conflict
        old, group.name = group.name, name
        self.named.discard(old)
        group.save(update_fields=["name"])
        self.replace_keyword(old, name)
        return group

    def delete_group(self, group: Group) -> None:
        """Its contacts stay, and are in it no more."""
        self.replace_keyword(group.name, None)
        self.named.discard(group.name)
        group.delete()

    def replace_keyword(self, old: str, new: str | None) -> None:
        for contact in Contact.objects.for_user(self.user_id).in_group(old).order_by("id"):
            keywords = {name: True for name in contact.card["keywords"] if name != old} | ({new: True} if new else {})
            rest = {name: value for name, value in contact.card.items() if name != "keywords"}
            self.put_card(contact, {**rest, "keywords": keywords} if keywords else rest)

    def write(self, contact: Contact, kind: str, before: jscontact.Card | None) -> Contact:
        contact.revision = self.sequence + 1
        contact.updated_at = timezone.now()
        CONTACTS.insert(contact) if contact.pk is None else run(CONTACTS.alteration(contact))
        self.log(contact.pk, kind, before)
        # While it lay in the trash, its groups may have been deleted.
        known = before.get("keywords") if before and kind != Change.Kind.RESTORED else None
        self.named |= set(contact.card.get("keywords") or ()) - set(known or ())
        return contact

    def log(self, contact_id: int, kind: str, before: jscontact.Card | None) -> None:
        kind = Change.Kind(kind)
        self.sequence += 1
        self.live += Change.COUNTS.get(kind, 0)
        self.unlogged.append(
            Change(
                book_id=self.user_id,
                number=self.sequence,
                contact_id=contact_id,
                kind=kind.value,
                via=self.via,
                client=self.client,
                before=before,
            )
        )

    def keep(self) -> None:
        """Writes the log, the counters and new groups; the last thing before the commit."""
        left = mark(book_key(self.user_id))
        if len(self.unlogged) == 1:
            run(CHANGES.insertion(self.unlogged[0]), BOOKS.alteration(self))
        else:
            Change.objects.bulk_create(self.unlogged, batch_size=500)
            run(BOOKS.alteration(self))
        self.keep_groups()
        version = Version(self.sequence, self.live)
        transaction.on_commit(lambda: settle(book_key(self.user_id), left, version))

    def keep_groups(self) -> None:
        """A group that a card names is there."""
        names = sorted(self.named - {jscontact.FAVOURITE})
        if names:
            groups = [Group(user_id=self.user_id, name=name) for name in names]
            Group.objects.bulk_create(groups, ignore_conflicts=True, batch_size=500)


class ChangeQuerySet(models.QuerySet["Change"]):
    def for_user(self, user_id: int) -> Self:
        return self.filter(book=user_id)

    def of(self, contact_id: int) -> Self:
        return self.filter(contact_id=contact_id)

    def with_contents_before(self, moment: datetime) -> Self:
        """Of every owner."""
        return self.filter(at__lt=moment, before__isnull=False)

    def forget(self) -> int:
        """Lets go of the contents; that there was a change stays."""
        return self.update(before=None)


class Change(models.Model):
    """One write of a contact, numbered per owner in the order of the commits, without gaps.

    `before` is the card as it was; null for what was created, purged, or is older than what is kept.
    """

    class Kind(models.TextChoices):
        CREATED = "created"
        CHANGED = "changed"
        DELETED = "deleted"
        RESTORED = "restored"
        PURGED = "purged"

    COUNTS = {Kind.CREATED: 1, Kind.DELETED: -1, Kind.RESTORED: 1}  # what each does to the number of live contacts

    book = models.ForeignKey(Book, on_delete=models.CASCADE, related_name="changes", db_index=False)  # as below
    number = models.BigIntegerField()
    contact_id = models.BigIntegerField()
    kind = models.CharField(max_length=8, choices=Kind)
    via = models.CharField(max_length=20)
    client = models.CharField(max_length=200)
    at = models.DateTimeField(default=timezone.now)
    before = models.JSONField(null=True)

    objects = ChangeQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["book", "number"], name="change_number_unique_per_book")]
        indexes = [
            models.Index(fields=["book", "contact_id", "number"], name="change_history"),
            models.Index(fields=["book", "number"], name="change_purges", condition=models.Q(kind="purged")),
            models.Index(fields=["at"], name="change_contents", condition=models.Q(before__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.kind}"


BOOKS, CHANGES = Writes(Book), Writes(Change)
