"""The address book of an owner: every write of a contact goes through it and is logged."""

import contextlib
import secrets
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection, models, transaction
from django.db.models import F, Sum
from django.db.models.functions import Greatest
from django.utils import timezone

from contactbook.exceptions import QuotaExceededError, TooLargeError
from contacts.cards import jscontact
from contacts.models.change import Change, ChangeQuerySet
from contacts.models.contact import PORTION, Contact, new_resource_name
from contacts.models.group import Group

TOO_LARGE = f"That would read and write more than {PORTION >> 20} MB of contacts at once. Write fewer."


class Version(NamedTuple):
    """What a cached response depends on; `live` and `bytes` as in Book."""

    epoch: int
    sequence: int
    fold_version: int
    live: int
    bytes: int


# In SQL, since every read runs it: building the statement by the ORM takes longer than running it.
VERSION = 'SELECT epoch, sequence, fold_version, live, bytes FROM "contacts_book" WHERE user_id = %s'


def new_epoch() -> int:
    return secrets.randbelow(2**62)


class BookManager(models.Manager["Book"]):
    @contextlib.contextmanager
    def writing(
        self, user_id: int, via: str, client: str = "", source: int | None = None, quota: bool = False
    ) -> Iterator["Book"]:
        """Open the owner's book for writing: one transaction in which its row is locked.

        `via` names the interface for the log (rest, admin, command …), `client` the program behind it. With `quota`
        a write that adds to a full account raises QuotaExceededError. The lock comes first, so changes are numbered
        in the order in which they are committed.
        """
        with transaction.atomic():
            book, _ = self.select_for_update().get_or_create(user_id=user_id)
            book.begin(via, client, source, settings.ACCOUNT_QUOTA if quota else None)
            yield book
            book.save_changes()

    def version(self, user_id: int) -> Version:
        with connection.cursor() as cursor:
            cursor.execute(VERSION, [user_id])
            row = cursor.fetchone()
        return Version(*(row or (0,) * len(Version._fields)))

    def lock(self, owners: models.QuerySet[Any, Any]) -> None:
        """Lock the books of these owners: before any row of theirs, as every writer does, so that none deadlock."""
        list(self.select_for_update().filter(pk__in=owners).order_by("pk").values_list("pk"))

    def refold(self, contact_ids: list[int]) -> int:
        """Derive the columns of these contacts from their cards again; return how many differed.

        The log gets no change: the cards stay the same, and so do clients' copies.
        """
        stale, growth = [], Counter[int]()
        with transaction.atomic():
            contacts = Contact.objects.filter(pk__in=contact_ids)
            self.lock(contacts.order_by().values("user").distinct())
            for contact in contacts.select_for_update():
                size = contact.size
                if contact.refold():
                    stale.append(contact)
                    growth[contact.user_id] += contact.size - size
            models.QuerySet[Contact, Contact](Contact).bulk_update(stale, Contact.DERIVED, batch_size=100)
            for owner, size in growth.items():
                self.filter(pk=owner).update(fold_version=F("fold_version") + 1, bytes=F("bytes") + size)
        return len(stale)

    def erase_contents(self, changes: ChangeQuerySet) -> int:
        """Erase the contents of these changes and lower the byte counts of their books; return how many there were.

        The books are locked first: a purge of a contact at the same time erases contents and counts them, too.
        """
        with transaction.atomic():
            self.lock(changes.order_by().values("book").distinct())
            for owner, size in changes.sizes_by_book().items():
                self.filter(pk=owner).update(bytes=F("bytes") - size)
            return changes.erase_contents()

    def begin_new_epoch(self, moment: datetime) -> None:
        """Renew the numbers after a restore from a backup, so that no number of the lost history is used again.

        A client with an older number must read everything again. The new numbers begin at the clock, in microseconds
        since 1970, which is higher than every number of the lost history: no book counts as fast.
        """
        now = int(moment.timestamp() * 1_000_000)
        owners = get_user_model().objects.using(self.db)
        without = list(owners.filter(book=None).values_list("pk", flat=True))
        self.bulk_create((Book(user_id=pk) for pk in without), batch_size=1000)  # they may have had one before
        later = Greatest(F("sequence") + 1, now)
        self.update(sequence=later, resync_below=later, epoch=new_epoch())


class Book(models.Model):
    """An owner's counters and, between `begin` and `save_changes`, the writer of their contacts."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="book"
    )
    sequence = models.BigIntegerField(default=0)  # the number of the newest change
    live = models.PositiveIntegerField(default=0)  # contacts outside the trash, without group cards
    bytes = models.BigIntegerField(default=0)  # of cards and of the contents of changes
    epoch = models.BigIntegerField(default=new_epoch)  # random; another one after a restore
    resync_below = models.BigIntegerField(default=0)  # older numbers may belong to a history that was rolled back
    fold_version = models.IntegerField(default=0)  # rises when `refold` changes a contact

    COUNTERS = ("sequence", "live", "bytes")

    objects = BookManager()

    def __str__(self) -> str:
        return f"{self.sequence} changes"

    # Writing

    def begin(self, via: str, client: str, source: int | None, quota: int | None) -> None:
        self.via, self.client, self.source, self.quota = via, client[:200], source, quota
        self.written = 0  # bytes of cards, as they were read, and before and after each write
        self.loaded: dict[int, Contact] = {}  # by id
        self.operation = self.sequence + 1
        self.pending: dict[int, Change] = {}  # by contact
        self.etags_before: dict[int, str] = {}  # of contacts that were written, by id
        self.new_keywords: set[str] = set()

    def load(self, contact_ids: set[int]) -> None:
        """Read contacts with one statement, for the first `get` of each."""
        contacts = Contact.objects.for_user(self.user_id).filter(pk__in=contact_ids)
        if (contacts.aggregate(size=Sum("size"))["size"] or 0) > PORTION:
            raise TooLargeError(TOO_LARGE)
        self.loaded = contacts.in_bulk()

    def get(self, contact_id: int) -> Contact:
        contact = self.loaded.pop(contact_id, None) or Contact.objects.for_user(self.user_id).by_id(contact_id)
        self.check_portion(contact.size)
        return contact

    def get_from_trash(self, contact_id: int) -> Contact:
        return Contact.objects.trash_of(self.user_id).by_id(contact_id)

    def create(self, card: jscontact.Card, uid: str = "", resource: str | None = None) -> Contact:
        """Create a contact; with a new uid unless one is given, and the name of its CardDAV resource if it has one."""
        contact = Contact(user_id=self.user_id, created_at=timezone.now(), resource=resource)
        contact.uid = uid or contact.uid
        contact.set_card(card)
        self.check_quota()
        self.write(contact, Change.Kind.CREATED, None)
        if uid and not resource:
            self.make_resource_name_unique(contact)
        return contact

    def create_many(self, cards: list[jscontact.Card]) -> list[Contact]:
        """Create a contact for each card, with a few statements for all."""
        now = timezone.now()
        contacts = [Contact(user_id=self.user_id, created_at=now, updated_at=now) for _ in cards]
        for number, (contact, card) in enumerate(zip(contacts, cards, strict=True), self.sequence + 1):
            contact.set_card(card)
            contact.revision = number
            self.new_keywords |= set(card.get("keywords") or ())
        created = models.QuerySet[Contact, Contact](Contact).bulk_create(contacts, batch_size=500)
        for contact in created:
            self.log(contact, Change.Kind.CREATED, None)
            self.count(contact, 1, contact.size)
        return created

    def change(self, contact: Contact, flat: dict[str, Any]) -> Contact:
        """Set flat fields and leave the rest of the card as it is."""
        return self.put_card(contact, jscontact.with_flat(contact.card, flat))

    def put_card(self, contact: Contact, card: jscontact.Card) -> Contact:
        """Replace the card. Nothing is written if the card is the same."""
        before = contact.card
        if jscontact.same(card, before):
            return contact
        if contact.deleted_at:
            raise ValueError("A contact in the trash is restored before it is changed.")
        size, kind = contact.size, contact.kind
        contact.set_card(card)
        if contact.size > size:
            self.check_quota()
        self.count(contact, 0, contact.size - size)
        if contact.kind != kind:
            self.live += 1 if contact.kind == Contact.Kind.INDIVIDUAL else -1
        return self.write(contact, Change.Kind.CHANGED, before)

    def delete(self, contact: Contact) -> Contact:  # type: ignore[override]
        """Move the contact to the trash."""
        contact.deleted_at = timezone.now()
        self.count(contact, -1, 0)
        return self.write(contact, Change.Kind.DELETED, contact.card)

    def restore(self, contact: Contact) -> Contact:
        """Take the contact out of the trash, with its id and uid."""
        contact.deleted_at = None
        self.count(contact, 1, 0)
        return self.write(contact, Change.Kind.RESTORED, contact.card)

    def move_resource(self, contact: Contact, name: str) -> Contact:
        """Give the contact another name in CardDAV. The log says that the earlier one ceased."""
        if contact.resource_name == name:
            return contact
        ceased, contact.resource = contact.resource_name, name
        written = self.write(contact, Change.Kind.CHANGED, contact.card)
        self.pending[contact.pk].ceased = ceased
        return written

    def make_resource_name_unique(self, contact: Contact) -> None:
        """Give a new contact a name of its own, if another one has the name that its uid or id makes."""
        others = Contact.objects.all_of(self.user_id).exclude(pk=contact.pk)
        if others.by_resource_name(contact.resource_name):
            contact.resource = new_resource_name()
            contact.save_row(update_fields=["resource"])

    def free_resource_name(self, name: str) -> None:
        """Take the name away from a contact in the trash: it gets one of its own, under which it can come back."""
        holder = Contact.objects.trash_of(self.user_id).by_resource_name(name)
        if holder:
            holder.resource = new_resource_name()
            holder.save_row(update_fields=["resource"])

    def purge(self, contact: Contact) -> None:
        """Erase a contact in the trash and the contents of its changes. The log still says that it existed."""
        changes = Change.objects.for_user(self.user_id).of(contact.pk)
        self.bytes -= contact.size + changes.sizes_by_book().get(self.user_id, 0)
        changes.erase_contents()
        self.log(contact, Change.Kind.PURGED, None)
        self.pending[contact.pk].ceased = contact.resource_name
        models.Model.delete(contact)

    def write(self, contact: Contact, kind: Change.Kind, before: jscontact.Card | None) -> Contact:
        """Save the contact's row and log the change."""
        size = jscontact.size(before) if before else 0
        self.check_portion(contact.size + size)
        is_new = contact.pk is None
        if not is_new:
            self.etags_before.setdefault(contact.pk, contact.etag)
        pending = self.pending.get(contact.pk) if not is_new else None
        contact.revision = pending.number if pending else self.sequence + 1
        contact.updated_at = timezone.now()
        contact.save_row(force_insert=is_new, force_update=not is_new)
        if is_new:
            self.count(contact, 1, contact.size)
        self.log(contact, kind, before, size)
        # While a restored contact was in the trash, its groups may have been deleted.
        known = before.get("keywords") if before and kind != Change.Kind.RESTORED else None
        self.new_keywords |= set(contact.card.get("keywords") or ()) - set(known or ())
        return contact

    def check_quota(self) -> None:
        if self.quota is not None and self.bytes >= self.quota:
            raise QuotaExceededError

    def check_portion(self, size: int) -> None:
        """Add bytes to what this transaction has read and written; TooLargeError beyond PORTION, which bounds both."""
        self.written += size
        if self.written > PORTION:
            raise TooLargeError(TOO_LARGE)

    def count(self, contact: Contact, live: int, size: int) -> None:
        self.bytes += size
        if contact.kind == Contact.Kind.INDIVIDUAL:
            self.live += live

    def log(self, contact: Contact, kind: Change.Kind, before: jscontact.Card | None, size: int = 0) -> None:
        """Add a change of the contact, or combine it with the one of the same transaction."""
        change = Change(
            book_id=self.user_id,
            number=self.sequence + 1,
            operation=self.operation,
            contact_id=contact.pk,
            kind=kind.value,
            via=self.via,
            client=self.client,
            source=self.source,
            before=before,
            size=size,
        )
        if pending := self.pending.get(contact.pk):
            pending.combine(change)
        else:
            self.pending[contact.pk] = change
            self.sequence += 1

    def save_changes(self) -> None:
        """Write the log, the counters and new groups; the last step before the commit."""
        if not self.pending:
            return
        self.bytes += sum(change.size for change in self.pending.values())
        Change.objects.bulk_create(self.pending.values(), batch_size=500)
        self.save(update_fields=self.COUNTERS)
        self.create_missing_groups()

    def create_missing_groups(self) -> None:
        """Create a group for every keyword that has none."""
        names = sorted(self.new_keywords - {jscontact.FAVOURITE})
        if names:
            groups = [Group(user_id=self.user_id, name=name) for name in names]
            Group.objects.bulk_create(groups, ignore_conflicts=True, batch_size=500)

    def current_etags(self, contact: Contact) -> list[str]:
        """Return the contact's tag, and the one from before this transaction, if it was written in it."""
        before = self.etags_before.get(contact.pk)
        return [contact.etag, *([before] if before else [])]
