"""An access token ends at once with what it speaks for, however warm the cache."""

import pytest
from django.conf import settings
from django.contrib.auth.models import update_last_login
from django.db import transaction

from accounts.models import User, account_key
from accounts.tests.cast import contacts, pair_of, refresh, settle
from conftest import PASSWORD
from contactbook.cache import responses as caching

pytestmark = pytest.mark.django_db
ENDED = {"detail": "The session has ended."}


@pytest.fixture(autouse=True)
def unlimited(no_limits):
    pass


@pytest.fixture
def pair(as_nobody, alice):
    """Tokens whose account the cache knows."""
    pair = pair_of(alice)
    settle()
    assert contacts(as_nobody, pair["access_token"]) == 200
    key = account_key(alice.pk)
    assert not settings.REDIS_URL or caching.ask(key)[key].startswith(b"[")
    return pair


def deactivate_in_the_admin(user):
    user.is_active = False
    user.save()


def change_the_password(user):
    user.set_password("another one 7")
    user.save()


def change_the_password_alone(user):
    user.set_password("another one 7")
    user.save(update_fields=["password"])


ENDINGS = [
    deactivate_in_the_admin,
    change_the_password,
    change_the_password_alone,
    lambda user: User.objects.filter(pk=user.pk).set_active(False),
    lambda user: User.objects.filter(pk=user.pk).delete(),
    lambda user: user.delete(),
    lambda user: user.set_new_password("another one 7"),
    lambda user: user.end_sessions(),
]


@pytest.mark.parametrize("end", ENDINGS)
def test_it_works(as_nobody, alice, pair, end):
    end(User.objects.get(pk=alice.pk))
    answer = as_nobody.get("/api/contacts/", HTTP_AUTHORIZATION=f"Bearer {pair['access_token']}")
    assert (answer.status_code, answer.json()) == (401, ENDED)
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert refresh(as_nobody, pair["refresh_token"]).status_code == 401


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("end", ENDINGS)
def test_it_works_with_real_commits(as_nobody, alice, pair, end):
    with transaction.atomic():
        end(User.objects.get(pk=alice.pk))
    assert contacts(as_nobody, pair["access_token"]) == 401
    settle()
    assert contacts(as_nobody, pair["access_token"]) == 401


def test_an_account_that_is_active_again_has_no_session_of_before(as_nobody, alice, pair):
    for active in (False, True):
        alice.is_active = active
        alice.save()
    assert contacts(as_nobody, pair["access_token"]) == 401
    assert contacts(as_nobody, pair_of(alice)["access_token"]) == 200


def keep(user):
    user.save()


def log_in_to_the_admin(user):
    update_last_login(None, user)


def rename(user):
    user.username = "Al"
    user.save(update_fields=["username"])


@pytest.mark.parametrize(
    "act", [keep, log_in_to_the_admin, rename, User.confirm, lambda user: user.check_password(PASSWORD)]
)
def test_other_changes_end_nothing(as_nobody, alice, pair, act):
    act(User.objects.get(pk=alice.pk))
    assert contacts(as_nobody, pair["access_token"]) == 200
    assert refresh(as_nobody, pair["refresh_token"]).status_code == 200


def test_nobody_elses_session_ends(as_nobody, alice, bob, pair):
    others = pair_of(bob)["access_token"]
    change_the_password(alice)
    assert contacts(as_nobody, others) == 200


def test_switching_off_and_on_says_how_many(alice, bob):
    assert User.objects.filter(is_active=True).set_active(False) == 2
    assert User.objects.filter(is_active=True).set_active(False) == 0
    assert User.objects.filter(is_active=False).set_active(True) == 2
