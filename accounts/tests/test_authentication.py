"""The Bearer token: every request reads session and account, so a token is refused as soon as either changes."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import update_last_login
from django.db import transaction
from django.utils import timezone

from accounts.models import Session, User
from accounts.tests.cast import bearer, contacts, pair_of, refresh
from conftest import PASSWORD
from contactbook.tests.live import Server

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
ENDED = {"detail": "The session has ended."}
NEW = "another one 7"


@pytest.fixture
def pair(as_nobody, alice):
    """A pair whose access token has been used."""
    pair = pair_of(alice)
    assert contacts(as_nobody, pair["access_token"]) == 200
    return pair


def deactivate(user):
    user.is_active = False
    user.save()


def change_password(user):
    user.set_password(NEW)
    user.save()


def change_password_column(user):
    user.set_password(NEW)
    user.save(update_fields=["password"])


def rows(user):
    return User.objects.filter(pk=user.pk)


ENDINGS = {
    "deactivated": deactivate,
    "deactivated with others": lambda user: rows(user).set_active(False),
    "deactivated by update": lambda user: rows(user).update(is_active=False),
    "deleted": lambda user: user.delete(),
    "deleted by queryset": lambda user: rows(user).delete(),
    "password changed": change_password,
    "password column changed": change_password_column,
    "password changed by the owner": lambda user: user.change_password(NEW),
    "password reset": lambda user: user.set_new_password(NEW),
    "version raised by update": lambda user: rows(user).update(token_version=user.token_version + 1),
    "closed": lambda user: user.close(),
    "logged out": lambda user: Session.objects.get(user=user).end(),
    "all sessions ended": lambda user: user.end_sessions(),
    "sessions deleted by queryset": lambda user: Session.objects.filter(user=user).delete(),
    "session expired by update": lambda user: Session.objects.update(expires_at=timezone.now()),
}
EVERY_ENDING = pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS)


@EVERY_ENDING
def test_a_token_is_refused_as_soon_as_its_account_changes(as_nobody, alice, pair, end):
    end(User.objects.get(pk=alice.pk))
    answer = as_nobody.get("/api/contacts/", **bearer(pair["access_token"]))
    assert (answer.status_code, answer.json()) == (401, ENDED)
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("end", [ENDINGS[name] for name in ENDINGS if name != "session expired by update"])
def test_a_refresh_token_is_refused_as_soon_as_its_account_changes(as_nobody, alice, pair, end):
    """But for an earlier `expires_at`: a refresh token carries that time itself."""
    end(User.objects.get(pk=alice.pk))
    assert refresh(as_nobody, pair["refresh_token"]).status_code == 401


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("end", [ENDINGS[name] for name in ("deactivated", "password reset", "deleted", "logged out")])
def test_a_token_is_refused_after_a_committed_change(as_nobody, alice, pair, end):
    with transaction.atomic():
        end(User.objects.get(pk=alice.pk))
    assert contacts(as_nobody, pair["access_token"]) == 401


# What another process does to an account.
BY_COMMAND = {
    "deactivated": "{user}.update(is_active=False)",
    "deleted": "{user}.delete()",
    "password changed": "u = {user}.get(); u.set_password('another one 7'); u.save()",
    "logged out": "Session.objects.filter(user__in={user}).delete()",
}


@pytest.mark.postgresql
def test_every_process_refuses_a_token_after_a_change_by_a_command(server: Server):
    def statuses(token):
        return {server.ask("GET", "/api/contacts", token=token).status for _ in range(8)}

    accounts = [server.sign_up() for _ in BY_COMMAND]
    assert [statuses(token) for _, token in accounts] == [{200}] * len(accounts)
    lines = ["from accounts.models import Session, User"]
    for (email, _), line in zip(accounts, BY_COMMAND.values(), strict=True):
        lines.append(line.format(user=f"User.objects.filter(email='{email}')"))
    server.manage("shell", "-v0", "-c", "\n".join(lines))
    assert [statuses(token) for _, token in accounts] == [{401}] * len(accounts)


def test_authentication_is_one_select_of_session_and_account(as_nobody, pair, django_assert_num_queries):
    for _ in range(2):
        with django_assert_num_queries(1) as captured:
            assert as_nobody.delete("/api/me/sessions/x", **bearer(pair["access_token"])).status_code == 422
        statement = captured.captured_queries[0]["sql"]
        assert statement.startswith("SELECT")
        assert {"accounts_session", "accounts_user"} <= set(re.findall(r"accounts_\w+", statement))


@pytest.mark.parametrize("token", ["nonsense", "refresh_token", "access_token"])
def test_a_token_of_another_kind_or_expired_is_refused_without_a_query(
    as_nobody, pair, token, time_machine, django_assert_num_queries
):
    time_machine.move_to(timezone.now() + settings.ACCESS_TOKEN_LIFETIME + timedelta(seconds=10))
    with django_assert_num_queries(0):
        answer = as_nobody.get("/api/contacts/", **bearer(pair.get(token, token)))
    assert (answer.status_code, answer.json()) == (401, {"detail": "The access token is not valid."})
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_missing_token_is_refused_without_a_query(as_nobody, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = as_nobody.get("/api/contacts/")
    assert (answer.status_code, answer.json()) == (401, {"detail": "Authentication credentials were not provided."})
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_reactivation_revives_no_session(as_nobody, alice, pair):
    for active in (False, True):
        alice.is_active = active
        alice.save()
    assert contacts(as_nobody, pair["access_token"]) == 401
    assert contacts(as_nobody, pair_of(alice)["access_token"]) == 200


def rename(user):
    user.username = "Al"
    user.save(update_fields=["username"])


OTHER_CHANGES = {
    "saved": lambda user: user.save(),
    "logged in to the admin": lambda user: update_last_login(None, user),
    "renamed": rename,
    "confirmed": User.confirm,
    "password checked": lambda user: user.check_password(PASSWORD),
}


@pytest.mark.parametrize("act", OTHER_CHANGES.values(), ids=OTHER_CHANGES)
def test_other_changes_leave_tokens_valid(as_nobody, alice, pair, act):
    act(User.objects.get(pk=alice.pk))
    assert contacts(as_nobody, pair["access_token"]) == 200
    assert refresh(as_nobody, pair["refresh_token"]).status_code == 200


def test_sessions_of_other_accounts_stay_live(as_nobody, alice, bob, pair):
    others = pair_of(bob)["access_token"]
    change_password(alice)
    assert contacts(as_nobody, others) == 200


def test_set_active_returns_how_many_accounts_there_were(alice, bob):
    assert User.objects.filter(is_active=True).set_active(False) == 2
    assert User.objects.filter(is_active=True).set_active(False) == 0
    assert User.objects.filter(is_active=False).set_active(True) == 2
