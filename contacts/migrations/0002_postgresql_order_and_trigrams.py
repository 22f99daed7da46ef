"""What only PostgreSQL needs or has; on SQLite this does nothing.

Folded texts are sorted by their bytes, as SQLite does, whatever the database's locale. A search for
three letters and more is an index scan within the owner's rows (pg_trgm, btree_gin).
"""

from contactbook.db.postgresql.migrating import OnPostgreSQL
from django.db import migrations


def trigrams(column):
    return (
        f"CREATE INDEX contact_{column}_trigrams ON contacts_contact "
        f"USING gin (user_id, {column} gin_trgm_ops) WHERE deleted_at IS NULL",
        f"DROP INDEX contact_{column}_trigrams",
    )


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_initial")]

    operations = [
        OnPostgreSQL("CREATE EXTENSION IF NOT EXISTS pg_trgm", migrations.RunSQL.noop),
        OnPostgreSQL("CREATE EXTENSION IF NOT EXISTS btree_gin", migrations.RunSQL.noop),
        OnPostgreSQL(
            'ALTER TABLE contacts_contact ALTER COLUMN fullname_folded TYPE varchar(510) COLLATE "C"',
            migrations.RunSQL.noop,
        ),
        OnPostgreSQL(*trigrams("fullname_folded")),
        OnPostgreSQL(*trigrams("email_folded")),
    ]
