"""manage.py populate"""

from io import StringIO
from itertools import islice

import pytest
from django.core.management import CommandError, call_command
from django.forms.models import model_to_dict

from accounts.models import User
from contacts.management.commands.populate import PASSWORD
from contacts.management.people import people
from contacts.models import Book, Change, Contact, Group
from contacts.tests.cast import names

pytestmark = pytest.mark.django_db
DIFFERENT = ("id", "user", "uid", "book", "contact_id", "via", "client", "at", "operation", "created_at", "updated_at")


def populate(**options):
    out = StringIO()
    call_command("populate", **{"users": 2, "contacts": 30, "stdout": out, **options})
    return out.getvalue()


def book_of(address):
    return Contact.objects.for_user(User.objects.by_address(address).pk).order_by("id")


def columns(row):
    """The columns in which equal contacts, or equal changes, are equal."""
    return {name: value for name, value in model_to_dict(row).items() if name not in DIFFERENT} | {
        name: getattr(row, name) for name in ("fullname_folded", "email_folded", "month_day") if hasattr(row, name)
    }


def test_the_accounts_log_in_and_have_that_many_contacts(as_nobody, no_limits):
    assert PASSWORD in populate(power=70)
    for address, count in (("user1@example.org", 30), ("user2@example.org", 30), ("power@example.org", 70)):
        form = {"username": address, "password": PASSWORD}
        token = as_nobody.post("/api/auth/login", form, format="multipart").json()["access_token"]
        as_nobody.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        answer = as_nobody.get("/api/contacts?limit=1000")
        assert len(names(answer)) == count and answer["X-Total-Count"] == str(count)


def test_contacts_are_equal_to_those_created_by_the_api(as_alice, alice, no_limits):
    populate(users=1)
    made = list(book_of("user1@example.org"))
    for person in islice(people("1 user1@example.org"), 30):
        groups = dict.fromkeys(person.pop("groups"), True)
        card = {"card": {"name": {"full": person["fullname"]}, "keywords": groups}} if groups else {}
        given = {**person, "birthday": person["birthday"] and person["birthday"].isoformat(), **card}
        assert as_alice.post("/api/contacts", given, format="json").status_code == 201
    by_api = list(book_of("alice@example.org"))
    assert [columns(row) for row in made] == [columns(row) for row in by_api]
    assert len({row.uid for row in made + by_api}) == 60
    numbered = [columns(row) for row in Change.objects.filter(book=made[0].user_id).order_by("number")]
    assert numbered == [columns(row) for row in Change.objects.filter(book=alice.pk).order_by("number")]
    books = {book.pk: (book.sequence, book.live, book.bytes) for book in Book.objects.all()}
    assert books[made[0].user_id] == books[alice.pk] == (30, 30, sum(row.size for row in made))
    for owner in (made[0].user, alice):
        assert {group.name for group in Group.objects.for_user(owner.pk)} == {
            name for row in made for name in row.card.get("keywords", ())
        }


def test_the_same_seed_makes_the_same_people():
    assert list(islice(people("1 x"), 50)) == list(islice(people("1 x"), 50))
    assert list(islice(people("1 x"), 50)) != list(islice(people("2 x"), 50))
    populate(seed=7)
    first = [row.fullname for row in book_of("user2@example.org")]
    User.objects.all().delete()
    populate(seed=7)
    assert first == [row.fullname for row in book_of("user2@example.org")]


def test_people_have_varied_names_and_birthdays():
    some = list(islice(people("1 x"), 2000))
    assert 0.75 < sum(person["birthday"] is not None for person in some) / 2000 < 0.85
    assert len({person["fullname"] for person in some}) > 1000
    assert any(person["fullname"].isascii() for person in some) and any("田" in person["fullname"] for person in some)


def test_a_database_with_these_accounts_is_refused():
    populate()
    with pytest.raises(CommandError, match=r"user1@example\.org is there already"):
        populate(users=5)
    assert User.objects.count() == 2


def test_refolding_finds_nothing_to_renew():
    populate(users=1)
    out = StringIO()
    call_command("refold", stdout=out)
    assert out.getvalue() == "0 contacts were updated.\n"
