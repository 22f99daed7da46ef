from typing import Any

from django.core.management.base import BaseCommand

from accounts.mail.delivery import deliver
from accounts.models import User


class Command(BaseCommand):
    """Sends e-mails from cron, for servers without contactbook/gunicorn_conf.py, which starts the delivery itself.

    It is safe while a server runs: each e-mail is leased to the process that sends it.
    """

    help = "Sends the e-mails that are due."

    def handle(self, *args: Any, **options: Any) -> None:
        User.objects.queue_due_reminders()
        self.stdout.write(f"{deliver():,} e-mails were sent.")
