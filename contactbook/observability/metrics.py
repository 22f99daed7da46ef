"""The metrics and the /metrics page for Prometheus.

With several workers gunicorn_conf.py sets PROMETHEUS_MULTIPROC_DIR, and a scrape reads the files of all workers.
"""

import ipaddress
import os

import prometheus_client
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

PATHS = {"/metrics", "/metrics/"}

prometheus_client.disable_created_metrics()  # multiprocess mode has none
OWN = CollectorRegistry()  # the values of this process
AT_SCRAPE = CollectorRegistry()  # collectors of the apps, which read their values at each scrape

REQUESTS = Counter("contactbook_requests", "Answered requests.", ["route", "method", "status"], registry=OWN)
REQUEST_SECONDS = Histogram(
    "contactbook_request_seconds",
    "Time until the response was ready.",
    ["route", "method"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    registry=OWN,
)
LIMITS_HIT = Counter(
    "contactbook_limits_hit", "Requests, e-mails and login attempts over a limit.", ["limit"], registry=OWN
)
CACHE = Counter("contactbook_cache", "Cache lookups.", ["cache", "result"], registry=OWN)
LOGINS_REFUSED = Counter("contactbook_logins_refused", "Refused passwords.", ["reason"], registry=OWN)
REDIS_CIRCUIT_OPEN = Gauge(
    "contactbook_redis_circuit_open",
    "Processes that do not use Redis at the moment, because it failed.",
    registry=OWN,
    multiprocess_mode="livesum",
)


def is_scrape(request: HttpRequest) -> bool:
    """Return whether this is a GET of /metrics, sent from METRICS_NETWORKS directly and not through a proxy."""
    if request.path not in PATHS or request.method != "GET":
        return False
    return "HTTP_X_FORWARDED_FOR" not in request.META and is_scraper(request.META.get("REMOTE_ADDR", ""))


def is_scraper(peer: str) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:  # a Unix socket has no address
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in settings.METRICS_NETWORKS)


def page() -> HttpResponse:
    text = prometheus_client.generate_latest(all_processes()) + prometheus_client.generate_latest(AT_SCRAPE)
    content_type = prometheus_client.CONTENT_TYPE_LATEST
    return HttpResponse(text, content_type=content_type, headers={"Cache-Control": "no-store"})


def all_processes() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return OWN
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return registry
