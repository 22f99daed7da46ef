"""The report about each entry of an import's file."""

from collections.abc import Iterable
from typing import Any, Self

from django.db import models
from django.db.models import Min

from contacts.cards.jscontact import FULL_NAME

DELETED = 10_000  # rows by one statement


class ImportEntryQuerySet(models.QuerySet["ImportEntry"]):
    def of(self, import_id: int) -> Self:
        return self.filter(job=import_id)

    def before(self, number: int) -> Self:
        return self.filter(number__lt=number)

    def with_status(self, status: str) -> Self:
        return self.filter(status=status) if status else self

    def written(self) -> Self:
        return self.filter(done__in=[ImportEntry.Done.ADDED, ImportEntry.Done.CHANGED])

    def first_of_each(self, column: str, values: Iterable[str]) -> dict[str, "ImportEntry"]:
        """Return the first entry with each of the values in the column."""
        same = self.filter(**{f"{column}__in": list(values)}).order_by()
        numbers = same.values(column).annotate(first=Min("number")).values_list("first", flat=True)
        return {getattr(entry, column): entry for entry in self.filter(number__in=list(numbers)).defer("fields")}

    def about(self, contact_ids: Iterable[int]) -> dict[int, bool]:
        """Return those of the contacts that an entry is about, and whether it added that contact."""
        rows = self.filter(contact_id__in=list(contact_ids)).order_by().values_list("contact_id", "done")
        found: dict[int, bool] = {}
        for contact_id, done in rows:
            found[contact_id] = found.get(contact_id, False) or done == ImportEntry.Done.ADDED
        return found

    def mark(self, done: str, contact_ids: Iterable[int], reason: str | None = None) -> None:
        """Mark the entries that wrote these contacts."""
        self.written().filter(contact_id__in=list(contact_ids)).update(done=done, reason=reason)

    def delete_in_portions(self) -> None:
        """Delete them by several statements, of which none takes long."""
        last = self.order_by("-number").values_list("number", flat=True).first() or 0
        for start in range(0, last + 1, DELETED):
            self.filter(number__gte=start, number__lt=start + DELETED).delete()


class ImportEntry(models.Model):
    """What an entry of a file is to the address book, and what was done with it."""

    class Status(models.TextChoices):
        NEW = "new"
        SAME = "same"
        CHANGES = "changes"
        FAILED = "failed"

    class Done(models.TextChoices):
        ADDED = "added"
        CHANGED = "changed"
        LEFT = "left"
        UNDONE = "undone"
        CONFLICT = "conflict"

    # It needs no index: those below begin with it.
    job = models.ForeignKey("contacts.Import", on_delete=models.CASCADE, related_name="+", db_index=False)
    number = models.PositiveIntegerField()  # in the file's order, from 1
    line = models.PositiveIntegerField(null=True)  # where it begins, from 1
    status = models.CharField(max_length=7, choices=Status)
    done = models.CharField(max_length=8, choices=Done, null=True)
    fullname = models.CharField(max_length=FULL_NAME, default="")
    contact_id = models.BigIntegerField(null=True)
    fields: Any = models.JSONField(default=dict)
    notes = models.JSONField(default=list)
    reason = models.CharField(max_length=500, null=True)
    uid = models.CharField(max_length=255, default="")  # of the card, or a digest of a longer one
    digest = models.CharField(max_length=64, default="")  # equal for cards that are equal in everything
    is_group = models.BooleanField(default=False)
    size = models.PositiveIntegerField(default=0)  # bytes that are counted for the quota

    objects = ImportEntryQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="import_entry_unique_per_import")]
        indexes = [
            models.Index(fields=["job", "status", "number"], name="import_entry_status"),
            models.Index(fields=["job", "uid", "number"], name="import_entry_uid"),
            models.Index(fields=["job", "digest", "number"], name="import_entry_digest"),
            models.Index(fields=["job", "contact_id"], name="import_entry_contact"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.fullname}"
