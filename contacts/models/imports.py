"""Imports: files of cards that were uploaded, the report about each of their entries, and who works on them."""

import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import F, Q, Sum
from django.utils import timezone

from contactbook.db.fields import MAX_BIGINT
from contactbook.exceptions import ConflictError, NotFoundError, QuotaExceededError
from contacts.models.book import Book
from contacts.models.import_entry import ImportEntry

if TYPE_CHECKING:
    from contacts.importing.uploads import Upload

Piece = bytes  # of a file
wakeup = threading.Event()  # set when this process has begun a step, for its import thread

CHUNK = 1024 * 1024  # bytes
MOST_UNDER_WAY = 5  # imports of one account with a step that has begun
MOST_BYTES = 250_000_000  # of the files of one account
ROW_BYTES = 1000  # that an import counts for beside its file and entries
NOT_FOUND = "Import was not found"
UNDER_WAY = "A step of this import is under way. Wait until it has ended."


class ImportQuerySet(models.QuerySet["Import"]):
    LEASE = timedelta(seconds=30)  # each portion extends it; after it another process continues
    LIFETIME = timedelta(days=30)  # after the last step

    def for_user(self, user_id: int) -> Self:
        return self.filter(user=user_id)

    def by_id(self, import_id: int) -> "Import":
        found = self.filter(pk=import_id).first() if abs(import_id) <= MAX_BIGINT else None
        if found is None:
            raise NotFoundError(NOT_FOUND)
        return found

    def locked(self, import_id: int) -> "Import":
        return self.select_for_update().by_id(import_id)

    def under_way(self) -> Self:
        return self.filter(status__in=Import.STEPS)

    def expired(self) -> Self:
        return self.exclude(status__in=Import.STEPS).filter(changed_at__lt=timezone.now() - self.LIFETIME)

    def receive(self, user_id: int, upload: "Upload") -> "Import":
        """Store an uploaded file and begin to read it; ConflictError or QuotaExceededError where there is no room."""
        with transaction.atomic():
            book, _ = Book.objects.select_for_update().get_or_create(user_id=user_id)
            self.for_user(user_id).check_room(upload.size)
            if settings.ACCOUNT_QUOTA is not None and book.bytes + upload.size >= settings.ACCOUNT_QUOTA:
                raise QuotaExceededError
            size = upload.size + ROW_BYTES
            received = self.create(user_id=user_id, file_bytes=upload.size, bytes=size, **upload.fields)
            for number, data in enumerate(upload.chunks(CHUNK)):
                ImportChunk.objects.create(job=received, number=number, data=data)
            Book.objects.filter(pk=user_id).update(bytes=F("bytes") + size)
            transaction.on_commit(wakeup.set)
        return received

    def check_room(self, size: int) -> None:
        if self.under_way().count() >= MOST_UNDER_WAY:
            raise ConflictError(f"At most {MOST_UNDER_WAY} imports are under way at once. Wait until one has ended.")
        if (self.aggregate(total=Sum("file_bytes"))["total"] or 0) + size > MOST_BYTES:
            raise ConflictError(f"The files of imports have at most {MOST_BYTES // 10**6} MB. Delete an import.")

    def claim(self) -> "Import | None":
        """Return an import with a step to do, leased to the caller; None if there is none."""
        skip_locked = connection.features.has_select_for_update_skip_locked
        now = timezone.now()
        free = self.under_way().filter(Q(lease_until=None) | Q(lease_until__lt=now)).order_by("changed_at", "id")
        if not free.exists():  # so that an idle process takes no lock
            return None
        with transaction.atomic():
            job = free.select_for_update(skip_locked=skip_locked).first()
            if job:
                job.lease, job.lease_until = uuid.uuid4().hex, now + self.LEASE
                job.attempts += 1
                job.save(update_fields=["lease", "lease_until", "attempts"])
        return job

    def begin_here(self, user_id: int, **fields: Any) -> "Import":
        """Begin to read a file that only the caller has, who holds the lease."""
        lease_until = timezone.now() + self.LEASE
        with transaction.atomic():
            Book.objects.get_or_create(user_id=user_id)
            Book.objects.filter(pk=user_id).update(bytes=F("bytes") + ROW_BYTES)
            return self.create(
                user_id=user_id, bytes=ROW_BYTES, lease=uuid.uuid4().hex, lease_until=lease_until, **fields
            )

    def forget(self, user_id: int, import_id: int) -> None:
        """Delete the file and the report; ConflictError during a step."""
        with transaction.atomic():
            book = Book.objects.select_for_update().filter(pk=user_id)
            list(book)
            job = self.for_user(user_id).locked(import_id)
            if job.status in Import.STEPS:
                raise ConflictError(UNDER_WAY)
            book.update(bytes=F("bytes") - job.bytes)
            ImportEntry.objects.of(job.pk).delete_in_portions()
            job.delete()


class LeaseLost(Exception):
    """Another process works on the import, or it was deleted."""


class Import(models.Model):
    """A file of cards, and what was or would be done with it. Its steps are run by contacts/importing/runner.py."""

    class Status(models.TextChoices):
        READING = "reading"
        READY = "ready"
        APPLYING = "applying"
        APPLIED = "applied"
        UNDOING = "undoing"
        UNDONE = "undone"
        FAILED = "failed"

    class Policy(models.TextChoices):
        SKIP = "skip"
        FILL = "fill"
        REPLACE = "replace"
        KEEP_BOTH = "keep_both"

    STEPS = (Status.READING, Status.APPLYING, Status.UNDOING)
    MOST_ATTEMPTS = 5  # to continue a step without any progress
    COUNTS = ("new", "same", "changes", "failed")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="imports")
    filename = models.CharField(max_length=255)
    format = models.CharField(max_length=10)
    encoding = models.CharField(max_length=40, null=True)  # as given, or as found
    mapping = models.JSONField(null=True)  # of a table: column → target or null, as given
    date_order = models.CharField(max_length=3, null=True)
    columns = models.JSONField(null=True)
    question = models.CharField(max_length=20, null=True)
    client = models.CharField(max_length=200, default="")
    status = models.CharField(max_length=8, choices=Status, default=Status.READING)
    failed_step = models.CharField(max_length=8, default="")  # the step that failed, where the status is `failed`
    error = models.CharField(max_length=500, null=True)
    policy = models.CharField(max_length=9, default="")  # from the beginning of the step that writes
    position = models.PositiveIntegerField(default=0)  # entries that the step has worked on
    total = models.PositiveIntegerField(null=True)  # entries of the file, once it was read
    undo_after = models.BigIntegerField(default=0)  # the id of the last contact that the undo has worked on
    new = models.PositiveIntegerField(default=0)
    same = models.PositiveIntegerField(default=0)
    changes = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    file_bytes = models.PositiveBigIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)  # that are counted for the quota: the file and the entries
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)  # when the last step began or ended
    lease = models.CharField(max_length=32, default="")  # of the process that works on it
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)  # to continue the step, since it made progress

    objects = ImportQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["changed_at", "id"],
                name="import_steps",
                condition=Q(status__in=["reading", "applying", "undoing"]),
            )
        ]

    def __str__(self) -> str:
        return self.filename

    # Beginning steps, in requests

    def begin_applying(self, policy: str) -> None:
        """Begin to write contacts, or go on where the quota stopped it; ConflictError in another state."""
        goes_on = self.status == self.Status.FAILED and self.failed_step == self.Status.APPLYING
        if self.status not in (self.Status.READY, self.Status.UNDONE) and not goes_on:
            raise ConflictError("An import is applied once it is ready, or after it was undone.")
        self.begin(self.Status.APPLYING, policy=policy, **({} if goes_on else {"position": 0}))

    def begin_undoing(self) -> None:
        ended = self.status in (self.Status.APPLIED, self.Status.FAILED)
        if not ended or not self.policy:  # without a policy nothing was written
            raise ConflictError("An import is undone after it was applied.")
        self.begin(self.Status.UNDOING, position=0, undo_after=0)

    def begin(self, status: Status, **fields: Any) -> None:
        self.set(status=status, failed_step="", error=None, lease="", lease_until=None, attempts=0, **fields)
        transaction.on_commit(wakeup.set)

    def set(self, **fields: Any) -> None:
        for name, value in {**fields, "changed_at": timezone.now()}.items():
            setattr(self, name, value)
        self.save(update_fields=[*fields, "changed_at"])

    # Working on steps, in the thread of a process

    def save_progress(self, **fields: Any) -> None:
        """Write the fields and extend the lease; LeaseLost if the lease is another one's."""
        fields |= {"lease_until": timezone.now() + ImportQuerySet.LEASE, "attempts": 0}
        self.save_leased(**fields)

    def end(self, status: Status, **fields: Any) -> None:
        """End the step; another one may begin."""
        self.save_leased(status=status, lease="", lease_until=None, changed_at=timezone.now(), **fields)

    def fail(self, error: str) -> None:
        self.end(self.Status.FAILED, failed_step=self.status, error=error[:500])

    def release(self) -> None:
        """Let any process continue the step now."""
        self.save_leased(lease_until=None, attempts=0)

    def save_leased(self, **fields: Any) -> None:
        if not Import.objects.filter(pk=self.pk, lease=self.lease).update(**fields):
            raise LeaseLost
        for name, value in fields.items():
            setattr(self, name, value)

    def count_entries(self) -> None:
        """Count the report for the quota; the last step of reading. A repeat after an interruption changes nothing."""
        entries = ImportEntry.objects.of(self.pk).aggregate(total=Sum("size"))["total"] or 0
        size = ROW_BYTES + self.file_bytes + entries
        with transaction.atomic():  # the book first, as everywhere; LeaseLost rolls it back
            Book.objects.filter(pk=self.user_id).update(bytes=F("bytes") + size - self.bytes)
            self.save_leased(bytes=size)

    @property
    def is_stored(self) -> bool:
        return ImportChunk.objects.filter(job=self.pk).exists()

    def file(self) -> Iterator[Piece]:
        """Yield the file in pieces, each read when it is needed."""
        chunks = ImportChunk.objects.filter(job=self.pk).values_list("data", flat=True)
        number = 0
        while (data := chunks.filter(number=number).first()) is not None:
            yield Piece(data)
            number += 1

    @property
    def counts(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in self.COUNTS}

    @property
    def progress(self) -> dict[str, int | None]:
        return {"done": self.position, "total": self.total}


class ImportChunk(models.Model):
    """A piece of an import's file."""

    # It needs no index: the one of the constraint begins with it.
    job = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="+", db_index=False)
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="import_chunk_unique_per_import")]

    def __str__(self) -> str:
        return str(self.number)
