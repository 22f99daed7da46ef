"""Redis dead, silent, full, read-only, flushed, restarted and back: requests go on, limits are counted, reads are right."""

import threading
import time

import pytest
from django.core.cache import cache
from redis.exceptions import ConnectionError, ResponseError

from contactbook.cache import circuit_breaker
from contactbook.cache.circuit_breaker import CircuitBreaker, CircuitOpenError
from contactbook.cache.circuit_breaker import Redis as CircuitBreakingRedis
from contactbook.tests.faults import (
    account,
    assert_one_line_a_change,
    own_redis,
    redis_states,
    timed,
    two_servers,
    until,
)
from contactbook.tests.live import free_port, serving

long = pytest.mark.long
CONTACT = {"fullname": "Іван"}


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    with own_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def pair(redis, tmp_path_factory):
    """Two processes over one Redis; limits of finds and pages alone."""
    limits = "*=0,contacts_find=3/m,pages=5/m"
    with two_servers(tmp_path_factory.mktemp("pair"), REDIS_URL=redis.url, RATE_LIMITS=limits) as servers:
        yield servers


class Outage:
    """The ways in which Redis does not work, and the way back."""

    def __init__(self, redis, pair):
        self.redis, self.pair = redis, pair

    def dead(self):
        self.redis.kill()

    def silent(self):
        self.redis.freeze()

    def full(self):
        """Writes are refused with OOM, reads are answered."""
        self.redis.client.config_set("maxmemory", 1)

    def read_only(self):
        """A replica whose primary is gone, as after a failover."""
        self.redis.client.execute_command("REPLICAOF", "127.0.0.1", "1")

    def flushed(self):
        self.redis.client.flushall()

    def restarted(self):
        """With the snapshot of the moment, which is older than what is written next."""
        self.redis.client.save()
        self.redis.kill()
        self.redis.start()

    def back(self):
        self.redis.thaw() if self.redis.process.poll() is None else self.redis.start()
        self.redis.client.execute_command("REPLICAOF", "NO", "ONE")
        self.redis.client.config_set("maxmemory", 0)
        until(lambda: all(server.try_get("/readyz") == 200 for server in self.pair))


@pytest.fixture
def outage(redis, pair):
    between = Outage(redis, pair)
    yield between
    between.back()


WAYS = ["dead", "silent", "full", "read_only", "flushed", "restarted"]
AWAY = ["dead", "silent"]


def titles(server, token):
    return [contact["fullname"] for contact in server.ask("GET", "/api/contacts?limit=100", token=token).json()]


@pytest.mark.postgresql
@long
@pytest.mark.parametrize("way", WAYS)
def test_the_next_read_after_a_write_is_right_during_an_outage_and_after_it(pair, outage, way):
    """By the process that wrote and by the other one, whose response was stored before the write."""
    writer, reader = pair
    _, token = account(writer)
    assert writer.ask("POST", "/api/contacts", {"fullname": "old"}, token=token).status == 201
    assert titles(reader, token) == titles(writer, token) == ["old"], "now it is stored"
    getattr(outage, way)()
    assert writer.ask("POST", "/api/contacts", {"fullname": "new"}, token=token).status == 201
    assert titles(reader, token) == titles(writer, token) == ["new", "old"]
    outage.back()
    for _ in range(5):
        assert titles(reader, token) == titles(writer, token) == ["new", "old"]


@pytest.mark.postgresql
@long
def test_a_snapshot_from_before_a_write_brings_nothing_back(pair, redis, outage):
    writer, reader = pair
    _, token = account(writer)
    writer.ask("POST", "/api/contacts", {"fullname": "old"}, token=token)
    assert titles(reader, token) == titles(writer, token) == ["old"]
    redis.client.save()
    assert writer.ask("POST", "/api/contacts", {"fullname": "new"}, token=token).status == 201
    redis.kill()
    redis.start()  # no process asked anything of it meanwhile
    assert titles(reader, token) == titles(writer, token) == ["new", "old"]


# How many finds the second process allows after the first has allowed 3. A full Redis counts on before version 7.
SECOND = {"dead": {3}, "silent": {3}, "read_only": {3}, "full": {0, 3}, "flushed": {0}, "restarted": {0}}


@pytest.mark.postgresql
@long
@pytest.mark.parametrize("way", WAYS)
def test_limits_are_counted_during_an_outage(pair, outage, way):
    """By Redis where it can, else by each process alone: never more than the limit times the processes."""
    _, token = account(pair[0])
    getattr(outage, way)()
    for server, allowed in zip(pair, ({3}, SECOND[way]), strict=True):
        answers = [server.ask("GET", "/api/contacts/x", token=token) for _ in range(5)]
        statuses = [answer.status for answer in answers]
        assert statuses in [[404] * count + [429] * (5 - count) for count in allowed]
        assert {answer.headers["RateLimit-Limit"] for answer in answers} == {"3"}


@pytest.mark.postgresql
@long
def test_limits_of_pages_are_counted_during_an_outage(pair, outage):
    server, _ = pair
    outage.dead()
    server.try_get("/readyz")
    answers = [server.ask("GET", "/") for _ in range(7)]
    assert [answer.status for answer in answers] == [200] * 5 + [429] * 2
    assert int(answers[-1].headers["Retry-After"]) > 0


@pytest.mark.postgresql
@long
def test_redis_counts_for_both_processes_when_it_is_back(pair, outage):
    _, token = account(pair[0])
    outage.dead()
    assert pair[0].ask("GET", "/api/contacts/x", token=token).status == 404
    outage.back()
    answers = [pair[n % 2].ask("GET", "/api/contacts/x", token=token) for n in range(5)]
    assert [answer.status for answer in answers] == [404] * 3 + [429] * 2


@pytest.mark.postgresql
@long
@pytest.mark.parametrize("way", AWAY)
def test_requests_go_on_and_a_silent_redis_costs_one_timeout_each_half_second(pair, outage, way):
    server, _ = pair
    _, token = account(server)
    getattr(outage, way)()
    answer, seconds = timed(lambda: server.ask("GET", "/api/contacts", token=token))
    assert answer.status == 200 and seconds < 1
    begun = time.monotonic()
    for number in range(40):
        assert server.ask("POST", "/api/contacts", {"fullname": str(number)}, token=token).status == 201
        assert len(titles(server, token)) == number + 1
    assert time.monotonic() - begun < 11, "80 timeouts would be 16 seconds"


@pytest.mark.postgresql
@long
@pytest.mark.parametrize("way", AWAY)
def test_thirty_requests_at_the_moment_of_the_outage_are_answered(pair, outage, way):
    server, _ = pair
    _, token = account(server)
    getattr(outage, way)()
    answers = []
    ask = lambda: answers.append(timed(lambda: server.ask("GET", "/api/contacts", token=token)))  # noqa: E731
    threads = [threading.Thread(target=ask) for _ in range(30)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert {answer.status for answer, _ in answers} == {200}
    assert max(seconds for _, seconds in answers) < 2.5


@pytest.mark.postgresql
@long
def test_sessions_and_logins_do_not_depend_on_redis(pair, outage):
    server, other = pair
    email, token = account(server)
    outage.dead()
    assert server.ask("GET", "/api/contacts", token=token).status == 200
    tokens = server.log_in(email)
    assert other.ask("GET", "/api/contacts", token=tokens["access_token"]).status == 200
    outage.back()
    for each in pair:
        assert each.ask("GET", "/api/contacts", token=token).status == 200
        assert each.ask("GET", "/api/contacts", token=tokens["access_token"]).status == 200
    assert other.ask("GET", "/api/auth/refresh_token", token=tokens["refresh_token"]).status == 200


@pytest.mark.postgresql
@long
def test_a_session_that_ended_during_an_outage_stays_ended(pair, redis, outage):
    writer, reader = pair
    email, token = account(writer)
    assert reader.ask("GET", "/api/contacts", token=token).status == 200
    redis.freeze()
    command = f"from accounts.models import User; User.objects.filter(email='{email}').set_active(False)"
    writer.manage("shell", "-v0", "-c", command)  # a process that is gone before Redis is back
    assert reader.ask("GET", "/api/contacts", token=token).status == 401
    outage.back()
    assert {server.ask("GET", "/api/contacts", token=token).status for server in pair for _ in range(5)} == {401}


@pytest.mark.postgresql
@long
@pytest.mark.parametrize("way", AWAY)
def test_readyz_names_the_cache(pair, outage, way):
    server, _ = pair
    getattr(outage, way)()
    server.try_get("/readyz")
    answer = server.ask("GET", "/readyz")
    assert answer.status == 503 and int(answer.headers["Retry-After"]) >= 1
    assert answer.json() == {
        "status": "not ready",
        "database": "up",
        "cache": "down",
        "detail": "cache does not answer.",
    }
    assert server.try_get("/healthz") == 200
    outage.back()
    assert server.ask("GET", "/readyz").json() == {"status": "ready", "database": "up", "cache": "up"}


@pytest.mark.postgresql
@long
def test_one_line_of_the_log_for_each_change_of_state(pair, outage):
    server, _ = pair
    _, token = account(server)
    length = len(server.log.read_text())
    outage.dead()
    until_over = time.monotonic() + 2  # several half seconds, in each of which one request asks Redis
    while time.monotonic() < until_over:
        assert server.ask("GET", "/api/contacts", token=token).status == 200
    outage.back()
    until(lambda: server.try_get("/readyz") == 200 and redis_states(server, length)[-1:] == ["answers again"])
    assert_one_line_a_change(redis_states(server, length))


@pytest.mark.postgresql
@long
def test_a_server_starts_without_redis_and_finds_it_later(tmp_path):
    with own_redis(tmp_path / "redis") as redis:
        redis.kill()
        with serving(tmp_path / "var", processes=2, REDIS_URL=redis.url, RATE_LIMITS="*=0") as server:
            _, token = account(server)
            assert server.ask("POST", "/api/contacts", CONTACT, token=token).status == 201
            assert server.ask("GET", "/readyz").status == 503
            redis.start()
            until(lambda: [server.try_get("/readyz") for _ in range(8)] == [200] * 8)
            assert titles(server, token) == ["Іван"]


# The circuit breaker


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(circuit_breaker.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.one_stack
def test_an_open_circuit_lets_one_caller_through_each_half_second(clock):
    breaker = CircuitBreaker()
    breaker.check()
    breaker.record_failure(ConnectionError())
    let_through = []
    for _ in range(30):
        clock[0] += 0.125
        try:
            breaker.check()
            let_through.append(clock[0] - 100)
        except CircuitOpenError:
            pass
    assert let_through == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5]


@pytest.mark.one_stack
def test_of_many_threads_one_is_let_through(clock):
    breaker, let_through = CircuitBreaker(), []
    breaker.record_failure(ConnectionError())
    clock[0] += 1
    barrier = threading.Barrier(20)

    def ask():
        barrier.wait()
        try:
            breaker.check()
            let_through.append(1)
        except CircuitOpenError:
            pass

    threads = [threading.Thread(target=ask) for _ in range(20)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert let_through == [1]


@pytest.mark.one_stack
def test_a_success_closes_the_circuit_and_each_change_is_one_line(clock, caplog):
    breaker = CircuitBreaker()
    breaker.record_success()
    for _ in range(3):
        breaker.record_failure(ConnectionError("secret"))
    breaker.record_success()
    breaker.record_success()
    breaker.check()
    assert [record.getMessage() for record in caplog.records] == [
        "Redis does not answer (ConnectionError): limits are counted per process, no response is cached.",
        "Redis answers again.",
    ]


@pytest.mark.postgresql
def test_a_command_that_redis_refuses_leaves_the_circuit_closed():
    """Redis answered: it is full, read-only, or does not know the script."""
    client = cache.client.get_client()
    with pytest.raises(ResponseError):
        client.execute_command("NO_SUCH_COMMAND")
    assert client.ping()


@pytest.mark.postgresql
def test_the_counters_and_the_responses_have_a_circuit_each(settings, tmp_path):
    """A second Redis that is gone does not stop the first from counting."""
    with own_redis(tmp_path / "redis") as second:
        gone = circuit_breaker.Redis(port=second.port, retry=None)
        second.kill()
        for _ in range(3):
            with pytest.raises(ConnectionError):
                gone.ping()
        assert cache.client.get_client().ping()


@pytest.mark.one_stack
def test_two_pools_of_connections_to_one_server_share_a_circuit():
    """Threads that connect at the same time make several pools, and each would wait for a timeout of its own."""
    port = free_port()  # nobody listens there
    one, other = (CircuitBreakingRedis(port=port, retry=None) for _ in range(2))
    assert one.connection_pool is not other.connection_pool
    with pytest.raises(ConnectionError):
        one.get("x")
    with pytest.raises(CircuitOpenError):
        other.get("x")
