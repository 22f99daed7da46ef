"""Address books, their contacts and groups, and the log of every write."""

from contacts.models.book import Book, Version
from contacts.models.change import Change, ChangeQuerySet
from contacts.models.contact import Contact, ContactQuerySet, etag_of
from contacts.models.feed import Feed, FeedQuerySet
from contacts.models.group import Group, GroupQuerySet
from contacts.models.idempotency import IdempotencyRecord

__all__ = [
    "Book",
    "Change",
    "ChangeQuerySet",
    "Contact",
    "ContactQuerySet",
    "Feed",
    "FeedQuerySet",
    "Group",
    "GroupQuerySet",
    "IdempotencyRecord",
    "Version",
    "etag_of",
]
