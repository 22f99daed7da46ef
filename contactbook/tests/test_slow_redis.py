"""A Redis that answers after five seconds costs a process one timeout each half second, and is used again when it is quick."""

import asyncio
import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from contactbook.tests.faults import (
    account,
    assert_one_line_a_change,
    own_redis,
    redis_states,
    timed,
    two_servers,
    until,
)
from contactbook.tests.live import free_port

pytestmark = [pytest.mark.postgresql, pytest.mark.long]
SLOW = 5.0  # seconds


class SlowProxy:
    """A proxy in front of Redis: each answer arrives `delay` seconds later, in order, on every connection."""

    def __init__(self, port):
        self.behind, self.port, self.delay = port, free_port(), 0.0
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(self.listen(), self.loop).result()

    async def listen(self):
        self.server = await asyncio.start_server(self.connected, "127.0.0.1", self.port)

    async def connected(self, reader, writer):
        with contextlib.suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.behind)
            await asyncio.gather(self.pump(reader, far_writer, False), self.pump(far_reader, writer, True))

    async def pump(self, reader, writer, delayed):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if delayed and self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(data)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    def stop(self):
        async def end():
            self.server.close()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            [task.cancel() for task in tasks]
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0)  # lets the sockets close

        asyncio.run_coroutine_threadsafe(end(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    with own_redis(tmp_path_factory.mktemp("redis")) as redis:
        between = SlowProxy(redis.port)
        yield between
        between.stop()


@pytest.fixture(scope="module")
def pair(proxy, tmp_path_factory):
    url = f"redis://127.0.0.1:{proxy.port}/0"
    with two_servers(tmp_path_factory.mktemp("pair"), REDIS_URL=url, RATE_LIMITS="*=0,contacts_find=3/m") as servers:
        yield servers


@pytest.fixture
def slow(proxy, pair):
    class Slow:
        def begin(self):
            proxy.delay = SLOW

        def end(self):
            proxy.delay = 0.0
            until(lambda: all(server.try_get("/readyz") == 200 for server in pair))

    outage = Slow()
    yield outage
    outage.end()


def titles(server, token):
    return [contact["fullname"] for contact in server.ask("GET", "/api/contacts?limit=100", token=token).json()]


def test_requests_go_on_and_a_slow_redis_costs_one_timeout_each_half_second(pair, slow):
    server, _ = pair
    email, token = account(server)
    slow.begin()
    with ThreadPoolExecutor(16) as pool:  # every thread asks before the circuit is open
        ask = lambda _: timed(lambda: server.ask("GET", "/api/contacts", token=token))  # noqa: E731
        burst = list(pool.map(ask, range(16)))
    assert {answer.status for answer, _ in burst} == {200}
    assert max(seconds for _, seconds in burst) < 3

    def sixty():
        for number in range(30):
            assert server.ask("POST", "/api/contacts", {"fullname": f"{number:02}"}, token).status == 201
            assert len(titles(server, token)) == number + 1

    _, seconds = timed(sixty)
    assert seconds < 12, "60 requests with a timeout each for the limit and the cache would be 18 seconds"
    assert "access_token" in server.log_in(email)
    assert [server.ask("GET", "/api/contacts/x", token=token).status for _ in range(4)] == [404, 404, 404, 429]


def test_sessions_go_on_and_no_read_is_stale(pair, slow):
    writer, reader = pair
    _, token = account(writer)
    assert writer.ask("POST", "/api/contacts", {"fullname": "old"}, token).status == 201
    assert titles(writer, token) == titles(reader, token) == ["old"]
    slow.begin()
    assert writer.ask("POST", "/api/contacts", {"fullname": "new"}, token).status == 201
    assert titles(writer, token) == ["new", "old"]
    slow.end()
    for _ in range(20):
        assert titles(writer, token) == titles(reader, token) == ["new", "old"]


def test_one_line_of_the_log_for_each_change_of_state(pair, slow):
    server, _ = pair
    _, token = account(server)
    length = len(server.log.read_text())

    slow.begin()
    until_over = time.monotonic() + 2  # several half seconds, in each of which one request asks Redis
    while time.monotonic() < until_over:
        server.ask("GET", "/api/contacts", token=token)
    slow.end()
    until(lambda: server.try_get("/readyz") == 200 and redis_states(server, length)[-1:] == ["answers again"])
    assert_one_line_a_change(redis_states(server, length))
