from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.models import OutgoingEmail


class Command(BaseCommand):
    """Retries e-mails after a long outage of the mail server: after three days the server gives an e-mail up."""

    help = "Makes all queued e-mails due now, also those that were given up. The server sends them within seconds."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="list them, and change nothing")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        emails = OutgoingEmail.objects.order_by("id")
        if dry_run:
            for email in emails.iterator():
                state = email.due_at.isoformat(timespec="seconds") if email.due_at else "given up"
                self.stdout.write(f"{email}: {email.attempts} attempts, {state}, {error_of(email)}")
            self.stdout.write(f"{emails.count():,} mails wait.")
            return
        self.stdout.write(f"{emails.retry():,} mails are due now.")


def error_of(email: OutgoingEmail) -> str:
    return email.last_error or ("being sent" if email.attempts else "no error")
