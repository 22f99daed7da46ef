"""The rows of contacts, with their keys, that one transaction reads and writes."""

from django.db import models

from contacts.cards import jscontact
from contacts.cards.keys import Key, keys_of
from contacts.models.contact import Contact, ContactQuerySet
from contacts.models.key import ContactKey

SAVED_TOGETHER = 256 * 1024  # bytes of cards, which take several times as much memory in a statement


class Rows:
    """Saves rows one by one; with `together`, which `load` sets, together: before the next row is read, and at the end.

    They are saved by an INSERT with ON CONFLICT: `bulk_update` takes as long as an UPDATE for each.
    """

    def __init__(self) -> None:
        self.loaded: dict[int, Contact] = {}  # by id
        self.unsaved: dict[int, Contact] = {}
        self.old_keys: dict[int, set[Key]] = {}  # of the unsaved ones
        self.size = 0  # bytes of the cards in `unsaved`
        self.together = False

    def load(self, contacts: ContactQuerySet) -> None:
        self.loaded, self.together = contacts.in_bulk(), True

    def take(self, contact_id: int) -> Contact | None:
        """Return a loaded contact, once. If there is none, all rows are saved, so that it can be read."""
        contact = self.loaded.pop(contact_id, None)
        if contact is None:
            self.save_unsaved()
        return contact

    def save(self, contact: Contact, before: jscontact.Card | None) -> None:
        old = keys_of(before or contact.card)
        if not self.together:
            contact.save_row(force_update=True)
            ContactKey.objects.replace([(contact, old)])
            return
        self.unsaved[contact.pk] = contact
        self.old_keys.setdefault(contact.pk, old)
        self.size += contact.size
        if self.size > SAVED_TOGETHER:
            self.save_unsaved()

    def save_unsaved(self) -> None:
        contacts, self.unsaved, self.size = list(self.unsaved.values()), {}, 0
        columns = [field.name for field in Contact._meta.concrete_fields if not field.primary_key]
        models.QuerySet[Contact, Contact](Contact).bulk_create(
            contacts, batch_size=500, update_conflicts=True, unique_fields=["id"], update_fields=columns
        )
        ContactKey.objects.replace((contact, self.old_keys.pop(contact.pk)) for contact in contacts)
