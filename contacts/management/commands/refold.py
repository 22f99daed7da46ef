from typing import Any

from django.core.management.base import BaseCommand

from contactbook.db.batches import in_batches
from contacts.models import Book, Contact


class Command(BaseCommand):
    """Updates the folded texts after an upgrade of Python, whose new Unicode data may fold texts differently."""

    help = "Derives the columns of every contact from its card again. Neither the history nor clients' copies change."

    def handle(self, *args: Any, **options: Any) -> None:
        renewed = in_batches(self, Contact.objects.all(), Book.objects.refold)
        self.stdout.write(f"{renewed:,} contacts were updated.")
