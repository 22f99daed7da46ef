"""manage.py export_contacts --owner EMAIL [--format …] [FILE]"""

import contextlib
import sys
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from contactbook.db.batches import show_progress
from contacts.exporting import FORMATS, PAGE, export
from contacts.models import Contact


class Command(BaseCommand):
    """Writes an address book for its owner, who cannot or need not log in."""

    help = "Writes the contacts of an account to a file, or to the terminal."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", help="the file to write; it must not exist (default: standard output)")
        parser.add_argument("--owner", required=True, metavar="EMAIL", help="the address of the account")
        parser.add_argument("--format", choices=list(FORMATS), default="vcard4", help="(default: vcard4)")

    def handle(self, *args: Any, file: str | None, owner: str, format: str, **options: Any) -> None:
        user = User.objects.by_address(owner)
        if user is None:
            raise CommandError(f"There is no account with the address {owner}.")
        if file is None:
            if isinstance(sys.stdout, TextIOWrapper):
                sys.stdout.reconfigure(encoding="utf-8", newline="")
            self.write(sys.stdout, user.pk, format)
            return
        try:
            with new_file(Path(file)) as output:
                self.write(output, user.pk, format)
        except OSError as error:
            raise CommandError(f"{file} was not written: {error.strerror}") from error

    def write(self, output: TextIO, user_id: int, format: str) -> None:
        contacts = Contact.objects.for_user(user_id)
        total = contacts.count()
        for done, part in enumerate(export(contacts, format), 1):
            output.write(part)
            if done <= total and (done % PAGE == 0 or done == total):
                show_progress(self, done, total)


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[TextIO]:
    """Open a file that did not exist. It is deleted if the block fails: half an address book looks like a whole one."""
    with path.open("x", encoding="utf-8", newline="") as output:
        try:
            yield output
            output.flush()
        except BaseException:
            path.unlink(missing_ok=True)
            raise
