"""POST /api/auth/request_email"""

import pytest

from accounts.mail.delivery import deliver
from accounts.models import OutgoingEmail
from accounts.tests.cast import faults, told

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db]
URL = "/api/auth/request_email"
ANSWER = "If there is such an account, a mail is on its way."


def ask(client, email, **headers):
    return client.post(URL, {"email": email}, format="json", **headers)


@pytest.fixture(autouse=True)
def any_number_of_requests(limits):
    limits(request_email=(0, 1))


@pytest.fixture
def carol(make_user):
    return make_user("carol", confirmed_at=None)


def test_a_new_confirmation_link_is_sent(as_nobody, carol, mailbox):
    answer = ask(as_nobody, "CAROL@Example.org")
    assert (answer.status_code, answer.json()) == (200, ANSWER)
    assert deliver() == 1
    assert mailbox.messages[0]["To"] == "carol@example.org"  # as it is stored, not as it was typed
    assert as_nobody.get(mailbox.link()).json() == "Email confirmed"


def test_it_sends_nothing_to_unknown_confirmed_or_inactive_addresses(as_nobody, alice, make_user, mailbox):
    make_user("dave", confirmed_at=None, is_active=False)
    emails = ["nobody@example.org", "alice@example.org", "dave@example.org"]
    answers = [ask(as_nobody, email) for email in emails]
    assert {(answer.status_code, answer.json()) for answer in answers} == {(200, ANSWER)}
    assert deliver() == 0
    assert not mailbox.raw and not OutgoingEmail.objects.exists()


def test_the_answer_never_tells_which(as_nobody, alice, carol):
    answers = [ask(as_nobody, f"{name}@example.org") for name in ("alice", "carol", "nobody")]
    assert len({told(answer) for answer in answers}) == 1


def test_a_lookalike_address_receives_nothing(as_nobody, make_user, mailbox):
    make_user("mike", confirmed_at=None)
    assert ask(as_nobody, "mıke@example.org").status_code == 200
    assert deliver() == 0


def test_the_links_host_is_the_public_urls_whatever_the_request_says(as_nobody, carol, mailbox, settings):
    settings.ALLOWED_HOSTS = ["*"]
    evil = {
        "HTTP_HOST": "evil.example",
        "HTTP_X_FORWARDED_HOST": "evil.example",
        "HTTP_FORWARDED": "host=evil.example",
    }
    assert ask(as_nobody, "carol@example.org", **evil).status_code == 200
    assert deliver() == 1
    assert b"evil.example" not in mailbox.raw[0]
    assert mailbox.link().startswith("/api/email/confirm/")


def test_the_fourth_mail_of_an_hour_is_answered_alike_and_not_sent(as_nobody, carol, mailbox):
    answers = [ask(as_nobody, email) for email in ["carol@example.org", "CAROL@example.org"] * 2]
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    assert deliver() == 3
    assert ask(as_nobody, "other@example.org").json() == ANSWER


def test_mails_of_another_kind_are_counted_apart(as_nobody, carol, mailbox, limits):
    limits(address_mails=(1, 3600), reset_pwd=(0, 1))
    ask(as_nobody, "carol@example.org")
    as_nobody.post("/api/auth/reset_pwd", {"email": "carol@example.org"}, format="json")
    assert deliver() == 2


@pytest.mark.parametrize(
    "body",
    [{}, {"email": ""}, {"email": "x"}, {"email": None}, {"email": ["a@b.org"]}, {"email": "a\0@b.org"}],
)
def test_an_invalid_address_is_a_422(as_nobody, body):
    found = faults(as_nobody.post(URL + "/", body, format="json"))
    assert {tuple(loc) for loc in found} == {("body", "email")}
    assert not OutgoingEmail.objects.exists()
