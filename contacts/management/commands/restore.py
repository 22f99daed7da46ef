from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from contacts.backup import BackupError, check, restore


class Command(BaseCommand):
    help = (
        "Puts an installation back as a backup file has it; what was written since is lost. Stop the servers first: "
        "requests to one that goes on wait, or are a 503."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="what `backup` wrote")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--dry-run", action="store_true", help="only look whether the file is whole")

    def handle(self, *args: Any, file: Path, yes: bool, dry_run: bool, **options: Any) -> None:
        try:
            found = check(file)
            self.stdout.write(f"{file} was made {found['at']}: {sum(found['tables'].values())} rows, whole.")
            if dry_run or not (yes or agreed()):
                return
            restore(file)
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write("Restored. Programs that keep a copy will be told to read everything anew.")


def agreed() -> bool:
    try:
        return input("Replace everything that is here now? [y/N] ").lower() == "y"
    except EOFError:  # nobody is there to ask
        return False
