"""Redis dead, silent, and back: requests go on, limits are counted per process, nothing stale returns."""

import threading
import time

import pytest
from django.core.cache import cache

from contactbook.api import throttling
from contactbook.cache import circuit_breaker as breaker
from contactbook.cache import rate_limit as stores
from contactbook.cache import responses as caching
from contactbook.tests.faults import (
    account,
    once,
    own_redis,
    timed,
    two_servers,
    until,
)
from contactbook.tests.live import serving

pytestmark = [once]
CONTACT = {"fullname": "Іван"}


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    with own_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def pair(redis, tmp_path_factory):
    """Two processes over one Redis; limits as lists of 3 a minute, and 5 pages."""
    limits = "*=0,contacts_find=3/m,pages=5/m"
    with two_servers(tmp_path_factory.mktemp("pair"), REDIS_URL=redis.url, RATE_LIMITS=limits) as servers:
        yield servers


@pytest.fixture
def down(redis, pair):
    """The two ways to be away, and the way back."""

    class Down:
        def dead(self):
            redis.kill()

        def silent(self):
            redis.freeze()

        def back(self):
            redis.thaw() if redis.process.poll() is None else redis.start()
            until(lambda: all(server.try_get("/readyz") == 200 for server in pair))

    outage = Down()
    yield outage
    outage.back()


def titles(server, token):
    return [contact["fullname"] for contact in server.ask("GET", "/api/contacts", token=token).json()]


@pytest.mark.parametrize("way", ["dead", "silent"])
def test_reads_and_writes_go_on_and_a_silent_redis_costs_one_timeout(pair, down, way):
    server, _ = pair
    _, token = account(server)
    getattr(down, way)()
    answer, seconds = timed(lambda: server.ask("GET", "/api/contacts", token=token))
    assert answer.status == 200 and seconds < 1
    begun = time.monotonic()
    for number in range(20):
        assert server.ask("POST", "/api/contacts", {"fullname": str(number)}, token=token).status == 201
        assert len(titles(server, token)) == number + 1
    assert time.monotonic() - begun < 3, "each would cost 0.2 seconds or more"


@pytest.mark.parametrize("way", ["dead", "silent"])
def test_a_burst_in_the_very_moment_of_the_outage_is_answered(pair, down, way):
    server, _ = pair
    _, token = account(server)
    getattr(down, way)()
    answers = []
    ask = lambda: answers.append(timed(lambda: server.ask("GET", "/api/contacts", token=token)))  # noqa: E731
    threads = [threading.Thread(target=ask) for _ in range(30)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert {answer.status for answer, _ in answers} == {200}
    assert max(seconds for _, seconds in answers) < 2


def test_nobody_is_logged_out_and_logging_in_goes_on(pair, down):
    server, other = pair
    email, token = account(server)
    down.dead()
    assert server.ask("GET", "/api/contacts", token=token).status == 200
    pair_of_tokens = server.log_in(email)
    down.back()
    for each in pair:
        assert each.ask("GET", "/api/contacts", token=token).status == 200
        assert each.ask("GET", "/api/contacts", token=pair_of_tokens["access_token"]).status == 200
    assert other.ask("GET", "/api/auth/refresh_token", token=pair_of_tokens["refresh_token"]).status == 200


def test_limits_are_counted_per_process_meanwhile(pair, down):
    _, token = account(pair[0])
    down.dead()
    for server in pair:
        answers = [server.ask("GET", "/api/contacts/x", token=token) for _ in range(5)]
        assert [answer.status for answer in answers] == [404, 404, 404, 429, 429]
        assert {answer.headers["RateLimit-Limit"] for answer in answers} == {"3"}


def test_pages_are_limited_meanwhile_too(pair, down):
    server, _ = pair
    down.dead()
    server.try_get("/readyz")
    answers = [server.ask("GET", "/") for _ in range(7)]
    assert [answer.status for answer in answers] == [200] * 5 + [429] * 2
    assert int(answers[-1].headers["Retry-After"]) > 0


@pytest.mark.parametrize("way", ["dead", "silent"])
def test_readyz_says_that_it_is_the_cache(pair, down, way):
    server, _ = pair
    getattr(down, way)()
    server.try_get("/readyz")
    answer = server.ask("GET", "/readyz")
    assert answer.status == 503
    assert answer.json() == {
        "status": "not ready",
        "database": "up",
        "cache": "down",
        "detail": "cache does not answer.",
    }
    assert server.try_get("/healthz") == 200
    down.back()
    assert server.ask("GET", "/readyz").json() == {"status": "ready", "database": "up", "cache": "up"}


@pytest.mark.parametrize("way", ["dead", "silent"])
def test_no_stale_page_returns_on_any_process(pair, down, way):
    writer, reader = pair
    _, token = account(writer)
    assert writer.ask("POST", "/api/contacts", {"fullname": "old"}, token=token).status == 201
    assert titles(reader, token) == titles(writer, token) == ["old"]  # now it is kept
    getattr(down, way)()
    assert writer.ask("POST", "/api/contacts", {"fullname": "new"}, token=token).status == 201
    down.back()
    for _ in range(20):
        assert titles(reader, token) == titles(writer, token) == ["new", "old"]


def test_a_reader_who_saw_nothing_of_the_outage_is_right_within_a_second(pair, redis, down):
    """It keeps its connections, and Redis its old values; only the writer had its mark refused."""
    writer, reader = pair
    _, token = account(writer)
    writer.ask("POST", "/api/contacts", {"fullname": "old"}, token=token)
    assert titles(reader, token) == ["old"]
    redis.freeze()
    assert writer.ask("POST", "/api/contacts", {"fullname": "new"}, token=token).status == 201
    redis.thaw()
    assert until(lambda: titles(reader, token) == ["new", "old"]) < 1.2
    time.sleep(1)
    assert titles(reader, token) == ["new", "old"]


def test_a_login_by_who_still_thinks_that_redis_is_away_is_believed_by_all(pair, redis, down):
    """The account that another process keeps does not know the session yet."""
    writer, reader = pair
    email, token = account(writer)
    for _ in range(3):
        redis.kill()
        assert writer.ask("GET", "/api/contacts", token=token).status == 200  # its breaker is open for half a second
        redis.start()
        assert reader.ask("GET", "/api/contacts", token=token).status == 200  # and here the account is kept
        new = writer.log_in(email)["access_token"]
        assert reader.ask("GET", "/api/contacts", token=new).status == 200
        down.back()


def test_a_session_that_ended_meanwhile_stays_ended_though_its_process_was_killed(pair, redis, down):
    writer, reader = pair
    email, token = account(writer)
    assert reader.ask("GET", "/api/contacts", token=token).status == 200
    redis.freeze()
    command = (
        "from accounts.models import User; from django.core.cache import cache; "
        f"User.objects.filter(email='{email}').set_active(False)"
    )
    writer.manage("shell", "-v0", "-c", command)  # a process that is gone, with its mark, before Redis is back
    assert reader.ask("GET", "/api/contacts", token=token).status == 401
    down.back()
    for _ in range(20):
        assert {server.ask("GET", "/api/contacts", token=token).status for server in pair} == {401}


def test_a_snapshot_from_before_a_write_revives_nothing(pair, redis, down):
    writer, reader = pair
    _, token = account(writer)
    writer.ask("POST", "/api/contacts", {"fullname": "old"}, token=token)
    assert titles(reader, token) == titles(writer, token) == ["old"]
    redis.client.save()
    assert writer.ask("POST", "/api/contacts", {"fullname": "new"}, token=token).status == 201
    redis.kill()
    redis.start()  # no process had anything to ask of it meanwhile
    assert titles(reader, token) == titles(writer, token) == ["new", "old"]


def test_one_line_of_the_log_for_each_change_of_state(pair, down):
    server, _ = pair
    _, token = account(server)
    length = len(server.log.read_text())
    down.dead()
    for _ in range(10):
        server.ask("GET", "/api/contacts", token=token)
    time.sleep(1.2)  # several health
    down.back()
    until(lambda: "answers again" in server.log.read_text()[length:])
    lines = [line for line in server.log.read_text()[length:].splitlines() if "Redis" in line]
    assert len(lines) == 2
    assert "does not answer" in lines[0] and "answers again" in lines[1]


def test_it_starts_without_redis_and_finds_it_later(tmp_path):
    with own_redis(tmp_path / "redis") as redis:
        redis.kill()
        with serving(tmp_path / "var", processes=2, REDIS_URL=redis.url, RATE_LIMITS="*=0") as server:
            _, token = account(server)
            assert server.ask("POST", "/api/contacts", CONTACT, token=token).status == 201
            assert server.ask("GET", "/readyz").status == 503
            redis.start()
            until(lambda: [server.try_get("/readyz") for _ in range(8)] == [200] * 8)
            assert titles(server, token) == ["Іван"]


# The parts, one process and one thread at a time


@pytest.fixture
def broken_breaker(monkeypatch):
    """As if Redis had just failed, and no probe were near."""
    monkeypatch.setattr(breaker.breaker, "failures", 1)


def test_a_value_of_an_older_epoch_is_not_believed(db):
    assert caching.remembered("key", lambda: "old") == "old"
    assert caching.remembered("key", lambda: "new") == "old"
    cache.set(breaker.EPOCH, breaker.new_epoch(), None)
    assert caching.remembered("key", lambda: "new") == "new"


def test_a_new_connection_begins_an_epoch():
    caching.remembered("key", lambda: 1)
    before = cache.get(breaker.EPOCH)
    stores.shared.line.connection.disconnect()
    caching.remembered("key", lambda: 1)
    assert cache.get(breaker.EPOCH) != before


def test_what_is_offered_goes_with_the_next_command():
    mine, other = cache.make_key("mine"), cache.make_key("other")
    stores.shared.put(mine, b"mine", 30)
    stores.shared.offer(other, b"offered", 30)
    assert stores.shared.read([mine, other]) == [b"mine", b"offered"]


def test_what_becomes_of_an_offer_is_nobody_elses_answer():
    """Redis refuses it, or has hung up."""
    mine = cache.make_key("mine")
    stores.shared.put(mine, b"mine", 30)
    stores.shared.offer("other", b"refused", "no number")
    assert [stores.shared.read([mine]) for _ in range(2)] == [[b"mine"]] * 2
    stores.shared.offer("other", b"lost", 30)
    stores.shared.redis.client_kill_filter(_type="normal", skipme=True)
    assert [stores.shared.read([mine]) for _ in range(2)] == [[b"mine"]] * 2


def test_a_command_sent_late_revives_nothing():
    """Redis does what it had been sent by one who did not wait for the answer: the value names its epoch."""
    caching.remembered("other", lambda: 1)
    old = stores.shared.read(caching.wanted("other"))[0].decode()
    stores.shared.redis.begin_epoch()
    stores.shared.put(cache.make_key("key"), caching.entry(old, "old"), 30)
    assert caching.remembered("key", lambda: "new") == "new"


def test_an_open_breaker_asks_nothing_and_counts_here(broken_breaker, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "login": (2, 60)}
    assert [throttling.take("login", "x").allowed for _ in range(3)] == [True, True, False]
    assert caching.remembered("key", lambda: 5) == 5


def test_the_probe_begins_an_epoch_after_the_last_failure():
    machine = breaker.Breaker()
    machine.failures = 1
    real = stores.shared.redis
    before = real.get(cache.make_key(breaker.EPOCH))
    machine.probe()
    assert machine.failures == 0
    assert real.get(cache.make_key(breaker.EPOCH)) != before


def test_whatever_redis_refuses_opens_the_breaker(monkeypatch):
    """It might as well be full, or read-only."""
    failures = []
    monkeypatch.setattr(breaker.breaker, "fail", failures.append)
    with pytest.raises(breaker.RedisError):
        stores.shared.redis.execute_command("NONSENSE")
    assert len(failures) == 1
