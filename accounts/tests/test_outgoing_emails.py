"""The queue of e-mails: an e-mail is queued in the transaction of its cause and sent once"""

import logging
import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from accounts.mail.delivery import deliver
from accounts.models import OutgoingEmail, User
from accounts.tests.cast import sign_up
from contactbook.tests.live import free_port

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]


@pytest.fixture
def carol(make_user):
    return make_user("carol", confirmed_at=None)


def queue(kind=OutgoingEmail.Kind.CONFIRM, address="carol@example.org"):
    OutgoingEmail.objects.queue(kind, address)
    return OutgoingEmail.objects.get()


def minutes_later(count):
    return time_machine.travel(timezone.now() + timedelta(minutes=count))


def test_an_email_is_sent_once_in_text_and_html(as_nobody, mailbox):
    sign_up(as_nobody)
    email = OutgoingEmail.objects.get()
    assert deliver() == 1
    assert not OutgoingEmail.objects.exists()
    mail = mailbox.messages[0]
    assert mail["To"] == "zed@example.org"
    assert mail["Subject"] == "Confirm your address"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].startswith(f"<{email.message_id}@")
    assert mail["Date"]
    assert mail.get_content_type() == "multipart/alternative"
    for kind in ("plain", "html"):
        assert mailbox.link() in mail.get_body((kind,)).get_content()
    assert deliver() == 0


def test_a_rolled_back_transaction_queues_no_email(carol, mailbox):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        OutgoingEmail.objects.queue(OutgoingEmail.Kind.CONFIRM, "carol@example.org")
        1 / 0  # noqa: B018
    assert not OutgoingEmail.objects.exists()


def test_a_queued_email_holds_no_secret(carol):
    queue()
    row = OutgoingEmail.objects.values().get()
    columns = "id kind address user_id dedupe_key message_id created_at due_at attempts last_error"
    assert row.keys() == set(columns.split())
    assert row["user_id"] is None and row["dedupe_key"] is None


def test_a_link_is_made_when_the_email_is_sent(as_nobody, carol, mailbox):
    queue()
    with minutes_later(60 * 48):
        deliver()
    with minutes_later(60 * 24 * 8):
        assert as_nobody.get(mailbox.link()).json() == "Email confirmed"


def test_after_a_451_an_email_stays_queued_and_is_sent_once(carol, mailbox, caplog):
    caplog.set_level(logging.WARNING)
    message_id = queue().message_id
    mailbox.refuse = "451 later"
    assert deliver() == 0
    email = OutgoingEmail.objects.get()
    assert (email.attempts, email.last_error) == (1, "SMTPDataError")
    assert timezone.now() < email.due_at <= timezone.now() + timedelta(seconds=60)
    assert "carol" not in caplog.text
    mailbox.refuse = ""
    assert deliver() == 0
    with minutes_later(1):
        assert deliver() == 1
        assert deliver() == 0
    assert [mail["Message-ID"] for mail in mailbox.messages] == [f"<{message_id}@127.0.0.1>"]


def test_after_a_550_an_email_is_given_up(carol, mailbox):
    mailbox.refuse = "550 no such mailbox"
    queue()
    assert deliver() == 0
    assert OutgoingEmail.objects.get().due_at is None
    mailbox.refuse = ""
    with minutes_later(600):
        assert deliver() == 0
    assert OutgoingEmail.objects.filter(due_at=None).retry() == 1
    assert deliver() == 1


def test_an_email_is_tried_every_minute_for_three_days(carol, mailbox):
    mailbox.refuse = "451 later"
    email = queue()
    for attempts in (1, 5, 20, 5000):
        OutgoingEmail.objects.update(attempts=attempts, due_at=timezone.now())
        deliver()
        email.refresh_from_db()
        assert email.due_at - timezone.now() <= timedelta(seconds=60)
    with minutes_later(60 * 73):
        deliver()
    email.refresh_from_db()
    assert email.due_at is None


def test_an_email_that_cannot_be_composed_delays_no_other(carol, mailbox):
    OutgoingEmail.objects.create(kind="unheard-of", address="carol@example.org")
    OutgoingEmail.objects.create(kind=OutgoingEmail.Kind.CONFIRM, address="carol@example.org")
    assert deliver() == 1
    assert OutgoingEmail.objects.get().last_error == "Unwritten"


def test_a_refused_connection_postpones_the_email(as_nobody, settings):
    settings.EMAIL_BACKEND = "accounts.mail.backends.SMTPBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    assert sign_up(as_nobody).status_code == 201
    assert deliver() == 0
    assert OutgoingEmail.objects.get().last_error == "ConnectionRefusedError"


def test_an_email_without_a_reason_any_more_is_not_sent(carol, mailbox):
    queue()
    carol.confirm()
    assert deliver() == 0
    queue(OutgoingEmail.Kind.RESET)
    User.objects.all().delete()
    assert deliver() == 0
    assert not OutgoingEmail.objects.exists() and not mailbox.raw


@pytest.mark.django_db(transaction=True)
def test_four_deliveries_at_once_send_each_email_once(carol, mailbox):
    for _ in range(12):
        OutgoingEmail.objects.queue(OutgoingEmail.Kind.CONFIRM, "carol@example.org")

    def work():
        try:
            deliver()
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({mail["Message-ID"] for mail in mailbox.messages}) == len(mailbox.raw) == 12
    assert not OutgoingEmail.objects.exists()
