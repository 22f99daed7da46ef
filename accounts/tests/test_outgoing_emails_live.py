"""The queue of e-mails of the running product"""

import contextlib
import logging
import os
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections import Counter

import psycopg2
import pytest

from conftest import Mailbox
from contactbook.tests.faults import idle_in_transaction, until
from contactbook.tests.live import PASSWORD, free_port, serving

logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd logs every line that it receives


class MailServer:
    """A mail server that stops and starts again at one address."""

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


@pytest.fixture(scope="module")
def mail_server():
    started = MailServer()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def server(mail_server, tmp_path_factory):
    with serving(tmp_path_factory.mktemp("server") / "var", EMAIL_URL=mail_server.url) as running:
        yield running


def query(server, statement):
    """The rows of a statement in the server's database, without the seconds that a command takes."""
    url = server.env.get("DATABASE_URL")
    connection = psycopg2.connect(url) if url else sqlite3.connect(server.folder / "contactbook.sqlite3", timeout=20)
    with contextlib.closing(connection), connection:
        cursor = connection.cursor()
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def is_empty(server):
    return query(server, "SELECT count(*) FROM accounts_outgoingemail") == [(0,)]


def make_due(server, but="attempts > 0 AND last_error = ''"):
    """Do as `manage.py retry_mails`, which leaves out those being sent, without waiting for a command to start."""
    query(server, f"UPDATE accounts_outgoingemail SET due_at = created_at WHERE NOT ({but})")


@pytest.fixture
def stopped(mail_server, server):
    """The mail server, stopped; the queue and its mailbox are empty."""
    mail_server.stop()
    until(lambda: is_empty(server))
    mail_server.mailbox.raw.clear()
    return mail_server


def sign_up(server, email):
    body = {"username": "Zed", "email": email, "password": PASSWORD}
    began = time.monotonic()
    assert server.ask("POST", "/api/auth/signup", body).status == 201
    return time.monotonic() - began


@pytest.mark.postgresql
def test_each_email_goes_out_once_when_the_mail_server_comes_back(server, stopped):
    mailbox = stopped.mailbox
    assert sign_up(server, "first@example.org") < 2
    until(lambda: "was not sent (ConnectionRefusedError)" in server.log.read_text())
    stopped.start()
    until(lambda: len(mailbox.raw) == 1)
    sign_up(server, "second@example.org")
    until(lambda: len(mailbox.raw) == 2, 3)
    until(lambda: is_empty(server))
    assert [mail["To"] for mail in mailbox.messages] == ["first@example.org", "second@example.org"]
    text = mailbox.messages[1].get_body(("plain",)).get_content()
    link = re.search(rf"{re.escape(server.url)}(/api/email/confirm/\S+)", text)[1]
    assert server.ask("GET", link).json() == "Email confirmed"
    log = server.log.read_text()
    assert not any(secret in log for secret in (link.rpartition("/")[2], PASSWORD, "first@example.org"))


QUEUE = """
from accounts.models import OutgoingEmail, User
users = User.objects.bulk_create(User(username="x", email=f"p{n}@example.org", email_key=f"p{n}@example.org",
    token_version=1, password="!") for n in range(40))
OutgoingEmail.objects.bulk_create(OutgoingEmail(kind=["confirm", "reset"][number % 2], address=user.email)
    for number in range(5) for user in users)
"""


@pytest.mark.long
def test_two_hundred_emails_are_sent_once_each_and_in_order_by_all_processes(server, stopped):
    server.manage("shell", "-v0", "-c", QUEUE)
    stopped.start()
    mailbox = stopped.mailbox
    until(lambda: len(mailbox.raw) >= 200, 60)
    until(lambda: is_empty(server))
    assert len(mailbox.raw) == 200
    assert set(Counter(mail["Message-ID"] for mail in mailbox.messages).values()) == {1}
    for number in (0, 17, 39):
        subjects = [mail["Subject"] for mail in mailbox.messages if mail["To"] == f"p{number}@example.org"]
        assert subjects == ["Confirm your address", "Set a new password"] * 2 + ["Confirm your address"]


def test_a_silent_mail_server_delays_no_request_and_no_transaction(server, stopped):
    with socket.create_server(("127.0.0.1", stopped.port)) as silent:
        sign_up(server, "third@example.org")
        taken, _ = silent.accept()
        try:
            began = time.monotonic()
            for number in range(3):
                sign_up(server, f"more{number}@example.org")
                assert server.ask("GET", "/healthz").status == 200
            assert time.monotonic() - began < 5
            if "DATABASE_URL" in server.env:
                assert min(idle_in_transaction(server) for _ in range(5)) == 0, "an open transaction would be there"
        finally:
            taken.close()
    stopped.start()
    make_due(server)
    until(lambda: len(stopped.mailbox.raw) == 4, 30)
    assert len({mail["Message-ID"] for mail in stopped.mailbox.messages}) == 4


def children(server):
    listed = subprocess.check_output(["ps", "-o", "pid=", "--ppid", str(server.process.pid)], text=True)
    return [int(pid) for pid in listed.split()]


@pytest.mark.postgresql
def test_the_email_of_a_worker_killed_while_sending_is_sent_by_another(server, stopped):
    """After its lease, which is shortened here from five minutes."""
    mailbox = stopped.mailbox
    mailbox.open.clear()
    stopped.start()
    sign_up(server, "killed@example.org")
    until(lambda: len(mailbox.raw) == 1)  # received, and not yet answered
    for pid in children(server):
        os.kill(pid, signal.SIGKILL)
    mailbox.open.set()
    until(lambda: server.try_get("/healthz") == 200)
    assert "being sent" in server.manage("retry_mails", "--dry-run")
    threading.Event().wait(1)
    assert len(mailbox.raw) == 1
    lease = "SELECT due_at - now() > interval '4 minutes' FROM accounts_outgoingemail"
    assert query(server, lease) == [(True,)]
    make_due(server, but="1 = 0")
    until(lambda: len(mailbox.raw) == 2)
    assert len({mail["Message-ID"] for mail in mailbox.messages}) == 1, "by which a mailbox can tell that it has it"
    until(lambda: is_empty(server))


@pytest.mark.long
def test_an_answer_after_twenty_seconds_is_waited_for(server, stopped):
    """A shorter timeout would send a slow server the same mail again and again."""
    stopped.mailbox.open.clear()
    stopped.start()
    sign_up(server, "slow@example.org")
    until(lambda: len(stopped.mailbox.raw) == 1)
    threading.Event().wait(20)
    stopped.mailbox.open.set()
    until(lambda: is_empty(server))
    assert len(stopped.mailbox.raw) == 1
