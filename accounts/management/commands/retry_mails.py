from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.models import Letter


class Command(BaseCommand):
    """For after a mail server's outage of days: what was given up is not tried again by itself."""

    help = "Makes waiting mails due at once, those that were given up too. The server sends them within seconds."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="list them, and change nothing")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        letters = Letter.objects.order_by("id")
        if dry_run:
            for letter in letters.iterator():
                state = letter.due_at.isoformat(timespec="seconds") if letter.due_at else "given up"
                self.stdout.write(f"{letter}: {letter.attempts} attempts, {state}, {error_of(letter)}")
            self.stdout.write(f"{letters.count():,} mails wait.")
            return
        self.stdout.write(f"{letters.retry():,} mails are due now.")


def error_of(letter: Letter) -> str:
    return letter.last_error or ("being sent" if letter.attempts else "no error")
