from typing import Any

from django.core.management.base import BaseCommand

from accounts.mail.delivery import deliver


class Command(BaseCommand):
    """For cron, where the server is not started with contactbook/gunicorn_conf.py, which sends e-mails by itself.

    Safe beside a running server: each e-mail is leased to the process that sends it.
    """

    help = "Sends the e-mails that are due."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{deliver():,} e-mails were sent.")
