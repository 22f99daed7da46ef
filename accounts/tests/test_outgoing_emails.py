"""The letters: queued with their cause, sent once, kept while the mail server is away"""

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

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def unlimited(no_limits):
    pass


@pytest.fixture
def carol(make_user):
    return make_user("carol", confirmed_at=None)


def queue(kind=OutgoingEmail.Kind.CONFIRM, address="carol@example.org"):
    OutgoingEmail.objects.queue(kind, address)
    return OutgoingEmail.objects.get()


def minutes_later(count):
    return time_machine.travel(timezone.now() + timedelta(minutes=count))


def test_it_works(as_nobody, mailbox):
    sign_up(as_nobody)
    letter = OutgoingEmail.objects.get()
    assert deliver() == 1
    assert not OutgoingEmail.objects.exists()
    mail = mailbox.messages[0]
    assert mail["To"] == "zed@example.org"
    assert mail["Subject"] == "Confirm your address"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].startswith(f"<{letter.message_id}@")
    assert mail["Date"]
    assert mail.get_content_type() == "multipart/alternative"
    for kind in ("plain", "html"):
        assert mailbox.link() in mail.get_body((kind,)).get_content()
    assert deliver() == 0


def test_a_name_is_no_way_into_the_mail(as_nobody, mailbox):
    sign_up(as_nobody, username="<b>Win</b> http://evil.example O'Brien")
    deliver()
    text = mailbox.messages[0].get_body(("plain",)).get_content()
    html = mailbox.messages[0].get_body(("html",)).get_content()
    assert "&#x27;" not in text and "<b>Win" not in html


def test_what_is_rolled_back_sends_nothing(carol, mailbox):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        OutgoingEmail.objects.queue(OutgoingEmail.Kind.CONFIRM, "carol@example.org")
        1 / 0  # noqa: B018
    assert not OutgoingEmail.objects.exists()


def test_a_letter_holds_no_secret(carol):
    queue()
    row = OutgoingEmail.objects.values().get()
    assert row.keys() == {
        "id",
        "kind",
        "address",
        "message_id",
        "created_at",
        "due_at",
        "attempts",
        "last_error",
    }


def test_a_link_is_made_when_the_letter_is_sent(as_nobody, carol, mailbox):
    queue()
    with minutes_later(60 * 48):
        deliver()
    with minutes_later(60 * 24 * 8):
        assert as_nobody.get(mailbox.link()).json() == "Email confirmed"


def test_while_the_server_says_451_it_is_kept_and_then_sent_once(carol, mailbox, caplog):
    caplog.set_level(logging.WARNING)
    message_id = queue().message_id
    mailbox.refuse = "451 later"
    assert deliver() == 0
    letter = OutgoingEmail.objects.get()
    assert (letter.attempts, letter.last_error) == (1, "SMTPDataError")
    assert timezone.now() < letter.due_at <= timezone.now() + timedelta(seconds=60)
    assert "carol" not in caplog.text
    mailbox.refuse = ""
    assert deliver() == 0
    with minutes_later(1):
        assert deliver() == 1
        assert deliver() == 0
    assert [mail["Message-ID"] for mail in mailbox.messages] == [f"<{message_id}@127.0.0.1>"]


def test_a_refusal_for_good_is_final(carol, mailbox):
    mailbox.refuse = "550 no such mailbox"
    queue()
    assert deliver() == 0
    assert OutgoingEmail.objects.get().due_at is None
    mailbox.refuse = ""
    with minutes_later(600):
        assert deliver() == 0
    assert OutgoingEmail.objects.filter(due_at=None).retry() == 1
    assert deliver() == 1


def test_no_letter_waits_longer_than_a_minute_or_is_tried_for_more_than_three_days(carol, mailbox):
    mailbox.refuse = "451 later"
    letter = queue()
    for attempts in (1, 5, 20, 5000):
        OutgoingEmail.objects.update(attempts=attempts, due_at=timezone.now())
        deliver()
        letter.refresh_from_db()
        assert letter.due_at - timezone.now() <= timedelta(seconds=60)
    with minutes_later(60 * 73):
        deliver()
    letter.refresh_from_db()
    assert letter.due_at is None


def test_one_bad_letter_does_not_hold_up_the_others(carol, mailbox, settings):
    OutgoingEmail.objects.create(kind="unheard-of", address="carol@example.org")
    queue_of_two = OutgoingEmail.objects.create(kind=OutgoingEmail.Kind.CONFIRM, address="carol@example.org")
    assert deliver() == 1
    assert not OutgoingEmail.objects.filter(pk=queue_of_two.pk).exists()
    assert OutgoingEmail.objects.get().last_error == "Unwritten"


def test_nobody_listening_is_a_reason_to_wait(as_nobody, settings):
    settings.EMAIL_BACKEND = "accounts.mail.messages.SMTPBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    assert sign_up(as_nobody).status_code == 201
    assert deliver() == 0
    assert OutgoingEmail.objects.get().last_error == "ConnectionRefusedError"


def test_a_letter_whose_reason_is_gone_is_not_sent(carol, mailbox):
    queue()
    carol.confirm()
    assert deliver() == 0
    queue(OutgoingEmail.Kind.RESET)
    User.objects.all().delete()
    assert deliver() == 0
    assert not OutgoingEmail.objects.exists() and not mailbox.raw


@pytest.mark.django_db(transaction=True)
def test_two_deliverers_at_once_send_each_letter_once(carol, mailbox):
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
