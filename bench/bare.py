"""A peer: the least Python that gives the product's answers on these routes, under gunicorn's gthread worker.

The statements are the product's: the account, the book's version, the contacts; a write locks the book, writes contact
and change, and raises the book's number. It has no framework, validates and folds nothing, and counts the limit by
one INCR.
"""

import calendar
import functools
import json
import os
import threading
import uuid
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs

import jwt
import orjson
import psycopg2
import redis
from psycopg2.extras import register_default_jsonb

NAMES = ("fullname", "email", "phone", "birthday", "additional", "user_id", "avatar", "id", "card", "revision")
COLUMNS = ", ".join(NAMES)
LIVE = "FROM contacts_contact WHERE user_id = %s AND deleted_at IS NULL"
LIST = f"SELECT {COLUMNS} {LIVE} ORDER BY fullname_folded, id LIMIT %s OFFSET %s"
FIND = f"SELECT {COLUMNS} {LIVE} AND {{}} LIKE %s ORDER BY fullname_folded, id LIMIT 1"
BIRTHDAYS = f"""SELECT {COLUMNS} {LIVE} AND month_day BETWEEN %s AND %s
    ORDER BY CASE month_day WHEN 229 THEN %s ELSE month_day END, fullname_folded, id"""

redis_client = redis.Redis.from_url(os.environ["REDIS_URL"])
local = threading.local()


def connection():
    """This thread's connection, which stays open."""
    if not hasattr(local, "connection"):
        local.connection = psycopg2.connect(os.environ["DATABASE_URL"])
        local.connection.autocommit = True
        register_default_jsonb(local.connection, loads=orjson.loads)
    return local.connection


def rows(sql, *parameters):
    with connection().cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


def application(environ, start_response):
    method, rest = environ["REQUEST_METHOD"], environ["PATH_INFO"].removeprefix("/api/contacts").strip("/")
    owner = authenticated(environ)
    count, _ = redis_client.pipeline().incr(f"limit:{owner}").expire(f"limit:{owner}", 60).execute()
    query = {name: int(values[-1]) for name, values in parse_qs(environ["QUERY_STRING"]).items()}
    if method == "GET":
        status, answer, headers = {"": list_view, "bd": birthdays_view}.get(rest, find_view)(owner, rest, query)
    else:
        given = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        status, answer, headers = {"POST": create_view, "PUT": put_view}[method](owner, rest, given)
    body = orjson.dumps(answer)
    headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(status, [*headers, ("RateLimit-Remaining", str(10**8 - count))])
    return [body]


def authenticated(environ):
    """The account's id; whatever is wrong with the token is a 500 here."""
    token = environ["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    claims = jwt.decode(token, os.environ["SECRET_KEY"], algorithms=["HS256"])
    return rows("SELECT id FROM accounts_user WHERE id = %s AND is_active", int(claims["sub"]))[0][0]


def book(owner):
    return rows("SELECT sequence, live FROM contacts_book WHERE user_id = %s", owner)[0]


def flat(row):
    digits = "".join(filter(str.isdecimal, row[2] or ""))
    number = int(digits) if 0 < len(digits) <= 15 else None
    return {**dict(zip(NAMES[:8], row, strict=False)), "phone_number": number}


def whole(status, row):
    return status, {**flat(row), "card": row[8]}, [("ETag", f'"{row[7]}-{row[9]}"')]


def list_view(owner, _, query):
    version, total = book(owner)
    found = rows(LIST, owner, query.get("limit", 20), query.get("skip", 0))
    return "200 OK", [flat(row) for row in found], [("X-Total-Count", str(total)), ("ETag", f'"{version}"')]


def birthdays_view(owner, _, query):
    version, _ = book(owner)
    today = datetime.now(UTC).date()
    end = min(today + timedelta(days=query.get("days_range", 7)), date(today.year, 12, 31))
    leap_day = 229 if calendar.isleap(today.year) else 228  # in common years 29 February counts as the 28th
    last = 229 if month_day(end) == 228 else month_day(end)
    found = rows(BIRTHDAYS, owner, month_day(today), last, leap_day)
    return "200 OK", [flat(row) for row in found], [("ETag", f'"{version}"')]


def month_day(day):
    return day.month * 100 + day.day


def find_view(owner, rest, _):
    book(owner)
    text = f"%{rest.lower()}%"
    found = rows(FIND.format("fullname_folded"), owner, text) or rows(FIND.format("email_folded"), owner, text)
    return whole("200 OK", found[0])


def create_view(owner, _, given):
    now = datetime.now(UTC)
    row = {"user_id": owner, "uid": str(uuid.uuid4()), "created_at": now, "kind": "individual", "card": {}}
    row |= {"fullname": given["fullname"], "fullname_folded": given["fullname"].lower()}
    return whole("201 Created", written(owner, "created", row, given, None))


def put_view(owner, rest, given):
    return whole("200 OK", written(owner, "changed", {}, given, int(rest)))


def written(owner, kind, row, given, contact_id):
    """Write a contact and its change in one transaction; answers the contact's row."""
    rows("BEGIN")
    try:
        number = rows("SELECT sequence FROM contacts_book WHERE user_id = %s FOR UPDATE", owner)[0][0] + 1
        before = rows(f"SELECT card {LIVE} AND id = %s", owner, contact_id)[0][0] if contact_id else None
        row = {**row, **values(given, before or {}), "revision": number, "updated_at": datetime.now(UTC)}
        contact = update(contact_id, row) if contact_id else insert("contacts_contact", row, COLUMNS)
        change = {"book_id": owner, "number": number, "operation": number, "contact_id": contact[7], "kind": kind}
        change |= {"via": "rest", "client": "bench", "at": row["updated_at"], "size": len(row["card"])}
        insert("contacts_change", {**change, "before": dumped(before) if before else None}, "number")
        live = int(kind == "created")
        rows("UPDATE contacts_book SET sequence = %s, live = live + %s WHERE user_id = %s", number, live, owner)
    except BaseException:
        rows("ROLLBACK")
        raise
    rows("COMMIT")
    return contact


def values(given, card):
    """The columns that a body of the benchmark sets."""
    born, phone = date.fromisoformat(given["birthday"]), str(given["phone_number"])
    card = {
        **card,
        "name": {"full": given["fullname"]},
        "emails": {"e1": {"address": given["email"]}},
        "phones": {"p1": {"number": phone}},
        "notes": {"n1": {"note": given["additional"]}},
    }
    columns = {"email": given["email"], "email_folded": given["email"].lower(), "phone": phone, "birthday": born}
    columns |= {"month_day": month_day(born), "additional": given["additional"]}
    return {**columns, "card": dumped(card), "size": len(dumped(card))}


def dumped(value):
    return orjson.dumps(value).decode()


@functools.cache
def existing(table, names):
    """Those of these columns that the table has."""
    found = rows("SELECT column_name FROM information_schema.columns WHERE table_name = %s", table)
    return [name for name in names if (name,) in found]


def insert(table, row, returning):
    names = existing(table, tuple(row))
    places = ", ".join(["%s"] * len(names))
    sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places}) RETURNING {returning}"
    return rows(sql, *(row[name] for name in names))[0]


def update(contact_id, row):
    names = existing("contacts_contact", tuple(row))
    places = ", ".join(f"{name} = %s" for name in names)
    sql = f"UPDATE contacts_contact SET {places} WHERE id = %s RETURNING {COLUMNS}"
    return rows(sql, *(row[name] for name in names), contact_id)[0]
