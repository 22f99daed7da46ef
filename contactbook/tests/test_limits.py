"""Limits: exact under any concurrency, no span that holds more than the limit, and who is counted."""

import http.client
import threading
import time
import uuid

import pytest
from django.conf import settings as django_settings
from django.test import RequestFactory

from contactbook.api import throttling
from contactbook.api.throttling import client_address, page_verdict, take
from contactbook.cache import rate_limit as stores
from contactbook.cache.rate_limit import Memory
from contactbook.env import Configuration, ConfigurationError
from contactbook.env.rate_limits import rate
from contactbook.tests.faults import account
from contactbook.tests.live import serving

REDIS = bool(django_settings.REDIS_URL)


def key():
    return throttling.log_key("login", uuid.uuid4().hex)


def together(count, work):
    """Runs it that often at once; the results in no order."""
    results, barrier = [], threading.Barrier(count)

    def run():
        barrier.wait()
        results.append(work())

    threads = [threading.Thread(target=run) for _ in range(count)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return results


# The running product, over all of its processes


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Each test uses limits of its own, since all come from one address."""
    limits = (
        "*=0,contacts_list=10/m,contacts_find=20/2s,contacts_birthdays=4/m,login=6/m,refresh_token=3/m,"
        "pages=5/m,confirm_email=7/m,contacts_create=0,contacts_update=2/m"
    )
    with serving(tmp_path_factory.mktemp("server") / "var", processes=2, RATE_LIMITS=limits) as running:
        yield running


@pytest.fixture(scope="module")
def people(server):
    return [account(server)[1] for _ in range(3)]


def test_forty_at_once_against_ten(server, people):
    answers = together(40, lambda: server.ask("GET", "/api/contacts", token=people[0]))
    statuses = sorted(answer.status for answer in answers)
    assert statuses == [200] * 10 + [429] * 30
    assert sorted(int(a.headers["RateLimit-Remaining"]) for a in answers if a.status == 200) == list(range(10))
    for answer in answers:
        assert answer.headers["RateLimit-Limit"] == "10"
        assert 1 <= int(answer.headers["RateLimit-Reset"]) <= 60
    refused = [answer for answer in answers if answer.status == 429]
    assert {answer.headers["RateLimit-Remaining"] for answer in refused} == {"0"}
    assert all(1 <= int(answer.headers["Retry-After"]) <= 60 for answer in refused)
    assert all(answer.json().keys() == {"detail"} for answer in refused)


def test_it_is_the_account_that_is_counted_and_not_its_address(server, people):
    path = "/api/contacts/bd"
    assert [server.ask("GET", path, token=people[0]).status for _ in range(5)] == [200] * 4 + [429]
    assert server.ask("GET", path, token=people[1]).status == 200


def test_a_refused_caller_is_counted_by_address_and_told(server, people):
    answers = [server.ask("PUT", "/api/contacts/1", {"fullname": "x"}, token="nonsense") for _ in range(3)]
    assert [answer.status for answer in answers] == [401, 401, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[0].headers["WWW-Authenticate"].startswith("Bearer")
    assert server.ask("PUT", "/api/contacts/999999", {"fullname": "x"}, token=people[0]).status == 404


def test_a_lifted_limit_says_nothing(server, people):
    answers = [server.ask("POST", "/api/contacts", {"fullname": "x"}, token=people[2]) for _ in range(5)]
    assert {answer.status for answer in answers} == {201}
    assert answers[0].headers["RateLimit-Limit"] is None


def test_a_spoofed_address_changes_nothing_where_no_proxy_is_trusted(server, people):
    ask = lambda n: server.ask("GET", "/api/email/confirm/x", headers={"X-Forwarded-For": f"203.0.113.{n}"})  # noqa: E731
    assert [ask(n).status for n in range(5)] == [422] * 4 + [429], "people needed 3"


def test_our_pages_are_limited_too(server):
    answers = [server.ask("GET", "/") for _ in range(7)]
    assert [answer.status for answer in answers] == [200] * 5 + [429] * 2
    assert [answer.headers["RateLimit-Remaining"] for answer in answers[:5]] == ["4", "3", "2", "1", "0"]
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert answers[-1].headers["Content-Type"].startswith("text/html")


def test_a_preflight_is_not_counted(server):
    headers = {"Origin": "https://app.example.org", "Access-Control-Request-Method": "GET"}
    for _ in range(6):
        server.ask("OPTIONS", "/api/auth/refresh_token", headers=headers)
    assert server.ask("GET", "/api/auth/refresh_token").headers["RateLimit-Remaining"] == "2"


def hammer(server, token, accepted, until):
    """Asks over one connection as fast as it can; keeps when each accepted request was sent, and answered."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    while time.monotonic() < until:
        sent = time.monotonic()
        connection.request("GET", "/api/contacts/x", headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        response.read()
        if response.status != 429:
            accepted.append((sent, time.monotonic()))
    connection.close()


def test_no_span_holds_more_than_the_limit_however_it_is_hammered(server, people):
    """20 in 2 seconds: no 2 seconds hold more, of those that were both sent and answered within."""
    accepted, until = [], time.monotonic() + 7
    threads = [threading.Thread(target=hammer, args=[server, people[0], accepted, until]) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    for begin, _ in accepted:
        assert sum(sent >= begin and answered <= begin + 2 for sent, answered in accepted) <= 20
    assert len(accepted) >= 60, "and what it allows is had"
    assert "Redis does not answer" not in server.log.read_text(), "they were counted together all the time"


# The logs themselves, by the clock that they judge by


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.skipif(not REDIS, reason="no Redis"))])
def log(request):
    return Memory() if request.param == "memory" else stores.shared


def time_of(log, key, ticket):
    if isinstance(log, Memory):
        return next(at for at, name in list(log.entries[key]) if name == ticket)
    return log.redis.zscore(key, ticket) / 1_000_000


def test_every_window_by_the_logs_own_clock(log):
    times, name, until = [], key(), time.monotonic() + 4

    def work():
        while time.monotonic() < until:
            ticket = uuid.uuid4().hex
            if log.count(name, 20, 1, ticket)[0]:
                times.append(time_of(log, name, ticket))

    together(8, work)
    times.sort()
    assert len(times) >= 60
    assert min(later - earlier for earlier, later in zip(times, times[20:], strict=False)) > 1


def test_at_once_it_counts_each_once(log):
    name = key()
    results = together(40, lambda: log.count(name, 10, 60, uuid.uuid4().hex)[0])
    assert sorted(results) == [0] * 30 + list(range(1, 11))


def test_what_was_refused_is_not_counted(log):
    name = key()
    assert [log.count(name, 1, 1, str(n))[0] for n in range(50)] == [1] + [0] * 49
    time.sleep(1.01)
    assert log.count(name, 1, 1, "later")[0] == 1


def test_it_says_when_the_oldest_leaves(log):
    name = key()
    assert log.count(name, 2, 10, "a")[1] == pytest.approx(10, abs=0.2)
    time.sleep(0.5)
    assert log.count(name, 2, 10, "b")[1] == pytest.approx(9.5, abs=0.2)
    assert log.count(name, 2, 10, "c")[:2] == (0, pytest.approx(9.5, abs=0.3))


def test_one_count_can_be_given_back_and_all_cleared(log):
    name = key()
    log.count(name, 2, 60, "a")
    log.count(name, 2, 60, "b")
    log.give_back(name, "a")
    assert log.count(name, 2, 60, "c")[0] == 2
    assert log.count(name, 2, 60, "d")[0] == 0
    log.clear(name)
    assert log.count(name, 2, 60, "e")[0] == 1
    log.give_back("nothing here", "x")
    log.clear("nothing here")


@pytest.mark.skipif(not REDIS, reason="no Redis")
def test_a_clock_set_back_neither_locks_nor_forgets():
    """What was counted an hour ahead of now leaves one span from now on, and counts until then."""
    log, name = stores.shared, key()
    for n in range(3):
        log.count(name, 3, 1, str(n))
        log.redis.zadd(name, {str(n): (time.time() + 3600) * 1_000_000})
    assert log.count(name, 3, 1, "x")[0] == 0
    time.sleep(1.1)
    assert log.count(name, 3, 1, "y")[0] == 1


@pytest.mark.skipif(not REDIS, reason="no Redis")
def test_redis_is_left_with_nothing():
    log, name = stores.shared, key()
    log.count(name, 3, 1, "x")
    assert 0 < log.redis.ttl(name) <= 2


@pytest.mark.skipif(not REDIS, reason="no Redis")
def test_a_redis_that_forgot_the_script_is_sent_it_again():
    stores.shared.redis.script_flush()
    assert stores.shared.count(key(), 3, 1, "x")[0] == 1


def test_the_memory_log_stays_bounded(monkeypatch):
    log, now = Memory(), [0.0]
    monkeypatch.setattr(stores.time, "monotonic", lambda: now[0])
    sizes = []
    for n in range(100_000):
        now[0] += 0.01
        log.count(f"key {n}", 10, 60, "ticket")
        sizes.append(len(log.entries))
    assert max(sizes) <= Memory.SWEEP_EVERY + 60 / 0.01
    assert log.entries.keys() == log.spans.keys()


# Who is counted


@pytest.fixture
def asked(settings):
    def ask(proxies, peer, *forwarded):
        settings.TRUSTED_PROXIES = proxies
        headers = {"HTTP_X_FORWARDED_FOR": ",".join(forwarded)} if forwarded else {}
        return client_address(RequestFactory().get("/", REMOTE_ADDR=peer, **headers))

    return ask


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "who"),
    [
        (0, "192.0.2.1", [], "192.0.2.1"),
        (0, "192.0.2.1", ["203.0.113.9"], "192.0.2.1"),
        (1, "192.0.2.1", ["203.0.113.9"], "203.0.113.9"),
        (1, "192.0.2.1", ["198.51.100.66", "203.0.113.9"], "203.0.113.9"),
        (1, "192.0.2.1", ["198.51.100.66, 10.0.0.1", " 203.0.113.9 "], "203.0.113.9"),
        (2, "192.0.2.1", ["198.51.100.66", "203.0.113.9", "10.0.0.2"], "203.0.113.9"),
        (2, "192.0.2.1", ["203.0.113.9"], "192.0.2.1"),
        (1, "192.0.2.1", [], "192.0.2.1"),
        (1, "192.0.2.1", [""], "192.0.2.1"),
        (1, "192.0.2.1", ["unknown"], "192.0.2.1"),
        (1, "192.0.2.1", ["\x00'; DROP TABLE"], "192.0.2.1"),
        (1, "192.0.2.1", ["1" * 10_000], "192.0.2.1"),
        (1, "192.0.2.1", ["203.0.113.9:4711"], "203.0.113.9"),
        (1, "192.0.2.1", ["[2001:db8:1:2:3:4:5:6]:4711"], "2001:db8:1:2::"),
        (1, "192.0.2.1", ["[2001:db8:1:2:3:4:5:6]"], "2001:db8:1:2::"),
        (1, "192.0.2.1", ["[]:80"], "192.0.2.1"),
        (1, "192.0.2.1", [":"], "192.0.2.1"),
        (0, "::ffff:192.0.2.7", [], "192.0.2.7"),
        (0, "2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::"),
        (0, "2001:db8:1:2:ffff::1", [], "2001:db8:1:2::"),
        (0, "2001:db8:1:3::1", [], "2001:db8:1:3::"),
        (0, "fe80::1%eth0", [], "fe80::"),
        (0, "", [], "unknown"),
        (1, "", ["nonsense"], "unknown"),
        (1, "", ["203.0.113.9"], "203.0.113.9"),
    ],
)
def test_the_clients_address(asked, proxies, peer, forwarded, who):
    assert asked(proxies, peer, *forwarded) == who


@pytest.mark.parametrize(
    "forwarded", ["", ",,,", "\xff\xfe", "::::", "1.2.3.4.5", "300.1.1.1", "[", "]", "%", "1.2.3.4:x"]
)
@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_junk_is_no_500(as_nobody, settings, proxies, forwarded):
    settings.TRUSTED_PROXIES = proxies
    for peer in ("192.0.2.1", "", "nonsense"):
        headers = {"HTTP_X_FORWARDED_FOR": forwarded, "REMOTE_ADDR": peer}
        assert as_nobody.get("/api/contacts", **headers).status_code == 401
        assert as_nobody.get("/", **headers).status_code == 200


def test_a_page_counts_only_the_method_that_it_names(rf, limits):
    limits(admin_login=(2, 60))
    assert page_verdict("admin_login", rf.get("/"), "POST") is None
    assert [page_verdict("admin_login", rf.post("/"), "POST").allowed for _ in range(3)] == [
        True,
        True,
        False,
    ]
    limits(admin_login=(0, 1))
    assert page_verdict("admin_login", rf.post("/"), "POST") is None


def test_keys_name_nobody():
    name = throttling.log_key("login", "address:192.0.2.1")
    assert "192.0.2.1" not in name and ":limit:login:" in name


def test_zero_lifts_a_limit(limits):
    limits(login=(0, 1))
    assert take("login", "x") is None
    throttling.give_back("login", "x", None)


# RATE_LIMITS


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10/m", (10, 60)),
        ("20/10m", (20, 600)),
        ("3/h", (3, 3600)),
        ("1/d", (1, 86400)),
        ("5/2s", (5, 2)),
        ("0", (0, 1)),
    ],
)
def test_a_rate(text, value):
    assert rate(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "login",
        "login=",
        "login=10",
        "login=10/",
        "login=/m",
        "login=10/w",
        "login=-1/m",
        "login=1.5/m",
        "login=10/m/m",
        "login=10 /m",
        "login=١٠/m",
        "login=10/0m",
        "nobody=10/m",
        "=10/m",
        "login=10/m,,",
        "*",
        "login=1e3/m",
        "login=ten/m",
    ],
)
def test_another_spelling_stops_the_start(text):
    with pytest.raises(ConfigurationError, match=r"^RATE_LIMITS.*\.$"):
        Configuration({"RATE_LIMITS": text})


def test_later_entries_win():
    limits = Configuration({"RATE_LIMITS": "login=1/s,*=7/m, signup=9/2h"}).rate_limits
    assert (limits["login"], limits["signup"], limits["pages"]) == ((7, 60), (9, 7200), (7, 60))


def test_the_defaults_are_the_contracts():
    limits = Configuration({}).rate_limits
    assert {
        name: limits[name] for name in ("signup", "request_email", "reset_pwd", "contacts_create")
    } == dict.fromkeys(("signup", "request_email", "reset_pwd", "contacts_create"), (2, 60))
    tens = (
        "login refresh_token confirm_email admin_login contacts_list contacts_birthdays "
        "contacts_find contacts_update contacts_delete contacts_avatar"
    )
    assert {limits[name] for name in tens.split()} == {(10, 60)}
    assert (limits["account_failures"], limits["address_mails"], limits["pages"]) == (
        (20, 600),
        (3, 3600),
        (30, 60),
    )
