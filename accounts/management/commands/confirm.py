from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User


class Command(BaseCommand):
    help = "Confirms the address of an account whose confirmation e-mail does not arrive."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the account's address")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        user = User.objects.by_address(email)
        if user is None:
            raise CommandError(f"No account has the address {email}.")
        self.stdout.write("Confirmed." if user.confirm() else "Already confirmed.")
