"""Numbers that several processes count together, whatever becomes of them."""

import os
import signal
import threading
from types import SimpleNamespace

import pytest

from contactbook import counting
from contactbook.observability import metrics

KEY = ("contactbook_cache", "pages", "hit")


@pytest.fixture(autouse=True)
def shared(monkeypatch):
    monkeypatch.setattr(counting, "mine", counting.mine)
    monkeypatch.setattr(counting, "seats", counting.seats)
    counting.share(2)


def forked(work, kill=False):
    """A worker's life as gunicorn leads it; returns the worker when it has ended."""
    worker = SimpleNamespace()
    counting.offer(worker)
    pid = os.fork()
    if not pid:
        counting.sit(worker)
        work()
        os.kill(os.getpid(), signal.SIGKILL) if kill else os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) if kill else status == 0
    return worker


def counted(key=KEY):
    return metrics.summed().get(key[0], {}).get(key[1:], [0])[0]


def times(number):
    return lambda: [counting.count(*KEY) for _ in range(number)]


def test_it_works():
    for number in (3, 4):
        forked(times(number))
    assert counted() == 7


def test_a_killed_process_leaves_its_counts_and_its_seat():
    for _ in range(20):
        counting.leave(forked(times(5), kill=True))
    assert counted() == 100
    assert sum(seat.used > counting.START for seat in counting.seats) == 1


def test_gauges_begin_anew_and_only_those_who_live_have_them():
    worker = forked(lambda: counting.gauge(counting.BREAKER, 1))
    assert metrics.each_process(counting.BREAKER, "").samples[0].value == 1
    counting.leave(worker)
    assert metrics.each_process(counting.BREAKER, "").samples == []
    forked(lambda: None)
    assert [sample.value for sample in metrics.each_process(counting.BREAKER, "").samples] == [0]


def test_more_processes_than_were_foreseen_count_for_themselves(tmp_path):
    for _ in counting.seats:
        forked(times(1))
    before = counted()

    def alone():
        times(2)()
        (tmp_path / "seen").write_text(str(counted()))

    forked(alone)
    assert counted() == before == len(counting.seats)
    assert float((tmp_path / "seen").read_text()) == before + 2


def test_a_full_seat_hurts_nobody():
    seat = counting.mapped(1)[0]
    seat.add(KEY)
    for number in range(10_000):
        seat.add(("contactbook_requests", str(number), "GET", "200"))
        seat.time(("contactbook_request_seconds", str(number), "GET"), 0.1)
    seat.add(KEY)
    assert seat.numbers[seat.places[KEY]] == 2
    assert 1_000 < len(list(seat.records())) < 10_000
    assert seat.used <= counting.SEAT


def test_threads_lose_no_count():
    seat = counting.mapped(1)[0]
    work = [threading.Thread(target=lambda: [seat.add(KEY) for _ in range(5_000)]) for _ in range(8)]
    [thread.start() for thread in work]
    [thread.join() for thread in work]
    assert seat.numbers[seat.places[KEY]] == 40_000


@pytest.mark.parametrize(
    ("seconds", "bucket"), [(0, 0), (0.005, 0), (0.0051, 1), (0.3, 6), (10, 10), (10.1, 11), (1e6, 11)]
)
def test_a_duration_falls_into_the_first_bucket_that_holds_it(seconds, bucket):
    seat = counting.mapped(1)[0]
    seat.time(("x",), seconds)
    numbers = seat.numbers[seat.places["x",] :][: len(counting.BOUNDS) + 2].tolist()
    assert numbers == [float(index == bucket) for index in range(len(counting.BOUNDS) + 1)] + [seconds]


def test_a_seat_that_is_written_to_can_be_read():
    """Whoever reads in the middle of a write sees the records before it."""
    seat = counting.mapped(1)[0]
    done = threading.Event()

    def write():
        for number in range(1_500):
            seat.add(("x", str(number) * (number % 7 + 1)))
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    while not done.is_set():
        assert all(key[0] == "x" and count == 1 for key, _, count in seat.records())
    thread.join()
    assert len(list(seat.records())) == 1_500
