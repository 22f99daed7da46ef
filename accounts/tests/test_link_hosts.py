"""Links begin with PUBLIC_URL, whatever a request says, and no page sends its own URL to another site."""

import re
import urllib.parse
import uuid

import pytest

from accounts.tests.cast import BROWSER
from accounts.tokens import ConfirmToken, ResetToken
from contactbook.tests.faults import until
from contactbook.tests.hostile import exchange, request
from contactbook.tests.live import PASSWORD, serving

PUBLIC = "http://book.example.org"
EVIL = b"evil.example"
pytestmark = pytest.mark.one_stack


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Behind one proxy, which is trusted for the client's address and for https, and not for the host."""
    variables = {"PUBLIC_URL": PUBLIC, "ALLOWED_HOSTS": "book.example.org,localhost,127.0.0.1", "TRUSTED_PROXIES": "1"}
    with serving(tmp_path_factory.mktemp("server") / "var", processes=1, **variables) as running:
        yield running


ATTACKS = {
    "nothing": (b"", []),
    "an absolute address": (b"http://evil.example", []),
    "an absolute address with a user": (b"http://book.example.org@evil.example", []),
    "a forwarded host": (b"", [b"X-Forwarded-Host: evil.example", b"X-Host: evil.example"]),
    "a forwarded server": (b"", [b"X-Forwarded-Server: evil.example", b"Forwarded: host=evil.example;proto=https"]),
    "a forwarded scheme": (b"", [b"X-Forwarded-Proto: javascript", b"X-Forwarded-Port: 666"]),
    "an original address": (b"", [b"X-Original-URL: /admin/", b"X-Rewrite-URL: http://evil.example/"]),
    "an origin": (b"", [b"Origin: http://evil.example", b"Referer: http://evil.example/"]),
}


def mails_to(server, email):
    return [mail for mail in server.mails() if mail["To"] == email]


@pytest.mark.parametrize("attack", ATTACKS)
def test_links_in_emails_begin_with_the_public_url(server, attack):
    origin, headers = ATTACKS[attack]
    email = f"{uuid.uuid4().hex}@example.org"
    body = f'{{"username": "x", "email": "{email}", "password": "{PASSWORD}"}}'.encode()
    for path in (b"/api/auth/signup", b"/api/auth/reset_pwd", b"/api/auth/request_email"):
        raw = request(b"POST " + origin + path, b"Content-Type: application/json", *headers, body=body)
        answer = exchange(server, raw)
        assert answer.status in (200, 201)
        assert EVIL not in answer.body and EVIL not in bytes(str(answer.headers), "latin-1")
    until(lambda: len(mails_to(server, email)) == 3)
    for mail in mails_to(server, email):
        assert EVIL not in mail.as_bytes()
        for part in mail.walk():
            if part.get_content_maintype() == "text":
                links = re.findall(r"https?://[^\s\"<>]+", part.get_content())
                assert links and all(link.startswith(PUBLIC) for link in links)


@pytest.mark.parametrize(
    "host", ["evil.example", "book.example.org.evil.example", "book.example.org@evil.example", "a b"]
)
def test_an_unknown_host_is_a_400(server, host):
    for path in ("/", "/reset", "/api/contacts", "/admin/login/"):
        answer = server.ask("GET", path, headers={"Host": host})
        assert answer.status == 400 and b"evil" not in answer.body


def test_urls_in_headers_begin_with_the_public_url(server):
    token = account_of(server)
    said = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    for name in ("a", "b"):
        created = server.ask("POST", "/api/contacts", {"fullname": name}, token, said)
        assert created.headers["Location"].startswith("/api/contacts/")
    listed = server.ask("GET", "/api/contacts?limit=1", token=token, headers=said)
    assert re.findall(r"<([^>]+)>", listed.headers["Link"])[0].startswith(f"{PUBLIC}/api/contacts?")


def account_of(server):
    email = f"{uuid.uuid4().hex}@example.org"
    server.ask("POST", "/api/auth/signup", {"username": "x", "email": email, "password": PASSWORD})
    server.manage("confirm", email)
    return server.log_in(email)["access_token"]


@pytest.mark.django_db
@pytest.mark.usefixtures("no_limits")
@pytest.mark.parametrize(("path", "kind"), [("/reset/{}", ResetToken), ("/api/email/confirm/{}", ConfirmToken)])
def test_a_page_with_a_token_in_its_url_sends_no_referer(as_nobody, make_user, path, kind):
    """It loads nothing from another site and links to none."""
    carol = make_user("carol", confirmed_at=None)
    link = path.format(kind.of(carol))
    for page in (as_nobody.get(link, HTTP_ACCEPT=BROWSER), as_nobody.get(path.format("dead"), HTTP_ACCEPT=BROWSER)):
        assert page["Referrer-Policy"] == "same-origin"
        assert "no-store" in page["Cache-Control"]
        addresses = re.findall(r'(?:src|href|action|srcset|poster)="([^"]*)"', page.content.decode())
        assert addresses and all(re.match(r"/(?!/)|#", address) for address in addresses)
        assert not re.search(r"url\(|@import|http-equiv|<base|<iframe|<object|<embed", page.content.decode())
        assert urllib.parse.quote(link) not in page.content.decode()
