from django.apps import AppConfig


class ContactsConfig(AppConfig):
    name = "contacts"
    verbose_name = "Contacts"

    def ready(self) -> None:
        import contacts.reminders  # noqa: F401 - registers the e-mail that it composes
