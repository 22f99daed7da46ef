"""A search for what names begin with reads one of them, not all: only what stands inside a name needs letters looked up.

Those that begin with a text stand side by side in `contact_order`. Of a frequent first name the index of letters
brought hundreds, which were read to see which comes first. On PostgreSQL no write waits for it; a server that still
runs the version before finds the same meanwhile, but in a book of more than 1,000 without an index, by reading the
whole table.
"""

from contactbook.db.postgresql.migrating import OnPostgreSQL
from django.db import migrations

ALONE = "SET lock_timeout = 0"  # nobody waits for whom this one waits for


def made(name, text):
    """What a failed attempt has left goes."""
    return [
        ALONE,
        f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
        f"CREATE INDEX CONCURRENTLY {name} ON contacts_contact USING gin (contact_pieces(user_id, {text})) "
        "WITH (fastupdate = off) WHERE deleted_at IS NULL",
    ]


def dropped(name):
    return [ALONE, f"DROP INDEX CONCURRENTLY IF EXISTS {name}"]


INSIDE, WHOLE = "contact_fullname_folded_inside", "contact_fullname_folded_pieces"


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("contacts", "0006_birthdays_in_order")]

    operations = [
        OnPostgreSQL(made(INSIDE, "substr(fullname_folded, 2)"), dropped(INSIDE)),
        OnPostgreSQL(dropped(WHOLE), made(WHOLE, "fullname_folded")),
    ]
