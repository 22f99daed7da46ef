from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import User
from contactbook.db.batches import bar
from contacts.cards import jscontact
from contacts.management.people import people
from contacts.models import Book

PASSWORD = "a quiet harbour 42"  # noqa: S105
POWER = "power@example.org"
BATCH = 5_000  # contacts a transaction


class Command(BaseCommand):
    """For benchmarks and load tests: people that are believable, and the same for the same seed."""

    help = (
        "Fills a database with accounts user1@example.org, user2@example.org …, each with its own address book, and "
        f"on request {POWER} with a large one. All are confirmed, and log in with the same password."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--users", type=int, default=1000, help="how many accounts (1000)")
        parser.add_argument("--contacts", type=int, default=200, help="how many contacts each has (200)")
        parser.add_argument("--power", type=int, default=0, help=f"how many contacts {POWER} has (0: no such account)")
        parser.add_argument("--seed", type=int, default=1, help="another number makes other people (1)")
        parser.add_argument("--password", default=PASSWORD, help=f"everybody's ({PASSWORD!r})")

    def handle(self, *args: Any, users: int, contacts: int, power: int, seed: int, password: str, **_: Any) -> None:
        books = {f"user{number}@example.org": contacts for number in range(1, users + 1)}
        if power:
            books[POWER] = power
        taken = User.objects.filter(email_key__in=list(books)).first()
        if taken:
            raise CommandError(f"{taken.email} is there already: an empty database is filled, or one without these.")
        for count, user in enumerate(accounts(list(books), password), 1):
            fill(user, books[user.email], f"{seed} {user.email}")
            bar(self, count, len(books))
        self.stdout.write(
            f"{len(books):,} accounts with {sum(books.values()):,} contacts, from {next(iter(books), 'nobody')} on. "
            f"Everybody's password: {password}"
        )


def accounts(addresses: list[str], password: str) -> Iterator[User]:
    """Confirmed accounts; the password is hashed once for all of them."""
    first = User()
    first.set_password(password)
    for address in addresses:
        user = User(
            username=address.partition("@")[0].title(),
            email=address,
            confirmed_at=timezone.now(),
            password=first.password,
            token_version=first.token_version,
        )
        user.save()
        yield user


def fill(user: User, count: int, seed: str) -> None:
    cards = islice((card(person) for person in people(seed)), count)
    while batch := list(islice(cards, BATCH)):
        with Book.objects.writing(user.pk, "command", "manage.py populate") as book:
            book.create_many(batch)


def card(person: dict[str, Any]) -> jscontact.Card:
    groups = dict.fromkeys(person.pop("groups"), True)
    return jscontact.with_flat({"keywords": groups} if groups else {}, person)
