"""GET /api/auth/refresh_token"""

from datetime import timedelta

import jwt
import pytest
import time_machine
from django.utils import timezone

from accounts.models import Session, User
from accounts.tests.cast import (
    PAIR,
    REFUSED,
    bearer,
    contacts,
    pair_of,
    refresh,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/auth/refresh_token"


def later(seconds):
    return time_machine.travel(timezone.now() + timedelta(seconds=seconds))


def is_refused(answer):
    assert (answer.status_code, answer.json()) == (401, REFUSED)
    assert answer["WWW-Authenticate"].startswith("Bearer")
    return True


def test_a_refresh_token_gives_a_new_pair(as_nobody, alice):
    first = pair_of(alice)
    answer = refresh(as_nobody, first["refresh_token"])
    assert answer.status_code == 200
    second = answer.json()
    assert second.keys() == PAIR
    assert second["token_type"] == "bearer"
    assert answer["Cache-Control"] == "no-store"
    assert len({*first.values(), *second.values()}) == 5
    assert contacts(as_nobody, second["access_token"]) == 200
    assert refresh(as_nobody, second["refresh_token"]).status_code == 200


def test_tokens_live_15_minutes_and_7_days(as_nobody, alice):
    for pair in (pair_of(alice), refresh(as_nobody, pair_of(alice)["refresh_token"]).json()):
        spans = []
        for name in ("access_token", "refresh_token"):
            claims = jwt.decode(pair[name], options={"verify_signature": False})
            spans.append(claims["exp"] - claims["iat"])
        assert spans == [15 * 60, 7 * 24 * 3600]
    with later(15 * 60 + 1):
        assert contacts(as_nobody, pair["access_token"]) == 401
        assert refresh(as_nobody, pair["refresh_token"]).status_code == 200


def test_a_token_of_eight_days_ago_is_refused(as_nobody, alice):
    token = pair_of(alice)["refresh_token"]
    with later(7 * 24 * 3600 + 1):
        assert refresh(as_nobody, token).status_code == 401


def test_for_ten_seconds_it_gives_the_same_pair_again(as_nobody, alice):
    token = pair_of(alice)["refresh_token"]
    first = refresh(as_nobody, token)
    with later(9):
        assert refresh(as_nobody, token).content == first.content
    assert Session.objects.get().generation == 1


def test_a_repeated_token_gives_the_same_successor_after_that_was_used(as_nobody, alice):
    a = pair_of(alice)["refresh_token"]
    b = refresh(as_nobody, a).json()
    with later(3):
        c = refresh(as_nobody, b["refresh_token"]).json()
    with later(9):
        assert refresh(as_nobody, a).json() == b
        assert refresh(as_nobody, b["refresh_token"]).json() == c
    with later(11):
        assert refresh(as_nobody, b["refresh_token"]).json() == c


def test_a_used_token_that_comes_back_ends_its_session(as_nobody, alice):
    a, other = pair_of(alice), pair_of(alice)
    b = refresh(as_nobody, a["refresh_token"]).json()
    c = refresh(as_nobody, b["refresh_token"]).json()
    assert contacts(as_nobody, c["access_token"]) == 200
    with later(10.1):
        assert is_refused(refresh(as_nobody, a["refresh_token"]))
        for pair in (a, b, c):
            assert contacts(as_nobody, pair["access_token"]) == 401
            assert is_refused(refresh(as_nobody, pair["refresh_token"]))
        assert contacts(as_nobody, other["access_token"]) == 200
        assert refresh(as_nobody, other["refresh_token"]).status_code == 200


def test_a_token_newer_than_a_restored_database_is_refused(as_nobody, alice):
    b = refresh(as_nobody, pair_of(alice)["refresh_token"]).json()
    c = refresh(as_nobody, b["refresh_token"]).json()
    Session.objects.update(generation=0, rotations=[])
    assert is_refused(refresh(as_nobody, c["refresh_token"]))


def test_a_clock_set_back_gives_no_second_pair(as_nobody, alice):
    first = pair_of(alice)["refresh_token"]
    second = refresh(as_nobody, first).json()
    with later(-60):
        assert refresh(as_nobody, first).json() == second
        third = refresh(as_nobody, second["refresh_token"]).json()
    with later(2):
        refresh(as_nobody, third["refresh_token"])
        assert refresh(as_nobody, first).json() == second


def test_the_token_of_a_deleted_account_is_refused(as_nobody, alice):
    token = pair_of(alice)["refresh_token"]
    alice.delete()
    assert is_refused(refresh(as_nobody, token))


def test_the_token_of_a_deactivated_account_is_refused_after_reactivation_too(as_nobody, alice):
    token = pair_of(alice)["refresh_token"]
    User.objects.filter(pk=alice.pk).set_active(False)
    assert is_refused(refresh(as_nobody, token))
    User.objects.filter(pk=alice.pk).set_active(True)
    assert is_refused(refresh(as_nobody, token))


def test_a_token_from_before_a_password_change_is_refused(as_nobody, alice):
    token = pair_of(alice)["refresh_token"]
    alice.set_password("another one 7")
    alice.save()
    assert is_refused(refresh(as_nobody, token))


def test_a_missing_token_is_a_401(as_nobody):
    answer = as_nobody.get(URL + "/")
    assert answer.status_code == 401
    assert answer.json() == {"detail": "Authentication credentials were not provided."}
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_scheme_is_taken_in_any_case(as_nobody, alice, scheme):
    token = pair_of(alice)["refresh_token"]
    assert as_nobody.get(URL, HTTP_AUTHORIZATION=f"{scheme} {token}").status_code == 200


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer a b", "Basic eDp5", "Token x", "Bearer \xff", "Bearer ..", "\t"],
)
def test_an_invalid_authorization_header_is_a_401(as_nobody, header):
    answer = as_nobody.get(URL, HTTP_AUTHORIZATION=header)
    assert answer.status_code == 401
    assert answer.json().keys() == {"detail"} and isinstance(answer.json()["detail"], str)


def test_the_limit_counts_the_account(as_nobody, alice, bob, limits):
    limits(refresh_token=(1, 60))
    tokens = [pair_of(alice)["refresh_token"], pair_of(alice)["refresh_token"], pair_of(bob)["refresh_token"]]
    answers = [
        as_nobody.get(URL, REMOTE_ADDR=f"192.0.2.{number}", **bearer(token)) for number, token in enumerate(tokens)
    ]
    assert [answer.status_code for answer in answers] == [200, 429, 200]


def test_with_an_invalid_token_the_limit_counts_the_address(as_nobody, limits):
    limits(refresh_token=(1, 60))
    assert refresh(as_nobody, "nonsense").status_code == 401
    assert refresh(as_nobody, "rubbish").status_code == 429
    assert as_nobody.get(URL, REMOTE_ADDR="192.0.2.1").status_code == 401


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options", "head"])
def test_other_methods_are_a_405(as_nobody, alice, method):
    token = pair_of(alice)["refresh_token"]
    assert getattr(as_nobody, method)(URL, **bearer(token)).status_code == 405
    assert refresh(as_nobody, token).status_code == 200
