from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from contacts.backup import BackupError, backup


class Command(BaseCommand):
    help = "Writes the database and the pictures to one zip file, and checks the file. Servers may run meanwhile."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the file to write; an older file of that name is replaced")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            manifest = backup(file)
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{file}: {manifest['rows']:,} rows, {file.stat().st_size:,} bytes. The backup is complete.")
