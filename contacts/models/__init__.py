"""Address books, their contacts and groups, and the log of every write."""

from contacts.models.book import Book
from contacts.models.book_manager import Version
from contacts.models.change import Change, ChangeQuerySet
from contacts.models.contact import Contact, ContactQuerySet, etag_of
from contacts.models.dismissal import Dismissal
from contacts.models.feed import Feed, FeedQuerySet
from contacts.models.group import Group, GroupQuerySet
from contacts.models.idempotency import IdempotencyRecord
from contacts.models.import_entry import ImportEntry
from contacts.models.imports import Import, ImportChunk
from contacts.models.key import ContactKey
from contacts.models.picture import Picture
from contacts.models.uploaded_avatar import UploadedAvatar

__all__ = [
    "Book",
    "Change",
    "ChangeQuerySet",
    "Contact",
    "ContactKey",
    "ContactQuerySet",
    "Dismissal",
    "Feed",
    "FeedQuerySet",
    "Group",
    "GroupQuerySet",
    "IdempotencyRecord",
    "Import",
    "ImportChunk",
    "ImportEntry",
    "Picture",
    "UploadedAvatar",
    "Version",
    "etag_of",
]
