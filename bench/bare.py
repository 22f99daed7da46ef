"""The limit of synchronous Python here: a WSGI function under the product's own gunicorn that does by hand what the
product does on these routes: the same checks, the same SQL, the same answers. No framework, and no cache of answers.

    gunicorn -c contactbook/gunicorn_conf.py bench.bare:application
"""

import hashlib
import hmac
import json
import os
import re
import threading
import uuid
from datetime import UTC, date, datetime
from urllib.parse import parse_qs

import jwt
import orjson
import psycopg2
import redis
from psycopg2.extras import Json, register_default_json, register_default_jsonb

from bench import statements
from bench.limit import LIMIT, SCRIPT, SPAN
from contacts.cards import birthdays, jscontact
from contacts.cards.folding import fold

KEY = hmac.digest(os.environ["SECRET_KEY"].encode(), b"contactbook.tokens", hashlib.sha256).hex()
PREFIX = os.environ.get("REDIS_PREFIX", "bare")
redis_client = redis.Redis.from_url(os.environ["REDIS_URL"])
script = redis_client.script_load(SCRIPT)
here = threading.local()


class Refused(Exception):
    """Its argument is the status line."""


def connection():
    """This thread's own; it stays open."""
    if not hasattr(here, "connection"):
        here.connection = psycopg2.connect(os.environ["DATABASE_URL"])
        here.connection.autocommit = True
        register_default_json(here.connection, loads=orjson.loads)
        register_default_jsonb(here.connection, loads=orjson.loads)
    return here.connection


def rows(sql, *parameters):
    with connection().cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def application(environ, start_response):
    try:
        status, headers, body = answer(environ)
    except Refused as refused:
        status, headers, body = refused.args[0], [], b'{"detail":"Refused"}'
    headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body]


def answer(environ):
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].encode("latin-1").decode()
    rest = path.removeprefix("/api/contacts").strip("/")
    name, view = route(method, rest)
    owner, headers = checked(environ, name)
    status, more, body = view(owner, environ, rest)
    return status, headers + more, body


def route(method, rest):
    if method == "GET":
        return {"": ("list", list_view), "bd": ("bd", birthdays_view)}.get(rest, ("find", find_view))
    return {"POST": ("create", create_view), "PUT": ("update", put_view)}[method]


def checked(environ, name):
    """Who asks, and the limit's headers: one signature, one trip to Redis."""
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    try:
        claims = jwt.decode(token, KEY, algorithms=["HS256"], options={"verify_iat": False})
    except jwt.InvalidTokenError:
        raise Refused("401 Unauthorized") from None
    if scheme.lower() != "bearer" or claims["token_type"] != "access":
        raise Refused("401 Unauthorized")
    owner = int(claims["sub"])
    key, ticket = f"{PREFIX}:limit:{name}:{owner}", uuid.uuid4().hex
    pipeline = redis_client.pipeline(transaction=False)
    pipeline.mget(f"{PREFIX}:account:{owner}", f"{PREFIX}:live:{owner}")
    pipeline.evalsha(script, 1, key, LIMIT, SPAN, ticket)
    (kept, here.live), (counted, microseconds) = pipeline.execute()
    account = orjson.loads(kept) if kept else load_account(owner)
    if account["version"] != claims["v"] or claims["sid"] not in account["sessions"]:
        raise Refused("401 Unauthorized")
    if not counted:
        raise Refused("429 Too Many Requests")
    reset = str(-int(-float(microseconds) // 1_000_000))
    return owner, [
        ("RateLimit-Limit", str(LIMIT)),
        ("RateLimit-Remaining", str(LIMIT - counted)),
        ("RateLimit-Reset", reset),
    ]


def load_account(owner):
    version, sessions = rows(statements.ACCOUNT, owner)[0]
    account = {"version": version, "sessions": sessions}
    redis_client.set(f"{PREFIX}:account:{owner}", orjson.dumps(account), 30)
    return account


def represent(row):
    fullname, email, phone, birthday, additional, avatar, contact_id, user_id = row[:8]
    digits = "".join(c for c in phone or "" if c.isdecimal())
    return {
        "fullname": fullname,
        "email": email,
        "phone_number": int(digits) if 0 < len(digits) <= 15 else None,
        "birthday": birthday,
        "additional": additional,
        "user_id": user_id,
        "avatar": avatar,
        "id": contact_id,
        "phone": phone,
    }


def whole(row):
    revision, card, uid, created, updated = row[8:]
    card = {"@type": "Card", "version": "1.0", "uid": uid, "created": created, "updated": updated, **card}
    return [("ETag", f'"{revision}"')], orjson.dumps({**represent(row), "card": card}, option=orjson.OPT_UTC_Z)


def with_etag(body):
    return ("ETag", f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def list_view(owner, environ, rest):
    asked = parse_qs(environ["QUERY_STRING"])
    skip, limit = (bounded(asked, "skip", 0, 2**31 - 1), bounded(asked, "limit", 20, 1000))
    found = rows(statements.LIST, owner, limit + 1, skip)
    body = orjson.dumps([represent(row) for row in found[:limit]])
    headers = [("X-Total-Count", total(owner)), with_etag(body)]
    if len(found) > limit:
        headers.append(("Link", f'</api/contacts/?skip={skip + limit}&limit={limit}>; rel="next"'))
    return "200 OK", headers, body


def total(owner):
    if here.live is None:
        here.live = str(rows(statements.TOTAL, owner)[0][0]).encode()
        redis_client.set(f"{PREFIX}:live:{owner}", here.live, 30)
    return here.live.decode()


def bounded(asked, name, default, highest):
    text = asked.get(name, [str(default)])[-1]
    if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) > highest:
        raise Refused("422 Unprocessable Entity")
    return int(text)


def birthdays_view(owner, environ, rest):
    days = bounded(parse_qs(environ["QUERY_STRING"]), "days_range", 7, 366)
    start, end = birthdays.span(datetime.now(UTC).date(), days, across_year=False)
    window = birthdays.window(start, end, 228)
    body = orjson.dumps([represent(row) for row in rows(statements.BIRTHDAYS, owner, window.first, window.last)])
    return "200 OK", [with_etag(body)], body


def find_view(owner, environ, rest):
    pattern = fold(rest).replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    found = rows(statements.NAMED, owner, f"%{pattern}%") or rows(statements.ADDRESSED, owner, f"%{pattern}%")
    if not found:
        raise Refused("404 Not Found")
    headers, body = whole(found[0])
    return "200 OK", headers, body


def validated(environ):
    try:
        given = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode())
    except (ValueError, KeyError):
        raise Refused("422 Unprocessable Entity") from None
    name, born = given.get("fullname"), given.get("birthday") or None
    if not isinstance(name, str) or not 0 < len(name) <= 255 or "\0" in name:
        raise Refused("422 Unprocessable Entity")
    for field, longest in (("email", 320), ("phone", 255), ("additional", 65_535), ("avatar", 2048)):
        text = given.get(field)
        if text is not None and (not isinstance(text, str) or len(text) > longest or "\0" in text):
            raise Refused("422 Unprocessable Entity")
    number = given.get("phone_number")
    if number is not None and (not isinstance(number, int) or not 0 <= number < 10**15):
        raise Refused("422 Unprocessable Entity")
    if born is not None and not (isinstance(born, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", born, re.ASCII)):
        raise Refused("422 Unprocessable Entity")
    return {
        "fullname": name.strip(),
        "email": given.get("email") or None,
        "phone": given.get("phone") or (None if number is None else str(number)),
        "birthday": date.fromisoformat(born) if born else None,
        "additional": given.get("additional") or None,
    }


def columns_of(card):
    flat = jscontact.flatten(card)
    return [*flat, fold(flat.fullname)[:510], fold(flat.email or "")]


def written(owner, work):
    """In one transaction: the book locked, the work, its change, the counter."""
    with connection().cursor() as cursor:
        cursor.execute("BEGIN")
        try:
            cursor.execute(statements.LOCK, [owner])
            sequence, live = cursor.fetchone()
            number = sequence + 1
            contact_id, kind, before, row = work(cursor, number)
            client = "bench"
            cursor.execute(
                statements.CHANGE, [owner, number, contact_id, kind, client, row[-1], before and Json(before)]
            )
            live += kind == "created"
            cursor.execute(statements.COUNT, [number, live, owner])
            cursor.execute("COMMIT")
            redis_client.set(f"{PREFIX}:live:{owner}", live, 30)
        except BaseException:
            cursor.execute("ROLLBACK")
            raise
    return row


def create_view(owner, environ, rest):
    given = validated(environ)

    def work(cursor, number):
        card = jscontact.in_order(jscontact.with_flat({"name": {"full": given["fullname"]}}, given))
        now, uid, columns = datetime.now(UTC), str(uuid.uuid4()), columns_of(card)
        cursor.execute(statements.INSERT, [owner, uid, number, now, now, Json(card, dumps=dumped), *columns])
        contact_id = cursor.fetchone()[0]
        return contact_id, "created", None, (*columns[:6], contact_id, owner, number, card, uid, now, now)

    row = written(owner, work)
    headers, body = whole(row)
    return "201 Created", [*headers, ("Location", f"/api/contacts/{row[6]}")], body


def put_view(owner, environ, rest):
    given = validated(environ)

    def work(cursor, number):
        cursor.execute(f"{statements.WHOLE} AND id = %s", [owner, int(rest)])
        row = cursor.fetchone()
        if row is None:
            raise Refused("404 Not Found")
        card = jscontact.in_order(jscontact.with_flat(row[9], given))
        now, columns = datetime.now(UTC), columns_of(card)
        cursor.execute(statements.UPDATE, [number, now, Json(card, dumps=dumped), *columns, row[6]])
        return row[6], "changed", row[9], (*columns[:6], row[6], owner, number, card, row[10], row[11], now)

    headers, body = whole(written(owner, work))
    return "200 OK", headers, body


def dumped(value):
    return orjson.dumps(value).decode()
