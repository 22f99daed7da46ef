"""The bounds on hashing: in a process two passwords at once, at most 12 that hash or wait, a wait of at most 2 s"""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher as DjangosHasher
from django.db import connection
from django.test import Client

from accounts import hashers
from accounts.hashers import CONCURRENT, QUEUE, HashingQueue
from accounts.models import User
from accounts.tests.cast import at_once, bearer, log_in, pair_of, sign_up
from accounts.tokens import ResetToken
from conftest import PASSWORD, client_of
from contactbook.exceptions import BusyError

BUSY = {"detail": "The service is busy. Try again in a moment."}
NEW = "battery staple 7"


class Meter:
    """Counts the calls of Django's own `verify`, and blocks them while `gate` is not set."""

    def __init__(self):
        self.lock, self.gate = threading.Lock(), threading.Event()
        self.total = self.now = self.most = 0

    def __enter__(self):
        with self.lock:
            self.total += 1
            self.now += 1
            self.most = max(self.most, self.now)
        assert self.gate.wait(30)

    def __exit__(self, *error):
        with self.lock:
            self.now -= 1


@pytest.fixture
def queue(monkeypatch):
    """A queue of this test's own."""
    queue = HashingQueue()
    monkeypatch.setattr(hashers, "queue", queue)
    return queue


@pytest.fixture
def meter(monkeypatch, queue):
    meter, verify = Meter(), DjangosHasher.verify

    def metered(self, password, encoded):
        with meter:
            return verify(self, password, encoded)

    monkeypatch.setattr(DjangosHasher, "verify", metered)
    yield meter
    meter.gate.set()


def until(happens):
    deadline = time.monotonic() + 20
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def in_thread(act, *args):
    """Call it and close this thread's database connection."""
    try:
        return act(*args)
    finally:
        connection.close()


# The queue itself


@pytest.mark.one_stack
def test_of_twelve_at_once_two_hash_and_the_others_wait(queue):
    gate, lock, counts = threading.Event(), threading.Lock(), {"now": 0, "most": 0}

    def hash_password(_):
        with queue.slot():
            with lock:
                counts["now"] += 1
                counts["most"] = max(counts["most"], counts["now"])
            gate.wait(0.02)
            with lock:
                counts["now"] -= 1

    at_once(QUEUE, hash_password)
    assert counts == {"now": 0, "most": CONCURRENT}
    assert queue.length == 0


@pytest.mark.one_stack
def test_past_twelve_a_request_is_refused_at_once(queue):
    queue.length = QUEUE
    started = time.monotonic()
    with pytest.raises(BusyError), queue.slot():
        pass
    assert time.monotonic() - started < 1
    assert queue.length == QUEUE


@pytest.mark.one_stack
def test_a_wait_over_two_seconds_is_refused(queue, monkeypatch):
    assert hashers.MAX_WAIT == 2
    monkeypatch.setattr(hashers, "MAX_WAIT", 0.05)
    with contextlib.ExitStack() as others:
        for _ in range(CONCURRENT):
            others.enter_context(queue.slot())
        with pytest.raises(BusyError), queue.slot():
            pass
        assert queue.length == CONCURRENT
    with queue.slot():
        assert queue.length == 1


@pytest.mark.one_stack
def test_an_error_while_hashing_leaves_the_queue_empty(queue):
    for _ in range(QUEUE + 1):
        with pytest.raises(ZeroDivisionError), queue.slot():
            raise ZeroDivisionError
    assert queue.length == 0


@pytest.mark.one_stack
@pytest.mark.parametrize(("limit", "longest"), [(0, 12), (5, 12), (12, 12), (14, 14), (100, 15)])
def test_the_queue_is_at_least_as_long_as_the_login_limit_and_leaves_a_thread(queue, limits, settings, limit, longest):
    limits(login=(limit, 60))
    assert queue.longest() == longest < settings.THREADS


@pytest.mark.one_stack
@pytest.mark.parametrize("threads", range(4, 14))
def test_a_process_of_few_threads_keeps_one_free_of_hashing(queue, settings, threads):
    settings.THREADS = threads
    assert queue.longest() == threads - 1


# Logins


@pytest.mark.one_stack
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_limits")
def test_no_more_than_two_passwords_are_hashed_at_once(alice, meter):
    guess = lambda number: in_thread(log_in, client_of(None), alice.email, f"guess {number}")  # noqa: E731
    with ThreadPoolExecutor(QUEUE) as pool:
        answers = [pool.submit(guess, number) for number in range(QUEUE)]
        until(lambda: meter.now == CONCURRENT)
        meter.gate.set()
    assert [answer.result().status_code for answer in answers] == [401] * QUEUE
    assert (meter.total, meter.most) == (QUEUE, CONCURRENT)


@pytest.mark.one_stack
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_limits")
def test_a_rush_of_logins_leaves_threads_for_reads(alice, meter, queue, settings, monkeypatch):
    """While no hash ends, the threads of a process answer 28 of 40 logins with 503, and every read."""
    monkeypatch.setattr(hashers, "MAX_WAIT", 30)
    token = pair_of(alice)["access_token"]
    with ThreadPoolExecutor(settings.THREADS) as process:
        logins = [process.submit(in_thread, log_in, client_of(None), alice.email) for _ in range(40)]
        reads = [process.submit(in_thread, lambda: client_of(None).get("/api/me", **bearer(token))) for _ in range(20)]
        assert [read.result(timeout=20).status_code for read in reads] == [200] * 20
        assert queue.length == QUEUE and meter.now == CONCURRENT
        meter.gate.set()
    statuses = [login.result().status_code for login in logins]
    assert (statuses.count(200), statuses.count(503)) == (QUEUE, 28)
    assert queue.length == 0


def set_password(user):
    client, form = Client(raise_request_exception=False), {"new_password1": NEW, "new_password2": NEW}
    return client.post(f"/reset/{ResetToken.of(user)}", form)


# Each request that hashes a password, sent for a staff account.
REQUESTS = {
    "login": lambda user: log_in(client_of(None), user.email),
    "login, unknown address": lambda user: log_in(client_of(None), "nobody@example.org"),
    "signup": lambda user: sign_up(client_of(None)),
    "me/password": lambda user: client_of(user).post("/api/me/password", {"old": PASSWORD, "new": NEW}, format="json"),
    "me": lambda user: client_of(user).delete("/api/me", {"password": PASSWORD}, format="json"),
    "reset page": set_password,
    "admin": lambda user: Client(raise_request_exception=False).post(
        "/admin/login/?next=/admin/", {"username": user.email, "password": PASSWORD}
    ),
}


@pytest.mark.one_stack
@pytest.mark.django_db
@pytest.mark.usefixtures("no_limits")
@pytest.mark.parametrize("name", REQUESTS)
def test_past_the_bound_a_request_is_a_503_that_changes_nothing(staff, queue, name):
    queue.length = QUEUE
    answer = REQUESTS[name](staff)
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    if name in ("reset page", "admin"):
        assert answer["Content-Type"].startswith("text/html") and BUSY["detail"] in answer.text
    else:
        assert answer.json() == BUSY
    user = User.objects.get()
    assert (user.password, user.closed_at, user.token_version) == (staff.password, None, staff.token_version)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_limits")
@pytest.mark.parametrize("name", REQUESTS)
def test_no_transaction_is_open_while_a_password_is_hashed(make_user, queue, monkeypatch, name):
    """Others would wait for its locks, on SQLite every write, for as long as it waits to hash."""
    slot, in_transaction = queue.slot, []
    user = make_user("staff", is_staff=name == "admin")

    def watched():
        in_transaction.append(connection.in_atomic_block)
        return slot()

    monkeypatch.setattr(queue, "slot", watched)
    assert REQUESTS[name](user).status_code in (200, 201, 302, 401)
    assert in_transaction and not any(in_transaction)


@pytest.mark.one_stack
@pytest.mark.django_db
@pytest.mark.parametrize("name", ["login", "login, unknown address", "me/password", "me", "admin"])
def test_a_503_is_not_counted_as_a_wrong_password(staff, queue, no_limits, limits, name):
    limits(account_failures=(2, 600))
    queue.length = QUEUE
    assert [REQUESTS[name](staff).status_code for _ in range(5)] == [503] * 5
    queue.length = 0
    email = "nobody@example.org" if "unknown" in name else staff.email
    assert [log_in(client_of(None), email, "wrong").status_code for _ in range(3)] == [401, 401, 429]


@pytest.mark.one_stack
@pytest.mark.django_db
def test_a_login_that_waited_in_vain_is_not_counted_as_a_wrong_password(alice, queue, monkeypatch, no_limits, limits):
    limits(account_failures=(1, 600))
    monkeypatch.setattr(hashers, "MAX_WAIT", 0.01)
    with queue.slot(), queue.slot():
        assert log_in(client_of(None), alice.email).status_code == 503
    assert log_in(client_of(None), alice.email).status_code == 200
