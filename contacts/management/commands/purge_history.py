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
from contacts.avatars import image as avatars
from contacts.models import Book, Change, Contact, FirstAnswer

PICTURE = re.compile(r"[0-9a-f]{32}\.jpg")
UNDER_WAY = timedelta(days=1)  # a picture is kept before the contact that shows it is


class Command(BaseCommand):
    """People were told for how long their old data are kept, and a log of contents grows without end."""

    help = (
        "Erases what has lain in the trash, and forgets the old contents of changes, for longer than HISTORY_DAYS; "
        "and then answers kept for repeated requests, and pictures that nothing shows any more."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say how many, and change nothing")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        moment = timezone.now() - timedelta(days=settings.HISTORY_DAYS)
        trash = Contact.objects.trashed_before(moment)
        contents = Change.objects.with_contents_before(moment)
        answers = FirstAnswer.objects.expired()
        if dry_run:
            self.stdout.write(f"{trash.count():,} contacts would be erased from the trash.")
            self.stdout.write(f"{contents.count():,} changes would lose their contents.")
            self.stdout.write(f"{answers.count():,} answers would be deleted.")
            self.stdout.write(f"{len(unused_pictures(moment)):,} pictures would be deleted.")
            return
        erased = in_batches(self, trash, lambda keys: erase(keys, moment))
        self.stdout.write(f"{erased:,} contacts were erased from the trash.")
        forgotten = in_batches(self, contents, lambda keys: contents.filter(pk__in=keys).forget())
        self.stdout.write(f"{forgotten:,} changes lost their contents.")
        deleted = in_batches(self, answers, lambda keys: answers.filter(pk__in=keys).delete()[0])
        self.stdout.write(f"{deleted:,} answers were deleted.")
        pictures = unused_pictures(moment)
        for name in pictures:
            avatars.discard(storages["avatars"].url(name))
        self.stdout.write(f"{len(pictures):,} pictures were deleted.")


def erase(contact_ids: list[int], moment: datetime) -> int:
    erased = 0
    contacts = Contact.objects.filter(pk__in=contact_ids)
    for owner in contacts.order_by().values_list("user_id", flat=True).distinct():
        with Book.objects.writing(owner, "command", "purge_history") as book:
            # Looked at again in the locked book: one may have been taken out at this very moment.
            for contact in contacts.trash_of(owner).trashed_before(moment):
                book.purge(contact)
                erased += 1
    return erased


def unused_pictures(moment: datetime) -> set[str]:
    """Names of ours that stand in no card, live, in the trash or in the log, but those that are due themselves."""
    try:
        unused = set(avatars.kept_before(timezone.now() - UNDER_WAY))
    except OSError as error:
        raise CommandError(f"Pictures cannot be listed at the moment: {error}") from error
    if unused:
        cards = Contact.objects.exclude(pk__in=Contact.objects.trashed_before(moment)).values_list("card", flat=True)
        contents = Change.objects.filter(before__isnull=False, at__gte=moment).values_list("before", flat=True)
        unused -= set(named_in(chain(cards.iterator(), contents.iterator())))
    return unused


def named_in(cards: Iterable[Any]) -> Iterator[str]:
    for card in cards:
        yield from PICTURE.findall(json.dumps(card))
