"""The queue of e-mails while the mail server or the database fails: each is sent once, those to one address in order"""

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


def queue(*emails):
    for kind, address in emails:
        OutgoingEmail.objects.queue(kind, address)


def seconds_later(count):
    return time_machine.travel(timezone.now() + timezone.timedelta(seconds=count))


def sent(mailbox):
    return [(mail["To"], mail["Subject"]) for mail in mailbox.messages]


def test_emails_are_sent_in_the_order_in_which_they_were_queued(mailbox):
    queue(("confirm", CAROL), ("reset", CAROL), ("confirm", DAVE))
    assert deliver() == 3
    assert sent(mailbox) == [
        (CAROL, "Confirm your address"),
        (CAROL, "Set a new password"),
        (DAVE, "Confirm your address"),
    ]


def test_a_postponed_email_delays_later_ones_to_its_address_alone(mailbox):
    mailbox.refuse = "451 later"
    queue(("confirm", CAROL))
    deliver()
    mailbox.refuse = ""
    queue(("reset", CAROL), ("confirm", DAVE))
    assert deliver() == 1
    assert sent(mailbox) == [(DAVE, "Confirm your address")]
    with seconds_later(61):
        assert deliver() == 2
    assert sent(mailbox)[1:] == [(CAROL, "Confirm your address"), (CAROL, "Set a new password")]


def test_an_email_being_sent_delays_later_ones_to_its_address(mailbox):
    queue(("confirm", CAROL), ("reset", CAROL))
    first = OutgoingEmail.objects.claim()
    assert OutgoingEmail.objects.claim() is None
    with seconds_later(301):
        assert OutgoingEmail.objects.claim() == first, "the lease of a killed process ends"
        assert OutgoingEmail.objects.claim() is None
    delivery.send(first)
    delivery.delete_sent()
    assert OutgoingEmail.objects.claim().kind == "reset"


def test_a_given_up_email_delays_no_other(mailbox):
    mailbox.refuse = "550 no such mailbox"
    queue(("confirm", CAROL))
    deliver()
    mailbox.refuse = ""
    queue(("reset", CAROL))
    assert deliver() == 1


def test_an_unanswered_email_is_sent_again_with_its_message_id(mailbox):
    """It may have arrived, so it is repeated seldom, with the same Message-ID, and later e-mails do not wait for it."""
    mailbox.drop = True
    queue(("confirm", CAROL))
    assert deliver() == 0
    mailbox.drop = False
    email = OutgoingEmail.objects.get()
    assert email.last_error == "Unanswered"
    assert 100 < (email.due_at - timezone.now()).total_seconds() <= 120
    queue(("reset", CAROL))
    assert deliver() == 1
    with seconds_later(121):
        assert deliver() == 1
    first, reset, again = mailbox.messages
    assert first["Message-ID"] == again["Message-ID"] != reset["Message-ID"]
    assert not OutgoingEmail.objects.exists()


def test_an_unanswered_email_is_repeated_at_growing_intervals():
    email = OutgoingEmail.objects.create(kind="reset", address=CAROL)
    waits = []
    for attempts in (1, 2, 5, 20, 5000):
        email.attempts = attempts
        email.postpone(OutgoingEmail.UNANSWERED)
        waits.append(round((email.due_at - timezone.now()).total_seconds()))
    assert waits == [120, 240, 1920, 21600, 21600]


def test_after_a_read_timeout_an_email_may_have_arrived():
    """Anymail's errors are subclasses of those of requests."""
    assert may_have_arrived(type("AnymailRequestsAPIError", (requests.ReadTimeout,), {})())
    assert not may_have_arrived(requests.ConnectTimeout())


def test_an_email_sent_while_the_database_failed_is_not_sent_again(mailbox, monkeypatch):
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


def test_a_retry_leaves_out_emails_being_sent(mailbox):
    queue(("confirm", CAROL), ("confirm", DAVE))
    first = OutgoingEmail.objects.claim()
    OutgoingEmail.objects.filter(address=DAVE).update(due_at=None, attempts=9, last_error="OSError")
    assert OutgoingEmail.objects.retry() == 1
    assert OutgoingEmail.objects.claim().address == DAVE
    assert OutgoingEmail.objects.claim() is None
    delivery.send(first)
    assert len(mailbox.raw) == 1
