from typing import Any

from django.core.management.base import BaseCommand

from contactbook.db.batches import in_batches
from contacts.models import Book, Contact


class Command(BaseCommand):
    """Another Python brings other Unicode data, and what was folded by the old ones would not be found by the new."""

    help = "Reads every contact's columns out of its card anew. Nobody's history or copy is touched."

    def handle(self, *args: Any, **options: Any) -> None:
        renewed = in_batches(self, Contact.objects.all(), Book.objects.refold)
        self.stdout.write(f"{renewed:,} contacts were renewed.")
