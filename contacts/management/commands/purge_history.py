import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from django.conf import settings
from django.core.files.storage import storages
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from contactbook.db.batches import in_batches
from contactbook.exceptions import ConflictError, NotFoundError
from contacts.avatars import storage
from contacts.models import Book, Change, Contact, IdempotencyRecord, Import, Picture, UploadedAvatar

PICTURE = re.compile(r"[0-9a-f]{32}\.jpg|(?<=/media/pictures/)[0-9a-f]{32}")
IN_PROGRESS = timedelta(days=1)  # newer pictures stay: a picture is stored before its contact is written


class Command(BaseCommand):
    """Erases old data, as users were promised, and so that the log does not grow without limit."""

    help = (
        "Erases contacts that have been in the trash, and the contents of changes, for longer than HISTORY_DAYS; "
        "deletes expired answers to requests with an Idempotency-Key, imports 30 days after their last step, and "
        "pictures that no contact uses any more."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="show how many, and change nothing")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        moment = timezone.now() - timedelta(days=settings.HISTORY_DAYS)
        trash = Contact.objects.trashed_before(moment)
        contents = Change.objects.with_contents_before(moment)
        answers = IdempotencyRecord.objects.expired()
        if dry_run:
            self.stdout.write(f"{trash.count():,} contacts would be erased from the trash.")
            self.stdout.write(f"{contents.count():,} changes would lose their contents.")
            self.stdout.write(f"{answers.count():,} answers would be deleted.")
            self.stdout.write(f"{Import.objects.expired().count():,} imports would be deleted.")
            self.stdout.write(f"{len(unused_pictures(moment)):,} pictures would be deleted.")
            return
        erased = in_batches(self, trash, lambda keys: erase_contacts(keys, moment))
        self.stdout.write(f"{erased:,} contacts were erased from the trash.")
        emptied = in_batches(self, contents, lambda keys: Book.objects.erase_contents(contents.filter(pk__in=keys)))
        self.stdout.write(f"{emptied:,} changes lost their contents.")
        deleted = in_batches(self, answers, lambda keys: Book.objects.delete_answers(answers.filter(pk__in=keys)))
        self.stdout.write(f"{deleted:,} answers were deleted.")
        forgotten = in_batches(self, Import.objects.expired(), forget_imports)
        self.stdout.write(f"{forgotten:,} imports were deleted.")
        stored_before = timezone.now() - IN_PROGRESS
        pictures = unused_pictures(moment)
        for name in pictures:
            storage.delete(storages["avatars"].url(name))
            Book.objects.delete_picture(name, stored_before)
        self.stdout.write(f"{len(pictures):,} pictures were deleted.")


def erase_contacts(contact_ids: list[int], moment: datetime) -> int:
    erased = 0
    contacts = Contact.objects.filter(pk__in=contact_ids)
    for owner in contacts.order_by().values_list("user_id", flat=True).distinct():
        with Book.objects.writing(owner, "command", "purge_history") as book:
            # Read again from the locked book: a contact may have been restored meanwhile.
            for contact in contacts.trash_of(owner).trashed_before(moment):
                book.purge(contact)
                erased += 1
    return erased


def forget_imports(import_ids: list[int]) -> int:
    """Delete the files and reports of imports. One that has begun a step meanwhile stays."""
    forgotten = 0
    for user_id, import_id in Import.objects.expired().filter(pk__in=import_ids).values_list("user", "pk"):
        try:
            Import.objects.forget(user_id, import_id)
            forgotten += 1
        except (ConflictError, NotFoundError):
            continue
    return forgotten


def unused_pictures(moment: datetime) -> set[str]:
    """Return the names of pictures in no card: of a contact, the trash or the log, as far as that is not erased too."""
    try:
        unused = set(storage.stored_before(timezone.now() - IN_PROGRESS))
    except OSError as error:
        raise CommandError(f"Pictures cannot be listed at the moment: {error}") from error
    embedded = Picture.objects.stored_before(timezone.now() - IN_PROGRESS)
    uploaded = UploadedAvatar.objects.stored_before(timezone.now() - IN_PROGRESS)
    unused |= set(embedded.values_list("name", flat=True)) | set(uploaded.values_list("name", flat=True))
    if unused:
        cards = Contact.objects.exclude(pk__in=Contact.objects.trashed_before(moment)).values_list("card", flat=True)
        contents = Change.objects.filter(before__isnull=False, at__gte=moment).values_list("before", flat=True)
        unused -= set(pictures_in(chain(cards.iterator(), contents.iterator())))
    return unused


def pictures_in(cards: Iterable[Any]) -> Iterator[str]:
    for card in cards:
        yield from PICTURE.findall(json.dumps(card))
