"""Finds, coming birthdays and pages of the list, compared with plain Python over generated contacts."""

import contextlib
from datetime import date, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conftest import AUTHENTICATION, VERSION
from contactbook.exceptions import NotFoundError
from contacts import search
from contacts.cards.birthdays import ordinal
from contacts.cards.folding import fold
from contacts.models import Book, Contact
from contacts.serializers.contacts import COLUMNS
from contacts.tests.cast import NOT_FOUND, add, flat, links, observed_days

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
SMALL, LARGE = 0, 10**6  # contacts that the book is said to have
DAY = timedelta(days=1)

# Characters of patterns, quotes and folding: the last two fold to nothing, and ß folds to two letters.
SIGNS = [*"aAbłŁéßІ本%_\\'\"? 🚀", "e\u0301", "\u0301", "\u200d"]
texts = st.lists(st.sampled_from(SIGNS), max_size=5).map("".join)
names = texts.map(lambda text: text if text.strip() else f"a{text}")
days = st.sampled_from([date(2000, 1, 1) + n * DAY for n in (0, 1, 57, 58, 59, 60, 61, 180, 364, 365)])
birthdays = days | days.map(lambda day: day.replace(year=2024))
# Of each contact: name, e-mail, birthday, and what happens to it after it was created.
rows = st.lists(
    st.tuples(names, st.none() | texts, st.none() | birthdays, st.sampled_from(["", "", "changed", "deleted"])),
    max_size=12,
)


examples = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def card(name, email, birthday):
    parts = birthday and {"year": birthday.year, "month": birthday.month, "day": birthday.day}
    return {
        "name": {"full": name},
        **({"emails": {"e1": {"address": email}}} if email else {}),
        **({"anniversaries": {"b1": {"kind": "birth", "date": parts}}} if parts else {}),
    }


@contextlib.contextmanager
def contacts_of(user, made):
    """The user's contacts in the order of the list, sorted in Python; they are rolled back afterwards."""
    with transaction.atomic():
        with Book.objects.writing(user.pk, "test") as book:
            created = book.create_many([card(*row[:3]) for row in made])
            for contact, (*_, fate) in zip(created, made, strict=True):
                if fate == "changed":
                    book.change(contact, {"additional": "changed"})
                elif fate == "deleted":
                    book.delete(contact)
        live = [contact for contact in created if not contact.deleted_at]
        yield sorted(live, key=lambda contact: (fold(contact.fullname), contact.pk))
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def two_are_early(monkeypatch):
    """A dozen contacts are then a large book, most of which does not stand at the start of the order."""
    monkeypatch.setattr(search, "EARLY", 2)


def found(user, query, live):
    with contextlib.suppress(NotFoundError):
        return search.find(Contact.objects.for_user(user.pk), query, live, ("id",))["id"]
    return None


def first_match(contacts, query):
    """The id of the contact with that id, or whose name or else e-mail contains the text."""
    text = fold(query)
    by_id = [contact for contact in contacts if query.isascii() and query.isdecimal() and int(query) == contact.pk]
    by_name = [contact for contact in contacts if text and text in fold(contact.fullname)]
    by_email = [contact for contact in contacts if text and text in fold(contact.email or "")]
    return next((contact.pk for contact in by_id + by_name + by_email), None)


def named(*fullnames):
    return [(name, None, None, "") for name in fullnames]


@examples
@given(made=rows, query=texts | st.sampled_from(["", "aa", "aab", "AA%", "\\%", "0", "7", "aaa@b", "ab" * 6]))
@example(made=named("a%b", "a\\%b"), query="\\%")
@example(made=[("axb", "a_b", None, "")], query="A_B")
@example(made=[("b", "abc@b", None, ""), ("a", "abc@a", None, "")], query="abc@")
@example(made=named("aa a", "aa b", "aab", "b aab"), query="b aab")
@example(made=named("aa a", "aa b", "ab bab", "bab"), query="bab")
def test_a_find_returns_the_first_match_in_a_small_and_in_a_large_book(alice, bob, made, query):
    with contacts_of(bob, made[:3]), contacts_of(alice, made) as contacts:
        queries = [query, *[str(contact.pk) for contact in contacts[:1]]]
        for text in queries:
            assert found(alice, text, SMALL) == found(alice, text, LARGE) == first_match(contacts, text)
        assert found(bob, queries[-1], SMALL) == found(bob, queries[-1], LARGE) or len(queries) == 1
        assert found(bob, queries[-1], LARGE) not in [contact.pk for contact in contacts]


@examples
@given(made=rows, query=texts.filter(fold))
def test_a_search_returns_every_match_whether_they_are_found_before_they_are_sorted(alice, made, query):
    with contacts_of(alice, made) as contacts:
        text = fold(query)
        expected = [each.pk for each in contacts if text in fold(each.fullname) or text in fold(each.email or "")]
        matching = Contact.objects.for_user(alice.pk).matching(query)
        for matches in (matching, matching.filtered_first()):
            assert list(matches.in_order().values_list("pk", flat=True)) == expected


def in_span(contacts, start, end, leap_day):
    """The contacts whose birthday is observed in the span, nobody before the year of birth."""
    first: dict[int, date] = {}  # by stored day, the first real day on which it is observed
    for number in range((end - start).days + 1):
        for stored in observed_days(start + number * DAY, leap_day):
            first.setdefault(stored, start + number * DAY)
    announced = [
        (first[ordinal(contact.birthday)], place, contact.pk)
        for place, contact in enumerate(contacts)
        if contact.birthday and ordinal(contact.birthday) in first
        if contact.birthday.year <= first[ordinal(contact.birthday)].year
    ]
    return [pk for _, _, pk in sorted(announced)]


@examples
@given(
    made=rows,
    start=st.dates(date(2022, 12, 25), date(2025, 3, 5)),
    length=st.sampled_from([0, 1, 7, 60, 365, 366]),
    leap_day=st.sampled_from(["02-28", "03-01"]),
    limit=st.integers(0, 4) | st.just(1000),
)
@example(made=[("a", None, date(2024, 2, 29), "")], start=date(2023, 2, 28), length=0, leap_day="02-28", limit=1)
def test_birthdays_come_in_the_order_of_the_calendar_and_in_pages(alice, made, start, length, leap_day, limit):
    end = start + length * DAY
    with contacts_of(alice, made) as contacts:
        expected = in_span(contacts, start, end, int(leap_day.replace("-", "")))
        upcoming = search.UpcomingBirthdays(Contact.objects.for_user(alice.pk), start, end, leap_day, COLUMNS)
        for skip in range(len(expected) + 2):
            assert [row["id"] for row in upcoming[skip : skip + limit]] == expected[skip : skip + limit]


SORT_KEYS = {
    "fullname": lambda contact: (fold(contact.fullname), contact.pk),
    "updated": lambda contact: (contact.revision, contact.pk),
    "created": lambda contact: contact.pk,
}


def follow(client, url, relation):
    """The ids on each page from that URL on, and the URL of the last page."""
    pages = []
    while url:
        answer, last = client.get(url), url
        pages.append([contact["id"] for contact in answer.json()])
        url = links(answer).get(relation)
    return pages, last


@settings(examples, max_examples=15)
@given(
    made=rows, order=st.sampled_from(sorted(SORT_KEYS)), sign=st.sampled_from(["", "-"]), limit=st.integers(1, 4),
    deep=st.sampled_from([1, 500]),
)  # fmt: skip
@example(made=named("b", "a", "A", "c", "á"), order="fullname", sign="-", limit=2, deep=1)
def test_pages_by_skip_and_by_cursor_are_slices_of_the_sorted_list(as_alice, alice, made, order, sign, limit, deep):
    url = f"/api/contacts?order={sign}{order}&limit={limit}"
    with contacts_of(alice, made) as contacts, pytest.MonkeyPatch.context() as patch:
        patch.setattr("contactbook.api.pagination.DEEP", deep)
        expected = [each.pk for each in sorted(contacts, key=SORT_KEYS[order], reverse=bool(sign))]
        pages = [expected[start : start + limit] for start in range(0, len(expected), limit)] or [[]]
        forth, last = follow(as_alice, url, "next")
        assert forth == pages
        back, _ = follow(as_alice, last, "prev")
        assert sum(reversed(back), []) == expected and all(len(page) <= limit for page in back)
        assert follow(as_alice, f"{url}&skip=0", "next")[0] == pages
        skip = len(pages) * limit - limit
        assert follow(as_alice, f"{url}&skip={skip}", "prev")[0] == pages[::-1]


SALAAM = "\ufdfa"  # a ligature that folds to 18 characters


def test_a_text_that_folds_to_more_than_510_characters_is_cut_and_never_searched_for(
    as_alice, django_assert_num_queries
):
    contact = add(as_alice, SALAAM * 29, email=SALAAM * 314)
    row = Contact.objects.get(pk=contact["id"])
    assert (len(row.fullname_folded), len(row.email_folded)) == (510, 510)
    assert flat(as_alice.get(f"/api/contacts/{SALAAM * 28}")) == contact
    with django_assert_num_queries(AUTHENTICATION + VERSION):
        assert as_alice.get(f"/api/contacts/{SALAAM * 29}").json() == NOT_FOUND
    assert as_alice.get("/api/contacts", {"q": SALAAM * 28}).json() == [contact]
    assert as_alice.get("/api/contacts", {"q": SALAAM * 29}).json() == []
