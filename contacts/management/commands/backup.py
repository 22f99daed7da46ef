from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from contacts.backup import BackupError, backup


class Command(BaseCommand):
    help = "Writes the whole installation, avatars included, to one file, while it serves; then reads the file again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="where to; an older file of that name is replaced")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            made = backup(file)
        except BackupError as error:
            raise CommandError(str(error)) from error
        rows = sum(made["tables"].values())
        self.stdout.write(
            f"{file}: {rows} rows and {made['avatars']} avatars, {file.stat().st_size} bytes, read again and whole."
        )
