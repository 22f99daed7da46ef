"""A Redis client that does not use Redis for half a second after a failure.

If Redis does not answer, a process then waits for one timeout every half second, not for one in each request.
"""

import logging
import threading
import time
from typing import Any

import redis
from redis.exceptions import RedisError, ResponseError

from contactbook.observability import metrics

logger = logging.getLogger(__name__)

OPEN_SECONDS = 0.5


class CircuitOpenError(redis.ConnectionError):
    """The command was not sent, because Redis failed within the last half second."""


class CircuitBreaker:
    """The state of one Redis server in this process: closed, or open until a time of the monotonic clock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.open_until: float | None = None

    def check(self) -> None:
        """Raise CircuitOpenError while open; after that let one command through every half second."""
        if self.open_until is None:
            return
        with self.lock:
            if self.open_until and time.monotonic() < self.open_until:
                raise CircuitOpenError("Redis did not answer a moment ago.")
            self.open_until = time.monotonic() + OPEN_SECONDS

    def record_failure(self, error: Exception) -> None:
        with self.lock:
            was_closed, self.open_until = self.open_until is None, time.monotonic() + OPEN_SECONDS
        if was_closed:
            metrics.REDIS_CIRCUIT_OPEN.set(1)
            name = type(error).__name__
            logger.warning("Redis does not answer (%s): limits are counted per process, no response is cached.", name)

    def record_success(self) -> None:
        if self.open_until is None:
            return
        with self.lock:
            was_open, self.open_until = self.open_until is not None, None
        if was_open:  # another thread may have closed it meanwhile
            metrics.REDIS_CIRCUIT_OPEN.set(0)
            logger.warning("Redis answers again.")


# By host, port and path of the server, not by connection pool: threads that connect at the same time make several.
breakers: dict[tuple[Any, ...], CircuitBreaker] = {}


class Redis(redis.Redis):
    """The client class of both caches (settings.CACHES)."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        server = self.get_connection_kwargs()
        address = tuple(map(server.get, ("host", "port", "path")))
        breaker = breakers.setdefault(address, CircuitBreaker())
        breaker.check()
        try:
            answer = super().execute_command(*args, **options)
        except ResponseError:  # Redis answered: the command was refused
            breaker.record_success()
            raise
        except RedisError as error:
            breaker.record_failure(error)
            raise
        breaker.record_success()
        return answer
