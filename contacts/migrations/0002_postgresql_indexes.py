"""What only PostgreSQL needs; on other databases this does nothing.

Folded text is sorted by its bytes, as SQLite sorts it, whatever the locale of the database. Finds of three letters or
more, groups and favourites are index scans within the owner's rows (pg_trgm, btree_gin). Without `fastupdate` a search
need not read a list of pending rows.
"""

from django.db import migrations

from contactbook.db.migrations import RunPostgreSQL


def gin_index(name, columns, condition=""):
    return RunPostgreSQL(
        f"CREATE INDEX {name} ON contacts_contact USING gin (user_id, {columns}) WITH (fastupdate = off) "
        f"WHERE deleted_at IS NULL AND kind = 'individual'{condition}",
        f"DROP INDEX {name}",
    )


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_initial")]

    operations = [
        RunPostgreSQL(
            ["CREATE EXTENSION IF NOT EXISTS pg_trgm", "CREATE EXTENSION IF NOT EXISTS btree_gin"],
            migrations.RunSQL.noop,
        ),
        RunPostgreSQL(
            'ALTER TABLE contacts_contact ALTER COLUMN fullname_folded TYPE varchar(510) COLLATE "C"',
            migrations.RunSQL.noop,
        ),
        gin_index("contact_fullname_trigrams", "fullname_folded gin_trgm_ops"),
        gin_index("contact_email_trigrams", "email_folded gin_trgm_ops"),
        gin_index("contact_keywords", "(card -> 'keywords')", " AND (card -> 'keywords') IS NOT NULL"),
    ]
