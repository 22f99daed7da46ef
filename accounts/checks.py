"""What is wrong with a deployment, said at `manage.py check`."""

import sqlite3

from django.conf import settings
from django.core.checks import Tags, Warning, register


@register(Tags.database, deploy=True)
def sqlite_may_corrupt(app_configs, **kwargs):
    """SQLite before 3.51.3 can corrupt a WAL database that is reset while another connection writes."""
    if settings.DATABASE_URL or sqlite3.sqlite_version_info >= (3, 51, 3):
        return []
    return [
        Warning(
            f"SQLite {sqlite3.sqlite_version} has a known fault in WAL mode, mended in 3.51.3.",
            hint="Keep backups, or set DATABASE_URL to a PostgreSQL database.",
            id="contactbook.W001",
        )
    ]
