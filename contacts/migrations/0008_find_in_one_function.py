"""A find in a large book is a function of PostgreSQL's, which keeps its plans for as long as a connection lasts.

To plan its statements took as long as to run them. A server that still runs the version before does without it.
"""

from contactbook.db.postgresql.migrating import OnPostgreSQL
from django.db import migrations

# Plans for any owner and text: what they read is told by the conditions, each of which one index serves. `|| ''` and
# `+ 0` keep the planner from others: it takes matches to be evenly spread over the order, where they may all
# stand at its end. Nobody's name is looked at by letters before the first `early` names were, of which most
# of what is often in a book is one; names that begin with the text stand side by side in the order.
FUNCTION = """
    CREATE OR REPLACE FUNCTION contact_found(owner bigint, words text, part text, early integer) RETURNS bigint
    LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
    DECLARE
        found bigint;
        first record;
        inside record;
    BEGIN
        SELECT id INTO found FROM (
            SELECT id, fullname_folded FROM contacts_contact
            WHERE user_id = owner AND deleted_at IS NULL ORDER BY fullname_folded, id LIMIT early
        ) named WHERE strpos(fullname_folded, words) > 0 ORDER BY fullname_folded, id LIMIT 1;
        IF found IS NOT NULL THEN
            RETURN found;
        END IF;

        SELECT id, fullname_folded INTO first FROM contacts_contact
        WHERE user_id = owner AND deleted_at IS NULL AND fullname_folded >= words
        ORDER BY fullname_folded, id LIMIT 1;
        SELECT id, fullname_folded INTO inside FROM contacts_contact
        WHERE user_id + 0 = owner AND deleted_at IS NULL AND strpos(fullname_folded, words) > 0
            AND contact_pieces(user_id, substr(fullname_folded, 2)) @> contact_pieces(owner, part)
        ORDER BY fullname_folded || '', id LIMIT 1;
        IF starts_with(first.fullname_folded, words)
            AND (inside.id IS NULL OR (first.fullname_folded COLLATE "C", first.id) < (inside.fullname_folded, inside.id)) THEN
            RETURN first.id;
        ELSIF inside.id IS NOT NULL THEN
            RETURN inside.id;
        END IF;

        SELECT id INTO found FROM (
            SELECT id, fullname_folded, email_folded FROM contacts_contact
            WHERE user_id = owner AND deleted_at IS NULL ORDER BY fullname_folded, id LIMIT early
        ) addressed WHERE strpos(email_folded, words) > 0 ORDER BY fullname_folded, id LIMIT 1;
        IF found IS NULL THEN
            SELECT id INTO found FROM contacts_contact
            WHERE user_id + 0 = owner AND deleted_at IS NULL AND strpos(email_folded, words) > 0
                AND contact_pieces(user_id, email_folded) @> contact_pieces(owner, part)
            ORDER BY fullname_folded || '', id LIMIT 1;
        END IF;
        RETURN found;
    END $$
"""


class Migration(migrations.Migration):
    dependencies = [("contacts", "0007_names_by_what_stands_inside")]

    operations = [OnPostgreSQL(FUNCTION, "DROP FUNCTION contact_found")]
