"""Address books, their contacts and groups, and the log of every write."""

from .book import Book, Change
from .contact import Contact, ContactQuerySet, Group, GroupQuerySet
from .idempotency import FirstAnswer

__all__ = ["Book", "Change", "Contact", "ContactQuerySet", "FirstAnswer", "Group", "GroupQuerySet"]
