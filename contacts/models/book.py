"""The address book of an owner: every write of a contact goes through it and is logged."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Sum
from django.utils import timezone

from contactbook.exceptions import QuotaExceededError, TooLargeError
from contacts.avatars.references import name_of
from contacts.cards import jscontact
from contacts.models.book_manager import BookManager, new_epoch
from contacts.models.change import Change
from contacts.models.contact import PORTION, Contact
from contacts.models.group import Group
from contacts.models.key import ContactKey
from contacts.models.picture import Picture, Prepared
from contacts.models.resource_names import new_resource_name
from contacts.models.rows import Rows
from contacts.models.uploaded_avatar import UploadedAvatar

TOO_LARGE = f"That would read and write more than {PORTION >> 20} MB of contacts at once. Write fewer."


class Book(models.Model):
    """An owner's counters and, between `begin` and `save_changes`, the writer of their contacts."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="book"
    )
    sequence = models.BigIntegerField(default=0)  # the number of the newest change
    live = models.PositiveIntegerField(default=0)  # contacts outside the trash, without group cards
    # Those that count for the quota: of cards, contents of changes, pictures, answers and imports.
    bytes = models.BigIntegerField(default=0)
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
        self.rows = Rows()
        self.operation = self.sequence + 1
        self.pending: dict[int, Change] = {}  # by contact
        self.etags_before: dict[int, str] = {}  # of contacts that were written, by id
        self.new_keywords: set[str] = set()

    def load(self, contact_ids: set[int]) -> None:
        """Read contacts with one statement, for the first `get` of each. What is written then is saved together."""
        contacts = Contact.objects.for_user(self.user_id).filter(pk__in=contact_ids)
        if (contacts.aggregate(size=Sum("size"))["size"] or 0) > PORTION:
            raise TooLargeError(TOO_LARGE)
        self.rows.load(contacts)

    def save_together(self) -> None:
        """Save what is written from now on together, although it was not read by `load`."""
        self.rows.together = True

    def get(self, contact_id: int) -> Contact:
        contact = self.rows.take(contact_id) or Contact.objects.for_user(self.user_id).by_id(contact_id)
        self.check_portion(contact.size)
        return contact

    def get_all(self, contact_ids: list[int]) -> list[Contact]:
        """Return the contacts in that order; NotFoundError if one is not there."""
        self.load(set(contact_ids))
        return [self.get(contact_id) for contact_id in contact_ids]

    def get_from_trash(self, contact_id: int) -> Contact:
        return Contact.objects.trash_of(self.user_id).by_id(contact_id)

    def create(self, card: jscontact.Card, uid: str = "", resource: str | None = None) -> Contact:
        """Create a contact; with a new uid unless one is given, and the name of its CardDAV resource if it has one."""
        contact = Contact(user_id=self.user_id, created_at=timezone.now(), resource=resource)
        contact.uid = uid or contact.uid
        contact.set_card(card)
        self.check_quota()
        self.write(contact, Change.Kind.CREATED, None)
        ContactKey.objects.add([contact])
        if uid and not resource:
            self.make_resource_names_unique([contact])
        return contact

    def add_pictures(self, prepared: Iterable[Prepared]) -> dict[str, str]:
        """Store pictures from inside cards; return the reference for each one's `uri`. They count for the quota."""
        stored, size = Picture.objects.store(self.user_id, prepared)
        if size:
            self.check_quota()
            self.bytes += size
            self.save(update_fields=["bytes"])  # also if no contact is written
        return stored

    def create_many(self, cards: list[jscontact.Card], uids: list[str] | None = None) -> list[Contact]:
        """Create a contact for each card, with a few statements for all; an empty uid means a new one."""
        now = timezone.now()
        contacts = [Contact(user_id=self.user_id, created_at=now, updated_at=now) for _ in cards]
        for contact, uid in zip(contacts, uids or [], strict=bool(uids)):
            contact.uid = uid or contact.uid
        for number, (contact, card) in enumerate(zip(contacts, cards, strict=True), self.sequence + 1):
            contact.set_card(card)
            contact.revision = number
            self.new_keywords |= set(card.get("keywords") or ())
        created = models.QuerySet[Contact, Contact](Contact).bulk_create(contacts, batch_size=500)
        ContactKey.objects.add(created)
        if uids:
            self.make_resource_names_unique(created)
        for contact in created:
            self.log(contact, Change.Kind.CREATED, None)
            self.count(contact, 1, contact.size)
        return created

    def change(self, contact: Contact, flat: dict[str, Any]) -> Contact:
        """Set flat fields and leave the rest of the card as it is."""
        return self.put_card(contact, jscontact.with_flat(contact.card, flat))

    def set_avatar(self, contact: Contact, reference: str, size: int) -> Contact:
        """Give the contact an uploaded avatar, whose file has that many bytes. They count for the quota."""
        self.check_quota()
        UploadedAvatar.objects.create(user_id=self.user_id, name=name_of(reference), size=size)
        self.bytes += size
        return self.change(contact, {"avatar": reference})

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

    def make_resource_names_unique(self, contacts: list[Contact]) -> None:
        """Give new contacts names of their own where the name that a uid or id makes is another one's, too."""
        names = {contact.resource_name for contact in contacts}
        rows = Contact.objects.all_of(self.user_id).only("uid", "resource")
        held = Counter(row.resource_name for row in rows.with_resource_names(names))
        for contact in contacts:
            if held[contact.resource_name] > 1:
                held[contact.resource_name] -= 1
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
        if is_new:
            contact.save_row(force_insert=True)
            self.count(contact, 1, contact.size)
        else:
            self.rows.save(contact, before)
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
        self.rows.save_unsaved()
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
