"""Sessions: their number and their end"""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.models import MAX_SESSIONS, Session
from accounts.tests.cast import contacts, pair_of, refresh

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]


def test_ending_a_session_leaves_the_others(as_nobody, alice):
    phone, laptop = pair_of(alice), pair_of(alice)
    Session.objects.order_by("id").first().end()
    assert contacts(as_nobody, phone["access_token"]) == 401
    assert contacts(as_nobody, laptop["access_token"]) == 200


def test_past_the_bound_the_session_unused_for_longest_ends(as_nobody, alice, bob):
    others = pair_of(bob)
    with time_machine.travel(timezone.now() - timedelta(hours=2)):
        oldest, used = pair_of(alice), pair_of(alice)
        Session.objects.bulk_create(
            Session(user=alice, last_used_at=timezone.now(), expires_at=timezone.now() + timedelta(days=7))
            for _ in range(MAX_SESSIONS - 2)
        )
    used = refresh(as_nobody, used["refresh_token"]).json()
    assert refresh(as_nobody, oldest["refresh_token"]).status_code == 200
    Session.objects.filter(pk=Session.objects.filter(user=alice).earliest("id").pk).update(
        last_used_at=timezone.now() - timedelta(days=1)
    )
    newest = pair_of(alice)
    assert Session.objects.filter(user=alice).count() == MAX_SESSIONS
    assert refresh(as_nobody, oldest["refresh_token"]).status_code == 401
    for pair in (used, newest, others):
        assert contacts(as_nobody, pair["access_token"]) == 200


def test_a_session_lives_seven_days_from_its_last_use(as_nobody, alice):
    pair = pair_of(alice)
    with time_machine.travel(timezone.now() + timedelta(days=6)):
        refresh(as_nobody, pair["refresh_token"])
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        assert not Session.objects.expired().exists()
    with time_machine.travel(timezone.now() + timedelta(days=13, seconds=1)):
        assert Session.objects.expired().count() == 1


def test_a_session_holds_no_token(alice):
    pair = pair_of(alice)
    row = repr(Session.objects.values().get())
    assert pair["refresh_token"] not in row and pair["access_token"] not in row
    assert pair["refresh_token"].rpartition(".")[2] not in row
