"""RATE_LIMITS: how a limit is spelled, and what the defaults are."""

import pytest

from contactbook.env import Configuration, ConfigurationError
from contactbook.env.rate_limits import rate

pytestmark = pytest.mark.one_stack


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10/m", (10, 60)),
        ("20/10m", (20, 600)),
        ("3/h", (3, 3600)),
        ("1/d", (1, 86400)),
        ("5/2s", (5, 2)),
        ("0", (0, 1)),
    ],
)
def test_a_rate_is_a_count_and_a_span(text, value):
    assert rate(text) == value


WRONG = [
    "login", "login=", "login=10", "login=10/", "login=/m", "login=10/w", "login=-1/m", "login=1.5/m", "login=10/m/m",
    "login=10 /m", "login=١٠/m", "login=10/0m", "nobody=10/m", "=10/m", "login=10/m,,", "*", "login=1e3/m",
    "login=ten/m",
]  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_another_spelling_stops_the_start(text):
    with pytest.raises(ConfigurationError, match=r"^RATE_LIMITS.*\.$"):
        Configuration({"RATE_LIMITS": text})


def test_later_entries_win():
    limits = Configuration({"RATE_LIMITS": "login=1/s,*=7/m, signup=9/2h"}).rate_limits
    assert (limits["login"], limits["signup"], limits["pages"]) == ((7, 60), (9, 7200), (7, 60))


def test_the_defaults_are_the_contracts():
    limits = Configuration({}).rate_limits
    twos = "signup request_email reset_pwd contacts_create"
    assert {limits[name] for name in twos.split()} == {(2, 60)}
    tens = (
        "login refresh_token confirm_email admin_login contacts_list contacts_birthdays "
        "contacts_find contacts_update contacts_delete contacts_avatar"
    )
    assert {limits[name] for name in tens.split()} == {(10, 60)}
    assert (limits["account_failures"], limits["address_mails"]) == ((20, 600), (3, 3600))
    assert (limits["pages"], limits["me_export"]) == ((30, 60), (1, 60))
