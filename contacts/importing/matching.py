"""Finding the contacts that the cards of a file are about, by indexed queries for a portion of them at once."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db.models import Q, Sum
from django.db.models.functions import Substr

from contactbook.exceptions import TooLargeError
from contacts.avatars.references import is_reference, with_uris
from contacts.cards import keys
from contacts.cards.folding import fold
from contacts.cards.jscontact import Card, flatten
from contacts.cards.keys import EMAIL, NAME, PHONE, Key
from contacts.cards.merging import covers
from contacts.cards.phones import END
from contacts.cards.phones import same as same_number
from contacts.importing.items import Item
from contacts.models import Contact, ContactKey, ImportEntry, Picture
from contacts.models.contact import FOLDED_LENGTH

SHARED = (EMAIL, PHONE)  # kinds of keys that two spellings of one contact may have in common, beside the name
MATCHED_BYTES = 8 * 1024 * 1024  # of the contacts that are read for a portion
# Contacts that are compared with one card: those of the card's size, of which one may equal it, and others.
MOST_EQUAL, MOST_CANDIDATES = 200, 20
MOST_ROWS, CHUNK = 100_000, 5_000  # rows of one query, ids in one query


@dataclass
class Match:
    """What a card is about: a contact outside the trash, one in it with the card's uid, or an earlier entry."""

    contact: Contact | None = None
    trashed: Contact | None = None
    earlier: ImportEntry | None = None
    same: bool = False  # nothing of the card is missing or different there


class Matcher:
    """Finds what cards are about. It caches the digests of uploaded pictures, which may be stored on another server."""

    def __init__(self, user_id: int, import_id: int, region: str | None) -> None:
        self.user_id, self.import_id, self.region = user_id, import_id, region
        self.reserved: set[str] = set()  # uids of group cards
        self.digests: dict[str, str] = {}  # of the pictures in the database, by reference
        self.uploaded: dict[str, str] = {}  # the digest of each picture that is not in the database, by reference

    def match(self, items: list[Item], read_uploads: bool) -> list[Match]:
        """Return what each card is about. No two of the items have one uid, or are equal in everything.

        TooLargeError if the contacts that must be read for it are too large together. Uploaded pictures are read
        only with `read_uploads`, which takes time: outside of a transaction.
        """
        self.read_uploads = read_uploads
        self.contacts: dict[int, Contact] = {}
        self.compared: dict[int, Card] = {}
        self.digests = {}
        found = {item.number: Match() for item in items}
        self.match_uids(items, found)
        self.match_earlier([item for item in items if not is_settled(found[item.number])], found)
        self.match_alike([item for item in items if not is_settled(found[item.number])], found)
        for item in items:
            match = found[item.number]
            if match.contact:
                match.same = self.holds(match.contact.pk, item)
        return [found[item.number] for item in items]

    def repeat(self, item: Item, row: ImportEntry, model: Item, contact: Contact | None) -> Match:
        """Return what a card is about that has the uid of another one in its portion, or equals it."""
        equal = item.digest == model.digest
        if contact is None:
            return Match(earlier=row, same=equal)
        self.contacts[contact.pk] = contact
        self.compared.pop(contact.pk, None)
        return Match(contact, same=self.holds(contact.pk, item))

    def learn(self, stored: dict[str, str]) -> None:
        """Add the digests of pictures that were stored; `stored` has their references by their names in the cards."""
        self.digests |= {reference: name for name, reference in stored.items()}

    # By uid

    def match_uids(self, items: list[Item], found: dict[int, Match]) -> None:
        uids = {item.uid: item for item in items if item.uid and item.uid == item.uid_key}
        rows = Contact.objects.all_of(self.user_id).filter(uid__in=uids).values_list("uid", "pk", "kind")
        ids = {uid: contact_id for uid, contact_id, kind in rows if kind == Contact.Kind.INDIVIDUAL}
        self.reserved = {uid for uid, _, kind in rows if kind == Contact.Kind.GROUP}
        self.load(ids.values())
        for uid, contact_id in ids.items():
            contact = self.contacts[contact_id]
            match = found[uids[uid].number]
            if contact.deleted_at:
                match.trashed = contact
            else:
                match.contact = contact

    # By an earlier entry of the file

    def match_earlier(self, items: list[Item], found: dict[int, Match]) -> None:
        if not items:
            return
        before = ImportEntry.objects.of(self.import_id).before(items[-1].number)
        by_uid = before.first_of_each("uid", {item.uid_key for item in items if item.uid})
        by_digest = before.first_of_each("digest", {item.digest for item in items})
        earlier = {
            item.number: entry
            for item in items
            if (entry := by_digest.get(item.digest) or (by_uid.get(item.uid_key) if item.uid else None))
            and entry.number < item.number
        }
        self.load({entry.contact_id for entry in earlier.values() if entry.contact_id})
        for item in items:
            if entry := earlier.get(item.number):
                contact = self.contacts.get(entry.contact_id or 0)
                match = found[item.number]
                if contact and not contact.deleted_at:
                    match.contact = contact
                elif entry.done is None and entry.contact_id is None:
                    match.earlier, match.same = entry, entry.digest == item.digest

    # By what they hold

    def match_alike(self, items: list[Item], found: dict[int, Match]) -> None:
        wanted = {item.number: keys.keys_of(item.card) for item in items if item.card}
        candidates = self.with_key_in_common(items, wanted)
        without_keys = [item for item in items if not any(key.kind in SHARED for key in wanted[item.number])]
        for number, ids in self.with_name_alone(without_keys).items():
            candidates[number] = ids
        if not candidates:
            return
        every = {each for ids in candidates.values() for each in ids}
        self.load(every)
        taken = ImportEntry.objects.of(self.import_id).before(items[-1].number).about(every)
        chosen: set[int] = set()
        for item in items:
            ids = [each for each in candidates.get(item.number, ()) if not taken.get(each, False)]
            contact = self.choose(item, ids, taken.keys() | chosen)
            if contact:
                found[item.number].contact = contact
                chosen.add(contact.pk)

    def choose(self, item: Item, ids: list[int], taken: Iterable[int]) -> Contact | None:
        """Return the first contact that holds the whole card, else the first that no earlier entry is about."""
        for contact_id in ids:
            if self.holds(contact_id, item):
                return self.contacts[contact_id]
        for contact_id in sorted(ids):
            if contact_id not in taken and self.shares_key(contact_id, item):
                return self.contacts[contact_id]
        return None

    def with_key_in_common(self, items: list[Item], wanted: dict[int, set[Key]]) -> dict[int, list[int]]:
        """Return the contacts with the same name and an address, or the end of a number, in common, by item."""
        by_name: dict[str, dict[Key, list[int]]] = defaultdict(lambda: defaultdict(list))
        for number, own in wanted.items():
            name = next((key.value for key in own if key.kind == NAME), "")
            for key in own:
                if key.kind in SHARED and name:
                    by_name[name][shortened(key)].append(number)
        emails = {key.value for own in by_name.values() for key in own if key.kind == EMAIL}
        ends = {key.value for own in by_name.values() for key in own if key.kind == PHONE}
        pairs: dict[int, set[int]] = defaultdict(set)
        for contact_id, name, key in self.key_rows(by_name, emails, ends):
            for number in by_name[name].get(key, ()):
                pairs[number].add(contact_id)
        sizes = self.sizes({contact_id for ids in pairs.values() for contact_id in ids})
        found = {
            item.number: nearest(item, {each: sizes[each] for each in pairs[item.number] & sizes.keys()})
            for item in items
            if item.number in pairs
        }
        return {number: ids for number, ids in found.items() if ids}

    def key_rows(self, names: Iterable[str], emails: set[str], ends: set[str]) -> Iterator[tuple[int, str, Key]]:
        """Yield contacts with one of the names, each with an address or the end of a number that is among these.

        Two queries of one table each: PostgreSQL joins a table that has just grown in the wrong order.
        """
        if not emails and not ends:
            return
        keys_of_owner = ContactKey.objects.for_user(self.user_id).order_by()
        named = keys_of_owner.among(NAME, names).values_list("contact_id", "value")[:MOST_ROWS]
        name_of = dict(named)
        shared = Q(kind=EMAIL, value__in=emails) | Q(kind=PHONE, end__in=ends)
        ids = sorted(name_of)
        for start in range(0, len(ids), CHUNK):
            rows = keys_of_owner.filter(contact__in=ids[start : start + CHUNK], kind__in=SHARED)
            rows = rows.annotate(end=Substr("value", 1, END)).filter(shared)
            for contact_id, kind, value in rows.values_list("contact_id", "kind", "value"):
                yield contact_id, name_of[contact_id], shortened(Key(kind, value))

    def sizes(self, contact_ids: set[int]) -> dict[int, int]:
        """Return the sizes of those of the contacts that are not in the trash."""
        rows = Contact.objects.for_user(self.user_id)
        return dict(rows.filter(pk__in=contact_ids).values_list("pk", "size")) if contact_ids else {}

    def with_name_alone(self, items: list[Item]) -> dict[int, list[int]]:
        """Return the contacts with the same name, and the same note if there is one, by item."""
        by_name: dict[tuple[str, str | None], list[Item]] = defaultdict(list)
        for item in items:
            flat = flatten(item.card or {})
            by_name[fold(flat.fullname)[:FOLDED_LENGTH], flat.additional].append(item)
        if not by_name:
            return {}
        names, notes = {name for name, _ in by_name}, {note for _, note in by_name if note}
        rows = Contact.objects.for_user(self.user_id).filter(fullname_folded__in=names)
        if None not in {note for _, note in by_name}:
            rows = rows.filter(additional__in=notes)
        namesakes: dict[tuple[str, str | None], dict[int, int]] = defaultdict(dict)
        columns = ("id", "size", "fullname_folded", "additional")
        for contact_id, size, name, additional in rows.order_by("id").values_list(*columns)[:MOST_ROWS]:
            for note in {additional, None}:
                namesakes[name, note][contact_id] = size
        return {
            item.number: nearest(item, namesakes[key])
            for key, found in by_name.items()
            if key in namesakes
            for item in found
        }

    # Comparing

    def shares_key(self, contact_id: int, item: Item) -> bool:
        """Return whether the contact and the card have an address or a number in common."""
        own, other = self.contacts[contact_id].card, item.card or {}
        emails, others = (
            {keys.email_key(text) for text in keys.values(card, "emails", "address")} for card in (own, other)
        )
        if emails & others:
            return True
        numbers = keys.values(own, "phones", "number")
        return any(
            same_number(number, each, self.region)
            for number in keys.values(other, "phones", "number")
            for each in numbers
        )

    def holds(self, contact_id: int, item: Item) -> bool:
        if contact_id not in self.compared:
            self.compare([contact_id], item.has_pictures)
        return item.card is not None and covers(self.compared[contact_id], item.card, self.region)

    def compare(self, contact_ids: list[int], with_uploads: bool) -> None:
        """Name the pictures of contacts by their digests, as the cards of the file do."""
        for contact_id in contact_ids:
            card = self.contacts[contact_id].card
            if "media" in card:
                card = with_uris(card, lambda uri: self.digests.get(uri) or self.uploaded_digest(uri, with_uploads))
            self.compared[contact_id] = card

    def uploaded_digest(self, uri: str, with_uploads: bool) -> str:
        """Return the digest of an uploaded picture, if it was or may be read now, else the reference."""
        if not is_reference(uri):
            return uri
        if uri not in self.uploaded and self.read_uploads and with_uploads:
            original = Picture.objects.original(self.user_id, uri)
            if original:
                self.uploaded[uri] = f"sha256-{hashlib.sha256(original.data).hexdigest()}"
        return self.uploaded.get(uri, uri)

    def load(self, contact_ids: Iterable[int]) -> None:
        """Read contacts with their cards, and the digests of their pictures."""
        missing = set(contact_ids) - self.contacts.keys()
        if not missing:
            return
        rows = Contact.objects.all_of(self.user_id).filter(pk__in=missing)
        size = rows.aggregate(size=Sum("size"))["size"] or 0
        if size + sum(contact.size for contact in self.contacts.values()) > MATCHED_BYTES:
            raise TooLargeError
        self.contacts |= rows.in_bulk()
        uris = [uri for key in missing & self.contacts.keys() for uri in uris_of(self.contacts[key].card)]
        digests = Picture.objects.digests(self.user_id, uris) if uris else {}
        self.digests |= {uri: f"sha256-{each}" for uri, each in digests.items()}


def nearest(item: Item, sizes: dict[int, int]) -> list[int]:
    """Return the first of the contacts by id: those of the card's size before the others."""
    own = item.stored_size if len(sizes) > MOST_CANDIDATES else 0
    equal = [each for each, size in sizes.items() if size == own]
    others = [each for each, size in sizes.items() if size != own]
    return [*sorted(equal)[:MOST_EQUAL], *sorted(others)[:MOST_CANDIDATES]]


def uris_of(card: Card) -> list[str]:
    return keys.values(card, "media", "uri")


def is_settled(match: Match) -> bool:
    return bool(match.contact or match.trashed or match.earlier)


def shortened(key: Key) -> Key:
    """Return a number's key as its last digits, which are the same in every spelling of the number."""
    return Key(PHONE, key.value[:END]) if key.kind == PHONE else key
