"""A new SECRET_KEY: what the former one signed lives on while it is among the fallbacks, and dies with it."""

import re
import urllib.parse
import uuid

import jwt
import pytest
import requests

from contactbook.tests.faults import until
from contactbook.tests.live import PASSWORD, Server, free_port, serving

OLD, NEW = "old-" + "x" * 50, "new-" + "y" * 50
NEWER = "battery staple 7"


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path / "var", processes=1, SECRET_KEY=OLD) as running:
        yield running


def turn(server: Server, key: str, fallbacks: str = "") -> None:
    server.stop()
    server.env |= {"SECRET_KEY": key, "SECRET_KEY_FALLBACKS": fallbacks}
    server.start()


def link(server: Server, to: str, words: str) -> str:
    """The path of the link in the newest mail to that address."""
    texts = lambda: [mail.get_body(("plain",)).get_content() for mail in server.mails() if mail["To"] == to]  # noqa: E731
    until(lambda: any(words in text for text in texts()))
    text = next(text for text in reversed(texts()) if words in text)
    return urllib.parse.urlsplit(next(word for word in text.split() if words in word)).path


def new_address() -> str:
    return f"{uuid.uuid4().hex}@example.org"


def confirm_link(server: Server) -> str:
    email = new_address()
    server.ask("POST", "/api/auth/signup", {"username": "x", "email": email, "password": PASSWORD})
    return link(server, email, "/api/email/confirm/")


def reset_link(server: Server) -> str:
    email, _ = server.sign_up()
    server.ask("POST", "/api/auth/reset_pwd", {"email": email})
    return link(server, email, "/reset/")


def admin(server: Server) -> requests.Session:
    """A browser in which staff are logged in."""
    email, browser = new_address(), requests.Session()
    env = {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    server.env |= env
    server.manage("createsuperuser", "--noinput", "--email", email, "--username", "Staff")
    page = browser.get(f"{server.url}/admin/login/?next=/admin/").text
    form = {"username": email, "password": PASSWORD, "csrfmiddlewaretoken": csrf(page), "next": "/admin/"}
    assert "Contact book administration" in browser.post(f"{server.url}/admin/login/", data=form).text
    assert enters(server, browser)
    return browser


def csrf(page: str) -> str:
    return re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]


def enters(server: Server, browser: requests.Session) -> bool:
    return browser.get(f"{server.url}/admin/", allow_redirects=False).status_code == 200


def set_password(server: Server, browser: requests.Session, path: str, token: str) -> int:
    form = {"new_password1": NEWER, "new_password2": NEWER, "csrfmiddlewaretoken": token}
    return browser.post(server.url + path, data=form).status_code


def test_links_forms_and_staff_sessions_are_valid_while_their_key_is_a_fallback(server: Server) -> None:
    confirms, resets = [confirm_link(server) for _ in range(2)], [reset_link(server) for _ in range(2)]
    used, unused, filling = admin(server), admin(server), requests.Session()
    form = csrf(filling.get(server.url + resets[0]).text)

    turn(server, NEW, fallbacks=OLD)
    assert server.ask("GET", confirms[0]).json() == "Email confirmed"
    assert set_password(server, filling, resets[0], form) == 200, "a form that was open meanwhile"
    assert enters(server, used)
    assert server.ask("HEAD", confirms[1]).status == server.ask("GET", resets[1]).status == 200
    newest = confirm_link(server)

    turn(server, NEW)
    assert server.ask("GET", confirms[1]).status == 422
    assert server.ask("GET", resets[1]).status == 422
    assert not enters(server, unused)
    assert enters(server, used), "its use has renewed it"
    assert server.ask("GET", newest).json() == "Email confirmed"


def test_tokens_name_the_key_that_signed_them(server: Server) -> None:
    email, old = server.sign_up()
    turn(server, NEW, fallbacks=OLD)
    new = server.log_in(email)["access_token"]
    assert jwt.get_unverified_header(old)["kid"] != jwt.get_unverified_header(new)["kid"]
    turn(server, OLD)
    assert server.ask("GET", "/api/me", token=new).status == 401, "it was not the former one that signed"
    assert server.ask("GET", "/api/me", token=old).status == 200


def test_a_refresh_repeated_with_another_key_leads_to_one_chain(server: Server) -> None:
    """The pair of the repeat is signed anew, but is the same place in the same chain: either leads on, once."""
    email, _ = server.sign_up()
    token = server.log_in(email)["refresh_token"]
    first = server.ask("GET", "/api/auth/refresh_token", token=token).json()
    with_new_key = Server(server.env | {"SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": OLD, "PORT": str(free_port())},
                          server.folder / "second")  # fmt: skip
    with_new_key.folder.mkdir()
    with_new_key.start()
    try:
        again = with_new_key.ask("GET", "/api/auth/refresh_token", token=token).json()
        place = lambda pair: {  # noqa: E731
            name: jwt.decode(pair["refresh_token"], options={"verify_signature": False})[name]
            for name in ("sid", "gen", "iat", "exp", "v", "sub")
        }
        assert place(first) == place(again)
        successors = [
            with_new_key.ask("GET", "/api/auth/refresh_token", token=pair["refresh_token"]) for pair in (first, again)
        ]
        assert [answer.status for answer in successors] == [200, 200]
        assert successors[0].body == successors[1].body, "one session, and one next pair"
    finally:
        with_new_key.stop()


def test_two_hosts_change_their_key_one_after_the_other(server: Server) -> None:
    """First the new key becomes a fallback everywhere, then it signs: each host takes what the other one signed."""
    email, _ = server.sign_up()
    turn(server, OLD, fallbacks=NEW)
    other = Server(server.env | {"SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": OLD, "PORT": str(free_port())},
                   server.folder / "second")  # fmt: skip
    other.folder.mkdir()
    other.start()
    try:
        for signs, takes in ((server, other), (other, server)):
            pair = signs.log_in(email)
            assert takes.ask("GET", "/api/me", token=pair["access_token"]).status == 200
            assert takes.ask("GET", "/api/auth/refresh_token", token=pair["refresh_token"]).status == 200
    finally:
        other.stop()
