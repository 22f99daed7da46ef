"""A search reads what one owner has, not what all have: each three letters are indexed together with whose they are.

The trigrams' indexes held the owner beside them, and each search went through the whole list of a large owner's rows
and through that of everybody's rows with these letters. On PostgreSQL no write waits for it; a server that still runs
the version before finds the same meanwhile, without an index of letters.
"""

from contactbook.db.postgresql.migrating import OnPostgreSQL
from django.db import migrations

# Of 1,024 owners each list is one: with lists for each owner the indexes are 1.8 times as large (a million contacts).
# What falls together is told apart by reading the row. PL/pgSQL takes 4 µs a text, a function in SQL 18. No search is
# worth the start of PostgreSQL's parallel workers, which would take longer.
FUNCTION = """
    CREATE OR REPLACE FUNCTION contact_pieces(owner bigint, words text) RETURNS integer[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED AS $$
    DECLARE
        pieces integer[] := '{}';
    BEGIN
        FOR place IN 1 .. length(words) - 2 LOOP
            pieces[place] := (((owner & 1023) << 20) | (hashtext(substr(words, place, 3)) & 1048575))::integer;
        END LOOP;
        RETURN pieces;
    END $$
"""
COLUMNS = ("fullname_folded", "email_folded")
# What a failed attempt has left goes; and nobody waits for whom this one waits for.
ALONE = "SET lock_timeout = 0"


def index(name, column, keys):
    return [
        f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
        f"CREATE INDEX CONCURRENTLY {name} ON contacts_contact USING gin ({keys.format(column)}) "
        "WITH (fastupdate = off) WHERE deleted_at IS NULL",
    ]


def without(kind):
    return [f"DROP INDEX CONCURRENTLY IF EXISTS contact_{column}_{kind}" for column in COLUMNS]


PIECES = [index(f"contact_{column}_pieces", column, "contact_pieces(user_id, {})") for column in COLUMNS]
TRIGRAMS = [index(f"contact_{column}_trigrams", column, "user_id, {} gin_trgm_ops") for column in COLUMNS]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("contacts", "0004_indexes_by_creation_and_by_keyword")]

    operations = [
        OnPostgreSQL([ALONE, FUNCTION], [*without("pieces"), "DROP FUNCTION contact_pieces"]),
        OnPostgreSQL(sum(PIECES, []), [ALONE, *sum(TRIGRAMS, [])]),
        OnPostgreSQL(without("trigrams"), migrations.RunSQL.noop),
    ]
