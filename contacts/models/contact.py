"""Contacts and the queries over them. Only `Book` writes them."""

import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Cast, Coalesce, Length

from contactbook.db.fields import MAX_BIGINT
from contactbook.db.lookups import Condition
from contactbook.exceptions import NotFoundError
from contacts.cards import birthdays, jscontact
from contacts.cards.folding import fold
from contacts.models.key import ContactKeyQuerySet
from contacts.models.resource_names import RESOURCE_LENGTH, SUFFIX, resource_name

FOLDED_LENGTH = 510  # characters; 2,040 bytes at most, which fit PostgreSQL's index rows of 2,704
ADDITIONAL_BYTES = Length("additional") * 4  # at most, as UTF-8 and in memory: most of a row without its card
NOT_FOUND = "Contact was not found"
PORTION = 16 * 1024 * 1024  # bytes of cards that one transaction may read, and write, before and after


class HasKeyword(Condition):
    """Whether the card has that keyword. Django's `has_key` overlooks names with a quotation mark on SQLite."""

    def __init__(self, name: str) -> None:
        super().__init__(F("card"), Value(name))

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.with_template(compiler, "EXISTS (SELECT 1 FROM json_each({}, '$.keywords') WHERE key = {})")

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.with_template(compiler, "(({} -> 'keywords') ? {})")  # null where there are none


def new_uid() -> str:
    return str(uuid.uuid4())


class ContactQuerySet(models.QuerySet["Contact"]):
    """A query begins with `for_user`, `trash_of` or `all_of`, which scope it to one owner."""

    def for_user(self, user_id: int) -> Self:
        """Return the owner's contacts outside the trash, without group cards."""
        # A bigint, since PostgreSQL's GIN index of (user_id, text) is not used for an integer of four bytes.
        owner = Cast(Value(user_id), models.BigIntegerField())
        return self.filter(user=owner, deleted_at=None, kind=Contact.Kind.INDIVIDUAL)

    def groups_of(self, user_id: int) -> Self:
        """Return the owner's group cards outside the trash."""
        return self.filter(user=user_id, deleted_at=None, kind=Contact.Kind.GROUP)

    def synced_of(self, user_id: int) -> Self:
        """Return what CardDAV shows of the owner: contacts and group cards outside the trash."""
        return self.filter(user=user_id, deleted_at=None)

    def trash_of(self, user_id: int) -> Self:
        return self.filter(user=user_id, deleted_at__isnull=False)

    def all_of(self, user_id: int) -> Self:
        """Return the owner's contacts, in the trash or not."""
        return self.filter(user=user_id)

    def by_id(self, contact_id: int) -> "Contact":
        """Return the contact; NotFoundError if there is none among these."""
        contact = self.filter(pk=contact_id).first() if abs(contact_id) <= MAX_BIGINT else None
        if contact is None:
            raise NotFoundError(NOT_FOUND)
        return contact

    def by_resource_names(self, names: Iterable[str]) -> dict[str, "Contact"]:
        """Return those of one owner whose CardDAV resources have these names, at most a thousand, by name."""
        return {contact.resource_name: contact for contact in self.with_resource_names(set(names))}

    def with_resource_names(self, names: set[str]) -> list["Contact"]:
        stems = [name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)]
        ids = [int(stem) for stem in stems if stem.isascii() and stem.isdecimal() and len(stem) < 19]
        found = self.filter(Q(resource__in=names) | Q(resource=None, uid__in=stems) | Q(resource=None, pk__in=ids))
        return [contact for contact in found if contact.resource_name in names]

    def by_resource_name(self, name: str) -> "Contact | None":
        return self.by_resource_names([name]).get(name)

    def in_order(self) -> Self:
        return self.order_by("fullname_folded", "id")

    def named(self, text: str) -> Self:
        """Return those whose name contains the text, without regard to case or diacritics."""
        return self.containing("fullname_folded", text)

    def with_email(self, text: str) -> Self:
        return self.containing("email_folded", text)

    def containing(self, column: str, text: str) -> Self:
        """Return those whose folded column contains the folded text; none for a text that folds to nothing."""
        folded = fold(text)
        if not 0 < len(folded) <= FOLDED_LENGTH:
            return self.none()
        return self.filter(**{f"{column}__contains": folded})

    def search(self, text: str, numbers: ContactKeyQuerySet | None = None) -> Self:
        """Return those whose name or e-mail address contains the text, and those that have one of the numbers."""
        found = self.named(text) | self.with_email(text)
        if numbers is None or numbers.query.is_empty():
            return found
        return self.filter(pk__in=found.order_by().values("pk").union(numbers.values("contact")))

    def matching(
        self,
        q: str = "",
        group: str = "",
        favourite: str = "",
        updated_since: datetime | None = None,
        numbers: ContactKeyQuerySet | None = None,
    ) -> Self:
        """Return those that meet every given criterion; `favourite` is "true" or "false".

        `numbers` are the phone numbers that `q` finds.
        """
        found = self.search(q, numbers) if q else self
        found = found.in_group(group) if group else found
        if favourite:
            is_favourite = HasKeyword(jscontact.FAVOURITE)
            found = found.filter(is_favourite if favourite == "true" else ~Q(Coalesce(is_favourite, False)))
        return found.filter(updated_at__gte=updated_since) if updated_since else found

    def in_group(self, name: str) -> Self:
        return self.filter(HasKeyword(name))

    def filtered_first(self) -> Self:
        """Return the same rows, found before they are sorted: right for a few rows out of many.

        PostgreSQL assumes that matching rows are evenly distributed in an order. If all are at its end, it would read
        the whole book in order. A subquery with a limit is evaluated separately.
        """
        keys = self.order_by().values("pk")[:MAX_BIGINT]
        return type(self)(self.model).filter(pk__in=keys)

    def trashed_before(self, moment: datetime) -> Self:
        """Return those of every owner."""
        return self.filter(deleted_at__lt=moment)

    def born_in(self, segment: birthdays.Segment) -> Self:
        """Return those whose birthday is observed in the segment, in its order; nobody before the year of birth."""
        born = Q(birthday=None) | Q(birthday__lte=date(segment.year, 12, 31))
        found = self.filter(born, month_day__range=(segment.first, segment.last))
        return found.in_order() if segment.one_day else found.order_by("month_day", "fullname_folded", "id")

    def with_days(self, anniversaries: bool) -> Self:
        """Return those with a birthday, and those with any anniversary, which is annotated as `days`, if asked for."""
        rows = self.only("fullname", "birthday", "month_day", "updated_at")
        if not anniversaries:
            return rows.filter(month_day__isnull=False)
        return rows.filter(card__has_key="anniversaries").annotate(days=KeyTransform("anniversaries", "card"))

    def refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("Contacts are written through Book.objects.writing().")

    # The deletion of an account goes through the base manager.
    update = delete = bulk_create = bulk_update = refuse


class Contact(models.Model):
    """A contact. The card has all its data; the columns below it are derived from the card when it is written."""

    class Kind(models.TextChoices):
        INDIVIDUAL = "individual"
        GROUP = "group"  # a group card of CardDAV: no contact for the REST API

    # It needs no index: those below begin with it.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="contacts", db_index=False
    )
    uid = models.CharField(max_length=255, default=new_uid)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.INDIVIDUAL, editable=False)
    # The last part of its path in CardDAV, as a client chose it; null: made of the uid or the id.
    resource = models.CharField(max_length=RESOURCE_LENGTH, null=True, editable=False)
    revision = models.BigIntegerField()  # the number of its last change
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)  # since when it is in the trash
    card = models.JSONField(default=dict)
    size = models.PositiveIntegerField(default=0, editable=False)  # bytes of the card
    fullname = models.CharField("full name", max_length=255)
    email = models.CharField("e-mail", max_length=320, null=True, blank=True)
    phone = models.CharField(max_length=255, null=True, blank=True)
    birthday = models.DateField(null=True, blank=True)
    additional = models.CharField(max_length=65_535, null=True, blank=True)
    avatar = models.CharField(max_length=2048, null=True, blank=True)
    month_day = models.PositiveSmallIntegerField(null=True, editable=False)  # month * 100 + day
    fullname_folded = models.CharField(max_length=FOLDED_LENGTH, editable=False)
    email_folded = models.CharField(max_length=FOLDED_LENGTH, editable=False)

    DERIVED = (*jscontact.Flat._fields, "fullname_folded", "email_folded", "size")

    objects = ContactQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "uid"], name="contact_uid_unique_per_owner"),
            models.UniqueConstraint(
                fields=["user", "resource"],
                name="contact_resource_unique_per_owner",
                condition=Q(resource__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["user", "fullname_folded", "id"],
                name="contact_order",
                condition=Q(deleted_at=None, kind="individual"),
            ),
            models.Index(
                fields=["user", "id"], name="contact_created", condition=Q(deleted_at=None, kind="individual")
            ),
            models.Index(
                fields=["user", "month_day", "fullname_folded", "id"],
                name="contact_birthday_order",
                condition=Q(deleted_at=None, kind="individual"),
            ),
            models.Index(fields=["user", "revision"], name="contact_revisions"),
            models.Index(
                fields=["user", "-deleted_at", "-id"],
                name="contact_trash",
                condition=Q(deleted_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.fullname

    def save(self, *args: Any, **kwargs: Any) -> None:
        raise TypeError("Contacts are written through Book.objects.writing().")

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("Contacts are deleted through Book.objects.writing().")

    save_row: Callable[..., None] = models.Model.save  # only Book calls it

    @property
    def etag(self) -> str:
        return etag_of(self.pk, self.revision)

    @property
    def resource_name(self) -> str:
        return resource_name(self.resource, self.uid, self.pk)

    def server_set(self) -> dict[str, str]:
        """Return the properties of the card that the server sets; the times in UTC, to the second."""
        times = {"created": self.created_at, "updated": self.updated_at}
        shown = {name: f"{time.astimezone(UTC).isoformat()[:19]}Z" for name, time in times.items()}
        return {"@type": "Card", "version": "1.0", "uid": self.uid, **shown}

    def set_card(self, card: jscontact.Card) -> None:
        """Set the card and the columns that are derived from it."""
        self.card = jscontact.in_order(card)
        self.kind = self.Kind.GROUP if card.get("kind") == "group" else self.Kind.INDIVIDUAL
        for column, value in self.derived_columns(card).items():
            setattr(self, column, value)

    @staticmethod
    def derived_columns(card: jscontact.Card) -> dict[str, Any]:
        flat = jscontact.flatten(card)
        folded = {
            "fullname_folded": fold(flat.fullname)[:FOLDED_LENGTH],
            "email_folded": fold(flat.email or "")[:FOLDED_LENGTH],
        }
        return {**flat._asdict(), **folded, "size": jscontact.size(card)}

    def refold(self) -> bool:
        """Derive the columns again; return whether any differed."""
        before = {column: getattr(self, column) for column in self.DERIVED}
        self.set_card(self.card)
        return any(getattr(self, column) != value for column, value in before.items())


def etag_of(contact_id: int, revision: int) -> str:
    """Return the entity tag of a contact, the same for every form in which it is served."""
    return f'"{contact_id}-{revision}"'
