"""manage.py export_contacts --owner EMAIL [--format …] [FILE]"""

import sys
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
            self.write(sys.stdout, user.pk, format)
            return
        try:
            with Path(file).open("x", encoding="utf-8", newline="") as output:
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
