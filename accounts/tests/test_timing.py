"""No answer tells by its time whether an address is known"""

import statistics
import time

import pytest

from accounts.tests.cast import log_in

pytestmark = [pytest.mark.django_db, pytest.mark.long]
PAIRS = 60


@pytest.fixture(autouse=True)
def unlimited(no_limits):
    pass


def median_gap(act):
    """Of interleaved pairs, and what it may be: 5 ms or 10 %, in seconds."""
    act("alice@example.org"), act("nobody@example.org")
    times = {"alice": [], "nobody": []}
    for number in range(PAIRS):
        for name in sorted(times, reverse=bool(number % 2)):
            began = time.perf_counter()
            act(f"{name}@example.org")
            times[name].append(time.perf_counter() - began)
    known, unknown = (statistics.median(each) for each in times.values())
    return abs(known - unknown), max(0.005, 0.1 * known)


def test_it_works(as_nobody, alice):
    gap, allowed = median_gap(lambda email: log_in(as_nobody, email, "wrong"))
    assert gap <= allowed


@pytest.mark.parametrize("name", ["request_email", "reset_pwd"])
def test_nor_does_asking_for_a_mail(as_nobody, alice, name):
    gap, allowed = median_gap(lambda email: as_nobody.post(f"/api/auth/{name}", {"email": email}, format="json"))
    assert gap <= allowed


def test_nor_does_the_running_product(server):
    server.sign_up("alice@example.org")
    for path in ("/api/auth/request_email", "/api/auth/reset_pwd"):
        gap, allowed = median_gap(lambda email, path=path: server.ask("POST", path, {"email": email}))
        assert gap <= allowed
    form = "password=wrong&username="
    gap, allowed = median_gap(lambda email: server.ask("POST", "/api/auth/login", form + email))
    assert gap <= allowed
