"""Pairs that are found again after a write: they are those that a search of the whole book finds."""

import random
from collections import Counter

import pytest

from contacts import alike_pairs
from contacts.models import Book, Change, Contact

pytestmark = [pytest.mark.django_db]

# Few values, so that many contacts share them, and often more than four.
NAMES = ["Ann Lee", "Anne Lee", "Lee, Ann", "A. Lee", "Bob Lee", "Bob", "Bobb", "Zoë Łoś", "Zoe Los", "Ann Lee Ray"]
EMAILS = [f"{name}@example.org" for name in ("a", "b", "c", "info")]
PHONES = ["+49 221 1234567", "0221 1234567", "0049 221 1234567", "+44 221 1234567", "7654321", "+49 30 7654321"]


def some_card(chance):
    card = {"name": {"full": chance.choice(NAMES)}}
    if chance.random() < 0.6:
        card["emails"] = {"e1": {"address": chance.choice(EMAILS)}}
    if chance.random() < 0.6:
        card["phones"] = {f"p{n}": {"number": chance.choice(PHONES)} for n in range(chance.choice([1, 2]))}
    if chance.random() < 0.4:
        date = {"year": 1980, "month": 5, "day": chance.choice([1, 2])}
        card["anniversaries"] = {"b1": {"kind": "birth", "date": date}}
    return card


def write(chance, user):
    """One transaction with one to three random writes."""
    with Book.objects.writing(user.pk, "test") as book:
        for _ in range(chance.choice([1, 1, 2, 3])):
            live = list(Contact.objects.for_user(user.pk))
            trash = list(Contact.objects.trash_of(user.pk))
            kind = chance.choice(["create", "change", "change", "delete", "restore", "purge"])
            if kind == "create" or not live:
                book.create(some_card(chance))
            elif kind == "change":
                book.put_card(chance.choice(live), some_card(chance))
            elif kind == "delete":
                book.delete(chance.choice(live))
            elif trash:
                (book.restore if kind == "restore" else book.purge)(chance.choice(trash))


def pairs_of(user):
    return alike_pairs.alike_pairs(user.pk, Book.objects.version(user.pk), "DE")


@pytest.fixture
def ways(monkeypatch):
    """How often pairs were found in the whole book, and near changes."""
    found, find_pairs = Counter(), alike_pairs.find_pairs

    def counting(user_id, region, near=None):
        found["whole" if near is None else "near"] += 1
        return find_pairs(user_id, region, near)

    monkeypatch.setattr(alike_pairs, "find_pairs", counting)
    return found


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in (2, 3, 4, 5))])
def test_after_any_writes_they_are_those_of_the_whole_book(alice, ways, seed):
    chance, seen = random.Random(seed), 0
    with Book.objects.writing(alice.pk, "test") as book:
        book.create_many([some_card(chance) for _ in range(18)])
    pairs_of(alice)
    for _ in range(25):
        for _ in range(chance.choice([1, 1, 1, 4])):
            write(chance, alice)
        pairs = pairs_of(alice)
        assert pairs == alike_pairs.find_pairs(alice.pk, "DE")
        assert pairs_of(alice) == pairs
        seen += len(pairs)
    assert seen and ways["near"] > 15


def test_a_fifth_contact_with_an_address_takes_it_from_the_others(alice, ways):
    with Book.objects.writing(alice.pk, "test") as book:
        cards = [{"name": {"full": n}, "emails": {"e": {"address": "a@example.org"}}} for n in ("Ann Ray", "Anne Ray")]
        book.create_many([*cards, *({**cards[0], "name": {"full": f"Other{n}"}} for n in range(2))])
    assert len(pairs_of(alice)) == 1
    with Book.objects.writing(alice.pk, "test") as book:
        fifth = book.create({**cards[0], "name": {"full": "Fifth"}})
    assert pairs_of(alice) == []
    with Book.objects.writing(alice.pk, "test") as book:
        book.put_card(book.get(fifth.pk), {"name": {"full": "Fifth"}})
    assert len(pairs_of(alice)) == 1
    assert ways == {"whole": 1, "near": 2}


def test_where_the_cards_before_are_not_known_the_whole_book_is_searched(alice, ways, monkeypatch):
    chance = random.Random(1)
    for _ in range(10):
        write(chance, alice)
    pairs_of(alice)
    write(chance, alice)
    Book.objects.erase_contents(Change.objects.for_user(alice.pk))
    Change.objects.for_user(alice.pk).filter(kind="created").update(kind="changed")
    pairs_of(alice)
    assert ways == {"whole": 2}
    for bound in ("MOST_BYTES", "MOST_CHANGES", "MOST_NEAR"):
        with Book.objects.writing(alice.pk, "test") as book:
            contact = book.create(some_card(chance))
        with Book.objects.writing(alice.pk, "test") as book:
            book.put_card(book.get(contact.pk), some_card(chance))
        ways.clear()
        with monkeypatch.context() as patched:
            patched.setattr(alike_pairs, bound, 0)
            assert pairs_of(alice) == alike_pairs.find_pairs(alice.pk, "DE")
        assert ways == {"whole": 2}, bound


def test_each_region_has_pairs_of_its_own(alice):
    with Book.objects.writing(alice.pk, "test") as book:
        for number in ("+44 221 1234567", "0221 1234567"):
            book.create({"name": {"full": "Ann Ray"}, "phones": {"p": {"number": number}}})
    version = Book.objects.version(alice.pk)
    for region, kinds in (("DE", ["name"]), ("GB", ["phone", "name"]), ("DE", ["name"])):
        (pair,) = alike_pairs.alike_pairs(alice.pk, version, region)
        assert [reason.kind for reason in pair.reasons] == kinds
