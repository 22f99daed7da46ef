"""The load: connections that each send a request, wait for the whole answer, check it, and send the next."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import uvloop


class Encoded(NamedTuple):
    """A request as it is sent; its answer is right with one of these statuses and `text` in it `count` times."""

    request: bytes
    statuses: tuple[bytes, ...]
    text: bytes
    count: int | None  # None: not counted


class Connection(asyncio.Protocol):
    def __init__(self, load):
        self.load, self.received, self.length, self.current = load, b"", 0, None

    def connection_made(self, transport):
        self.transport = transport
        self.send_next()

    def send_next(self):
        self.current = self.load.next_request()
        if self.current is None:
            self.transport.close()
            return
        self.sent = time.perf_counter()
        self.transport.write(self.current.request)

    def data_received(self, data):
        self.received += data
        if not self.length and (end := self.received.find(b"\r\n\r\n")) >= 0:
            self.length = end + 4 + content_length(self.received[: end + 2].lower())
        if self.length and len(self.received) >= self.length:
            answer, self.received, self.length = self.received, b"", 0
            self.load.answered(self.current, answer, self.sent)
            self.send_next()

    def connection_lost(self, error):
        if self.current is not None:
            self.load.wrong.append(f"The connection was lost ({error}) after {self.current.request!r}.")
        self.load.closed()


def content_length(head):
    _, _, rest = head.partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0] or 0)


class Load:
    """One run; `latencies` in seconds, of the requests after `warm_up` seconds, or of all where there were none."""

    def __init__(self, requests: Iterable[Encoded], seconds: float, warm_up: float, connections: int):
        self.requests, self.connections = iter(requests), connections
        self.answers, self.statuses, self.wrong = [], Counter(), []
        self.begun = time.perf_counter()
        self.warm = self.begun + warm_up
        self.until = self.warm + seconds

    async def run(self, port):
        loop = asyncio.get_running_loop()
        self.open, self.over = self.connections, loop.create_future()
        for _ in range(self.connections):
            await loop.create_connection(lambda: Connection(self), "127.0.0.1", port)
        await self.over
        if any(sent >= self.warm for sent, _ in self.answers):
            self.answers, self.begun = [each for each in self.answers if each[0] >= self.warm], self.warm
        self.latencies = [seconds for _, seconds in self.answers]
        self.rate = len(self.answers) / (time.perf_counter() - self.begun)

    def next_request(self):
        return next(self.requests, None) if time.perf_counter() < self.until and not self.wrong else None

    def answered(self, expected, answer, sent):
        self.answers.append((sent, time.perf_counter() - sent))
        status = answer[9:12]
        self.statuses[status] += 1
        counted = expected.count is None or answer.count(expected.text) == expected.count
        if status not in expected.statuses or not counted:
            self.wrong.append(f"Expected {expected}, received {answer[:2000]!r}.")

    def closed(self):
        self.open -= 1
        if not self.open:
            self.over.set_result(None)


def measure(server, requests, seconds, warm_up=0.2, connections=16, beside=()) -> Load:
    """Run a load; at its beginning each request of `beside` is sent on a connection of its own."""
    load = Load(requests, seconds, warm_up, connections)
    others = [Load([request], seconds, 0, 1) for request in beside]

    async def together():
        await asyncio.gather(*(each.run(server.port) for each in (load, *others)))

    uvloop.run(together())
    for other in others:
        load.wrong += other.wrong
        load.statuses.update(other.statuses)
    if load.wrong:
        raise SystemExit(f"{server.name} answered wrongly: {load.wrong[0]}\n{server.log()}")
    return load


def percentile(latencies, part):
    """Milliseconds of latencies in seconds."""
    latencies = sorted(latencies)
    return latencies[min(int(len(latencies) * part), len(latencies) - 1)] * 1000
