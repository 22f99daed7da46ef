"""Numbers that all processes of one server count together, for /metrics.

They lie in anonymous memory that gunicorn's master maps before it forks; each process counts in a seat of its own, and
whoever answers a scrape reads all seats. prometheus-client's own way for several processes maps files instead: a write
into one on a full disk is a SIGBUS, which kills the process, and each killed process leaves its files behind. Here a
killed process leaves its seat, and the next one to sit there counts on, so that nothing is lost and nothing grows.

A seat holds records, one after the other: the key's length and how many numbers follow it, the key, the numbers.
"""

import mmap
import struct
import threading
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

Key = tuple[str, ...]  # a metric's name, and its labels' values

SEAT = 256 * 1024  # bytes, of which only the pages that are written to take memory; some 2,000 records
START = 16  # a seat begins with how many of its bytes are used, whether a process sits there, and its open connections
HEAD = struct.Struct("=II")
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # of a duration, in seconds


class Seat:
    def __init__(self, memory: memoryview) -> None:
        # By casts, since struct.pack_into writes zeros first, which others would read.
        self.memory, self.numbers, self.head = memory, memory.cast("d"), memory[:START].cast("I")
        self.lock = threading.Lock()
        self.head[0] = self.used or START
        self.places = {key: place for key, place, _ in self.records()}

    @property
    def used(self) -> int:
        return self.head[0]

    @property
    def taken(self) -> bool:
        return bool(self.head[1])

    @taken.setter
    def taken(self, value: bool) -> None:
        """By the master alone."""
        self.head[1] = value

    @property
    def connections(self) -> int:
        return self.head[2]

    @connections.setter
    def connections(self, value: int) -> None:
        self.head[2] = value

    def records(self) -> Iterator[tuple[Key, int, int]]:
        """Each key, where its numbers begin, and how many they are; also of a seat that is being written to."""
        at, end = START, self.used
        while at < end:
            length, count = HEAD.unpack_from(self.memory, at)
            at += HEAD.size
            key = bytes(self.memory[at : at + length]).decode()
            at += padded(length)
            yield tuple(key.split("\0")), at // 8, count
            at += count * 8

    def place(self, key: Key, count: int) -> int | None:
        """Where the key's numbers begin; None where the seat is full, which no request should suffer from."""
        with self.lock:
            if key not in self.places:
                name, at = "\0".join(key).encode(), self.used
                end = at + HEAD.size + padded(len(name)) + count * 8
                if end > len(self.memory):
                    return None
                HEAD.pack_into(self.memory, at, len(name), count)
                self.memory[at + HEAD.size : at + HEAD.size + len(name)] = name
                self.places[key] = (end - count * 8) // 8
                self.head[0] = end  # last, so that nobody reads half a record
            return self.places[key]

    def add(self, key: Key) -> None:
        place = self.places.get(key) or self.place(key, 1)
        if place:
            with self.lock:
                self.numbers[place] += 1

    def set(self, key: Key, value: float) -> None:
        place = self.places.get(key) or self.place(key, 1)
        if place:
            self.numbers[place] = value

    def time(self, key: Key, seconds: float) -> None:
        """One count in the first of BOUNDS that holds it, or past them, and the sum of all at the end."""
        place = self.places.get(key) or self.place(key, len(BOUNDS) + 2)
        if place:
            with self.lock:
                self.numbers[place + bisect_left(BOUNDS, seconds)] += 1
                self.numbers[place + len(BOUNDS) + 1] += seconds


def padded(length: int) -> int:
    return -(-length // 8) * 8


def mapped(seats: int) -> list[Seat]:
    memory = memoryview(mmap.mmap(-1, seats * SEAT))
    return [Seat(memory[number * SEAT : (number + 1) * SEAT]) for number in range(seats)]


seats = mapped(1)
seats[0].taken = True
mine = seats[0]


def share(processes: int) -> None:
    """In the master, before it forks: also for those that replace the running ones while these end."""
    global seats
    seats = mapped(2 * processes + 2)


def offer(worker: Any) -> None:
    """In the master: the seat that a process about to be forked will take.

    Where more run than were foreseen there is none, and that process counts for itself alone.
    """
    worker.seat = next((seat for seat in seats if not seat.taken), None)
    if worker.seat:
        worker.seat.taken = True


def sit(worker: Any) -> None:
    """In the new process, before it counts anything."""
    global mine, seats
    if worker.seat is None:
        worker.seat = mapped(1)[0]
        seats = [*seats, worker.seat]
    mine = Seat(worker.seat.memory)  # anew: its former process has added records since the master looked
    mine.connections = 0
    for key, place, _ in mine.records():
        if key[0] in GAUGES:
            mine.numbers[place] = 0


def fewest_connections() -> int:
    """Of any process that serves; 0 where none is seen."""
    return min((seat.connections for seat in seats if seat.taken), default=0)


def leave(worker: Any) -> None:
    """In the master, when a process has ended, however it did."""
    if worker.seat:
        worker.seat.taken = False


# What is counted where it happens

REQUESTS = "contactbook_requests"
SECONDS = "contactbook_request_seconds"
LIMITED = "contactbook_limits_hit"
CACHE = "contactbook_cache"
LOGINS = "contactbook_logins_refused"
BREAKER = "contactbook_redis_away"
GAUGES = {BREAKER}


def count(name: str, *labels: str) -> None:
    mine.add((name, *labels))


def gauge(name: str, value: float) -> None:
    mine.set((name,), value)
