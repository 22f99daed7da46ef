"""What all processes share: the logs of the limits, and what is remembered between requests.

Two stores: `Redis`, and `Memory` for the embedded stack's one process, which also counts for any process while
Redis is away. `Memory` keeps pages alone, for which nobody has to be told of a write. Values are bytes. A
count may bring values along, so that a hot request costs one trip.
"""

import contextlib
import hashlib
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django_redis import get_redis_connection
from hiredis import pack_command
from redis.exceptions import ConnectionError, NoScriptError, RedisError, ResponseError

from contactbook.cache.circuit_breaker import Away, breaker

Values = Sequence[bytes | None]


class Count(NamedTuple):
    """How many were counted, this one included (0: refused); seconds until the oldest leaves; the values asked for."""

    counted: int
    reset: float
    values: Values = ()


class Memory:
    SWEEP_EVERY = 10_000  # counts, after which keys that hold nothing any more are dropped
    ROOM = 8 * 1024 * 1024  # bytes of pages, of which those unused for longest give way

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.entries: dict[str, deque[tuple[float, str]]] = {}
        self.spans: dict[str, int] = {}
        self.counts = 0
        self.pages: OrderedDict[str, bytes] = OrderedDict()
        self.size = 0

    def count(self, key: str, limit: int, span: int, ticket: str, wanted: Sequence[str] = ()) -> Count:
        with self.lock:
            now = time.monotonic()
            self.sweep(now)
            entries = self.entries.setdefault(key, deque())
            self.spans[key] = span
            while entries and entries[0][0] < now - span:
                entries.popleft()
            refused = len(entries) >= limit
            if not refused:
                entries.append((now, ticket))
            return Count(0 if refused else len(entries), entries[0][0] + span - now, self.found(wanted))

    def sweep(self, now: float) -> None:
        self.counts += 1
        if self.counts % self.SWEEP_EVERY == 0:
            for key in [k for k, e in self.entries.items() if not e or e[-1][0] < now - self.spans[k]]:
                del self.entries[key], self.spans[key]

    def give_back(self, key: str, ticket: str) -> None:
        with self.lock:
            entries = self.entries.get(key, deque())
            self.entries[key] = deque(entry for entry in entries if entry[1] != ticket)
            self.spans.setdefault(key, 0)

    def clear(self, key: str) -> None:
        with self.lock:
            self.entries.pop(key, None)
            self.spans.pop(key, None)

    def read(self, wanted: Sequence[str]) -> Values:
        with self.lock:
            return self.found(wanted)

    def found(self, wanted: Sequence[str]) -> Values:
        for key in self.pages.keys() & wanted:
            self.pages.move_to_end(key)
        return [self.pages.get(key) for key in wanted]

    def offer(self, key: str, page: bytes, seconds: int) -> None:
        """Until others need its room: `seconds` are Redis's."""
        with self.lock:
            self.size += len(page) - len(self.pages.pop(key, b""))
            self.pages[key] = page
            while self.size > self.ROOM:
                self.size -= len(self.pages.popitem(last=False)[1])


# A limit's log is a sorted set, judged by Redis's own clock in one atomic script.
COUNT = """
local time = redis.call('TIME')
local now, span = time[1] * 1000000 + time[2], ARGV[2] * 1000000
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.0f', now), '+inf')) do
    redis.call('ZADD', KEYS[1], now, member)  -- the clock was set back: neither locked nor forgotten
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now - span))
local counted = redis.call('ZCARD', KEYS[1])
if counted >= tonumber(ARGV[1]) then counted = 0 else
    redis.call('ZADD', KEYS[1], now, ARGV[3])
    redis.call('EXPIRE', KEYS[1], ARGV[2] + 1)
    counted = counted + 1
end
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
local answer = {counted, tostring(oldest + span - now)}
for i = 2, #KEYS do answer[i + 1] = redis.call('GET', KEYS[i]) end
return answer
"""
SWAP = """
if redis.call('GET', KEYS[1]) ~= (ARGV[1] ~= '' and ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""
SETTLE = """
local epoch = redis.call('GET', KEYS[2])
if not epoch or redis.call('GET', KEYS[1]) ~= ARGV[1] then return end
redis.call('SET', KEYS[1], '["' .. epoch .. '",' .. ARGV[2] .. ']', 'EX', ARGV[3])
"""
SCRIPTS = (COUNT, SWAP, SETTLE)


class Line(threading.local):
    """A thread's own connection, and what goes with its next command."""

    connection: Any = None
    offered = b""


class Redis:
    """Each thread over a connection of its own: the client's way, by pool, retries and hooks, takes twice as long."""

    def __init__(self) -> None:
        self.redis: Any = get_redis_connection("default")
        self.scripts = {text: hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest() for text in SCRIPTS}
        self.line = Line()

    def ask(self, *command: Any) -> Any:
        """The answer to a command. The client's breaker is kept to.

        A connection that the server had closed is opened once more: no command here does harm when it is repeated.
        """
        if breaker.failures:
            raise Away("Redis did not answer a moment ago.")
        self.line.connection = self.line.connection or self.redis.connection_pool.make_connection()
        try:
            try:
                return self.asked(self.line.connection, command)
            except ConnectionError:
                return self.asked(self.line.connection, command)
        except NoScriptError:
            raise
        except RedisError as error:
            breaker.fail(error)
            raise

    def asked(self, connection: Any, command: tuple[Any, ...]) -> Any:
        offered, self.line.offered = self.line.offered, b""
        connection.send_packed_command([offered + pack_command(command)], check_health=False)
        if offered:
            with contextlib.suppress(ResponseError):  # Redis has no room for it
                connection.read_response()
        return connection.read_response()

    def run(self, script: str, keys: Sequence[str], *arguments: Any) -> Any:
        """A script by its SHA-1; a Redis that was restarted is sent its text."""
        try:
            return self.ask("EVALSHA", self.scripts[script], len(keys), *keys, *arguments)
        except NoScriptError:
            return self.ask("EVAL", script, len(keys), *keys, *arguments)

    def count(self, key: str, limit: int, span: int, ticket: str, wanted: Sequence[str] = ()) -> Count:
        counted, microseconds, *values = self.run(COUNT, [key, *wanted], limit, span, ticket)
        return Count(counted, float(microseconds) / 1_000_000, values)

    def give_back(self, key: str, ticket: str) -> None:
        self.ask("ZREM", key, ticket)

    def clear(self, key: str) -> None:
        self.ask("DEL", key)

    def read(self, wanted: Sequence[str]) -> Values:
        values: Values = self.ask("MGET", *wanted)
        return values

    def put(self, key: str, value: bytes, seconds: int) -> None:
        self.ask("SET", key, value, "EX", seconds)

    def offer(self, key: str, value: bytes, seconds: int) -> None:
        """As `put`, but with this thread's next command: a packet less, and nobody waits for whether it was kept."""
        command: Any = ("SET", key, value, "EX", seconds)
        self.line.offered = pack_command(command) if self.line.connection else b""

    def drop(self, key: str) -> None:
        self.ask("DEL", key)

    def swap(self, key: str, expected: bytes | None, value: bytes, seconds: int) -> bool:
        """Puts the value in the place of exactly the expected one; None: of nothing."""
        return bool(self.run(SWAP, [key], expected or b"", value, seconds))

    def settle(self, key: str, expected: bytes, epoch: str, value: bytes, seconds: int) -> None:
        """As `swap`, with `[epoch, value]`: JSON of the value given, and of the epoch that is kept under its key."""
        self.run(SETTLE, [key, epoch], expected, value, seconds)


memory = Memory()
redis: Redis | None = Redis() if settings.REDIS_URL else None
shared: Memory | Redis = redis or memory
