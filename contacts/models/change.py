"""The log of every write of a contact."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Count, Exists, Min, OuterRef, Q, Sum
from django.utils import timezone

from contactbook.db.fields import MAX_BIGINT
from contacts.models.contact import Contact
from contacts.models.resource_names import RESOURCE_LENGTH

CARDDAV = "carddav"  # the `via` of what a program with an app password wrote


class ChangeQuerySet(models.QuerySet["Change"]):
    def for_user(self, user_id: int) -> Self:
        return self.filter(book=user_id)

    def of(self, contact_id: int) -> Self:
        return self.filter(contact_id=contact_id)

    def count_by_app_password(self) -> dict[int, int]:
        """Return how many there are of each app password, by its id."""
        return dict(
            self.filter(via=CARDDAV, source__isnull=False).order_by().values_list("source").annotate(Count("pk"))
        )

    def by_source(self, via: str, source: int) -> Self:
        """Return those of one import or app password, which `via` tells apart."""
        return self.filter(via=via, source=source, source__isnull=False)

    def by_number(self, number: int) -> "Change | None":
        return self.filter(number=number).first() if abs(number) <= MAX_BIGINT else None

    def firsts(self) -> Self:
        """Return the first of each contact's changes among these."""
        numbers = self.order_by().values("contact_id").annotate(first=Min("number")).values("first")
        return self.filter(number__in=numbers).order_by("number")

    def not_undone(self) -> Self:
        """Return those whose contact is not as it was before the change, in its card or in being in the trash."""
        contact = Contact.objects.filter(user=OuterRef("book"), pk=OuterRef("contact_id"))
        live, in_trash = contact.filter(deleted_at=None), contact.filter(deleted_at__isnull=False)
        was_in_trash = Q(kind=Change.Kind.RESTORED)
        as_before = was_in_trash & Exists(in_trash.filter(card=OuterRef("before"))) | ~was_in_trash & Exists(
            live.filter(card=OuterRef("before"))
        )
        # A deletion without contents: the same transaction created the contact.
        created = Q(kind__in=(Change.Kind.CREATED, Change.Kind.DELETED), before__isnull=True)
        return self.filter(created & Exists(live) | Q(before__isnull=False) & Exists(contact) & ~as_before)

    def with_contents_before(self, moment: datetime) -> Self:
        """Return the changes of every owner from before then that still have their contents."""
        return self.filter(at__lt=moment, before__isnull=False)

    def sizes_by_book(self) -> dict[int, int]:
        """Return the bytes of contents, by owner."""
        return dict(self.order_by().values_list("book").annotate(Sum("size")))

    def erase_contents(self) -> int:
        """Erase the contents but not the changes; return how many. The caller lowers the byte counts of the books."""
        return self.update(before=None, size=0)


class Change(models.Model):
    """What one transaction did to one contact, numbered per owner in the order of the commits, without gaps.

    `before` is the card as it was; null for a created or purged contact, and where the contents were erased.
    """

    class Kind(models.TextChoices):
        CREATED = "created"
        CHANGED = "changed"
        DELETED = "deleted"
        RESTORED = "restored"
        PURGED = "purged"

    # What two writes of one contact in one transaction amount to; for other pairs it is the second.
    # Restored and deleted again is a contact that was in the trash before and is there after.
    COMBINED = {
        (Kind.CREATED, Kind.CHANGED): Kind.CREATED,
        (Kind.RESTORED, Kind.CHANGED): Kind.RESTORED,
        (Kind.RESTORED, Kind.DELETED): Kind.RESTORED,
        (Kind.DELETED, Kind.RESTORED): Kind.CHANGED,
    }
    creates = False  # whether the transaction created the contact, whatever it did to it afterwards

    # It needs no index: those below begin with it.
    book = models.ForeignKey("contacts.Book", on_delete=models.CASCADE, related_name="changes", db_index=False)
    number = models.BigIntegerField()
    operation = models.BigIntegerField()  # the number of the first change of the same transaction
    contact_id = models.BigIntegerField()
    kind = models.CharField(max_length=8, choices=Kind)
    via = models.CharField(max_length=20)
    client = models.CharField(max_length=200)
    source = models.BigIntegerField(null=True)  # the id of the import or app password behind it
    at = models.DateTimeField(default=timezone.now)
    before = models.JSONField(null=True)
    # The name of a CardDAV resource that ceased, though no contact in the trash has it; empty for none.
    ceased = models.CharField(max_length=RESOURCE_LENGTH, default="", db_default="", blank=True)
    size = models.PositiveIntegerField(default=0)  # bytes of `before`

    objects = ChangeQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["book", "number"], name="change_number_unique_per_book")]
        indexes = [
            models.Index(fields=["book", "contact_id", "number"], name="change_history"),
            models.Index(fields=["book", "number"], name="change_purges", condition=models.Q(kind="purged")),
            models.Index(fields=["book", "number"], name="change_ceased", condition=~models.Q(ceased="")),
            models.Index(
                fields=["book", "source", "contact_id", "number"],
                name="change_sources",
                condition=models.Q(source__isnull=False),
            ),
            models.Index(fields=["at"], name="change_contents", condition=models.Q(before__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.kind}"

    @property
    def app_password(self) -> int | None:
        """The id of the app password that wrote it."""
        return app_password_of(self.via, self.source)

    def combine(self, later: "Change") -> None:
        """Take a later write of the same contact in the same transaction into this change."""
        self.creates |= self.kind == self.Kind.CREATED
        self.ceased = later.ceased or self.ceased
        if later.kind == self.Kind.PURGED:
            self.before, self.size = None, 0
        elif self.kind == self.Kind.CREATED and later.kind == self.Kind.DELETED:
            self.before, self.size = later.before, later.size
        kind = self.COMBINED.get((self.Kind(self.kind), self.Kind(later.kind)), later.kind)
        if self.creates and kind == self.Kind.CHANGED:  # created, deleted and restored
            kind, self.before, self.size = self.Kind.CREATED, None, 0
        self.kind = kind


def app_password_of(via: str, source: int | None) -> int | None:
    """Return the id of the app password behind a change: its source, where it came by CardDAV."""
    return source if via == CARDDAV else None
