"""Contacts and groups as they are read. They are written by `Book` alone."""

import uuid
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import connection, models
from django.db.models import BooleanField, F, Func, Q, Value
from django.db.models.functions import Cast, Coalesce
from django.http import Http404

from contactbook.compiled import PlainNumber
from contacts.cards import jscontact
from contacts.cards.folding import fold

FOLDED_LENGTH = 510  # characters; its 2,040 bytes at most still fit PostgreSQL's index rows of 2,704
NOT_FOUND = "Contact was not found"
LARGEST_ID = 2**63 - 1
SEARCHED = ("fullname_folded", "email_folded")
PIECE = 3  # letters of which PostgreSQL's indexes hold where they stand


def etag_of(revision: int) -> str:
    return f'"{revision}"'


class HasKeyword(Func):
    """Whether the card has that keyword. Django's own `has_key` overlooks names with a quotation mark on SQLite."""

    output_field = BooleanField()

    def __init__(self, name: str) -> None:
        super().__init__(F("card"), Value(name))

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.compiled(compiler, "EXISTS (SELECT 1 FROM json_each({}, '$.keywords') WHERE key = {})")

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.compiled(compiler, "(({} -> 'keywords') ? {})")  # null where there are none

    def compiled(self, compiler: Any, template: str) -> tuple[str, list[Any]]:
        compiled = [compiler.compile(expression) for expression in self.get_source_expressions()]
        return template.format(*(sql for sql, _ in compiled)), [each for _, params in compiled for each in params]


def owner(user_id: int) -> Cast:
    """PostgreSQL's GIN indexes find a bigint by a bigint alone; a small number as it is written is none."""
    return Cast(Value(user_id), models.BigIntegerField())


class HasPieces(Func):
    """Whether a column holds each three letters of a text, and so perhaps the text: by PostgreSQL's index alone.

    Of names their first letter is left out: those that begin with the text are found by their order.
    """

    output_field = BooleanField()
    template, arg_joiner = "%(expressions)s", " @> "

    def __init__(self, column: str, user_id: int, text: str) -> None:
        words = Func(F(column), template="substr(%(expressions)s, 2)") if column == "fullname_folded" else F(column)
        held, asked = (F("user"), words), (owner(user_id), Value(text))
        super().__init__(*(Func(*each, function="contact_pieces") for each in (held, asked)))


def has_pieces(text: str) -> bool:
    return connection.vendor == "postgresql" and len(text) >= PIECE


def new_uid() -> str:
    return str(uuid.uuid4())


class ContactQuerySet(models.QuerySet["Contact"]):
    """Contacts as every door reads them; it begins with `for_user`, or with one of its two neighbours."""

    def for_user(self, user_id: int) -> Self:
        return self.filter(user=owner(user_id), deleted_at=None)

    def trash_of(self, user_id: int) -> Self:
        return self.filter(user=user_id, deleted_at__isnull=False)

    def all_of(self, user_id: int) -> Self:
        """Those in the trash too."""
        return self.filter(user=user_id)

    def by_id(self, contact_id: int) -> "Contact":
        """Http404 for what is not there, or somebody else's."""
        contact = self.filter(pk=contact_id).first() if abs(contact_id) <= LARGEST_ID else None
        if contact is None:
            raise Http404(NOT_FOUND)
        return contact

    def in_order(self) -> Self:
        return self.order_by("fullname_folded", "id")

    def after(self, fullname_folded: str, contact_id: int) -> Self:
        """Those that come later in that order."""
        # The first condition bounds the index; the second leaves out the ties.
        later = Q(fullname_folded__gt=fullname_folded) | Q(id__gt=contact_id)
        return self.filter(Q(fullname_folded__gte=fullname_folded), later)

    def named(self, text: str) -> Self:
        return self.filter(fullname_folded__contains=fold(text)) if fold(text) else self.none()

    def addressed(self, text: str) -> Self:
        return self.filter(email_folded__contains=fold(text)) if fold(text) else self.none()

    def search(self, text: str) -> Self:
        """Those whose fullname or email contains the text, without regard to case or diacritics."""
        return self.named(text) | self.addressed(text)

    def beginning(self, text: str) -> Self:
        """Those whose name begins with a folded text: they stand together in the order."""
        return self.filter(fullname_folded__startswith=text)

    def holding(self, user_id: int, column: str, text: str) -> Self:
        """An owner's whose column contains a folded text, by PostgreSQL's index of its letters and by no other.

        Those whose name begins with it may be missing. `contact_found` (migration 0008) has the same conditions.
        """
        live = self.filter(deleted_at=None).annotate(owner=PlainNumber("user")).filter(owner=user_id)
        return live.filter(HasPieces(column, user_id, text)).filter(**{f"{column}__contains": text})

    def searched(self, user_id: int, text: str) -> Self:
        """What `search` leaves, found by the indexes of letters before anything else is looked at."""
        rows, text = type(self)(self.model), fold(text)
        inside = (rows.holding(user_id, each, text).values("pk") for each in SEARCHED)
        return self.filter(pk__in=rows.for_user(user_id).beginning(text).values("pk").union(*inside))

    def matching(
        self, q: str = "", group: str = "", favourite: str = "", updated_since: datetime | None = None
    ) -> Self:
        """Those that meet every criterion that is given; `favourite` is "true" or "false"."""
        found = self.search(q) if q else self
        found = found.in_group(group) if group else found
        if favourite:
            starred = HasKeyword(jscontact.FAVOURITE)
            found = found.filter(starred if favourite == "true" else ~Q(Coalesce(starred, False)))
        return found.filter(updated_at__gte=updated_since) if updated_since else found

    def gathered(self) -> Self:
        """The same ones, found by these conditions alone before they are put in order, which suits a few of many."""
        # Its limit, which is none, keeps PostgreSQL from making one search of the two.
        return type(self)(self.model).filter(pk__in=self.order_by().values("pk")[:LARGEST_ID])

    def in_group(self, name: str) -> Self:
        return self.filter(HasKeyword(name))

    def trashed_before(self, moment: datetime) -> Self:
        """Of every owner."""
        return self.filter(deleted_at__lt=moment)

    def born_on(self, days: tuple[int, int]) -> Self:
        """Those with a birthday from one day of the year to the other (contacts/cards/birthdays.py)."""
        return self.filter(month_day__range=days)

    def later_than(self, month_day: int, fullname_folded: str, contact_id: int) -> Self:
        """Of those born on that day of the year or on later ones, without those up to this one of that day."""
        same_name = Q(fullname_folded=fullname_folded, id__gt=contact_id)
        return self.filter(Q(month_day__gt=month_day) | Q(fullname_folded__gt=fullname_folded) | same_name)

    def refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("Contacts are written through Book.objects.writing().")

    # An account's deletion does not pass here: it goes by the base manager.
    update = delete = bulk_create = bulk_update = refuse


class Contact(models.Model):
    """A contact: its card holds everything; the other columns are read out of the card when it is written."""

    # Without an index of its own: those below, and that of the uid, begin with it.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="contacts", db_index=False
    )
    uid = models.CharField(max_length=255, default=new_uid)
    revision = models.BigIntegerField()  # the number of its last change
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)  # since when it is in the trash
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

    DERIVED = (*jscontact.Flat._fields, "fullname_folded", "email_folded")

    objects = ContactQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "uid"], name="contact_uid_unique_per_owner")]
        indexes = [
            models.Index(fields=["user", "fullname_folded", "id"], name="contact_order", condition=Q(deleted_at=None)),
            models.Index(fields=["user", "id"], name="contact_created", condition=Q(deleted_at=None)),
            models.Index(
                fields=["user", "month_day", "fullname_folded", "id"],
                name="contact_birthday_order",
                condition=Q(deleted_at=None),
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

    @property
    def etag(self) -> str:
        return etag_of(self.revision)

    def take_card(self, card: jscontact.Card) -> None:
        self.card = jscontact.in_order(card)
        for column, value in self.columns_of(card).items():
            setattr(self, column, value)

    @staticmethod
    def columns_of(card: jscontact.Card) -> dict[str, Any]:
        """The columns that are read out of a card."""
        flat = jscontact.flatten(card)
        folded = {"fullname_folded": fold(flat.fullname)[:FOLDED_LENGTH], "email_folded": fold(flat.email or "")}
        return {**flat._asdict(), **folded}

    def refold(self) -> bool:
        """Reads the columns out of the card anew; whether any differed."""
        before = {column: getattr(self, column) for column in self.DERIVED}
        self.take_card(self.card)
        return before != self.columns_of(self.card)


class GroupQuerySet(models.QuerySet["Group"]):
    def for_user(self, user_id: int) -> Self:
        return self.filter(user=user_id)

    def by_id(self, group_id: int) -> "Group":
        group = self.filter(pk=group_id).first() if abs(group_id) <= LARGEST_ID else None
        if group is None:
            raise Http404("Group was not found")
        return group


class Group(models.Model):
    """A name that contacts carry among their card's keywords (vCard: CATEGORIES); this row lets it stand empty."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="contact_groups")
    name = models.CharField(max_length=255)

    objects = GroupQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="group_name_unique_per_owner")]

    def __str__(self) -> str:
        return self.name
