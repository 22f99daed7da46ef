"""POST /api/auth/reset_pwd"""

import pytest

from accounts.mail.delivery import deliver
from accounts.models import OutgoingEmail
from accounts.tests.cast import faults, told

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db]
URL = "/api/auth/reset_pwd"
ANSWER = "If there is such an account, a mail is on its way."


def ask(client, email, **headers):
    return client.post(URL, {"email": email}, format="json", **headers)


@pytest.fixture(autouse=True)
def any_number_of_requests(limits):
    limits(reset_pwd=(0, 1))


def test_a_reset_link_is_sent(as_nobody, alice, mailbox):
    answer = ask(as_nobody, "Alice@EXAMPLE.org")
    assert (answer.status_code, answer.json()) == (200, ANSWER)
    assert deliver() == 1
    assert mailbox.messages[0]["To"] == "alice@example.org"
    assert mailbox.link().startswith("/reset/")
    assert as_nobody.get(mailbox.link()).status_code == 200


def test_an_unconfirmed_address_gets_a_link_too(as_nobody, make_user, mailbox):
    make_user("carol", confirmed_at=None)
    ask(as_nobody, "carol@example.org")
    assert deliver() == 1


def test_it_sends_nothing_to_unknown_or_inactive_addresses(as_nobody, alice, make_user, mailbox):
    make_user("dave", is_active=False)
    answers = [ask(as_nobody, f"{name}@example.org") for name in ("nobody", "dave", "alice")]
    assert len({told(answer) for answer in answers}) == 1
    assert deliver() == 1


def test_the_links_host_is_the_public_urls_whatever_the_request_says(as_nobody, alice, mailbox, settings):
    settings.ALLOWED_HOSTS = ["*"]
    ask(as_nobody, "alice@example.org", HTTP_HOST="evil.example", HTTP_X_FORWARDED_HOST="evil.example")
    deliver()
    assert b"evil.example" not in mailbox.raw[0]
    assert mailbox.link().startswith("/reset/")


def test_an_unknown_host_is_a_400(as_nobody, alice):
    answer = ask(as_nobody, "alice@example.org", HTTP_HOST="evil.example")
    assert (answer.status_code, answer.json()) == (400, {"detail": "The request could not be understood."})


def test_the_fourth_mail_of_an_hour_is_answered_alike_and_not_sent(as_nobody, alice, mailbox):
    answers = [ask(as_nobody, "alice@example.org", REMOTE_ADDR=f"192.0.2.{n}") for n in range(5)]
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    assert deliver() == 3


@pytest.mark.parametrize("body", [{}, {"email": ""}, {"email": "x"}, {"email": 5}, {"email": "a@b.org\nBcc: c@d.org"}])
def test_an_invalid_address_is_a_422(as_nobody, body):
    assert {tuple(loc) for loc in faults(as_nobody.post(URL + "/", body, format="json"))} == {("body", "email")}
    assert not OutgoingEmail.objects.exists()
