"""Redis, asked only while it answers: one circuit breaker a process, and the epoch of what is cached there.

The first failure opens the breaker: from then on a command is refused at once, so that a silent Redis costs
a process one timeout and not one a request. A thread asks every PROBE seconds; no request waits for it.

What is cached belongs to an epoch, a random number kept in Redis itself (caching.py compares it at every
read). A process begins a new one before it uses any new connection, and before it closes its breaker after
a failure. So nothing cached before an outage is believed after it:

- A process that could not leave a mark has its breaker open, or opens it by that very failure. The
  epoch that it begins later makes every older value worthless, on every process; values filled under the
  new one were read from the database after the write.
- A Redis that was restarted, perhaps from an old snapshot, has lost its connections: each process begins
  an epoch before its first command. So does the process that replaces a killed one.

What remains is a value read by others between the moment at which Redis answers again and the probe of the
process that wrote: at most PROBE seconds, a connect timeout and a command timeout, less than 1 second
together. If that process died and is not replaced, or is alone in not reaching Redis, the value's own
lifetime, `caching.SECONDS`, is the bound.
"""

import logging
import secrets
import threading
import time
from typing import Any

import redis
from django.core.cache import caches
from django_redis import get_redis_connection
from redis.exceptions import NoScriptError, RedisError

from contactbook.observability import metrics

logger = logging.getLogger(__name__)

PROBE = 0.5  # seconds
EPOCH = "epoch"  # its key

make_key = caches["default"].make_key  # `cache` would look it up for each key


def new_epoch() -> int:
    """Never the same twice, so that one set late, by a command that had timed out, revives nothing."""
    return secrets.randbits(62)


class Away(redis.ConnectionError):
    """Redis was not asked, since it did not answer a moment ago."""


class Breaker:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.failures = 0  # since the last epoch that this process began; 0 is closed

    def fail(self, error: Exception) -> None:
        """Opens the breaker; where it is open, demands an epoch that is begun after this moment."""
        with self.lock:
            self.failures += 1
            if self.failures > 1:
                return
            metrics.REDIS_CIRCUIT_OPEN.set(1)
        logger.warning(
            "Redis does not answer (%s): limits are counted per process, nothing is cached.",
            type(error).__name__,
        )
        threading.Thread(target=self.heal, name="redis-probe", daemon=True).start()

    def heal(self) -> None:
        since = time.monotonic()
        while self.failures:
            time.sleep(PROBE)
            self.probe()
        logger.warning("Redis answers again, after %.1f seconds.", time.monotonic() - since)

    def probe(self) -> None:
        seen = self.failures
        try:
            get_redis_connection("default").begin_epoch()
        except (RedisError, OSError):
            return
        with self.lock:
            if self.failures == seen:
                self.failures = 0
                metrics.REDIS_CIRCUIT_OPEN.set(0)


breaker = Breaker()


class Redis(redis.Redis):
    """The client that django-redis makes for all of us (settings.CACHES)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connection_pool.connection_kwargs["redis_connect_func"] = begin

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if breaker.failures:
            raise Away("Redis did not answer a moment ago.")
        try:
            return super().execute_command(*args, **options)
        except NoScriptError:
            raise  # the answer of a Redis that was restarted: the script is sent again
        except RedisError as error:
            breaker.fail(error)
            raise

    def begin_epoch(self) -> None:
        """Also shows that Redis takes writes: a full or read-only one would keep old values."""
        super().execute_command("SET", make_key(EPOCH), new_epoch())


def begin(connection: Any) -> None:
    connection.on_connect()
    connection.send_command("SET", make_key(EPOCH), new_epoch())
    connection.read_response()
