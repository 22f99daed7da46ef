from django.apps import AppConfig

from contactbook.observability import metrics


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from accounts.mail.metrics import EmailQueueCollector

        metrics.AT_SCRAPE.register(EmailQueueCollector())
