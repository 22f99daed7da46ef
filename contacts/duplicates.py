"""Sets of contacts that may be the same person, of which an account may dismiss some."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from contactbook.api.pagination import MAX_BYTES
from contactbook.db.lookups import IsAmong
from contactbook.exceptions import NotFoundError, TooLargeError
from contacts.alike_pairs import Alike, alike_pairs, digest
from contacts.merging import MOST
from contacts.models import Contact, ContactQuerySet, Dismissal, Version
from contacts.models.contact import ADDITIONAL_BYTES

NOT_FOUND = "There are no such duplicates"


class Duplicates(NamedTuple):
    """Contacts that hang together."""

    key: str
    score: int  # hundredths, of the two that are least alike
    reasons: list[list[str]]  # kind and value
    members: list[int]  # ids of contacts, in order
    digests: list[str]  # of the pairs that are alike


def current(user_id: int, version: Version, region: str | None) -> list[Duplicates]:
    """Return the sets that were not dismissed, surest first."""
    return sets_of(alike_pairs(user_id, version, region), Dismissal.objects.for_user(user_id).keys())


def rows_of(contacts: ContactQuerySet, sets: list[Duplicates], columns: tuple[str, ...]) -> dict[int, dict[str, Any]]:
    """Return the rows of the contacts of a page by id; TooLargeError, which names a limit, if they are too large."""
    found = contacts.filter(IsAmong("pk", {each for one in sets for each in one.members[:MOST]}))
    sizes = dict(found.filter(additional__isnull=False).values_list("pk", ADDITIONAL_BYTES))
    size = 0
    for number, one in enumerate(sets):
        size += sum(sizes.get(each, 0) for each in one.members[:MOST])
        if size > MAX_BYTES and number:
            raise TooLargeError(f"These contacts are too large for one page. Use limit={number}.")
    return {row["id"]: row for row in found.values(*columns)}


def named(user_id: int, sets: list[Duplicates]) -> list[dict[str, Any]]:
    """Return the sets with the names of their contacts in place of the ids, for people."""
    rows = rows_of(Contact.objects.for_user(user_id), sets, ("id", "fullname"))
    return [{**each._asdict(), "contacts": [rows[key] for key in each.members[:MOST] if key in rows]} for each in sets]


def dismiss(user_id: int, key: str, sets: Iterable[Duplicates]) -> None:
    """Dismiss the set with that key; NotFoundError if there is none. A repeat changes nothing."""
    dismissals = Dismissal.objects.for_user(user_id)
    if dismissals.filter(key=key).exists():
        return
    found = next((each for each in sets if each.key == key), None)
    if found is None:
        raise NotFoundError(NOT_FOUND)
    dismissals.add(user_id, {key, *found.digests})


def sets_of(pairs: list[Alike], dismissed: set[str]) -> list[Duplicates]:
    """Join the pairs that were not dismissed to sets, surest first."""
    left = [each for each in pairs if each.digest not in dismissed]
    roots: dict[int, int] = {}
    for each in left:
        one, other = (root(roots, contact) for contact in each.pair)
        roots[max(one, other)] = min(one, other)
    joined: dict[int, list[Alike]] = defaultdict(list)
    for each in left:
        joined[root(roots, each.pair[0])].append(each)
    return sorted((set_of(each) for each in joined.values()), key=lambda each: (-each.score, each.members))


def root(roots: dict[int, int], contact: int) -> int:
    """Return the lowest id that the contact hangs together with, and shorten the way to it."""
    while (parent := roots.setdefault(contact, contact)) != contact:
        roots[contact] = roots.setdefault(parent, parent)
        contact = parent
    return contact


def set_of(pairs: list[Alike]) -> Duplicates:
    digests = sorted(each.digest for each in pairs)
    reasons = list(dict.fromkeys(reason for each in pairs for reason in each.reasons))
    contacts = sorted({contact for each in pairs for contact in each.pair})
    score = min(each.score for each in pairs)
    return Duplicates(digest(digests), score, [list(reason) for reason in reasons], contacts, digests)
