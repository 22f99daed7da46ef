"""manage.py prune_closed"""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import Session, User
from accounts.tokens import begin_session
from conftest import client_of
from contacts.models import Change, Contact

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]


@pytest.fixture
def closed(make_user):
    """Makes an account with a contact that was closed so many days ago."""

    def make(name, days, **fields):
        user = make_user(name)
        client_of(user).post("/api/contacts/", {"fullname": f"{name}'s"}, format="json")
        User.objects.filter(pk=user.pk).update(closed_at=timezone.now() - timedelta(days=days), **fields)
        return user

    return make


def prune(capsys, *args):
    call_command("prune_closed", *args)
    return capsys.readouterr().out


def test_accounts_closed_over_30_days_ago_are_deleted(closed, alice, capsys):
    closed("old", 30.01)
    young = closed("young", 29.99)
    assert prune(capsys) == "1 accounts were deleted.\n"
    assert set(User.objects.values_list("pk", flat=True)) == {young.pk, alice.pk}


def test_everything_of_the_account_is_deleted(closed, capsys):
    closed("old", 31)
    prune(capsys)
    assert not Contact.objects.exists() and not Change.objects.exists() and not Session.objects.exists()


def test_a_dry_run_deletes_nothing(closed, capsys):
    closed("old", 31)
    assert prune(capsys, "--dry-run") == "1 accounts would be deleted.\n"
    assert User.objects.count() == 1


def test_staff_are_not_deleted(closed, capsys):
    closed("old", 31, is_staff=True)
    assert prune(capsys) == "0 accounts were deleted.\n"
    assert User.objects.count() == 1


def test_an_account_reopened_before_the_command_is_not_deleted(closed, capsys):
    user = closed("old", 40)
    begin_session(user, "")
    assert prune(capsys) == "0 accounts were deleted.\n"
    assert User.objects.get().closed_at is None
