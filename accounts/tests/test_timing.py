"""The time of an answer does not reveal whether an account has the address"""

import statistics
import time

import pytest

from accounts.tests.cast import log_in

pytestmark = [pytest.mark.django_db, pytest.mark.long, pytest.mark.usefixtures("no_limits")]
PAIRS = 60


def median_gap(act, clock=time.process_time):
    """The median gap of interleaved pairs and what is allowed, 5 ms or 10 %, in seconds.

    Processor time of this process, since the machine may be busy.
    """
    act("alice@example.org"), act("nobody@example.org")
    times = {"alice": [], "nobody": []}
    for number in range(PAIRS):
        for name in sorted(times, reverse=bool(number % 2)):
            began = clock()
            act(f"{name}@example.org")
            times[name].append(clock() - began)
    known, unknown = (statistics.median(each) for each in times.values())
    return abs(known - unknown), max(0.005, 0.1 * known)


def test_a_login_takes_the_same_time_for_an_unknown_address(as_nobody, alice):
    gap, allowed = median_gap(lambda email: log_in(as_nobody, email, "wrong"))
    assert gap <= allowed


@pytest.mark.parametrize("name", ["request_email", "reset_pwd"])
def test_asking_for_an_email_takes_the_same_time_for_an_unknown_address(as_nobody, alice, name):
    gap, allowed = median_gap(lambda email: as_nobody.post(f"/api/auth/{name}", {"email": email}, format="json"))
    assert gap <= allowed


@pytest.mark.parametrize("path", ["/reset", "/confirm"])
def test_a_page_takes_the_same_time_for_an_unknown_address(as_nobody, alice, path):
    gap, allowed = median_gap(lambda email: as_nobody.post(path, {"email": email}, format="multipart"))
    assert gap <= allowed


def test_the_admins_login_takes_the_same_time_for_an_unknown_address(as_nobody, alice):
    form = lambda email: {"username": email, "password": "wrong"}  # noqa: E731
    gap, allowed = median_gap(lambda email: as_nobody.post("/admin/login/", form(email), format="multipart"))
    assert gap <= allowed
