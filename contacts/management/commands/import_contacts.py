from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from contactbook.db.batches import show_progress
from contactbook.exceptions import InvalidValueError
from contacts.importing import readers
from contacts.importing.steps import Run
from contacts.models import Import
from contacts.serializers.imports import FORMATS

PIECE = 1024 * 1024  # bytes


class Command(BaseCommand):
    """Reads files that are too large for an upload, and moves address books without a browser."""

    help = (
        "Imports a file of contacts into an account, as POST /api/imports does, whatever its size. The account's owner "
        "sees the report, and can take the import back."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the file")
        parser.add_argument("--owner", required=True, help="the address of the account")
        parser.add_argument("--policy", choices=Import.Policy.values, default="skip", help="(skip)")
        parser.add_argument("--format", choices=FORMATS, default="auto", help="by default the file tells it")
        parser.add_argument("--encoding", help="a WHATWG label; by default the file tells it")
        parser.add_argument("--dry-run", action="store_true", help="show what the file holds, and write nothing")

    def handle(self, *args: Any, file: Path, owner: str, policy: str, dry_run: bool, **options: Any) -> None:
        user = User.objects.by_address(owner)
        if user is None:
            raise CommandError(f"There is no account with the address {owner}.")
        job = self.begin(user, file, "" if dry_run else policy, options)
        self.run(job, file)
        self.report(job, dry_run)

    def begin(self, user: User, file: Path, policy: str, options: dict[str, Any]) -> Import:
        try:
            with file.open("rb") as opened:
                format = readers.format_of(opened.read(readers.HEAD), options["format"])
        except OSError as error:
            raise CommandError(f"{file} cannot be imported: {error.strerror}") from error
        except InvalidValueError as error:
            raise CommandError(f"{file} cannot be imported: {error}") from error
        if options["encoding"] and not readers.decoding_name(options["encoding"]):
            raise CommandError(f"The encoding {options['encoding']} is not known.")
        facts = {"format": format, "encoding": options["encoding"], "policy": policy}
        return Import.objects.begin_here(user.pk, filename=file.name[:255], client="import_contacts", **facts)

    def run(self, job: Import, file: Path) -> None:
        size = file.stat().st_size
        done = [0]
        run = Run(job, Event(), partial(pieces, file, done), lambda: show_progress(self, min(done[0], size - 1), size))
        run.step(job.policy)
        show_progress(self, size, size)

    def report(self, job: Import, dry_run: bool) -> None:
        if job.status in Import.STEPS:  # another process has the lease, or a restore deleted the row
            raise CommandError("The import was ended by another process or a restore. Import the file again.")
        counts = ", ".join(f"{number:,} {name}" for name, number in job.counts.items())
        self.stdout.write(f"{job.position:,} entries: {counts}.")
        if dry_run:
            Import.objects.forget(job.user_id, job.pk)
        if job.status == Import.Status.FAILED:
            raise CommandError(f"The import failed: {job.error}")


def pieces(file: Path, done: list[int]) -> Iterator[bytes]:
    """Yield the file, and say in `done[0]` how many bytes of it were read."""
    done[0] = 0
    with file.open("rb") as opened:
        while piece := opened.read(PIECE):
            done[0] += len(piece)
            yield piece
