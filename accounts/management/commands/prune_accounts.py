from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from accounts.models import User
from contactbook.commands import integer
from contactbook.db.batches import in_batches


class Command(BaseCommand):
    """Deletes unconfirmed accounts: a sign-up with a wrong address blocks that address for its owner."""

    help = "Deletes the accounts whose address was never confirmed, except those of staff."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days",
            type=integer(0, 36500),
            default=30,
            help="minimum age in days, 0 to 36500 (default 30)",
        )
        parser.add_argument("--dry-run", action="store_true", help="show how many, and delete nothing")

    def handle(self, *args: Any, days: int, dry_run: bool, **options: Any) -> None:
        accounts = User.objects.unconfirmed_before(timezone.now() - timedelta(days=days))
        if dry_run:
            self.stdout.write(f"{accounts.count():,} accounts would be deleted.")
            return
        self.stdout.write(f"{in_batches(self, accounts, accounts.delete_matching):,} accounts were deleted.")
