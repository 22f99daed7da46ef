"""Accounts with the largest books that an account may have, written into the database of a server under test.

Run by `manage.py shell` in the server's environment; prints each account's access token and some ids.
"""

import copy
import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django.db import connection, models
from django.utils import timezone

from accounts import tokens
from accounts.models import Session, User
from contactbook.db.postgresql.deadline import answer_within
from contactbook.tests.live import PASSWORD
from contacts.models import Book, Change, Contact, Group

Card = dict[str, Any]

ADDRESS = "{}@large.example.org"


def strings(name: str = "Strings") -> Card:
    """245 KB in 5,000 values."""
    return {"name": {"full": name}, "x.org:values": {f"k{n:04}": "x" * 38 for n in range(4980)}}


def nested(name: str = "Nested") -> Card:
    """245 KB in 5,000 values, 16 levels deep."""
    return {"name": {"full": name}, "x.org:values": [chain(13) for _ in range(355)]}


def chain(levels: int) -> Any:
    return {"a": chain(levels - 1)} if levels else "x" * 600


def objects(name: str = "Objects") -> Card:
    """5,000 values in 15 KB."""
    return {"name": {"full": name}, "x.org:values": [{} for _ in range(4990)]}


def wide(name: str = "Wide") -> Card:
    """One character takes four bytes in memory, and so do all others beside it."""
    return {"name": {"full": name}, "x.org:values": "x" * 245_000 + "😀"}


def noted(name: str = "Noted") -> Card:
    """245 KB in the flat field `additional`, and a birthday."""
    birthday = {"kind": "birth", "date": {"year": 1980, "month": 5, "day": 1}}
    note = {"note": "😀" * 61_000}
    return {"name": {"full": name}, "anniversaries": {"b1": birthday}, "notes": {"n1": note}}


def small(number: int) -> Card:
    day = date(2000, 1, 1) + timedelta(days=number % 366)
    birth = {"kind": "birth", "date": {"year": day.year, "month": day.month, "day": day.day}}
    return {
        "name": {"full": f"Ann Smith {number:04}"},
        "emails": {"e1": {"address": f"ann{number}@example.org"}},
        "phones": {"p1": {"number": f"+44 20 7946 {number:04}"}},
        "notes": {"n1": {"note": f"Met in {number}"}},
        "anniversaries": {"b1": birth},
        "keywords": {"All": True},
    }


def write_copies(book: Book, card: Card, number: int) -> list[Contact]:
    """Write contacts with the same card, which is derived once."""
    contact = book.create(card)
    contacts = [contact]
    for start in range(1, number, 50):
        copies = [copy.copy(contact) for _ in range(start, min(start + 50, number))]
        for at, each in enumerate(copies):
            each.pk, each.uid, each.revision = None, f"{card['name']['full']}-{start + at}", book.sequence + at + 1
        models.QuerySet(Contact).bulk_create(copies)
        for each in copies:
            book.log(each, Change.Kind.CREATED, None)
            book.count(each, 1, each.size)
        contacts += copies
    return contacts


def fill_full(book: Book) -> list[Contact]:
    """Write 700 large contacts of one group, which almost fill the quota."""
    keywords = {"keywords": {"Team": True}}
    return write_copies(book, strings() | keywords, 350) + write_copies(book, nested() | keywords, 350)


def fill_objects(book: Book) -> list[Contact]:
    """Write 1,500 contacts of one group and of many values, 500 of them in the trash."""
    contacts = write_copies(book, objects() | {"keywords": {"Team": True}}, 1500)
    delete(book, contacts[1000:])
    return contacts


def fill_texts(book: Book) -> list[Contact]:
    return write_copies(book, wide(), 200) + write_copies(book, noted(), 400)


def fill_small(book: Book) -> list[Contact]:
    """Write 6,000 contacts, 1,000 of them in the trash."""
    contacts = book.create_many([small(number) for number in range(6000)])
    delete(book, contacts[5000:])
    return contacts


def delete(book: Book, contacts: list[Contact]) -> None:
    for contact in contacts:
        book.written = 0
        book.delete(contact)


def fill_changed(book: Book) -> list[Contact]:
    """Write one large contact, which `change_often` changes."""
    return [book.create(strings())]


def change_often(user_id: int, contact_id: int) -> None:
    for number in range(150):
        with Book.objects.writing(user_id, "test") as book:
            book.put_card(book.get(contact_id), (nested if number % 2 else strings)(f"State {number}"))


FILLS: tuple[Callable[[Book], list[Contact]], ...] = (fill_full, fill_objects, fill_texts, fill_small, fill_changed)


def fill() -> None:
    """Print, by account, its access token, the ids of its contacts and of its groups."""
    with answer_within(600):
        without_statement_timeout()
        write_accounts()


def without_statement_timeout() -> None:
    """A slow machine may take more than its 5 s for the largest statements."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")


def write_accounts() -> None:
    accounts = {}
    for each in FILLS:
        name = each.__name__.removeprefix("fill_")
        user = User(username=name, email=ADDRESS.format(name), confirmed_at=timezone.now())
        user.set_password(PASSWORD)
        user.save()
        with Book.objects.writing(user.pk, "test") as book:
            contacts = each(book)
        if each is fill_changed:
            change_often(user.pk, contacts[0].pk)
        session = Session.objects.begin(user)
        accounts[name] = {
            "token": tokens.pair(session, 0, session.last_used_at.timestamp())["access_token"],
            "contacts": [contact.pk for contact in contacts],
            "group": Group.objects.for_user(user.pk).values_list("pk", flat=True).first(),
        }
    print(json.dumps(accounts))
