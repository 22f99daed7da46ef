from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from contacts.backup import BackupError, check, restore


class Command(BaseCommand):
    help = (
        "Replaces the database with the one in a backup, and adds its pictures. All changes since the backup are "
        "lost. Stop the servers first: during the restore their requests wait or fail with 503."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="a file made by the command backup")
        parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
        parser.add_argument("--dry-run", action="store_true", help="check whether the file can be restored here")

    def handle(self, *args: Any, file: Path, yes: bool, dry_run: bool, **options: Any) -> None:
        try:
            manifest = check(file)
            self.stdout.write(f"{file}: made {manifest['at']}, {manifest['rows']:,} rows. The backup is complete.")
            if dry_run:
                return
            if not (yes or confirmed()):
                raise BackupError("Nothing was changed. Answer y, or run it with --yes.")
            restore(file)
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write("Restored. Programs with a copy of the contacts will read all of them again.")


def confirmed() -> bool:
    try:
        return input("Replace everything in this installation? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:  # there is no terminal
        return False
