"""The steps of an import: reading, applying, undoing. Each goes on where another process left it."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import Sum
from django.utils import timezone

from accounts.models import User
from contactbook.exceptions import QuotaExceededError, TooLargeError
from contacts import history
from contacts.cards.jscontact_file import NoJSONError
from contacts.cards.vcard import Entry, UnknownEncodingError
from contacts.importing import groups, readers
from contacts.importing.items import Item, PortionSize, portions
from contacts.importing.matching import Matcher
from contacts.importing.readers import Bytes, Choices, UnreadableFileError
from contacts.importing.writing import Done, Writer
from contacts.models import Book, Change, Contact, Import, ImportEntry, Picture
from contacts.models.imports import ImportQuerySet, LeaseLost
from contacts.models.picture import Prepared

logger = logging.getLogger(__name__)

VIA = "import"
MOST_ENTRIES = 100_000
SQLITE_SECONDS = 0.1  # that a portion should take where others cannot write meanwhile
MOST_PAUSE = 0.2  # seconds
PICTURES, WATCHED = 8, 500  # pictures that are prepared, and entries that are read, between two checks of the lease
FRESH_LEASE = 20  # seconds; a lease that lasts longer is not extended
UNDO_PORTION, UNDO_BYTES = 500, 8 * 1024 * 1024  # contacts, and bytes of cards
TOO_MANY = f"The file has more than {MOST_ENTRIES:,} entries."
NO_ENTRIES = "The file holds no card."
UNEXPECTED = "This import met an error of the server and was stopped."
NOT_STORED = "The file is not stored here. Import it again."
GIVEN_UP = "This import could not be continued."
CHANGED_SINCE = "The contact was changed since."


class Stopped(Exception):
    """The process ends; any process may continue the step."""


class Run:
    """One process's work on a step of an import."""

    def __init__(
        self, job: Import, stop: threading.Event, file: Bytes | None = None, shown: Callable[[], None] | None = None
    ) -> None:
        self.job, self.stop = job, stop
        self.file = file or job.file
        self.shown = shown
        self.bounded = file is None  # a command reads files of any size, for accounts of any size
        self.size = PortionSize()
        if connection.vendor == "sqlite":
            self.size = PortionSize(50, SQLITE_SECONDS)

    def step(self, policy: str = "") -> None:
        """Do what is left of the step, and end it, with `failed` if it cannot be done.

        With a policy a file is read and applied at once.
        """
        with suppress(LeaseLost):
            try:
                self.work_on_step(policy)
            except Stopped:
                self.job.release()
            except (UnreadableFileError, NoJSONError, QuotaExceededError) as error:
                self.fail(str(error))
            except UnknownEncodingError:
                self.fail("The encoding is not known.")
            except (DatabaseError, LeaseLost):
                raise
            except Exception:
                logger.exception("Import %s failed", self.job.pk)
                self.fail(UNEXPECTED)

    def work_on_step(self, policy: str) -> None:
        job = self.job
        if job.attempts > Import.MOST_ATTEMPTS:
            self.fail(GIVEN_UP)
        elif job.status == Import.Status.UNDOING:
            self.undo()
        elif self.file == job.file and not job.is_stored:
            self.fail(NOT_STORED)
        else:
            self.read_or_apply(policy)

    def fail(self, error: str) -> None:
        if self.job.status == Import.Status.READING:
            self.job.count_entries()
        self.job.fail(error)

    # Reading and applying

    def read_or_apply(self, policy: str) -> None:
        """Work through the file."""
        job = self.job
        self.policy = job.policy if job.status == Import.Status.APPLYING else policy
        self.matcher = Matcher(job.user_id, job.pk, User.objects.values_list("region", flat=True).get(pk=job.user_id))
        self.groups = groups.GroupCards(job)
        opened = readers.opened(job.format, self.file, Choices(job.encoding, job.mapping, job.date_order))
        last = 0
        for portion in portions(self.watched(opened.entries), job.position, self.size):
            last = portion[-1].number
            if self.bounded and last > MOST_ENTRIES and job.total is None:
                raise UnreadableFileError(TOO_MANY)
            self.work(self.groups.take(portion))
        self.work_on_groups()
        self.end_file(max(last, job.position), opened)

    def end_file(self, total: int, opened: readers.Opened) -> None:
        job = self.job
        if not total:
            raise UnreadableFileError(NO_ENTRIES)
        if job.total is None:
            job.count_entries()
        facts: dict[str, Any] = opened.facts() if job.status == Import.Status.READING else {}
        status = Import.Status.APPLIED if self.policy else Import.Status.READY
        job.end(status, position=total, total=total, policy=self.policy, **facts)

    def work(self, items: list[Item]) -> None:
        """Report on a portion, and write it; in halves where it is too large for one transaction."""
        if not items:
            return
        try:
            self.write(items)
        except TooLargeError as error:
            if len(items) == 1:
                items[0].card, items[0].reason = None, str(error)
                self.write(items)
                return
            half = len(items) // 2
            self.work(items[:half])
            self.work(items[half:])

    def write(self, items: list[Item]) -> None:
        prepared = self.prepare(items)
        with self.portion() as book:
            writer = Writer(self.job.pk, self.matcher, book, self.policy, prepared)
            old = ImportEntry.objects.of(self.job.pk).filter(number__in=[item.number for item in items])
            counts = Counter(old.order_by().values_list("status", flat=True))
            old.delete()
            rows = writer.work(items)
            self.save_progress(items[-1].number, rows, counts)

    def prepare(self, items: list[Item]) -> dict[str, Prepared]:
        """Return the pictures of the items, decoded, which takes time; read uploaded ones that they may equal."""
        pictures = {picture.reference: picture for item in items if item.card for picture in item.pictures}
        if not pictures:
            return {}
        readable = [item for item in items if item.card and item.pictures]
        self.matcher.match(readable, read_uploads=True)
        prepared: dict[str, Prepared] = {}
        each = list(pictures.values()) if self.policy else []
        for start in range(0, len(each), PICTURES):
            some = Picture.objects.prepare(self.job.user_id, each[start : start + PICTURES])
            prepared |= {picture.reference: picture for picture in some}
            self.extend_lease()
        return prepared

    def watched(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Yield the entries; extend the lease meanwhile, since many may have been worked on before."""
        for number, entry in enumerate(entries):
            if number % WATCHED == 0:
                self.extend_lease()
            yield entry

    def extend_lease(self) -> None:
        if self.stop.is_set():
            raise Stopped
        assert self.job.lease_until
        if (self.job.lease_until - timezone.now()).total_seconds() < FRESH_LEASE:
            self.job.save_leased(lease_until=timezone.now() + ImportQuerySet.LEASE)

    @contextmanager
    def portion(self) -> Iterator[Book | None]:
        """Open a transaction, with the book if contacts are written; then let others write, and stop if asked to."""
        started = time.monotonic()
        if self.policy:
            with self.writing(source=self.job.pk) as book:
                yield book
        else:
            with transaction.atomic():
                yield None
        self.pause(time.monotonic() - started)

    def writing(self, source: int | None) -> Any:
        """Open the book. The quota bounds what has the import as its source, but neither undo nor a command."""
        quota = source is not None and self.bounded
        return Book.objects.writing(self.job.user_id, VIA, self.job.client, source, quota=quota)

    def pause(self, seconds: float) -> None:
        self.size.took(seconds)
        if self.shown:
            self.shown()
        wait = min(seconds, MOST_PAUSE) if connection.vendor == "sqlite" else 0
        if self.stop.wait(wait):
            raise Stopped

    def save_progress(self, position: int, rows: list[ImportEntry], before: Counter[str]) -> None:
        after = Counter(row.status for row in rows)
        counts = {name: getattr(self.job, name) + after[name] - before[name] for name in Import.COUNTS}
        self.job.save_progress(position=max(position, self.job.position), **counts)

    # Groups

    def work_on_groups(self) -> None:
        """Report on the groups of the file, and write them, now that every member is known."""
        for item in self.groups.items:
            if item.card is None:
                self.write([item])
                continue
            row = groups.report(self.job, item)
            while self.policy and groups.writes(row, self.policy) and self.write_members(item):
                pass
            with self.portion() as book:
                old = ImportEntry.objects.of(self.job.pk).filter(number=item.number)
                counts = Counter(old.values_list("status", flat=True))
                old.delete()
                if book:
                    groups.finish(book, row, self.policy)
                row.save(force_insert=True)
                self.save_progress(item.number, [row], counts)

    def write_members(self, item: Item) -> bool:
        with self.portion() as book:
            assert book
            book.check_quota()
            written = groups.write_portion(book, self.job, item)
            self.job.save_progress()
        return written

    # Undoing

    def undo(self) -> None:
        """Take back what the import wrote, contact by contact."""
        changes = Change.objects.for_user(self.job.user_id).by_source(VIA, self.job.pk)
        while True:
            later = changes.filter(contact_id__gt=self.job.undo_after).order_by("contact_id")
            ids = list(later.values_list("contact_id", flat=True).distinct()[: min(self.size.entries, UNDO_PORTION)])
            if not ids:
                break
            self.undo_portion(self.fitting(ids))
        written = ImportEntry.objects.of(self.job.pk).written()
        written.filter(is_group=True).update(done=Done.UNDONE)
        self.job.end(Import.Status.UNDONE, position=self.job.total or 0)

    def fitting(self, ids: list[int]) -> list[int]:
        """Return the first of the contacts, as many as one transaction may read and write."""
        changes = Change.objects.for_user(self.job.user_id).by_source(VIA, self.job.pk).filter(contact_id__in=ids)
        before = dict(changes.order_by().values_list("contact_id").annotate(Sum("size")))
        now = dict(Contact.objects.all_of(self.job.user_id).filter(pk__in=ids).values_list("pk", "size"))
        total = 0
        for index, contact_id in enumerate(ids):
            total += before.get(contact_id, 0) + now.get(contact_id, 0)
            if total > UNDO_BYTES and index:
                return ids[:index]
        return ids

    def undo_portion(self, ids: list[int]) -> None:
        started = time.monotonic()
        entries = ImportEntry.objects.of(self.job.pk)
        with self.writing(source=None) as book:
            steps = history.plan_source(book, VIA, self.job.pk, ids)
            for step in steps:
                step.apply(book)
            conflicts = [step.contact_id for step in steps if step.conflict]
            entries.mark(Done.CONFLICT, conflicts, CHANGED_SINCE)
            entries.mark(Done.UNDONE, [step.contact_id for step in steps if not step.conflict])
            position = entries.filter(done__in=[Done.UNDONE, Done.CONFLICT]).count()
            self.job.save_progress(undo_after=ids[-1], position=position)
        self.pause(time.monotonic() - started)
