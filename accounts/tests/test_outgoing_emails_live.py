"""E-mails of the running product."""

import logging
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections import Counter

import psycopg2
import pytest

from conftest import Mailbox
from contactbook.tests.faults import idle_in_transaction, once, until
from contactbook.tests.live import PASSWORD, free_port, serving

logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd tells every line that it hears


class PostOffice:
    """A mail server that comes and goes at one address."""

    def __init__(self):
        self.mailbox, self.port = Mailbox(), free_port()
        self.url = f"smtp://127.0.0.1:{self.port}"
        self.controller = None

    def start(self):
        self.controller = self.mailbox.controller(self.port)
        self.controller.start()

    def stop(self):
        if self.controller:
            self.mailbox.open.set()
            self.controller.stop()
        self.controller = None


@pytest.fixture
def post_office():
    office = PostOffice()
    yield office
    office.stop()


@pytest.fixture(scope="module")
def office():
    office = PostOffice()
    yield office
    office.stop()


@pytest.fixture(scope="module")
def server(office, tmp_path_factory):
    with serving(tmp_path_factory.mktemp("server") / "var", EMAIL_URL=office.url) as running:
        yield running


@pytest.fixture
def clean(office, server):
    """No letters from the test before, and a post office that is not there yet."""
    office.stop()
    until(lambda: "0 mails wait" in server.manage("retry_mails", "--dry-run"))
    office.mailbox.raw.clear()
    return office


def sign_up(server, email):
    body = {"username": "Zed", "email": email, "password": PASSWORD}
    answer = server.ask("POST", "/api/auth/signup", body)
    assert answer.status == 201


def test_each_email_goes_out_once_when_the_mail_server_comes_back(server, clean):
    mailbox = clean.mailbox
    began = time.monotonic()
    sign_up(server, "first@example.org")
    assert time.monotonic() - began < 2
    time.sleep(0.5)
    clean.start()
    until(lambda: len(mailbox.raw) == 1)
    sign_up(server, "second@example.org")
    until(lambda: len(mailbox.raw) == 2, 3)
    time.sleep(1)
    assert [mail["To"] for mail in mailbox.messages] == ["first@example.org", "second@example.org"]
    text = mailbox.messages[1].get_body(("plain",)).get_content()
    link = re.search(rf"{re.escape(server.url)}(/api/email/confirm/\S+)", text)[1]
    assert server.ask("GET", link).json() == "Email confirmed"
    assert link.rpartition("/")[2] not in server.log.read_text()


QUEUE = """
from accounts.models import OutgoingEmail, User
users = User.objects.bulk_create(User(username="x", email=f"p{n}@example.org", email_key=f"p{n}@example.org",
    token_version=1, password="!") for n in range(40))
OutgoingEmail.objects.bulk_create(OutgoingEmail(kind=["confirm", "reset"][turn % 2], address=user.email)
    for turn in range(5) for user in users)
"""


def test_two_hundred_emails_are_sent_once_each_and_in_order_by_all_processes(server, clean):
    server.manage("shell", "-v0", "-c", QUEUE)
    clean.start()
    mailbox = clean.mailbox
    until(lambda: len(mailbox.raw) >= 200, 60)
    until(lambda: "0 mails wait" in server.manage("retry_mails", "--dry-run"))
    assert len(mailbox.raw) == 200
    assert set(Counter(mail["Message-ID"] for mail in mailbox.messages).values()) == {1}
    for number in (0, 17, 39):
        subjects = [mail["Subject"] for mail in mailbox.messages if mail["To"] == f"p{number}@example.org"]
        assert subjects == ["Confirm your address", "Set a new password"] * 2 + ["Confirm your address"]


def test_a_silent_mail_server_delays_no_request_and_no_transaction(server, clean):
    with socket.create_server(("127.0.0.1", clean.port)) as silent:
        sign_up(server, "third@example.org")
        taken, _ = silent.accept()
        try:
            began = time.monotonic()
            for number in range(3):
                sign_up(server, f"more{number}@example.org")
                assert server.ask("GET", "/healthz").status == 200
            assert time.monotonic() - began < 5
            if "DATABASE_URL" in server.env:
                assert min(idle_in_transaction(server) for _ in range(5)) == 0, "one that is held would be there"
        finally:
            taken.close()
    clean.start()
    server.manage("retry_mails")
    until(lambda: len(clean.mailbox.raw) == 4, 30)
    assert len({mail["Message-ID"] for mail in clean.mailbox.messages}) == 4


def children(server):
    listed = subprocess.check_output(["ps", "-o", "pid=", "--ppid", str(server.process.pid)], text=True)
    return [int(pid) for pid in listed.split()]


@once
def test_the_email_of_a_worker_killed_while_sending_is_sent_by_another(server, clean):
    """Until its lease is over nobody else touches it; that is shortened here, from five minutes."""
    mailbox = clean.mailbox
    mailbox.open.clear()
    clean.start()
    sign_up(server, "killed@example.org")
    until(lambda: len(mailbox.raw) == 1)  # taken, and not yet answered
    for pid in children(server):
        os.kill(pid, signal.SIGKILL)
    mailbox.open.set()
    until(lambda: server.try_get("/healthz") == 200)
    assert "being sent" in server.manage("retry_mails", "--dry-run")
    threading.Event().wait(1)
    assert len(mailbox.raw) == 1
    with psycopg2.connect(server.env["DATABASE_URL"]) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT due_at - now() > interval '4 minutes' FROM accounts_outgoingemail")
        assert cursor.fetchone() == (True,)
        cursor.execute("UPDATE accounts_outgoingemail SET due_at = now()")
    until(lambda: len(mailbox.raw) == 2)
    assert len({mail["Message-ID"] for mail in mailbox.messages}) == 1, "a mailbox may know it by this"
    until(lambda: "0 mails wait" in server.manage("retry_mails", "--dry-run"))


@pytest.mark.long
def test_an_answer_after_twenty_seconds_is_waited_for(server, clean):
    """A server slower than we are patient would be sent the same mail again and again."""
    clean.mailbox.open.clear()
    clean.start()
    sign_up(server, "slow@example.org")
    until(lambda: len(clean.mailbox.raw) == 1)
    threading.Event().wait(20)
    clean.mailbox.open.set()
    until(lambda: "0 mails wait" in server.manage("retry_mails", "--dry-run"))
    assert len(clean.mailbox.raw) == 1
