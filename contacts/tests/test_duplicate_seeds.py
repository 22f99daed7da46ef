"""Which of the seeded duplicates are found, and what else is."""

from collections import Counter
from itertools import combinations

import pytest

from contacts import duplicates
from contacts.models import Book
from contacts.tests.duplicate_seeds import KINDS, seeded_book

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db]


def found_pairs(user, cards, region):
    """Return the pairs of places that are in one set."""
    with Book.objects.writing(user.pk, "test") as book:
        places = {contact.pk: place for place, contact in enumerate(book.create_many(cards))}
    found = duplicates.current(user.pk, Book.objects.version(user.pk), region)
    return {pair for each in found for pair in combinations(sorted(places[key] for key in each.members), 2)}


def test_nine_of_ten_seeded_duplicates_are_found_and_hardly_anything_else(alice):
    seeds = seeded_book(4000, 500)
    found = found_pairs(alice, seeds.cards, "DE")
    right = found & seeds.pairs.keys()
    by_kind = Counter(seeds.pairs[pair] for pair in right)
    assert len(right) >= 0.9 * len(seeds.pairs), by_kind
    assert len(right) >= 0.97 * len(found)
    assert all(by_kind[kind] >= 0.8 * 100 for kind in KINDS), by_kind
