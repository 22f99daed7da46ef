"""What /metrics says to Prometheus: what all processes counted, and what is asked at the scrape."""

import ipaddress
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse

from contactbook import counting

PATHS = {"/metrics", "/metrics/"}


class Meaning(NamedTuple):
    help: str
    labels: tuple[str, ...]


COUNTED = {
    counting.REQUESTS: Meaning("Requests that were answered.", ("route", "method", "status")),
    counting.LIMITED: Meaning("Requests, mails and attempts that a limit refused.", ("limit",)),
    counting.CACHE: Meaning("Looks into the cache.", ("cache", "result")),
    counting.LOGINS: Meaning("Passwords that were refused.", ("reason",)),
}
TIMED = {counting.SECONDS: Meaning("Time until the answer was ready.", ("route", "method"))}
OWN = {counting.BREAKER: "1 in a process that goes without Redis, since it does not answer."}

CONNECTIONS = "contactbook_connections"

Numbers = Callable[[], dict[str, float]]  # by the label's value
asked: dict[str, tuple[str, str, Numbers]] = {}  # by the metric's name


def ask(name: str, help: str, label: str, numbers: Numbers) -> None:
    """A gauge whose numbers are looked up in the database at each scrape, so they must be cheap."""
    asked[name] = (help, label, numbers)


def asked_for(request: HttpRequest) -> bool:
    """By a GET from one of METRICS_NETWORKS itself: what a proxy passes on comes from elsewhere."""
    if request.path not in PATHS or request.method != "GET":
        return False
    return "HTTP_X_FORWARDED_FOR" not in request.META and near(request.META.get("REMOTE_ADDR", ""))


def near(peer: str) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:  # a socket of the file system has none
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in settings.METRICS_NETWORKS)


def page() -> HttpResponse:
    from prometheus_client import exposition  # half of a cold start, for what not everybody asks for

    text = exposition.generate_latest(Everything())
    return HttpResponse(text, content_type=exposition.CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


class Everything:
    """Stands for prometheus-client's registry."""

    def collect(self) -> Iterator[Any]:
        sums = summed()
        yield from (counter(name, meaning, sums.get(name, {})) for name, meaning in COUNTED.items())
        yield from (histogram(name, meaning, sums.get(name, {})) for name, meaning in TIMED.items())
        yield from (each_process(name, help) for name, help in OWN.items())
        yield gauge(CONNECTIONS, "Connections that are open.", ["process"], connections())
        yield gauge("contactbook_processes", "Processes that serve.", [], {(): sum(s.taken for s in counting.seats)})
        for name, (help, label, numbers) in asked.items():
            try:
                found = numbers()
            except Error:
                continue  # the rest is what tells of a database that is away
            yield gauge(name, help, [label], {(value,): number for value, number in found.items()})


Sums = dict[tuple[str, ...], list[float]]


def summed() -> dict[str, Sums]:
    """By the metric's name and its labels' values: the sums over all seats, those of killed processes too."""
    sums: dict[str, Sums] = {}
    for seat in counting.seats:
        for (name, *labels), place, count in seat.records():
            numbers = seat.numbers[place : place + count].tolist()
            before = sums.setdefault(name, {}).setdefault(tuple(labels), [0.0] * count)
            sums[name][tuple(labels)] = [a + b for a, b in zip(before, numbers, strict=False)]
    return sums


def counter(name: str, meaning: Meaning, sums: Sums) -> Any:
    from prometheus_client.core import CounterMetricFamily

    family = CounterMetricFamily(name, meaning.help, labels=meaning.labels)
    for labels, (number,) in sums.items():
        family.add_metric(labels, number)
    return family


def histogram(name: str, meaning: Meaning, sums: Sums) -> Any:
    from prometheus_client.core import HistogramMetricFamily

    family = HistogramMetricFamily(name, meaning.help, labels=meaning.labels)
    for labels, (*numbers, total) in sums.items():
        below, buckets = 0.0, []
        for bound, number in zip([*map(str, counting.BOUNDS), "+Inf"], numbers, strict=True):
            below += number
            buckets.append((bound, below))
        family.add_metric(labels, buckets, total)
    return family


def gauge(name: str, help: str, labels: list[str], numbers: dict[tuple[str, ...], float]) -> Any:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(name, help, labels=labels)
    for values, number in numbers.items():
        family.add_metric(values, number)
    return family


def connections() -> dict[tuple[str, ...], float]:
    return {(str(index),): seat.connections for index, seat in enumerate(counting.seats) if seat.taken}


def each_process(name: str, help: str) -> Any:
    """By the number of its seat, which the process that replaces it will have: a pid would be a new label each time."""
    numbers: dict[tuple[str, ...], float] = {}
    for index, seat in enumerate(counting.seats):
        if seat.taken:
            found = [seat.numbers[place] for key, place, _ in seat.records() if key == (name,)]
            numbers[(str(index),)] = found[0] if found else 0.0
    return gauge(name, help, ["process"], numbers)


class _Temporary:
    def __init__(self, name):
        self.name = name

    def labels(self, *labels):
        self._labels = labels
        return self

    def inc(self):
        counting.count(self.name, *self._labels)

    def set(self, value):
        counting.gauge(self.name, value)


REDIS_CIRCUIT_OPEN = _Temporary(counting.BREAKER)
LIMITS_HIT = _Temporary(counting.LIMITED)
CACHE_LOOKUPS = _Temporary("contactbook_cache_lookups")
LOGINS_REFUSED = _Temporary(counting.LOGINS)
