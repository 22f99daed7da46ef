"""manage.py confirm, prune_accounts, clear_expired, retry_mails, send_emails"""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session as StaffSession
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import OutgoingEmail, Session, User
from contactbook.db import batches

pytestmark = pytest.mark.django_db


def run(*args):
    out = StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


@pytest.mark.one_stack
@pytest.mark.parametrize(
    "command", ["confirm", "prune_accounts", "prune_closed", "clear_expired", "retry_mails", "send_emails", "demo"]
)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as ended:
        run(command, "--help")
    assert ended.value.code == 0
    assert command in capsys.readouterr().out


def test_confirm_finds_the_address_in_any_spelling(make_user):
    zoe = make_user("zoe", confirmed_at=None)
    assert run("confirm", "ZOE@Example.org") == "Confirmed.\n"
    assert run("confirm", zoe.email) == "Already confirmed.\n"
    zoe.refresh_from_db()
    assert zoe.confirmed_at


def test_confirm_of_an_unknown_address_is_an_error():
    with pytest.raises(CommandError, match=r"nobody@example\.org"):
        run("confirm", "nobody@example.org")


@pytest.fixture
def accounts(make_user):
    long_ago = timezone.now() - timedelta(days=31)
    make_user("stale", confirmed_at=None, created_at=long_ago)
    make_user("fresh", confirmed_at=None)
    make_user("good", created_at=long_ago)
    make_user("boss", confirmed_at=None, created_at=long_ago, is_staff=True)


def left():
    return set(User.objects.values_list("username", flat=True))


def test_prune_accounts_deletes_accounts_that_stayed_unconfirmed(accounts):
    assert run("prune_accounts") == "1 accounts were deleted.\n"
    assert left() == {"Fresh", "Good", "Boss"}


@pytest.mark.parametrize("days", ["-1", "36501", "x"])
def test_prune_accounts_refuses_a_number_of_days_that_is_none(accounts, days):
    with pytest.raises(CommandError, match="is not a whole number from 0 to 36500"):
        run("prune_accounts", f"--days={days}")
    assert len(left()) == 4


def test_prune_accounts_takes_the_number_of_days(accounts):
    run("prune_accounts", "--days=0")
    assert left() == {"Good", "Boss"}


def test_prune_accounts_with_dry_run_deletes_nothing(accounts):
    assert run("prune_accounts", "--dry-run") == "1 accounts would be deleted.\n"
    assert len(left()) == 4


def test_prune_accounts_deletes_in_batches(accounts, make_user, monkeypatch):
    monkeypatch.setattr(batches, "BATCH", 2)
    for number in range(5):
        make_user(f"stale{number}", confirmed_at=None, created_at=timezone.now() - timedelta(days=40))
    assert run("prune_accounts") == "6 accounts were deleted.\n"


@pytest.fixture
def sessions(alice):
    for hours in (-1, 1):
        session = Session.objects.begin(alice)
        session.expires_at = timezone.now() + timedelta(hours=hours)
        session.save()
        staff_session = SessionStore()
        staff_session.set_expiry(3600 * hours)
        staff_session.save()


def test_clear_expired_keeps_live_sessions(sessions):
    assert run("clear_expired").splitlines() == [
        "1 sessions of the API were deleted.",
        "1 sessions of staff were deleted.",
    ]
    assert Session.objects.count() == StaffSession.objects.count() == 1


def test_clear_expired_with_dry_run_deletes_nothing(sessions):
    assert "1 sessions of the API would be deleted." in run("clear_expired", "--dry-run")
    assert Session.objects.count() == 2


@pytest.fixture
def email():
    return OutgoingEmail.objects.create(
        kind="reset", address="a@example.org", due_at=None, attempts=9, last_error="OSError"
    )


def test_retry_mails_makes_given_up_emails_due(email):
    assert run("retry_mails") == "1 mails are due now.\n"
    email.refresh_from_db()
    assert email.due_at <= timezone.now()


def test_retry_mails_with_dry_run_lists_and_changes_nothing(email):
    assert "a@example.org: 9 attempts, given up, OSError" in run("retry_mails", "--dry-run")
    email.refresh_from_db()
    assert email.due_at is None


def test_send_emails_sends_those_that_are_due_and_no_others(mailbox, make_user):
    zoe = make_user("zoe")
    now = timezone.now()
    OutgoingEmail.objects.create(kind="reset", address=zoe.email)
    OutgoingEmail.objects.create(kind="reset", address="later@example.org", due_at=now + timedelta(minutes=5))
    assert run("send_emails") == "1 e-mails were sent.\n"
    assert [mail["To"] for mail in mailbox.messages] == [zoe.email]
    assert run("send_emails") == "0 e-mails were sent.\n"
    assert OutgoingEmail.objects.get().address == "later@example.org"
