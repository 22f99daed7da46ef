"""The letters while the mail server, or the database, is in trouble: each once, and a person's in order"""

import pytest
import requests
import time_machine
from django.db import OperationalError
from django.utils import timezone

from accounts.mail import delivery
from accounts.mail.delivery import deliver, may_have_arrived
from accounts.models import OutgoingEmail
from accounts.models.email import OutgoingEmailQuerySet

pytestmark = pytest.mark.django_db
CAROL, DAVE = "carol@example.org", "dave@example.org"


@pytest.fixture(autouse=True)
def people(no_limits, make_user):
    for name in ("carol", "dave"):
        make_user(name, confirmed_at=None)
    yield
    delivery.sent.clear()


def queue(*letters):
    for kind, address in letters:
        OutgoingEmail.objects.queue(kind, address)


def seconds_later(count):
    return time_machine.travel(timezone.now() + timezone.timedelta(seconds=count))


def sent(mailbox):
    return [(mail["To"], mail["Subject"]) for mail in mailbox.messages]


def test_it_works(mailbox):
    queue(("confirm", CAROL), ("reset", CAROL), ("confirm", DAVE))
    assert deliver() == 3
    assert sent(mailbox) == [
        (CAROL, "Confirm your address"),
        (CAROL, "Set a new password"),
        (DAVE, "Confirm your address"),
    ]


def test_no_later_letter_to_the_address_overtakes_one_that_is_put_off(mailbox):
    mailbox.refuse = "451 later"
    queue(("confirm", CAROL))
    deliver()
    mailbox.refuse = ""
    queue(("reset", CAROL), ("confirm", DAVE))
    assert deliver() == 1
    assert sent(mailbox) == [(DAVE, "Confirm your address")], "others do not wait"
    with seconds_later(61):
        assert deliver() == 2
    assert sent(mailbox)[1:] == [(CAROL, "Confirm your address"), (CAROL, "Set a new password")]


def test_no_later_letter_overtakes_one_that_is_being_sent(mailbox):
    queue(("confirm", CAROL), ("reset", CAROL))
    first = OutgoingEmail.objects.claim()
    assert OutgoingEmail.objects.claim() is None
    with seconds_later(301):
        assert OutgoingEmail.objects.claim() == first, "whoever sent it was killed"
        assert OutgoingEmail.objects.claim() is None
    delivery.send(first)
    delivery.forget_sent()
    assert OutgoingEmail.objects.claim().kind == "reset"


def test_one_that_was_given_up_holds_up_nobody(mailbox):
    mailbox.refuse = "550 no such mailbox"
    queue(("confirm", CAROL))
    deliver()
    mailbox.refuse = ""
    queue(("reset", CAROL))
    assert deliver() == 1


def test_a_server_that_takes_a_mail_and_is_gone_is_sent_the_same_one_again(mailbox):
    """It may have arrived: nobody can know. So it keeps its Message-ID, is repeated seldom, and lets others pass."""
    mailbox.drop = True
    queue(("confirm", CAROL))
    assert deliver() == 0
    mailbox.drop = False
    letter = OutgoingEmail.objects.get()
    assert letter.last_error == "Unanswered"
    assert 100 < (letter.due_at - timezone.now()).total_seconds() <= 120
    queue(("reset", CAROL))
    assert deliver() == 1
    with seconds_later(121):
        assert deliver() == 1
    first, reset, again = mailbox.messages
    assert first["Message-ID"] == again["Message-ID"] != reset["Message-ID"]
    assert not OutgoingEmail.objects.exists()


def test_what_may_have_arrived_is_repeated_ever_more_seldom():
    letter = OutgoingEmail.objects.create(kind="reset", address=CAROL)
    waits = []
    for attempts in (1, 2, 5, 20, 5000):
        letter.attempts = attempts
        letter.postpone(OutgoingEmail.UNANSWERED)
        waits.append(round((letter.due_at - timezone.now()).total_seconds()))
    assert waits == [120, 240, 1920, 21600, 21600]


def test_a_provider_that_did_not_answer_may_have_taken_it():
    """Anymail's errors are made of those of requests."""
    assert may_have_arrived(type("AnymailRequestsAPIError", (requests.ReadTimeout,), {})())
    assert not may_have_arrived(requests.ConnectTimeout())


def test_one_that_went_out_while_the_database_died_does_not_go_out_again(mailbox, monkeypatch):
    queue(("confirm", CAROL))
    delete = OutgoingEmailQuerySet.delete

    def die(self):
        raise OperationalError

    monkeypatch.setattr(OutgoingEmailQuerySet, "delete", die)
    with pytest.raises(OperationalError):
        deliver()
    monkeypatch.setattr(OutgoingEmailQuerySet, "delete", delete)
    with seconds_later(301):
        assert deliver() == 0
    assert len(mailbox.raw) == 1 and not OutgoingEmail.objects.exists()


def test_a_retry_leaves_those_alone_that_are_being_sent(mailbox):
    queue(("confirm", CAROL), ("confirm", DAVE))
    first = OutgoingEmail.objects.claim()
    OutgoingEmail.objects.filter(address=DAVE).update(due_at=None, attempts=9, last_error="OSError")
    assert OutgoingEmail.objects.retry() == 1
    assert OutgoingEmail.objects.claim().address == DAVE
    assert OutgoingEmail.objects.claim() is None
    delivery.send(first)
    assert len(mailbox.raw) == 1
