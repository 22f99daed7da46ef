"""Pairs of contacts that are alike: found by the table of keys, weighed by contacts/cards/likeness.py.

The keys that few contacts share give the pairs to compare, so the work grows with the book and not with its square.
The pairs of a book are cached. After a write only the pairs near the changed contacts are found again.
"""

import hashlib
import json
import zlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from itertools import combinations
from typing import Any, NamedTuple

from django.core.cache import caches
from django.db.models import Sum
from redis.exceptions import RedisError

from contactbook.cache.responses import response_key
from contactbook.db.lookups import IsAmong
from contacts.cards import keys, likeness, phones
from contacts.cards.keys import Key
from contacts.models import Change, Contact, ContactKey, Version
from contacts.models.key import MOST_SHARING, Shared

MOST_CACHED = 1024 * 1024  # bytes of the compressed pairs
MOST_PAIRS = 30_000  # of contacts that have a key in common; a bound of time
MOST_COMPARED = 2000  # pairs of numbers that libphonenumber compares for one answer; later ones count as different
# After more than this all pairs are found again.
MOST_CHANGES = 500
MOST_BYTES = 4 * 1024 * 1024  # of the cards before the changes
MOST_NEAR = 5000  # contacts

Pair = tuple[int, int]
Names = dict[int, str]  # folded, by contact


class Reason(NamedTuple):
    kind: str  # email, phone, name, name_and_birthday
    value: str


class Alike(NamedTuple):
    """Two contacts that are alike. The digest changes with what makes them so."""

    pair: Pair
    score: int  # hundredths
    reasons: list[Reason]
    digest: str


class Person(NamedTuple):
    fullname: str
    folded: str
    birthday: date | None


def alike_pairs(user_id: int, version: Version, region: str | None) -> list[Alike]:
    """Return every two contacts of the owner that are alike.

    The version was read before, so what was written since may be in the pairs already; it is looked at once more later.
    """
    key = response_key(user_id, "pairs", version.epoch, version.fold_version, parameters={"region": region})
    sequence, pairs = cached_pairs(key)
    if sequence == version.sequence:
        return pairs
    near = near_changes(user_id, sequence) if 0 <= version.sequence - sequence <= MOST_CHANGES else None
    if near is None:
        pairs = find_pairs(user_id, region)
    else:
        kept = [each for each in pairs if not near.issuperset(each.pair)]
        pairs = sorted(kept + find_pairs(user_id, region, near))
    packed = zlib.compress(json.dumps([version.sequence, pairs]).encode(), 1).hex()
    if len(packed) <= MOST_CACHED:
        with suppress(RedisError):
            caches["responses"].set(key, packed)
    return pairs


def cached_pairs(key: str) -> tuple[int, list[Alike]]:
    """Return the cached pairs with the number of the newest change among them; a low number if there are none."""
    with suppress(RedisError):
        if packed := caches["responses"].get(key):
            sequence, rows = json.loads(zlib.decompress(bytes.fromhex(packed)))
            return sequence, [
                Alike(tuple(pair), score, [Reason(*each) for each in reasons], digest)
                for pair, score, reasons, digest in rows
            ]
    return -MOST_CHANGES - 1, []


def near_changes(user_id: int, sequence: int) -> set[int] | None:
    """Return the contacts whose pairs with one another may differ after the changes with higher numbers.

    They are the changed contacts, and those that share a key with one of them, as it is now or was before. None if
    that is not known, or too much.
    """
    changes = Change.objects.for_user(user_id).filter(number__gt=sequence)
    if (changes.aggregate(total=Sum("size"))["total"] or 0) > MOST_BYTES:
        return None
    firsts = list(changes.firsts().values_list("contact_id", "kind", "before"))
    if any(before is None and kind != Change.Kind.CREATED for _, kind, before in firsts):
        return None  # purged, or too old for its contents
    changed = [contact for contact, _, _ in firsts]
    touched = keys_now(changed).union(*(keys.keys_of(before) for _, _, before in firsts if before))
    # A key that more contacts share counts for nothing now, and did before the changes.
    shared = shared_keys(user_id, touched, fewest=1, most=MOST_SHARING + len(changed))
    near = set(changed).union(*(key.ids for key in shared))
    return near if len(near) <= MOST_NEAR else None


def find_pairs(user_id: int, region: str | None, near: set[int] | None = None) -> list[Alike]:
    """Return the pairs of the owner's contacts that are alike; with `near` those of two of these."""
    shared = shared_keys(user_id) if near is None else shared_among(user_id, near)
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
    found = (compare.alike(pair, close[pair], keys_in_common) for pair, keys_in_common in common.items())
    return sorted(filter(None, found))


def shared_keys(user_id: int, among: set[Key] | None = None, fewest: int = 2, most: int = MOST_SHARING) -> list[Shared]:
    """Return the keys of the owner, or those `among` them, that so many contacts outside the trash have."""
    own, trash = ContactKey.objects.for_user(user_id), Contact.objects.trash_of(user_id).values("pk")
    texts = own.shared((keys.EMAIL, keys.NAME, keys.BIRTH), trash, among, fewest, most)
    return texts + own.shared((keys.PHONE,), trash, among, fewest, most, phones.END)


def shared_among(user_id: int, near: set[int]) -> list[Shared]:
    """Return the keys that few contacts share, with those of their contacts that are in `near`."""
    shared = shared_keys(user_id, keys_now(list(near)))
    return [key._replace(ids=tuple(filter(near.__contains__, key.ids))) for key in shared]


def keys_now(contact_ids: list[int]) -> set[Key]:
    return set[Key]().union(*ContactKey.objects.by_contact(contact_ids).values())


def names_of(user_id: int, ids: set[int]) -> Names:
    """Return the folded names of those that are no group cards, by contact."""
    return dict(Contact.objects.for_user(user_id).filter(IsAmong("pk", ids)).values_list("pk", "fullname_folded"))


def names_weight(pair: Pair, names: Names) -> int:
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
