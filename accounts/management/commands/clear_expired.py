import functools
from typing import Any

from django.contrib.sessions.models import Session as StaffSession
from django.core.management.base import BaseCommand, CommandParser
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Session
from contactbook.db.batches import in_batches


def delete_matching(rows: QuerySet[Any], keys: list[Any]) -> int:
    """Delete the rows with these keys that still match: a session may be refreshed at the same time."""
    return rows.filter(pk__in=keys).delete()[0]


class Command(BaseCommand):
    """Deletes expired sessions, which only take space."""

    help = "Deletes expired sessions of the API, with their refresh tokens, and of the admin."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="show how many, and delete nothing")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        expired = {
            "sessions of the API": Session.objects.expired(),
            "sessions of staff": StaffSession.objects.filter(expire_date__lt=timezone.now()),
        }
        for name, rows in expired.items():
            if dry_run:
                self.stdout.write(f"{rows.count():,} {name} would be deleted.")
                continue
            deleted = in_batches(self, rows, functools.partial(delete_matching, rows))
            self.stdout.write(f"{deleted:,} {name} were deleted.")
