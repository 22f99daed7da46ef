"""The password hasher, and a limit on the number of passwords that a process hashes at once."""

import contextlib
import threading
from collections.abc import Iterator

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher as DjangoArgon2PasswordHasher

from contactbook.exceptions import BusyError

CONCURRENT = 2  # hashes at once in a process; each takes a CPU core and 19 MiB
QUEUE = 12  # requests that hash or wait, in a process of at least 13 threads
MAX_WAIT = 2.0  # seconds


class HashingQueue:
    """Lets CONCURRENT requests of a process hash a password at once, and QUEUE hash or wait."""

    def __init__(self) -> None:
        self.concurrent = threading.BoundedSemaphore(CONCURRENT)
        self.lock = threading.Lock()
        self.length = 0

    def longest(self) -> int:
        """Return the length of the queue: at least the login limit, but fewer than the threads of the process."""
        return min(settings.THREADS - 1, max(QUEUE, settings.RATE_LIMITS["login"][0]))

    @contextlib.contextmanager
    def slot(self) -> Iterator[None]:
        """Wait for a slot to hash in; BusyError if the queue is full, or after MAX_WAIT."""
        with self.lock:
            if self.length >= self.longest():
                raise BusyError
            self.length += 1
        try:
            if not self.concurrent.acquire(timeout=MAX_WAIT):
                raise BusyError
            try:
                yield
            finally:
                self.concurrent.release()
        finally:
            with self.lock:
                self.length -= 1


queue = HashingQueue()


class Argon2PasswordHasher(DjangoArgon2PasswordHasher):
    """Argon2id with OWASP's parameters: 19 MiB, 2 passes, 1 lane. Django's take 100 MiB and 8 lanes."""

    memory_cost = 19 * 1024
    time_cost = 2
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with queue.slot():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with queue.slot():
            return super().verify(password, encoded)
