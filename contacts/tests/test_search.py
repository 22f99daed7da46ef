"""contacts/hot.py: its kept statements give what the plain conditions give, whatever the names, days and owners."""

import contextlib
from datetime import UTC, date, datetime, timedelta
from itertools import chain

import pytest
from contactbook.compiled import run
from django.db import connection, models, transaction
from django.http import Http404
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contacts import search as hot
from contacts.cards import birthdays
from contacts.cards.folding import fold
from contacts.models import Book, Change, Contact
from contacts.models.book import BOOKS, CHANGES, CONTACTS

pytestmark = pytest.mark.django_db

# What patterns, quotes and folding are made of; the last two are folded away, and one stands for two letters.
SIGNS = [
    "a",
    "A",
    "b",
    "ł",
    "Ł",
    "é",
    "e\u0301",
    "ß",
    "І",
    "本",
    "%",
    "_",
    "\\",
    "'",
    '"',
    "?",
    " ",
    "🚀",
    "\u0301",
    "\u200d",
]
texts = st.lists(st.sampled_from(SIGNS), max_size=5).map("".join)
names = texts.map(lambda text: f"a{text}" if not text.strip() else text)
days = st.sampled_from([date(2000, 1, 1) + timedelta(days=n) for n in (0, 1, 57, 58, 59, 60, 61, 180, 364, 365)])


@st.composite
def people(draw):
    """(owner's place, fullname, address, birthday, whether it is in the trash) of some contacts of two owners."""
    one = st.tuples(st.integers(0, 1), names, st.none() | texts, st.none() | days, st.booleans())
    return draw(st.lists(one, max_size=12))


def fields(name, email, birthday):
    card = {"name": {"full": name}}
    if email:
        card["emails"] = {"e1": {"address": email}}
    if birthday:
        parts = {"year": birthday.year, "month": birthday.month, "day": birthday.day}
        card["anniversaries"] = {"b1": {"kind": "birth", "date": parts}}
    return card


def keep(owners, rows):
    for place, name, email, birthday, trashed in rows:
        with Book.objects.writing(owners[place].pk, "test") as book:
            contact = book.create(fields(name, email, birthday))
            if trashed:
                book.delete(contact)


class Undone(Exception):
    """The end of an example, whose rows go."""


@pytest.fixture
def tried(alice, bob):
    """Runs a check on the rows of an example, and takes them back."""

    def run(rows, check):
        with pytest.raises(Undone), transaction.atomic():
            keep((alice, bob), rows)
            check()
            raise Undone

    return run


@pytest.fixture(autouse=True)
def small_measures(monkeypatch):
    """So that a dozen rows are more than a page, and not all early."""
    for name, value in {"PAGE": 3, "EARLY": 2}.items():
        monkeypatch.setattr(hot, name, value)


def examples(number):
    return settings(max_examples=number, suppress_health_check=[HealthCheck.function_scoped_fixture])


def by_order(contact):
    return contact.fullname_folded.encode(), contact.pk


def mine(user):
    """The owner's contacts in the list's order, worked out in Python."""
    live = [contact for contact in Contact._base_manager.filter(user=user) if not contact.deleted_at]
    return sorted(live, key=by_order)


def ids(rows):
    return [row["id"] for row in rows]


def born(*asked):
    return ids(chain(*hot.born_between(*asked)))


def plain(rows, like):
    """The same rows of a queryset nobody kept, with the same columns and types."""
    return list(rows.values(*like)) if like else []


def test_it_works(alice, tried):
    def check():
        contact = Contact.objects.get(user=alice, deleted_at=None)
        assert ids(hot.listed(alice.pk, 5, 0)) == [contact.pk] == [hot.found(alice.pk, "UKA", 1)["id"]]
        assert born(alice.pk, date(2023, 2, 28), date(2023, 2, 28), "02-28", None, 0) == [contact.pk]

    tried([(0, "Łukasz", None, date(2000, 2, 29), False), (0, "Łukasz", None, date(2000, 2, 29), True)], check)


def test_a_list_is_what_the_queryset_gives(alice, tried):
    @examples(60)
    @given(rows=people(), limit=st.integers(0, 5), skip=st.integers(0, 13))
    def holds(rows, limit, skip):
        def check():
            found = list(hot.listed(alice.pk, limit, skip))
            assert found == plain(
                Contact.objects.for_user(alice.pk).in_order()[skip : skip + limit], found and found[0]
            )
            assert ids(found) == [contact.pk for contact in mine(alice)][skip : skip + limit]

        tried(rows, check)

    holds()


def named(*names):
    return [(0, name, None, None, False) for name in names]


def containing(contacts, query):
    """By name, and by address."""
    text = fold(query)
    by_name = [contact for contact in contacts if text and text in contact.fullname_folded]
    by_address = [contact for contact in contacts if text and text in contact.email_folded]
    return by_name, by_address


def test_what_is_found_is_what_the_queryset_gives(alice, tried):
    @examples(150)
    @given(
        rows=people(),
        query=texts | st.sampled_from(["", "\u0301", "aa", "aab", "bab", "AA%", "\\%", "0", "7", "aaa@b", "ab" * 6]),
        live=st.sampled_from([0, 10**6]),  # of a small and of a large book, which are looked through in other ways
    )
    @example(rows=[(0, "a%b", None, None, False), (0, "a\\%b", None, None, False)], query="\\%", live=0)
    @example(rows=[(0, "axb", "a_b", None, False)], query="A_B", live=10**6)
    @example(rows=[(0, "b", "abc@b", None, False), (0, "a", "abc@a", None, False)], query="abc@", live=10**6)
    @example(rows=named("aa a", "aa b", "aab", "b aab"), query="aab", live=10**6)
    @example(rows=named("aa a", "aa b", "aab", "b aab"), query="b aab", live=10**6)
    @example(rows=named("aa a", "aa b", "ab bab", "bab"), query="bab", live=10**6)
    def holds(rows, query, live):
        def check():
            by_name, by_address = containing(mine(alice), query)
            listed = Contact.objects.for_user(alice.pk).matching(query) if query else Contact.objects.none()
            narrowed = hot.narrowed(listed, alice.pk, query, live).values_list("pk", flat=True)
            assert set(narrowed) == {contact.pk for contact in by_name + by_address}
            expected = next(iter(by_name or by_address), None)
            try:
                row = hot.found(alice.pk, query, live)
            except Http404:
                assert expected is None
                return
            assert row["id"] == expected.pk
            assert [row] == plain(Contact.objects.for_user(alice.pk).filter(pk=expected.pk), row)

        tried(rows, check)

    holds()


def test_owners_whose_letters_stand_in_one_list_are_told_apart(alice, make_user, monkeypatch):
    monkeypatch.setattr(hot, "EARLY", 0)  # nobody is found before the index of letters is asked
    other = make_user("other", pk=alice.pk + 1024)
    for user, name in ((other, "Ann Smith"), (alice, "Bea Smith")):
        keep((user,), [(0, name, "bea@x.org", None, False)])
    smiths = [
        (text, user, name) for text in ("smith", "bea@") for user, name in ((alice, "Bea Smith"), (other, "Ann Smith"))
    ]
    for text, user, name in smiths:
        assert hot.found(user.pk, text, 10**6)["fullname"] == name
        rows = hot.narrowed(Contact.objects.for_user(user.pk).matching(text), user.pk, text, 10**6)
        assert [each.fullname for each in rows] == [name]
    with pytest.raises(Http404):
        hot.found(alice.pk, "ann smith", 10**6)


def test_an_id_is_found_before_a_name_and_for_its_owner_alone(alice, bob, tried):
    def check():
        for user in (alice, bob):
            for contact in Contact._base_manager.filter(user=bob):
                row = None
                with contextlib.suppress(Http404):
                    row = hot.found(user.pk, str(contact.pk), 3)["id"]
                assert row == (contact.pk if user == bob and not contact.deleted_at else None)

    tried([(1, "Ann", None, None, False), (1, "Bea", None, None, True), (0, "Cid", None, None, False)], check)


def observed(start, end, leap_day):
    """By stored day, how many days after `start` it is first observed."""
    found = {}
    for number in range((end - start).days + 1):
        day = start + timedelta(days=number)
        stored = birthdays.ordinal(day)
        found.setdefault(stored, number)
        common = day.year % 4 != 0 or (day.year % 100 == 0 and day.year % 400 != 0)
        if common and f"{day:%m-%d}" == leap_day:
            found.setdefault(birthdays.LEAP_DAY, number)
    return found


def test_birthdays_are_what_the_calendar_gives(alice, tried):
    starts = st.dates(date(2022, 12, 25), date(2025, 3, 5))

    @examples(150)
    @given(
        rows=people(),
        start=starts,
        length=st.sampled_from([0, 1, 7, 60, 365, 366]),
        leap_day=st.sampled_from(["02-28", "03-01"]),
        limit=st.none() | st.integers(0, 4),
        skip=st.integers(0, 5),
    )
    def holds(rows, start, length, leap_day, limit, skip):
        end = start + timedelta(days=length)

        def check():
            place = observed(start, end, leap_day)
            born = [contact for contact in mine(alice) if contact.month_day in place]
            born.sort(key=lambda contact: place[contact.month_day])
            found = list(chain(*hot.born_between(alice.pk, start, end, leap_day, limit, skip)))
            assert ids(found) == [each.pk for each in born][skip:][:limit]
            for row in found:
                assert [row] == plain(Contact.objects.for_user(alice.pk).filter(pk=row["id"]), row)

        tried(rows, check)

    holds()


def raw(row):
    """The row as the database holds it, without its key."""
    with connection.cursor() as cursor:
        table, key = type(row)._meta.db_table, type(row)._meta.pk.column
        cursor.execute(f"SELECT * FROM {table} WHERE {key} = %s", [row.pk])
        names = [column[0] for column in cursor.description]
        return {name: value for name, value in zip(names, cursor.fetchone(), strict=True) if name != key}


moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**53) | texts, lambda inner: st.lists(inner, max_size=2)
)
cards = st.dictionaries(texts, json, max_size=3)


@st.composite
def contacts(draw):
    name = draw(names)
    values = fields(name, draw(st.none() | texts), draw(st.none() | days))
    contact = Contact(revision=draw(st.integers(1, 2**63 - 1)), created_at=draw(moments), updated_at=draw(moments))
    contact.deleted_at = draw(st.none() | moments)
    contact.take_card({**values, **{f"x:{key}": value for key, value in draw(cards).items()}})
    return contact


changes = st.builds(
    Change,
    number=st.integers(1, 2**63 - 1),
    contact_id=st.integers(1, 2**63 - 1),
    kind=st.sampled_from(Change.Kind.values),
    via=st.sampled_from(["rest", "command"]),
    client=texts,
    at=moments,
    before=st.none() | cards,
)


def twin(row, **other):
    """A copy without a key."""
    values = {field.attname: getattr(row, field.attname) for field in type(row)._meta.concrete_fields}
    return type(row)(**{**values, "id": None, **other})


def check_writes(writes, row, other, **elsewhere):
    """`row` inserted, then changed to `other`'s values, both as Django's own save would store them."""
    saved = twin(row, **elsewhere)
    writes.insert(row)
    models.Model.save(saved)
    assert row.pk and not row._state.adding
    assert raw(row) == {**raw(saved), **{name: raw(row)[name] for name in elsewhere}}
    for field in type(row)._meta.concrete_fields:
        if not field.primary_key and field.attname not in {"user_id", "book_id", *elsewhere}:
            setattr(row, field.attname, getattr(other, field.attname))
            setattr(saved, field.attname, getattr(other, field.attname))
    run(writes.alteration(row))
    models.Model.save(saved)
    assert raw(row) == {**raw(saved), **{name: raw(row)[name] for name in elsewhere}}


def test_a_contact_is_stored_as_djangos_save_would(alice, tried):
    @examples(80)
    @given(contacts(), contacts())
    def holds(row, other):
        row.user_id = alice.pk
        tried([], lambda: check_writes(CONTACTS, row, other, uid="another"))

    holds()


def test_a_change_is_stored_as_djangos_save_would(alice, tried):
    Book.objects.create(user=alice)

    @examples(80)
    @given(changes, changes)
    def holds(row, other):
        row.book_id = alice.pk
        tried([], lambda: check_writes(CHANGES, row, other, number=0))

    holds()


def test_a_book_is_stored_as_djangos_save_would(alice, bob):
    kept, saved = (Book(user=user, sequence=2**62, live=7, resync_below=5) for user in (alice, bob))
    Book.objects.bulk_create([Book(user=alice), Book(user=bob)])
    run(BOOKS.alteration(kept))
    models.Model.save(saved)
    assert raw(kept) == raw(saved) == {"sequence": 2**62, "live": 7, "resync_below": 5}
