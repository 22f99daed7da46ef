"""Lists in the order of creation, and of a group or the favourites, by an index; two that were in others go.

On PostgreSQL no write waits for it.
"""

import django.db.models.deletion
from contactbook.db.postgresql.migrating import AddIndexOnline, OnPostgreSQL, WithoutIndex
from django.conf import settings
from django.db import migrations, models

KEYWORDS = (
    # What a failed attempt has left goes; and nobody waits for whom this one waits for.
    "SET lock_timeout = 0",
    "DROP INDEX CONCURRENTLY IF EXISTS contact_keywords",
    "CREATE INDEX CONCURRENTLY contact_keywords ON contacts_contact USING gin (user_id, (card -> 'keywords')) "
    "WITH (fastupdate = off) WHERE deleted_at IS NULL AND (card -> 'keywords') IS NOT NULL",
)

# Else what was written lately stands in a list that each search reads from end to end.
TRIGRAMS = ("contact_fullname_folded_trigrams", "contact_email_folded_trigrams")
AT_ONCE = [f"ALTER INDEX {name} SET (fastupdate = off)" for name in TRIGRAMS]
AT_ONCE += [f"SELECT gin_clean_pending_list('{name}')" for name in TRIGRAMS]
AS_BEFORE = [f"ALTER INDEX {name} RESET (fastupdate)" for name in TRIGRAMS]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("contacts", "0003_count_live_contacts")]

    operations = [
        AddIndexOnline(
            "contact", models.Index(fields=["user", "id"], name="contact_created", condition=models.Q(deleted_at=None))
        ),
        OnPostgreSQL(KEYWORDS, "DROP INDEX CONCURRENTLY contact_keywords"),
        OnPostgreSQL(AT_ONCE, AS_BEFORE),
        WithoutIndex(
            "contact",
            "user",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="contacts",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        WithoutIndex(
            "change",
            "book",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="changes",
                to="contacts.book",
            ),
        ),
        OnPostgreSQL("RESET lock_timeout", migrations.RunSQL.noop),
    ]
