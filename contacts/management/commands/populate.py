from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import User
from contactbook.commands import integer
from contactbook.db.batches import show_progress
from contacts.cards import jscontact
from contacts.management.people import people
from contacts.models import Book

PASSWORD = "a quiet harbour 42"  # noqa: S105
POWER = "power@example.org"
BATCH = 5_000  # contacts in one transaction


class Command(BaseCommand):
    """Makes data for benchmarks and load tests: plausible people, the same for the same seed."""

    help = (
        "Makes accounts user1@example.org, user2@example.org …, each with its own address book, and "
        f"on request {POWER} with a large one. All are confirmed and have the same password."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--users", type=integer(1, 10**7), default=1000, help="how many accounts (1000)")
        parser.add_argument("--contacts", type=integer(0, 10**6), default=200, help="how many contacts each has (200)")
        parser.add_argument(
            "--power", type=integer(0, 10**7), default=0, help=f"how many contacts {POWER} has (0: no such account)"
        )
        parser.add_argument("--seed", type=int, default=1, help="seed of the random numbers (1)")
        parser.add_argument("--password", default=PASSWORD, help=f"the password of all accounts ({PASSWORD!r})")

    def handle(self, *args: Any, users: int, contacts: int, power: int, seed: int, password: str, **_: Any) -> None:
        books = {f"user{number}@example.org": contacts for number in range(1, users + 1)}
        if power:
            books[POWER] = power
        taken = User.objects.filter(email_key__in=list(books)).first()
        if taken:
            raise CommandError(f"{taken.email} is there already: the database must have none of these accounts.")
        for count, user in enumerate(accounts(list(books), password), 1):
            fill(user, books[user.email], f"{seed} {user.email}")
            show_progress(self, count, len(books))
        self.stdout.write(
            f"{len(books):,} accounts with {sum(books.values()):,} contacts, from {next(iter(books))} on. "
            f"Everybody's password: {password}"
        )


def accounts(addresses: list[str], password: str) -> Iterator[User]:
    """Create confirmed accounts, one at a time; the password is hashed once for all of them."""
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
