"""The table of keys: the addresses, numbers and names of every contact, for matching by indexed queries."""

from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from django.conf import settings
from django.db import connection, models
from django.db.models import Aggregate, Count, F
from django.db.models.functions import Left

from contacts.cards import keys, phones
from contacts.cards.keys import Key

if TYPE_CHECKING:
    from contacts.models.contact import Contact


WRITTEN = 500  # keys in one statement
# In SQL, since every contact has several keys: `bulk_create` takes a fifth of the time of an import for them.
INSERT = 'INSERT INTO "contacts_contactkey" ("contact_id", "user_id", "kind", "value") VALUES {}'
DELETE = 'DELETE FROM "contacts_contactkey" WHERE ("contact_id", "kind", "value") IN (VALUES {})'
MOST_SPELLINGS = 1000  # with one end, among which a search decides; the rest is found by what was typed alone


MOST_SHARING = 4  # contacts; what more of them share says nothing about any two
MOST_SHARED = 20_000  # keys; a bound of memory


class Shared(NamedTuple):
    """A key that several contacts have, or its start."""

    kind: str
    value: str
    ids: tuple[int, ...]  # of contacts, in order


class Ids(Aggregate):
    """The values of an integer column, joined by commas."""

    function = "GROUP_CONCAT"
    output_field = models.TextField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="STRING_AGG(%(expressions)s::text, ',')", **context)


class ContactKeyQuerySet(models.QuerySet["ContactKey"]):
    """Keys of contacts in the trash are there, too: a query joins the contacts that it is about."""

    def for_user(self, user_id: int) -> Self:
        return self.filter(user=user_id)

    def among(self, kind: str, values: Iterable[str]) -> Self:
        return self.filter(kind=kind, value__in=list(values))

    def ending(self, digits: str) -> Self:
        """Return the numbers that end with these digits."""
        start = digits[::-1]
        return self.filter(kind=keys.PHONE, value__gte=start, value__lt=f"{start}:")  # the colon follows 9

    def with_number(self, text: str, region: str | None) -> Self:
        """Return the numbers that a search for this text finds; none if it is not a number of four digits or more.

        The candidates have the same end, which the index finds; libphonenumber decides about each spelling among them.
        """
        query = phones.searched(text)
        if not query:
            return self.none()
        if len(query) < phones.END:
            return self.ending(query)
        spellings = (
            self.ending(query.removeprefix("+")[-phones.END :]).order_by("value").values_list("value", flat=True)
        )
        found = [
            value
            for value in spellings.distinct()[:MOST_SPELLINGS]
            if phones.meets(query, keys.number_of(value), region)
        ]
        alike = self.among(keys.PHONE, found)
        return alike if query.startswith("+") else alike | self.ending(query)

    def shared(
        self,
        kinds: Collection[str],
        but: models.QuerySet[Any, Any],
        among: Iterable[Key] | None,
        fewest: int,
        most: int,
        length: int = keys.LENGTH,
    ) -> list["Shared"]:
        """Return the keys of these kinds, or those `among` them, that `fewest` to `most` contacts have.

        At most MOST_SHARED. Keys with the same first `length` characters count as one. The contacts of `but` do not
        count.
        """
        start = F("value") if length >= keys.LENGTH else Left("value", length)
        rows: Any = self.filter(kind__in=list(kinds)).exclude(contact__in=but).order_by().values("kind", start=start)
        if among is not None:
            rows = rows.filter(start__in={key.value[:length] for key in among if key.kind in kinds})
        several = length < keys.LENGTH  # one contact may have several keys with that start
        rows = rows.annotate(number=Count("contact", distinct=several)).filter(number__range=(fewest, most))
        found = rows.annotate(contacts=Ids("contact")).values_list("kind", "start", "contacts")[:MOST_SHARED]
        return [Shared(kind, value, tuple(sorted(set(map(int, ids.split(",")))))) for kind, value, ids in found]

    def add(self, contacts: Iterable["Contact"]) -> None:
        """Add the keys of contacts that have none."""
        self.replace((contact, set()) for contact in contacts)

    def replace(self, contacts: Iterable[tuple["Contact", set[Key]]]) -> None:
        """Write what differs between the keys that each contact has, as given, and those of its card."""
        gone: list[tuple[int, str, str]] = []
        added: list[tuple[int, int, str, str]] = []
        for contact, old in contacts:
            new = keys.keys_of(contact.card)
            gone += [(contact.pk, *key) for key in sorted(old - new)]
            added += [(contact.pk, contact.user_id, *key) for key in sorted(new - old)]
        execute(DELETE, gone)
        execute(INSERT, added)

    def by_contact(self, contact_ids: list[int]) -> dict[int, set[Key]]:
        found: dict[int, set[Key]] = {key: set() for key in contact_ids}
        for contact_id, kind, value in self.filter(contact__in=contact_ids).values_list("contact", "kind", "value"):
            found[contact_id].add(Key(kind, value))
        return found


def execute(sql: str, rows: Sequence[tuple[int | str, ...]]) -> None:
    """Execute a statement with rows of values in place of its braces, WRITTEN at a time."""
    with connection.cursor() as cursor:
        for start in range(0, len(rows), WRITTEN):
            portion = rows[start : start + WRITTEN]
            row = f"({', '.join(['%s'] * len(portion[0]))})"
            cursor.execute(sql.format(", ".join([row] * len(portion))), list(chain.from_iterable(portion)))


class ContactKey(models.Model):
    """A key of one contact (contacts/cards/keys.py). `user` is the contact's owner, so that an index begins with it."""

    # Neither needs an index: those below begin with them.
    contact = models.ForeignKey("contacts.Contact", on_delete=models.CASCADE, related_name="keys", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=5)
    value = models.CharField(max_length=keys.LENGTH)

    objects = ContactKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contact", "kind", "value"], name="contact_key_unique_per_contact")
        ]
        indexes = [models.Index(fields=["user", "kind", "value", "contact"], name="contact_key_values")]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"
