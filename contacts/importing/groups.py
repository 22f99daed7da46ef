"""Cards of groups in a file: their members get a keyword."""

from collections.abc import Iterable, Iterator
from itertools import islice

from contacts.cards.jscontact import Card
from contacts.cards.members import URN, bare
from contacts.importing.items import Item
from contacts.importing.writing import Done, Policy, Status, sized
from contacts.models import Book, Contact, Group, Import, ImportEntry

PORTION, PORTION_BYTES = 200, 4 * 1024 * 1024  # contacts and bytes of cards that one transaction writes
CHUNK = 500  # uids in one query
MOST_MEMBERS = 200_000  # of all groups of a file together
TOO_MANY = f"The groups of this file have more than {MOST_MEMBERS:,} members."


class GroupCards:
    """The group cards of a file, in its order, with their members as the file names them."""

    def __init__(self, job: Import) -> None:
        self.job = job
        self.items: list[Item] = []
        self.members = 0

    def take(self, items: list[Item]) -> list[Item]:
        """Take the groups out of a portion; return the rest, and groups that are too many."""
        rest = []
        for item in items:
            if item.is_group:
                self.members += len(item.members) + 1
            if item.is_group and self.members > MOST_MEMBERS:
                item.card, item.reason = None, TOO_MANY
            if item.is_group:
                item.card = {"kind": "group", "name": item.card["name"]} if item.card else None
                self.items.append(item)
            else:
                rest.append(item)
        return rest


def report(job: Import, item: Item) -> ImportEntry:
    """Return the row of a group, by what is in the book and in the report now."""
    name, found = item.fullname, members_of(job, item.members)
    contacts = {contact_id for contact_id in found.values() if contact_id}
    # A group that this import has made by the CATEGORIES of its contacts is new nevertheless.
    was_new = ImportEntry.objects.of(job.pk).filter(number=item.number, status=Status.NEW).exists()
    exists = not was_new and Group.objects.for_user(job.user_id).filter(name=name).exists()
    complete = len(contacts) == len(set(found)) and not lacking(job.user_id, contacts, name)
    status = Status.NEW if not exists else Status.SAME if complete else Status.CHANGES
    notes = [*item.notes, f"A group: {len(found)} of its {len(item.members)} members were found."]
    row = ImportEntry(job_id=job.pk, number=item.number, line=item.line, status=status, fullname=name, is_group=True)
    row.notes = notes
    return sized(row)


def members_of(job: Import, members: Iterable[str]) -> dict[str, int | None]:
    """Return the members that are in the file or in the book; a contact's id where there is one already."""
    found: dict[str, int | None] = {}
    for chunk in chunks(members):
        spellings = {spelling: member for member in chunk for spelling in (member, bare(member), URN + bare(member))}
        in_book = Contact.objects.for_user(job.user_id).filter(uid__in=spellings).values_list("uid", "pk")
        in_file = ImportEntry.objects.of(job.pk).filter(uid__in=spellings).exclude(status=Status.FAILED)
        for uid, contact_id in [*in_book, *in_file.order_by("-number").values_list("uid", "contact_id")]:
            found[spellings[uid]] = contact_id or found.get(spellings[uid])
    return found


def chunks(values: Iterable[str]) -> Iterator[list[str]]:
    values = iter(values)
    while chunk := list(islice(values, CHUNK)):
        yield chunk


def lacking(user_id: int, contact_ids: Iterable[int], name: str) -> list[int]:
    """Return those of the contacts that are not in the group."""
    ids = sorted(contact_ids)
    rows = Contact.objects.for_user(user_id)
    live: set[int] = set()
    for start in range(0, len(ids), CHUNK):
        portion = rows.filter(pk__in=ids[start : start + CHUNK])
        live |= set(portion.values_list("pk", flat=True)) - set(portion.in_group(name).values_list("pk", flat=True))
    return sorted(live)


def write_portion(book: Book, job: Import, item: Item) -> bool:
    """Put one portion of a group's members into it; return whether any were written."""
    ids = lacking(job.user_id, {each for each in members_of(job, item.members).values() if each}, item.fullname)
    sizes = dict(Contact.objects.for_user(job.user_id).filter(pk__in=ids[:PORTION]).values_list("pk", "size"))
    total = 0
    for contact_id in ids[:PORTION]:
        total += sizes.get(contact_id, 0)
        if total > PORTION_BYTES and contact_id != ids[0]:
            break
        contact = book.get(contact_id)
        book.put_card(contact, with_keyword(contact.card, item.fullname))
    return bool(ids)


def with_keyword(card: Card, name: str) -> Card:
    return {**card, "keywords": {**(card.get("keywords") or {}), name: True}}


def writes(row: ImportEntry, policy: str) -> bool:
    return row.status == Status.NEW or (row.status == Status.CHANGES and policy != Policy.SKIP)


def finish(book: Book, row: ImportEntry, policy: str) -> ImportEntry:
    """Create the group, and say what was done."""
    if writes(row, policy):
        Group.objects.get_or_create(user_id=book.user_id, name=row.fullname)
        row.done = Done.ADDED if row.status == Status.NEW else Done.CHANGED
    else:
        row.done = Done.LEFT
    return row
