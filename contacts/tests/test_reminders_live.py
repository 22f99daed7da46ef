"""Reminder e-mails of the running product: exactly once, by several processes and after an outage"""

import logging
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime

import pytest

from accounts.tests.test_outgoing_emails_live import MailServer, is_empty, query
from contactbook.tests.faults import until
from contactbook.tests.live import ROOT, serving

pytestmark = pytest.mark.postgresql

logging.getLogger("mail.log").setLevel(logging.WARNING)

# Accounts in a zone where it is between 12:00 and 13:00 now, whose reminder of today is due, with a birthday today.
MAKE = """
from datetime import timedelta
from django.utils import timezone
from accounts.models import User
from contacts.models import Book
for number in range({count}):
    user = User(username="x", email=f"{name}{{number}}@example.org", confirmed_at=timezone.now(), password="!",
        time_zone="{zone}", reminders="daily", next_reminder_at=timezone.now() + timedelta(days={days}))
    user.save()
    today = timezone.now() + timedelta(hours={hours})
    born = {{"kind": "birth", "date": {{"month": today.month, "day": today.day}}}}
    with Book.objects.writing(user.pk, "test") as book:
        book.create({{"name": {{"full": f"Ann {{number}}"}}, "anniversaries": {{"b": born}}}})
User.objects.filter(email__startswith="{name}").update(next_reminder_at=timezone.now() - timedelta(hours=1))
"""
DIE = """
import os, signal
from django.db import transaction
from accounts.models import OutgoingEmail, User
with transaction.atomic():
    assert User.objects.queue_due_reminders() == 3 and OutgoingEmail.objects.count() == 3
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def mail_server():
    started = MailServer()
    started.start()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def server(mail_server, tmp_path_factory):
    with serving(tmp_path_factory.mktemp("server") / "var", EMAIL_URL=mail_server.url) as running:
        yield running


def make(server, name, count):
    hours = 12 - datetime.now(UTC).hour
    zone = f"Etc/GMT{-hours:+d}" if hours else "UTC"
    server.manage("shell", "-v0", "-c", MAKE.format(name=name, count=count, zone=zone, hours=hours, days=1))


def received(mail_server, name):
    return Counter(mail["To"] for mail in mail_server.mailbox.messages if mail["To"].startswith(name))


def none_is_due(server):
    return query(server, "SELECT count(*) FROM accounts_user WHERE next_reminder_at < CURRENT_TIMESTAMP") == [(0,)]


def test_all_processes_together_send_each_once(server, mail_server):
    """The server's processes, and two that run the command, as cron would."""
    make(server, "together", 40)
    commands = [
        subprocess.Popen([sys.executable, "manage.py", "send_emails"], cwd=ROOT, env=server.env) for _ in range(2)
    ]
    assert [command.wait(60) for command in commands] == [0, 0]
    until(lambda: len(received(mail_server, "together")) == 40 and is_empty(server), 30)
    assert none_is_due(server)
    assert set(received(mail_server, "together").values()) == {1}


def test_a_process_killed_before_the_commit_and_nobody_up_at_eight(server, mail_server):
    server.stop()
    make(server, "killed", 3)
    died = subprocess.run([sys.executable, "manage.py", "shell", "-v0", "-c", DIE], cwd=ROOT, env=server.env)
    assert died.returncode == -9
    assert is_empty(server) and not none_is_due(server)
    server.start()
    until(lambda: len(received(mail_server, "killed")) == 3 and is_empty(server), 30)
    assert none_is_due(server)
    assert set(received(mail_server, "killed").values()) == {1}
    server.stop()
    server.start()
    assert set(received(mail_server, "killed").values()) == {1}
