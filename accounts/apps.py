from django.apps import AppConfig

from contactbook.observability import metrics


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        import accounts.api.security_schemes  # noqa: F401 - drf-spectacular finds them once they are imported
        from accounts.mail.metrics import EmailQueueCollector

        metrics.AT_SCRAPE.register(EmailQueueCollector())
