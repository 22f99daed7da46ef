from django.contrib.admin import apps
from django.core.checks import register

from contactbook.checks import check_avatar_folder, check_mail_backend


class AdminConfig(apps.AdminConfig):
    default_site = "contactbook.admin.ContactBookAdminSite"

    def ready(self) -> None:
        super().ready()
        register(check_mail_backend)
        register(check_avatar_folder)
