from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from accounts.models import User
from contactbook.db.batches import in_batches


class Command(BaseCommand):
    """Deletes closed accounts. Until then, for 30 days, the owner can open the account again by logging in."""

    help = "Deletes the accounts that their owners closed more than 30 days ago, with all their data."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="show how many, and delete nothing")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        accounts = User.objects.past_grace(timezone.now())
        if dry_run:
            self.stdout.write(f"{accounts.count():,} accounts would be deleted.")
            return
        self.stdout.write(f"{in_batches(self, accounts, accounts.delete_matching):,} accounts were deleted.")
