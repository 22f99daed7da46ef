"""A walk through the product that leaves recognizable text wherever a caller can, and makes it fail."""

import contextlib
import re
import socket
import sqlite3
from urllib.parse import quote, urlencode

import psycopg2

from contactbook.tests.faults import until

CANARY = "Kanarienvogel"
SECRET = "Zaunkoenig 17"  # a password must not be like the name
# One for each place where a caller can leave text
CANARIES = [
    "fullname",
    "email",
    "additional",
    "avatar",
    "name",
    "card",
    "group",
    "query",
    "find",
    "path",
    "body",
    "file",
    "batch",
    "password",
    "wrong",
    "username",
    "scheme",
    "host",
    "header",
    "cookie",
    "junk",
]
TINY = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\x00\x00\xff\xff\xff!\xf9\x04\x00\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"


def canary(place):
    assert place in CANARIES
    return f"{CANARY}-{place}"


def traces(text, secrets):
    """What stands in a text, but must not."""
    found = [secret for secret in secrets if secret in text]
    return found + re.findall(f"{CANARY}[\\w-]*", text, re.IGNORECASE)


def upload(name, content):
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return head.encode() + content + b"\r\n--x--\r\n"


MULTIPART = {"Content-Type": "multipart/form-data; boundary=x"}


def execute(server, statement):
    if url := server.env.get("DATABASE_URL"):
        with contextlib.closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement)
    else:
        with contextlib.closing(sqlite3.connect(server.folder / "contactbook.sqlite3")) as connection, connection:
            connection.execute(statement)


def raw(server, text):
    """What no client library would send."""
    with socket.create_connection(("127.0.0.1", int(server.env["PORT"])), timeout=10) as connection:
        connection.sendall(text)
        return connection.recv(65536)


def mail(server, address, word):
    def found():
        texts = [m.get_body(("plain",)).get_content() for m in server.mails() if m["To"] == address]
        return [each for text in texts for each in text.split() if word in each]

    until(found)
    return found()[0].partition(server.env["PORT"])[2]


def walk_through_an_account(server):
    """Signing up, both links, logging in and out; returns the secrets that were in play, and an access token."""
    email = f"{canary('email').lower()}@example.org"
    signup = {"username": canary("username"), "email": email, "password": SECRET}
    assert server.ask("POST", "/api/auth/signup", signup).status == 201
    assert server.ask("POST", "/api/auth/signup", signup).status == 409
    confirm = mail(server, email, "/confirm/")
    assert server.ask("GET", confirm, headers={"Accept": "text/html"}).status == 200
    assert server.ask("GET", confirm).status == 200
    assert server.ask("GET", f"{confirm}x").status == 422
    server.ask("POST", "/api/auth/reset_pwd", {"email": email})
    reset = mail(server, email, "/reset/")
    assert server.ask("GET", reset).status == 200
    assert server.ask("POST", reset, "password=x").status == 403, "without the form's own token"
    wrong = urlencode({"username": email, "password": f"{SECRET} wrong"})
    assert server.ask("POST", "/api/auth/login", wrong).status == 401
    pair = server.log_in(email, SECRET)
    bearer = {"Authorization": f"Bearer {pair['refresh_token']}"}
    fresh = server.ask("GET", "/api/auth/refresh_token", headers=bearer).json()
    for header in (f"Bearer {fresh['access_token']}x", f"Basic {canary('scheme')}", f"Bearer {canary('junk')}"):
        assert server.ask("GET", "/api/contacts", headers={"Authorization": header}).status == 401
    links = [path.rstrip("/").rpartition("/")[2] for path in (confirm, reset)]
    tokens = [each[kind] for each in (pair, fresh) for kind in ("access_token", "refresh_token")]
    return [email, SECRET, *links, *tokens], fresh["access_token"]


def leave_text_everywhere(server, token):
    contact = {name: canary(name) for name in ("fullname", "email", "additional")}
    contact["avatar"] = f"https://example.org/{canary('avatar')}"
    ask = lambda *args, **more: server.ask(*args, token=token, **more)  # noqa: E731
    made = ask("POST", "/api/contacts", contact)
    assert made.status == 201
    own = f"/api/contacts/{made.json()['id']}"
    assert ask("PUT", own, {**contact, "birthday": canary("body")}).status == 422
    assert ask("PATCH", own, {"card": {"@type": "Card", "name": {"full": canary("card")}}}).status < 500
    assert ask("GET", f"/api/contacts/{canary('find')}").status == 404
    assert ask("GET", f"/api/contacts?q={canary('query')}&skip={canary('query')}").status == 422
    assert ask("GET", f"/api/contacts?{urlencode({'q': canary('query')})}").status == 200
    batch = {"operations": [{"method": "POST", "body": {"fullname": canary("batch")}}, {"method": canary("batch")}]}
    assert ask("POST", "/api/contacts/batch", batch).status < 500
    assert ask("POST", "/api/contacts", b'{"fullname": "' + canary("body").encode()).status in (415, 422)
    json_type = {"Content-Type": "application/json"}
    assert ask("POST", "/api/contacts", canary("body").encode(), headers=json_type).status == 422
    assert ask("POST", "/api/groups", {"name": canary("group")}).status == 201
    for content in (TINY, b"no picture"):
        picture = upload(f"{canary('file')}.gif", content)
        assert ask("PATCH", f"{own}/avatar", picture, headers=MULTIPART).status in (200, 415, 422)
    assert ask("GET", f"/{canary('path')}/%2e%2e/{quote(canary('path'))}").status == 404
    odd = {"Cookie": f"sessionid={canary('cookie')}", "X-Request-ID": canary("header"), "If-Match": canary("header")}
    assert ask("GET", own, headers=odd).status < 500
    assert ask("GET", "/admin/", headers=odd).status in (200, 302)
    assert ask("GET", "/api/contacts", headers={"Host": f"{canary('host')}.example"}).status == 400
    return own


def fail(server, token, own):
    """Errors whose own texts hold what people wrote: 500, 503, and gunicorn's refusals."""
    execute(server, f"UPDATE contacts_contact SET card = '\"{canary('card')}\"'")
    assert server.ask("PATCH", own, {"fullname": canary("fullname")}, token).status == 500
    execute(server, "ALTER TABLE contacts_group RENAME TO contacts_gone")
    assert server.ask("GET", "/api/groups", token=token).status == (500 if "DATABASE_URL" in server.env else 503)
    if "DATABASE_URL" in server.env:
        raising(server, "P0001", f"row {canary('fullname')}")
        assert server.ask("POST", "/api/contacts", {"fullname": canary("fullname")}, token).status == 500
        raising(server, "53100", "could not extend file")
        assert server.ask("POST", "/api/contacts", {"fullname": canary("fullname")}, token).status == 503
    host = f"Host: 127.0.0.1:{server.env['PORT']}\r\n".encode()
    for text in (
        b"GET /" + canary("junk").encode() + b" NONSENSE\r\n\r\n",
        canary("junk").encode() + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + host + canary("header").encode() + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + host + b"X (" + canary("header").encode() + b"): y\r\n\r\n",
    ):
        assert raw(server, text).startswith(b"HTTP/1.1 400")


def raising(server, code, message):
    """Each write of a contact fails with this message, and the row as its detail."""
    execute(
        server,
        f"""
        CREATE OR REPLACE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = '{code}', DETAIL = NEW.card::text; END $$;
        DROP TRIGGER IF EXISTS fails ON contacts_contact;
        CREATE TRIGGER fails BEFORE INSERT ON contacts_contact FOR EACH ROW EXECUTE FUNCTION fails();
        """,
    )
