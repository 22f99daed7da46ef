from django.apps import AppConfig

from contactbook.observability import metrics


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from accounts.models import Letter

        metrics.ask("contactbook_letters", "Mails in the queue.", "state", Letter.objects.census)
        metrics.ask("contactbook_letters_age_seconds", "How long the oldest one waits.", "state", Letter.objects.ages)
