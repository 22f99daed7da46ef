"""POST /api/auth/login"""

import pytest

from conftest import PASSWORD

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


def log_in(client, email, password):
    return client.post("/api/auth/login", f"username={email}&password={password}", content_type=FORM)


def test_it_works(as_nobody, alice):
    answer = log_in(as_nobody, "Alice@Example.ORG", PASSWORD)
    assert answer.status_code == 200
    assert answer.json().keys() == {"access_token", "refresh_token", "token_type"}


def test_mail(as_nobody, mailbox):
    from accounts.delivery import deliver

    as_nobody.post("/api/auth/signup", {"username": "Zed", "email": "zed@example.org", "password": PASSWORD}, format="json")
    assert deliver() == 1
    assert as_nobody.get(mailbox.link()).json() == "Email confirmed"


def test_live(server):
    email, token = server.sign_up()
    assert server.ask("GET", "/api/contacts", token=token).json() == []
