"""Opening books for writing, their versions, and what is done to the books of several owners."""

import contextlib
import secrets
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection, models, transaction
from django.db.models import F
from django.db.models.functions import Greatest

from contacts.cards.keys import keys_of
from contacts.models.change import ChangeQuerySet
from contacts.models.contact import Contact
from contacts.models.idempotency import IdempotencyRecord, IdempotencyRecordQuerySet
from contacts.models.key import ContactKey
from contacts.models.picture import Picture
from contacts.models.uploaded_avatar import UploadedAvatar

if TYPE_CHECKING:
    from contacts.models.book import Book


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

    def of(self, user_id: int) -> "Book | None":
        """Return the owner's book for reading; None before the first write."""
        return self.filter(pk=user_id).first()

    def version(self, user_id: int) -> Version:
        """Return the version of the owner's book; zeros before the first write."""
        with connection.cursor() as cursor:
            cursor.execute(VERSION, [user_id])
            row = cursor.fetchone()
        return Version(*(row or (0,) * len(Version._fields)))

    def lock(self, owners: models.QuerySet[Any, Any]) -> None:
        """Lock the books of these owners: before any of their rows, as every writer does, so that none deadlock."""
        list(self.select_for_update().filter(pk__in=owners).order_by("pk").values_list("pk"))

    def refold(self, contact_ids: list[int]) -> int:
        """Derive the columns of these contacts from their cards again; return how many differed.

        The log gets no change: the cards stay the same, and so do clients' copies.
        """
        stale, growth = [], Counter[int]()
        with transaction.atomic():
            contacts = Contact.objects.filter(pk__in=contact_ids)
            self.lock(contacts.order_by().values("user").distinct())
            keys = ContactKey.objects.by_contact(contact_ids)
            for contact in contacts.select_for_update():
                size = contact.size
                ContactKey.objects.replace([(contact, keys[contact.pk])])
                if contact.refold() or keys[contact.pk] != keys_of(contact.card):
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

    def delete_picture(self, name: str, before: datetime) -> None:
        """Delete the rows of a picture that no card names any more, and lower its owner's byte count.

        One that came in again since `before` stays: its card may have been written meanwhile.
        """
        with transaction.atomic():
            for stored in (Picture.objects, UploadedAvatar.objects):
                pictures: Any = stored.stored_before(before).filter(name=name)
                self.lock(pictures.values("user"))
                for owner, size in pictures.values_list("user", "size"):
                    if pictures.delete()[0]:
                        self.filter(pk=owner).update(bytes=F("bytes") - size)

    def is_full(self, user_id: int) -> bool:
        """Return whether the account has used its quota."""
        quota = settings.ACCOUNT_QUOTA
        return quota is not None and self.filter(pk=user_id, bytes__gte=quota).exists()

    def add_answer(self, record: IdempotencyRecord) -> None:
        """Count a stored answer for the quota of its owner."""
        self.filter(pk=record.user_id).update(bytes=F("bytes") + record.size)

    def delete_answers(self, answers: IdempotencyRecordQuerySet) -> int:
        """Delete these answers and lower the byte counts of their owners; return how many there were."""
        with transaction.atomic():
            self.lock(answers.order_by().values("user").distinct())
            for owner, size in answers.sizes_by_owner().items():
                self.filter(pk=owner).update(bytes=F("bytes") - size)
            return answers.delete()[0]

    def begin_new_epoch(self, moment: datetime) -> None:
        """Renew the numbers after a restore from a backup, so that no number of the lost history is used again.

        A client with an older number must read everything again. The new numbers begin at the clock, in microseconds
        since 1970, which is higher than every number of the lost history: no book counts as fast.
        """
        now = int(moment.timestamp() * 1_000_000)
        owners = get_user_model().objects.using(self.db)
        without = list(owners.filter(book=None).values_list("pk", flat=True))
        self.bulk_create((self.model(user_id=pk) for pk in without), batch_size=1000)  # they may have had one before
        later = Greatest(F("sequence") + 1, now)
        self.update(sequence=later, resync_below=later, epoch=new_epoch())
