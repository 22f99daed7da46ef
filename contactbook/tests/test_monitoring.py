"""Ids of requests, and what /metrics says, to whom."""

import re
import threading

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import DisallowedHost
from django.db import OperationalError
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import get_resolver
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families as parsed

from accounts.models import OutgoingEmail
from contactbook.cache.circuit_breaker import CircuitBreaker
from contactbook.observability import metrics, request_context
from contactbook.observability.middleware import RequestMonitoringMiddleware
from contactbook.tests.live import PASSWORD
from contactbook.tests.test_manual import OPERATIONS, names, rows

pytestmark = pytest.mark.django_db


LABELLED = (
    metrics.REQUESTS,
    metrics.REQUEST_SECONDS,
    metrics.LIMITS_HIT,
    metrics.CACHE,
    metrics.LOGINS_REFUSED,
)


@pytest.fixture(autouse=True)
def nothing_is_counted_yet():
    for metric in LABELLED:
        metric.clear()
    metrics.REDIS_CIRCUIT_OPEN.set(0)


def numbers(client, name, **meta):
    """The samples of one metric, by the values of their labels, sorted by the labels' names."""
    answer = client.get("/metrics", **meta)
    assert answer.status_code == 200, answer.content
    samples = [sample for family in parsed(answer.content.decode()) for sample in family.samples]
    return {tuple(v for _, v in sorted(s.labels.items())): s.value for s in samples if s.name == name}


def test_requests_are_counted_and_timed_by_route(as_alice):
    for _ in range(3):
        as_alice.get("/api/contacts")
    as_alice.get("/api/contacts/nobody")
    counted = numbers(as_alice, "contactbook_requests_total")
    assert counted == {("GET", "contacts", "200"): 3, ("GET", "contact", "404"): 1}
    timed = numbers(as_alice, "contactbook_request_seconds_count")
    assert (timed["GET", "contacts"], timed["GET", "contact"]) == (3, 1)
    below = numbers(as_alice, "contactbook_request_seconds_bucket")
    assert below["+Inf", "GET", "contacts"] == 3
    values = [below[bound, "GET", "contacts"] for bound in ("0.005", "0.1", "1.0", "10.0")]
    assert values == sorted(values), "each bucket holds those before it"


def test_the_manual_lists_every_metric(client):
    listed = {names(row[0])[0]: sorted(names(row[1])) for row in rows(OPERATIONS, "### Metrics")}
    client.get("/healthz")
    families = list(parsed(client.get("/metrics").content.decode()))
    answered = {f"{family.name}_total" if family.type == "counter" else family.name for family in families}
    assert answered == set(listed)
    labels = {
        "contactbook_requests_total": ["method", "route", "status"],
        "contactbook_request_seconds": ["method", "route"],
        "contactbook_limits_hit_total": ["limit"],
        "contactbook_cache_total": ["cache", "result"],
        "contactbook_logins_refused_total": ["reason"],
        "contactbook_redis_circuit_open": [],
        "contactbook_outgoing_emails": ["state"],
        "contactbook_outgoing_emails_age_seconds": ["state"],
    }
    assert listed == labels
    for family in families:
        for sample in family.samples:
            name = f"{family.name}_total" if family.type == "counter" else family.name
            assert sorted(set(sample.labels) - {"le"}) == labels[name]


@pytest.mark.parametrize("path", ["/metrics", "/metrics/"])
def test_every_peer_in_the_networks_may_ask(client, settings, path):
    from ipaddress import ip_network

    settings.METRICS_NETWORKS = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
    for peer in ("10.1.2.3", "::ffff:10.1.2.3", "fd00::5"):
        assert client.get(path, REMOTE_ADDR=peer).status_code == 200


STRANGERS = [
    {"REMOTE_ADDR": "192.0.2.1"},
    {"REMOTE_ADDR": "2001:db8::1"},
    {"REMOTE_ADDR": "::ffff:192.0.2.1"},
    {"REMOTE_ADDR": ""},
    {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
    {"HTTP_X_FORWARDED_FOR": ""},
]


@pytest.mark.parametrize("meta", STRANGERS)
@pytest.mark.parametrize("method", ["get", "post", "head", "put", "options"])
def test_for_all_others_there_is_no_such_page(client, method, meta):
    answers = [getattr(client, method)(path, **meta) for path in ("/metrics", "/unknown")]
    told = [(a.status_code, a.content, {k: v for k, v in a.headers.items() if k != "X-Request-ID"}) for a in answers]
    assert told[0] == told[1] and told[0][0] == 404


def test_nobody_may_post_there(client):
    assert client.post("/metrics").status_code == 404


def test_a_scraper_needs_no_allowed_name_and_no_https(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/metrics", HTTP_HOST="10.0.0.7:8000").status_code == 200
    assert client.get("/", HTTP_HOST="10.0.0.7:8000").status_code == 400


def test_limits_that_were_hit(as_alice, limits):
    limits(contacts_list=(2, 60), pages=(1, 60))
    for _ in range(5):
        as_alice.get("/api/contacts")
    for _ in range(3):
        as_alice.get("/reset")
    assert numbers(as_alice, "contactbook_limits_hit_total") == {("contacts_list",): 3, ("pages",): 2}


def test_looks_into_the_cache(as_alice, no_limits):
    for _ in range(5):
        as_alice.get("/api/contacts")
    found = numbers(as_alice, "contactbook_cache_total")
    assert (found["responses", "miss"], found["responses", "hit"]) == (1, 4)


def test_logins_that_were_refused(as_nobody, alice, limits):
    limits(login=(0, 1), account_failures=(2, 60))
    for password in (PASSWORD, "wrong", "wrong", "wrong", PASSWORD):
        as_nobody.post("/api/auth/login", {"username": alice.email, "password": password})
    assert numbers(as_nobody, "contactbook_logins_refused_total") == {("wrong",): 2, ("locked",): 2}
    assert numbers(as_nobody, "contactbook_limits_hit_total") == {("account_failures",): 2}


def test_emails_in_the_queue(client):
    assert numbers(client, "contactbook_outgoing_emails") == {("waiting",): 0, ("given_up",): 0}
    for due in (timezone.now(), timezone.now(), None):
        OutgoingEmail.objects.create(kind="reset", address="a@example.org", due_at=due)
    OutgoingEmail.objects.update(created_at=timezone.now() - timezone.timedelta(minutes=10))
    assert numbers(client, "contactbook_outgoing_emails") == {("waiting",): 2, ("given_up",): 1}
    assert 600 <= numbers(client, "contactbook_outgoing_emails_age_seconds")[("waiting",)] < 700


def test_the_queue_is_not_counted_without_end(client, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(type(OutgoingEmail.objects.all()), "MAX_COUNT", 3)
    OutgoingEmail.objects.bulk_create(OutgoingEmail(kind="reset", address="a@example.org") for _ in range(10))
    with django_assert_num_queries(3):
        assert numbers(client, "contactbook_outgoing_emails")[("waiting",)] == 3


def test_without_a_database_the_rest_is_told(client, monkeypatch):
    def away(*args):
        raise OperationalError("away")

    client.get("/healthz")
    monkeypatch.setattr("django.db.models.query.QuerySet.count", away)
    monkeypatch.setattr("django.db.models.query.QuerySet.first", away)
    assert numbers(client, "contactbook_outgoing_emails") == {}
    assert numbers(client, "contactbook_requests_total")["GET", "healthz", "200"] == 1


def test_an_open_circuit_is_counted(client):
    assert numbers(client, "contactbook_redis_circuit_open") == {(): 0}
    circuit = CircuitBreaker()
    circuit.record_failure(ConnectionError())
    assert numbers(client, "contactbook_redis_circuit_open") == {(): 1}
    circuit.record_success()
    assert numbers(client, "contactbook_redis_circuit_open") == {(): 0}


def test_labels_are_of_a_bounded_number(client):
    """Nothing that a caller makes up becomes a label."""
    for path in ("/api/nowhere", "/x/y/z", "/api/contacts/somebody", "/admin/nothing", "/reset/secret"):
        client.generic("BREW", path)
        client.get(path)
    labels = numbers(client, "contactbook_requests_total")
    assert {method for method, _, _ in labels} == {"GET", "other"}
    assert {route for _, route, _ in labels} == {"none", "contact", "reset"}


def test_every_route_of_ours_has_a_name():
    def nameless(patterns, prefix=""):
        for each in patterns:
            where = prefix + str(each.pattern)
            if hasattr(each, "url_patterns"):
                yield from nameless(each.url_patterns, where) if not where.startswith("admin/") else ()
            elif not each.name:
                yield where

    assert list(nameless(get_resolver().url_patterns)) == []


# Ids


def test_each_request_has_an_id_of_its_own(client):
    ids = {client.get(path)["X-Request-ID"] for path in ("/healthz", "/nowhere", "/api/contacts", "/") for _ in "12"}
    assert len(ids) == 8 and all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)


GIVEN = ["f47ac10b-58cc-4372-a567-0e02b2c3d479", "a" * 8, "Z9._-" * 25]
JUNK = [
    "",
    "short",
    "a" * 129,
    "a b c d e f g",
    "abcdefgh\n",
    "abcdefgh\r\nX: y",
    "ąęćłńóśź",
    "abcdefg\x00h",
    "<script>alert",
]


@pytest.mark.parametrize("given", GIVEN)
def test_a_trusted_proxys_id_is_kept(client, settings, given):
    settings.TRUSTED_PROXIES = 1
    assert client.get("/healthz", HTTP_X_REQUEST_ID=given)["X-Request-ID"] == given


@pytest.mark.parametrize("given", JUNK)
def test_what_is_no_id_is_not(client, settings, given):
    settings.TRUSTED_PROXIES = 1
    assert re.fullmatch("[0-9a-f]{32}", client.get("/healthz", HTTP_X_REQUEST_ID=given)["X-Request-ID"])


@pytest.mark.parametrize("given", GIVEN)
def test_a_clients_own_is_not_believed(client, given):
    assert django_settings.TRUSTED_PROXIES == 0
    assert client.get("/healthz", HTTP_X_REQUEST_ID=given)["X-Request-ID"] != given


def test_an_answer_that_is_streamed_stays_so(rf):
    asked = []

    def parts():
        for part in (b"a", b"b"):
            asked.append(part)
            yield part

    answer = RequestMonitoringMiddleware(lambda request: StreamingHttpResponse(parts()))(rf.get("/"))
    assert not asked and answer["X-Request-ID"]
    assert b"".join(answer) == b"ab"


def test_the_id_is_forgotten_with_the_request(rf):
    seen = []

    def fails(request):
        seen.append((request_context.request.get(), bool(request_context.request_id.get())))
        raise DisallowedHost

    with pytest.raises(DisallowedHost):
        RequestMonitoringMiddleware(fails)(request := rf.get("/"))
    assert seen == [(request, True)]
    assert (request_context.request.get(), request_context.request_id.get()) == (None, "")


def test_ids_of_simultaneous_requests_are_not_mixed_up(rf):
    both, inside, outside = threading.Barrier(2), {}, {}

    def view(request):
        both.wait(10)
        inside[request.path] = request_context.request_id.get()
        both.wait(10)
        return HttpResponse()

    def ask(path):
        outside[path] = RequestMonitoringMiddleware(view)(rf.get(path))["X-Request-ID"]

    threads = [threading.Thread(target=ask, args=[path]) for path in ("/a", "/b")]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert inside == outside and len(set(inside.values())) == 2


# 304


@pytest.mark.parametrize("path", ["/api/contacts", "/api/contacts/bd"])
def test_a_304_has_no_content_length(as_alice, path):
    """RFC 9110 section 8.6: it would have to be the 200's, and a cache that merges 0 into what it holds empties it."""
    full = as_alice.get(path)
    assert full["Content-Length"] == str(len(full.content))
    answer = as_alice.get(path, HTTP_IF_NONE_MATCH=full["ETag"])
    assert answer.status_code == 304 and "Content-Length" not in answer.headers
