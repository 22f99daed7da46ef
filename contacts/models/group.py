"""Groups of contacts, by name. Their contacts have the name among the keywords of their cards."""

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models

from contactbook.db.fields import MAX_BIGINT
from contactbook.exceptions import ConflictError, NotFoundError
from contacts.cards import jscontact
from contacts.models.contact import Contact

if TYPE_CHECKING:
    from contacts.models.book import Book

# What a renaming or a deletion writes in one transaction
PORTION_CONTACTS = 200
PORTION = 4 * 1024 * 1024  # bytes of cards, before and after


class GroupQuerySet(models.QuerySet["Group"]):
    def for_user(self, user_id: int) -> Self:
        return self.filter(user=user_id)

    def by_id(self, group_id: int) -> "Group":
        group = self.filter(pk=group_id).first() if abs(group_id) <= MAX_BIGINT else None
        if group is None:
            raise NotFoundError("Group was not found")
        return group


class Group(models.Model):
    """A name that contacts have among their card's keywords (vCard: CATEGORIES). The row lets a group be empty."""

    # It needs no index: the one of the constraint begins with it.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="contact_groups", db_index=False
    )
    name = models.CharField(max_length=255)

    objects = GroupQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="group_name_unique_per_owner")]

    def __str__(self) -> str:
        return self.name

    def rename(self, book: "Book", name: str) -> bool:
        """Rename the group in the cards of one portion of its contacts; after the last portion rename the group itself.

        Return whether it is done. ConflictError if the owner has another group of that name.
        """
        if Group.objects.for_user(book.user_id).filter(name=name).exclude(pk=self.pk).exists():
            raise ConflictError
        if self.name != name and not replace_keyword(book, self.name, name):
            return False
        self.name = name
        self.save(update_fields=["name"])
        return True

    def dissolve(self, book: "Book") -> bool:
        """Remove one portion of the contacts from the group; after the last portion delete the group.

        Return whether it is done.
        """
        done = replace_keyword(book, self.name, None)
        if done:
            self.delete()
        return done


def replace_keyword(book: "Book", old: str, new: str | None) -> bool:
    """Replace a keyword in the cards of one portion of contacts; return whether that was the last."""
    contacts = Contact.objects.for_user(book.user_id).in_group(old).order_by("id")
    sizes = list(contacts.values_list("pk", "size")[: PORTION_CONTACTS + 1])
    size = 0
    keys: list[int] = []
    for key, bytes in sizes[:PORTION_CONTACTS]:
        size += 2 * bytes + 1024
        if keys and size > PORTION:
            break
        keys.append(key)
    for contact in contacts.filter(pk__in=keys):
        book.put_card(contact, jscontact.with_keyword_replaced(contact.card, old, new))
    book.new_keywords -= {old, new}
    return len(keys) == len(sizes)
