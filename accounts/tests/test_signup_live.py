"""POST /api/auth/signup, on the running product."""

import contextlib
import http.client
import re
import time
import uuid

from accounts.tests.cast import at_once
from contactbook.tests.live import PASSWORD

URL = "/api/auth/signup"


def body(email):
    return {"username": "Zed", "email": email, "password": PASSWORD}


def mails_to(server, email):
    return [mail for mail in server.mails() if mail["To"] == email]


def test_the_link_in_the_email_leads_to_a_login(server):
    email = f"{uuid.uuid4().hex}@example.org"
    assert server.ask("POST", URL, body(email)).status == 201
    deadline = time.monotonic() + 2
    while not mails_to(server, email):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    text = mails_to(server, email)[0].get_body(("plain",)).get_content()
    path = re.search(re.escape(server.url) + r"(/api/email/confirm/\S+)", text)[1]
    assert server.ask("GET", path).json() == "Email confirmed"
    assert server.log_in(email).keys() == {"access_token", "refresh_token", "token_type"}


def test_of_twelve_signups_at_once_one_succeeds_and_one_email_is_sent(server):
    email = f"{uuid.uuid4().hex}@example.org"
    spellings = [email, email.upper()]
    answers = at_once(12, lambda number: server.ask("POST", URL, body(spellings[number % 2])))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 11
    assert {answer.body for answer in answers if answer.status == 409} == {b'{"detail":"Already exists"}'}
    time.sleep(1)
    assert len([mail for mail in server.mails() if mail["To"].lower() == email]) == 1


def test_a_chunked_body_is_never_taken_for_an_empty_one(server):
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    connection.request("POST", URL, iter([b"{}"]), {"Content-Type": "application/json"}, encode_chunked=True)
    with contextlib.closing(connection), connection.getresponse() as answer:
        assert answer.status == 411
        assert answer.read() == b'{"detail":"Send the body with its Content-Length."}'
