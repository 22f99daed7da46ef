"""Merging contacts: the first is kept with all that the others have, and the others go to the trash."""

from typing import Any

from contactbook.exceptions import InvalidValueError, TooLargeError
from contacts.cards import members, validation
from contacts.cards.jscontact import Card
from contacts.cards.uniting import TooMuchToCompare, unite
from contacts.models import Book, Contact

VIA = "merge"  # in the log
MOST = 100  # contacts in one merge
MOST_GROUPS = 200  # group cards of an owner
PORTION = 1024 * 1024  # bytes of their cards, and of group cards; a bound of time


class Merge:
    """What a merge of these contacts gives; TooLargeError or InvalidValueError if they, or the card, are too large."""

    def __init__(self, contacts: list[Contact], region: str | None) -> None:
        self.contact, *self.others = contacts
        if sum(contact.size for contact in contacts) > PORTION:
            raise TooLargeError(f"These contacts have more than {PORTION >> 20} MB together. Merge fewer.")
        try:
            united = unite([contact.card for contact in contacts], region)
        except TooMuchToCompare:
            raise TooLargeError("These contacts have too much to compare in one request. Merge fewer.") from None
        self.card, self.conflicts = united.card, united.conflicts
        if fault := out_of_bounds(self.card):
            raise InvalidValueError("ids", f"The contacts are too large to be merged. {fault}")

    def run(self, book: Book, dry_run: bool) -> int | None:
        """Merge the contacts; return the number of the first change. A dry run sets the card in the contact alone."""
        if dry_run:
            self.contact.set_card(self.card)
            return None
        book.put_card(self.contact, self.card)
        for contact in self.others:
            book.delete(contact)
        self.replace_members(book)
        return book.operation

    def replace_members(self, book: Book) -> None:
        """Make the contact a member of the group cards that the others are in; of too many cards, of none."""
        groups = Contact.objects.groups_of(book.user_id)
        sizes = list(groups.values_list("size", flat=True)[: MOST_GROUPS + 1])
        if len(sizes) > MOST_GROUPS or sum(sizes) > PORTION:
            return
        uids = [contact.uid for contact in self.others]
        for group in groups.order_by("pk"):
            book.put_card(group, members.replaced(group.card, uids, self.contact.uid))


def out_of_bounds(card: Card) -> str | None:
    """Return a sentence if the card exceeds a limit, else None."""
    sizes = [len(entries) for name, entries in card.items() if name in validation.COLLECTIONS]
    if max(sizes, default=0) > validation.MAX_ENTRIES:
        return f"A collection has at most {validation.MAX_ENTRIES} entries."
    notes: dict[str, Any] = card.get("notes") or {}
    if any(len(str(entry.get("note", ""))) > validation.LENGTHS["note"] for entry in notes.values()):
        return f"A note has at most {validation.LENGTHS['note']} characters."
    return validation.out_of_bounds(card)
