"""A new SECRET_KEY: what the former key signed is valid while that is among the fallbacks, and not afterwards"""

import re
import urllib.parse
import uuid

import jwt
import pytest
import requests

from accounts.tokens import KeyRing
from contactbook.tests.faults import until
from contactbook.tests.live import PASSWORD, Server, free_port, serving

OLD, NEW = "old-" + "x" * 50, "new-" + "y" * 50
NEWER = "battery staple 7"


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path / "var", processes=1, SECRET_KEY=OLD) as running:
        yield running


def restart(server: Server, key: str, fallbacks: str = "") -> None:
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


def new_superuser(server: Server) -> str:
    email = new_address()
    server.env["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
    server.manage("createsuperuser", "--noinput", "--email", email, "--username", "Staff")
    return email


def logged_in(server: Server, email: str) -> requests.Session:
    """A browser with a staff session."""
    browser = requests.Session()
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


def accepts(server: Server, access: str) -> bool:
    return server.ask("GET", "/api/me", token=access).status == 200


def refreshed(server: Server, refresh: str) -> dict[str, str] | None:
    answer = server.ask("GET", "/api/auth/refresh_token", token=refresh)
    return answer.json() if answer.status == 200 else None


@pytest.mark.long
@pytest.mark.one_stack
def test_tokens_links_forms_and_staff_sessions_are_valid_while_their_key_is_a_fallback(server: Server) -> None:
    confirms, resets = [confirm_link(server) for _ in range(2)], [reset_link(server) for _ in range(2)]
    superuser = new_superuser(server)
    used, unused, filling = logged_in(server, superuser), logged_in(server, superuser), requests.Session()
    form = csrf(filling.get(server.url + resets[0]).text)
    email, access = server.sign_up()
    pair = server.log_in(email)

    restart(server, NEW, fallbacks=f"unused-{'z' * 50},{OLD}")
    assert server.ask("GET", confirms[0]).json() == "Email confirmed"
    assert set_password(server, filling, resets[0], form) == 200, "a form that was open meanwhile"
    assert enters(server, used)
    assert server.ask("HEAD", confirms[1]).status == server.ask("GET", resets[1]).status == 200
    newest = confirm_link(server)
    assert accepts(server, access)
    new_pair = refreshed(server, pair["refresh_token"])

    restart(server, NEW)
    assert server.ask("GET", confirms[1]).status == 422
    assert server.ask("GET", resets[1]).status == 422
    assert not enters(server, unused)
    assert enters(server, used), "its use has signed it with the new key"
    assert server.ask("GET", newest).json() == "Email confirmed"
    assert not accepts(server, access) and refreshed(server, pair["refresh_token"]) is None
    assert accepts(server, new_pair["access_token"]) and refreshed(server, new_pair["refresh_token"])


@pytest.mark.one_stack
def test_tokens_name_the_key_that_signed_them() -> None:
    old, new = KeyRing([OLD]), KeyRing([NEW, OLD])
    claims = {"sub": "1"}
    tokens = [ring.encode(claims) for ring in (old, new)]
    assert len({jwt.get_unverified_header(token)["kid"] for token in tokens}) == 2
    assert [new.decode(token) for token in tokens] == [claims, claims]
    with pytest.raises(Exception, match="invalid"):
        old.decode(tokens[1])


@pytest.fixture(scope="module")
def hosts(tmp_path_factory):
    """Two servers with one database: the first signs with the old key, the second with the new one; both accept both."""
    folder = tmp_path_factory.mktemp("hosts") / "var"
    with serving(folder, processes=1, SECRET_KEY=OLD, SECRET_KEY_FALLBACKS=NEW) as first:
        env = first.env | {"SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": OLD, "PORT": str(free_port())}
        second = Server(env, folder / "second")
        second.folder.mkdir()
        second.start()
        try:
            yield first, second
        finally:
            second.stop()


@pytest.mark.one_stack
def test_a_refresh_repeated_with_another_key_leads_to_one_chain(hosts: tuple[Server, Server]) -> None:
    """The repeated pair is signed with the other key and has the same place in the chain: either can be used, once."""
    email, _ = hosts[0].sign_up()
    token = hosts[0].log_in(email)["refresh_token"]
    pairs = [refreshed(host, token) for host in hosts]
    claims = [jwt.decode(pair["refresh_token"], options={"verify_signature": False}) for pair in pairs]
    for name in ("sid", "gen", "iat", "exp", "v", "sub"):
        assert claims[0][name] == claims[1][name]
    successors = [refreshed(hosts[1], pair["refresh_token"]) for pair in pairs]
    assert successors[0] and successors[0] == successors[1]


@pytest.mark.one_stack
def test_two_hosts_change_their_key_one_after_the_other(hosts: tuple[Server, Server]) -> None:
    """First the new key becomes a fallback everywhere, then it signs: each host accepts what the other one signed."""
    email, _ = hosts[0].sign_up()
    for signs, other in (hosts, hosts[::-1]):
        pair = signs.log_in(email)
        assert accepts(other, pair["access_token"]) and refreshed(other, pair["refresh_token"])
