"""Address books, their contacts and groups, and the log of every write."""

from contacts.models.book import Book, Change
from contacts.models.contact import Contact, ContactQuerySet, Group, GroupQuerySet
from contacts.models.idempotency import FirstAnswer

__all__ = ["Book", "Change", "Contact", "ContactQuerySet", "FirstAnswer", "Group", "GroupQuerySet"]
