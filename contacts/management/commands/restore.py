from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from contactbook.backup import BackupError, check, restore
from contacts.models import Book


class Command(BaseCommand):
    help = (
        "Puts an installation back as a backup file has it; what was written since is lost. Stop the server first: "
        "one that goes on may show remembered answers for half a minute."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="what `backup` wrote")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--dry-run", action="store_true", help="only look whether the file is whole")

    def handle(self, *args: Any, file: Path, yes: bool, dry_run: bool, **options: Any) -> None:
        try:
            found = check(file)
            self.stdout.write(f"{file} was made {found['at']}: {sum(found['tables'].values())} rows.")
            if dry_run or not (yes or input("Replace everything that is here now? [y/N] ").lower() == "y"):
                return
            restore(file)
        except (BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        Book.objects.begin_new_epoch()
        self.stdout.write("Restored. Programs that keep a copy will be told to read everything anew.")
