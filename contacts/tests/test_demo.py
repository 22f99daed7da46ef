"""manage.py demo"""

import re
import shlex
from io import StringIO

import pytest
from django.core.management import call_command

from accounts.models import User
from contacts.management.commands.demo import ADDRESS, PEOPLE
from contacts.models import Book, Contact

pytestmark = pytest.mark.django_db


def demo(*args):
    out = StringIO()
    call_command("demo", *args, stdout=out)
    return out.getvalue()


def book():
    return Contact.objects.for_user(User.objects.by_address(ADDRESS).pk)


def test_the_demo_account_logs_in_and_has_coming_birthdays(as_nobody, no_limits):
    password = re.search(r"password: (\S+)", demo()).group(1)
    form = {"username": ADDRESS, "password": password}
    token = as_nobody.post("/api/auth/login", form, format="multipart").json()["access_token"]
    as_nobody.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert as_nobody.get("/api/contacts/lukasz").json()["fullname"] == "Łukasz Żółkiewski"
    soon = as_nobody.get("/api/contacts/bd?days_range=7&across_year=true").json()
    assert len(soon) >= 5


def test_a_second_run_adds_what_is_missing_and_nobody_twice():
    demo()
    owner = User.objects.by_address(ADDRESS)
    gone = book().first()
    with Book.objects.writing(owner.pk, "test") as open_book:
        open_book.delete(gone)
    demo()
    assert sorted(book().values_list("fullname", flat=True)) == sorted(person.fullname for person in PEOPLE)


def test_a_second_run_on_the_same_day_writes_nothing():
    demo()
    before = Book.objects.get().sequence
    demo()
    assert Book.objects.get().sequence == before


def test_the_password_may_be_chosen():
    demo("--password", "chosen staple 9")
    assert User.objects.by_address(ADDRESS).check_password("chosen staple 9")


def test_the_printed_command_quotes_the_password_for_the_shell():
    command = demo("--password", "it's; $HOME").partition("--data-urlencode")[2]
    assert shlex.split(command)[-1] == "password=it's; $HOME"
