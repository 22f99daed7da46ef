"""The statements that the product sends on the routes that are measured, as psycopg2 takes them."""

COLUMNS = "fullname, email, phone, birthday, additional, avatar, id, user_id"
MINE = "FROM contacts_contact WHERE user_id = %s AND deleted_at IS NULL"
LIST = f"SELECT {COLUMNS} {MINE} ORDER BY fullname_folded, id LIMIT %s OFFSET %s"
TOTAL = "SELECT live FROM contacts_book WHERE user_id = %s"
WHOLE = f"SELECT {COLUMNS}, revision, card, uid, created_at, updated_at {MINE}"
NAMED = f"{WHOLE} AND fullname_folded LIKE %s ORDER BY fullname_folded, id LIMIT 1"
ADDRESSED = f"{WHOLE} AND email_folded LIKE %s ORDER BY fullname_folded, id LIMIT 1"
BIRTHDAYS = f"SELECT {COLUMNS} {MINE} AND month_day BETWEEN %s AND %s ORDER BY month_day, fullname_folded, id"
LOCK = "SELECT sequence, live FROM contacts_book WHERE user_id = %s FOR UPDATE"
INSERT = """INSERT INTO contacts_contact (user_id, uid, revision, created_at, updated_at, card, fullname, email, phone,
    birthday, additional, avatar, month_day, fullname_folded, email_folded)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id"""
UPDATE = """UPDATE contacts_contact SET revision = %s, updated_at = %s, card = %s, fullname = %s, email = %s,
    phone = %s, birthday = %s, additional = %s, avatar = %s, month_day = %s, fullname_folded = %s, email_folded = %s
    WHERE id = %s"""
CHANGE = """INSERT INTO contacts_change (book_id, number, contact_id, kind, via, client, at, before)
    VALUES (%s, %s, %s, %s, 'rest', %s, %s, %s)"""
COUNT = "UPDATE contacts_book SET sequence = %s, live = %s WHERE user_id = %s"
ACCOUNT = """SELECT u.token_version, array(SELECT id FROM accounts_session WHERE user_id = u.id AND expires_at > now())
    FROM accounts_user u WHERE id = %s AND is_active"""
