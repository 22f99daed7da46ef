"""The sliding log behind every limit, in the process and in Redis: exact at once, in every window, whatever the clock."""

import threading
import time
import uuid

import pytest

from contactbook.cache import rate_limit
from contactbook.cache.rate_limit import ProcessLog, acquire, clear, refund


@pytest.fixture(
    params=[pytest.param("process", marks=pytest.mark.one_stack), pytest.param("redis", marks=pytest.mark.postgresql)]
)
def log(request, settings):
    """Which of the two logs counts; a Redis that fails would be noticed, since the process would count then."""
    settings.REDIS_URL = settings.REDIS_URL if request.param == "redis" else ""
    yield request.param
    assert bool(rate_limit.process_log.entries) == (request.param == "process")


@pytest.fixture
def who():
    return uuid.uuid4().hex


def at_once(count, work):
    results, barrier = [], threading.Barrier(count)

    def run():
        barrier.wait()
        results.append(work())

    threads = [threading.Thread(target=run) for _ in range(count)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return results


def time_of(log, who, ticket):
    """When the log says that the request was counted, in seconds of the log's own clock."""
    key = rate_limit.log_key("login", who)
    if log == "process":
        return rate_limit.process_log.entries[key][ticket]
    return rate_limit.redis_client().zscore(key, ticket) / 1_000_000


def allowed(count, who):
    return [acquire("login", who).allowed for _ in range(count)]


def test_of_forty_requests_at_once_exactly_ten_are_allowed(log, limits, who):
    limits(login=(10, 60))
    results = at_once(40, lambda: acquire("login", who))
    assert sorted(result.remaining for result in results if result.allowed) == list(range(10))
    assert [result.remaining for result in results if not result.allowed] == [0] * 30
    assert {result.limit for result in results} == {10}
    assert all(59 < result.reset <= 60 for result in results)


def test_no_window_by_the_logs_own_clock_holds_more_than_the_limit(log, limits, who):
    limits(login=(20, 1))
    times, until = [], time.monotonic() + 2.5

    def work():
        while time.monotonic() < until:
            result = acquire("login", who)
            if result.allowed:
                times.append(time_of(log, who, result.ticket))
            time.sleep(0.0005)

    at_once(8, work)
    times.sort()
    assert len(times) >= 40, "what the limit allows is had"
    assert min(later - earlier for earlier, later in zip(times, times[20:], strict=False)) > 1


def test_a_refused_request_is_not_counted(log, limits, who):
    limits(login=(1, 1))
    assert allowed(50, who) == [True] + [False] * 49
    time.sleep(1.01)
    assert allowed(1, who) == [True]


def test_reset_says_when_the_oldest_request_leaves_the_log(log, limits, who):
    limits(login=(2, 10))
    assert acquire("login", who).reset == pytest.approx(10, abs=0.2)
    time.sleep(0.5)
    assert acquire("login", who).reset == pytest.approx(9.5, abs=0.2)
    refused = acquire("login", who)
    assert not refused.allowed and refused.reset == pytest.approx(9.5, abs=0.3)
    assert refused.headers == {"RateLimit-Limit": "2", "RateLimit-Remaining": "0", "RateLimit-Reset": "10"}


def test_one_request_is_refunded_and_no_other(log, limits, who):
    limits(login=(2, 60))
    first = acquire("login", who)
    acquire("login", who)
    refund("login", who, first)
    assert allowed(2, who) == [True, False]
    refund("login", who, first)
    assert allowed(1, who) == [False], "the same one cannot be refunded twice"
    refund("login", "nobody", first)
    refund("login", who, None)


def test_a_cleared_log_is_empty(log, limits, who):
    limits(login=(2, 60))
    assert allowed(3, who) == [True, True, False]
    clear("login", who)
    assert allowed(3, who) == [True, True, False]
    clear("login", "nobody")


def test_names_and_clients_are_counted_apart(log, limits, who):
    limits(login=(1, 60), signup=(1, 60))
    assert [acquire(name, f"{who}{n}").allowed for name in ("login", "signup") for n in range(3)] == [True] * 6


def test_a_lifted_limit_counts_nothing(limits, who):
    limits(login=(0, 1))
    assert acquire("login", who) is None
    assert rate_limit.process_log.entries == {}


def test_a_key_names_no_client():
    key = rate_limit.log_key("login", "address:192.0.2.1")
    assert "192.0.2.1" not in key and ":limit:login:" in key


# Redis


@pytest.mark.postgresql
@pytest.mark.parametrize("seconds", [60, 3600, 86_400 * 365])
def test_a_clock_set_back_neither_refuses_for_ever_nor_forgets(limits, who, seconds):
    """What was counted ahead of now counts as of now: until one span is over, and no longer."""
    limits(login=(3, 1))
    key, client = rate_limit.log_key("login", who), rate_limit.redis_client()
    for _ in range(3):
        ticket = acquire("login", who).ticket
        client.zadd(key, {ticket: (time.time() + seconds) * 1_000_000})
    refused = acquire("login", who)
    assert not refused.allowed and refused.reset <= 1
    time.sleep(1.1)
    assert allowed(4, who) == [True, True, True, False]


@pytest.mark.postgresql
def test_a_log_leaves_redis_after_its_span(limits, who):
    limits(login=(3, 1))
    acquire("login", who)
    assert 0 < rate_limit.redis_client().ttl(rate_limit.log_key("login", who)) <= 2


@pytest.mark.postgresql
def test_a_redis_that_lost_its_scripts_is_sent_the_script_again(limits, who):
    limits(login=(2, 60))
    acquire("login", who)
    rate_limit.redis_client().script_flush()
    assert allowed(2, who) == [True, False]
    assert rate_limit.process_log.entries == {}


# The process


def test_a_clock_set_back_changes_nothing_in_the_process(limits, settings, who, monkeypatch):
    settings.REDIS_URL = ""
    limits(login=(2, 60))
    acquire("login", who)
    monkeypatch.setattr(rate_limit.time, "time", lambda: 0.0)
    assert allowed(2, who) == [True, False]


def test_the_process_log_stays_bounded(monkeypatch):
    log, now = ProcessLog(), [0.0]
    monkeypatch.setattr(rate_limit.time, "monotonic", lambda: now[0])
    sizes = []
    for n in range(100_000):
        now[0] += 0.01
        log.acquire(f"key {n}", 10, 60, "ticket")
        sizes.append(len(log.entries))
    assert max(sizes) <= ProcessLog.SWEEP_EVERY + 60 / 0.01
    assert log.entries.keys() == log.spans.keys()
