"""Address books and their contacts. Every write goes through `Book`, one at a time per owner."""

import contextlib
import uuid
from collections.abc import Iterator
from datetime import date
from typing import Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Case, IntegerField, Q, Value, When
from django.http import Http404
from django.utils import timezone

from contactbook.caching import forget, remembered

from . import birthdays, jscontact
from .folding import fold

FOLDED_LENGTH = 510  # characters; its 2,040 bytes at most still fit PostgreSQL's index rows of 2,704
NOT_FOUND = "Contact was not found"


def book_key(user_id: int) -> str:
    return f"book:{user_id}"


class BookManager(models.Manager["Book"]):
    @contextlib.contextmanager
    def writing(self, user_id: int, via: str, client: str = "") -> Iterator["Book"]:
        """The owner's book, locked until the end of the transaction: the one door to every write of a contact.

        `via` names the door for the log (rest, admin, command …), `client` the program behind it.
        """
        with transaction.atomic():
            book, _ = self.select_for_update().get_or_create(user_id=user_id)
            book.via, book.client = via, client[:200]
            forget(book_key(user_id))
            yield book
            book.save(update_fields=["sequence"])

    def version(self, user_id: int) -> int:
        """A number that is another one after every write; from the cache."""
        return remembered(book_key(user_id), lambda: self.fetch_version(user_id))

    def fetch_version(self, user_id: int) -> int:
        return self.filter(user=user_id).values_list("sequence", flat=True).first() or 0


class Book(models.Model):
    """An owner's counter of writes, and while it is open for writing the door to their contacts."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="book"
    )
    sequence = models.BigIntegerField(default=0)

    via: str
    client: str

    objects = BookManager()

    def get(self, contact_id: int) -> "Contact":
        return Contact.objects.for_user(self.user_id).by_id(contact_id)

    def create(self, flat: dict[str, Any]) -> "Contact":
        contact = Contact(user_id=self.user_id)
        return self.write(contact, jscontact.with_flat({}, flat))

    def change(self, contact: "Contact", flat: dict[str, Any]) -> "Contact":
        """Sets flat fields; a write that changes nothing leaves no trace."""
        card = jscontact.with_flat(contact.card, flat)
        return contact if card == contact.card else self.write(contact, card)

    def delete(self, contact: "Contact") -> "Contact":
        models.Model.delete(contact, keep_parents=False)
        self.sequence += 1
        return contact

    def write(self, contact: "Contact", card: jscontact.Card) -> "Contact":
        self.sequence += 1
        contact.take_card(card)
        contact.revision = self.sequence
        contact.updated_at = timezone.now()
        models.Model.save(contact)
        return contact


class ContactQuerySet(models.QuerySet["Contact"]):
    """Contacts as every door reads them; it begins with `for_user`."""

    def for_user(self, user_id: int) -> Self:
        return self.filter(user=user_id)

    def by_id(self, contact_id: int) -> "Contact":
        """Http404 for what is not there, or somebody else's."""
        contact = self.filter(pk=contact_id).first() if abs(contact_id) < 2**63 else None
        if contact is None:
            raise Http404(NOT_FOUND)
        return contact

    def in_order(self) -> Self:
        return self.order_by("fullname_folded", "id")

    def named(self, text: str) -> Self:
        return self.filter(fullname_folded__contains=fold(text)) if fold(text) else self.none()

    def addressed(self, text: str) -> Self:
        return self.filter(email_folded__contains=fold(text)) if fold(text) else self.none()

    def search(self, text: str) -> Self:
        """Those whose fullname or email contains the text, without regard to case or diacritics."""
        return self.named(text) | self.addressed(text)

    def find(self, query: str) -> "Contact":
        """The contact with that id, else the first by name, else the first by address; Http404 for none."""
        found = None
        if query.isascii() and query.isdecimal() and int(query) < 2**63:
            found = self.filter(pk=int(query)).first()
        found = found or self.named(query).in_order().first() or self.addressed(query).in_order().first()
        if found is None:
            raise Http404(NOT_FOUND)
        return found

    def birthdays_between(self, start: date, end: date, leap_day: str) -> Self:
        """Those whose birthday is observed from `start` to `end`, soonest first; the span is at most 367 days."""
        parts = birthdays.windows(start, end, int(leap_day.replace("-", "")))
        within = Q()
        soonness = []
        for year, part in enumerate(parts):
            inside = Q(month_day__range=(part.first, part.last))
            within |= inside
            sorted_as = 10_000 * year + part.leap_day_counts_as
            soonness.append(When(inside & Q(month_day=birthdays.LEAP_DAY), then=Value(sorted_as)))
            soonness.append(When(inside, then=models.F("month_day") + 10_000 * year))
        order = Case(*soonness, output_field=IntegerField())
        return self.filter(within).annotate(soonness=order).order_by("soonness", "fullname_folded", "id")


class Contact(models.Model):
    """A contact: its card holds everything; the other columns are read out of the card when it is written."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="contacts")
    uid = models.CharField(max_length=255, default=uuid.uuid4)
    revision = models.BigIntegerField()  # the book's sequence number of its last write
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField()
    card = models.JSONField(default=dict)
    fullname = models.CharField(max_length=255)
    email = models.CharField(max_length=320, null=True, blank=True)
    phone = models.CharField(max_length=255, null=True, blank=True)
    birthday = models.DateField(null=True, blank=True)
    additional = models.TextField(null=True, blank=True)
    avatar = models.CharField(max_length=2048, null=True, blank=True)
    month_day = models.PositiveSmallIntegerField(null=True, editable=False)
    fullname_folded = models.CharField(max_length=FOLDED_LENGTH, editable=False)
    email_folded = models.TextField(editable=False)

    objects = ContactQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "uid"], name="contact_uid_unique_per_owner")]
        indexes = [
            models.Index(fields=["user", "fullname_folded", "id"], name="contact_order"),
            models.Index(fields=["user", "month_day"], name="contact_birthdays"),
        ]

    def __str__(self) -> str:
        return self.fullname

    @property
    def etag(self) -> str:
        return f'"{self.revision}"'

    def take_card(self, card: jscontact.Card) -> None:
        self.card = card
        for column, value in jscontact.flatten(card)._asdict().items():
            setattr(self, column, value)
        self.fullname_folded = fold(self.fullname)[:FOLDED_LENGTH]
        self.email_folded = fold(self.email or "")

    def save(self, *args: Any, **kwargs: Any) -> None:
        raise TypeError("Contacts are written through Book.objects.writing().")

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("Contacts are deleted through Book.objects.writing().")
