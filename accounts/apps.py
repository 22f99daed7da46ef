from django.apps import AppConfig

from contactbook.observability import metrics


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        import accounts.api.security_schemes  # noqa: F401 - drf-spectacular finds them once they are imported
        from accounts.models import OutgoingEmail

        emails = OutgoingEmail.objects
        metrics.ask("contactbook_outgoing_emails", "E-mails in the queue.", "state", emails.counts)
        metrics.ask("contactbook_outgoing_emails_age_seconds", "Age of the oldest e-mail.", "state", emails.ages)
