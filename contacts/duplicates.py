"""Contacts that may be the same person: found by the table of keys, weighed by contacts/cards/likeness.py.

The keys that few contacts share give the pairs to compare, so the work grows with the book and not with its square. The
pairs that are alike and hang together make a set.
"""

import hashlib
import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date
from itertools import combinations
from typing import Any, NamedTuple

from django.core.cache import caches
from redis.exceptions import RedisError

from contactbook.api.pagination import MAX_BYTES
from contactbook.cache.responses import response_key
from contactbook.db.lookups import IsAmong
from contactbook.exceptions import NotFoundError, TooLargeError
from contacts.cards import keys, likeness, phones
from contacts.merging import MOST
from contacts.models import Contact, ContactKey, ContactQuerySet, Dismissal, Version
from contacts.models.contact import ADDITIONAL_BYTES
from contacts.models.key import Shared

NOT_FOUND = "There are no such duplicates"
MOST_BYTES = 1024 * 1024  # of the compressed sets that are cached
MOST_PAIRS = 30_000  # of contacts that have a key in common; a bound of time
MOST_COMPARED = 2000  # pairs of numbers that libphonenumber compares for one answer; later ones count as different

Pair = tuple[int, int]


class Reason(NamedTuple):
    kind: str  # email, phone, name, name_and_birthday
    value: str


class Alike(NamedTuple):
    """Two contacts that are alike. The digest changes with what makes them so."""

    pair: Pair
    score: int  # hundredths
    reasons: list[Reason]
    digest: str


class Duplicates(NamedTuple):
    """Contacts that hang together."""

    key: str
    score: int  # hundredths, of the two that are least alike
    reasons: list[list[str]]  # kind and value
    members: list[int]  # ids of contacts, in order
    digests: list[str]  # of the pairs that are alike


class Person(NamedTuple):
    fullname: str
    folded: str
    birthday: date | None


def current(user_id: int, version: Version, region: str | None) -> list[Duplicates]:
    """Return the sets that were not dismissed, surest first, from the cache if it has those of this version."""
    dismissals = Dismissal.objects.for_user(user_id)
    parameters = {"region": region, "dismissed": dismissals.newest()}
    key = response_key(user_id, *version, "duplicates", parameters=parameters)
    with suppress(RedisError):
        if packed := caches["responses"].get(key):
            return [Duplicates(*row) for row in json.loads(zlib.decompress(bytes.fromhex(packed)))]
    found = sets_of(alike_pairs(user_id, region), dismissals.keys())
    packed = zlib.compress(json.dumps(found).encode(), 1).hex()
    if len(packed) <= MOST_BYTES:
        with suppress(RedisError):
            caches["responses"].set(key, packed)
    return found


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


def alike_pairs(user_id: int, region: str | None) -> list[Alike]:
    """Return every two contacts of the owner that are alike."""
    own = ContactKey.objects.for_user(user_id)
    trash = Contact.objects.trash_of(user_id).values("pk")
    shared = own.shared((keys.EMAIL, keys.NAME, keys.BIRTH), trash) + own.shared((keys.PHONE,), trash, phones.END)
    names = names_of(user_id, {each for key in shared for each in key.ids})
    close: dict[Pair, int] = {}  # the weights of the names; 0 for most
    common: dict[Pair, list[Shared]] = defaultdict(list)
    for key in shared:
        if len(close) > MOST_PAIRS:
            break
        for pair in combinations(key.ids, 2):
            if pair not in close:
                close[pair] = names_weight(pair, names)
            if close[pair]:
                common[pair].append(key)
    people = people_of(user_id, {each for pair in common for each in pair})
    compare = Comparison(people, numbers_of(user_id, common), region)
    return [alike for pair, shared in common.items() if (alike := compare.alike(pair, close[pair], shared))]


def names_of(user_id: int, ids: set[int]) -> dict[int, str]:
    """Return the folded names of those that are no group cards, by contact."""
    return dict(Contact.objects.for_user(user_id).filter(IsAmong("pk", ids)).values_list("pk", "fullname_folded"))


def names_weight(pair: Pair, names: dict[int, str]) -> int:
    """Return the weight of the two names; 0 also where one is a group card, or was deleted meanwhile."""
    return likeness.name_weight(*(likeness.words_of(names.get(each, "")) for each in pair))


def people_of(user_id: int, ids: set[int]) -> dict[int, Person]:
    rows = Contact.objects.for_user(user_id).filter(IsAmong("pk", ids))
    columns = rows.values_list("pk", "fullname", "fullname_folded", "birthday")
    return {key: Person(full, folded, birthday) for key, full, folded, birthday in columns}


def numbers_of(user_id: int, common: dict[Pair, list[Shared]]) -> dict[int, list[str]]:
    """Return the numbers, by contact, of the pairs whose numbers have an end in common."""
    ids = {each for pair, shared in common.items() if any(key.kind == keys.PHONE for key in shared) for each in pair}
    rows = (
        ContactKey.objects.for_user(user_id)
        .filter(IsAmong("contact", ids), kind=keys.PHONE)
        .order_by("contact", "value")
    )
    numbers: dict[int, list[str]] = defaultdict(list)
    for contact, value in rows.values_list("contact", "value"):
        numbers[contact].append(keys.number_of(value))
    return numbers


class Comparison:
    """Weighs what two contacts have in common."""

    def __init__(self, people: dict[int, Person], numbers: dict[int, list[str]], region: str | None) -> None:
        self.people, self.numbers, self.region = people, numbers, region
        self.compared = 0  # pairs of numbers

    def alike(self, pair: Pair, names: int, common: list[Shared]) -> Alike | None:
        one, other = self.people[pair[0]], self.people[pair[1]]
        if names == likeness.NAME and not any(key.kind == keys.NAME for key in common):
            names = likeness.TYPO  # more than a few contacts have that name
        birthday = likeness.birthday_weight(one.birthday, other.birthday)
        emails = [key.value for key in common if key.kind == keys.EMAIL]
        numbers = [number for key in common if key.kind == keys.PHONE for number in self.shared_numbers(pair, key)]
        score = likeness.weight(names, bool(emails), bool(numbers), birthday)
        if not score:
            return None
        reasons = [Reason("email", value) for value in emails] + [Reason("phone", number) for number in numbers]
        if birthday > 0:
            reasons.append(Reason("name_and_birthday", f"{one.fullname}, {one.birthday}"))
        elif names == likeness.NAME:
            reasons.append(Reason("name", one.fullname))
        said = [*sorted({(key.kind, key.value) for key in common}), one.folded, other.folded, birthday]
        return Alike(pair, score, reasons, digest(*pair, *said))

    def shared_numbers(self, pair: Pair, key: Shared) -> Iterator[str]:
        """Yield the first contact's number with that end, if the other has it, in whatever spelling."""
        end = keys.number_of(key.value)
        first, second = ([each for each in self.numbers[contact] if each.endswith(end)] for contact in pair)
        for one in first:
            if any(self.is_one(one, other) for other in second):
                yield one
                return

    def is_one(self, one: str, other: str) -> bool:
        if one == other:
            return True
        self.compared += 1
        return self.compared <= MOST_COMPARED and phones.equal(one, other, self.region)


def digest(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


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
