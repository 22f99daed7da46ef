"""Two hosts of two processes each behind nginx, over one PostgreSQL and one Redis: nobody can tell them from one."""

import contextlib
import http.client
import itertools
import json
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from contactbook.tests.faults import (
    account,
    own_postgres,
    own_redis,
    timed,
    until,
)
from contactbook.tests.hosts import front, needs_hosts, own_network, two_hosts
from contactbook.tests.nginx import needs_nginx

pytestmark = [pytest.mark.long, pytest.mark.postgresql, needs_hosts, needs_nginx]
LIMITS = "*=0,contacts_list=10/m,contacts_birthdays=10/5s,request_email=2/m"
SPAN = 5
HALF = "half an answer"
WAITING = "SELECT host(client_addr) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


@pytest.fixture(scope="module")
def network():
    with own_network() as made:
        yield made


@pytest.fixture(scope="module")
def postgres(network):
    with own_postgres(network.address) as server:
        yield server


@pytest.fixture(scope="module")
def hosts(network, postgres, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hosts")
    with (
        own_redis(folder / "redis", network.address) as redis,
        two_hosts(
            network, folder / "var", DATABASE_URL=postgres.url, REDIS_URL=redis.url, RATE_LIMITS=LIMITS
        ) as started,
    ):
        yield started


@pytest.fixture(scope="module")
def proxy(network, hosts, tmp_path_factory):
    with front(network, tmp_path_factory.mktemp("front") / "nginx", *hosts) as running:
        yield running


@pytest.fixture
def token(hosts):
    return account(hosts[0])[1]


def together(works):
    """Runs all of them at once; their results in order."""
    barrier = threading.Barrier(len(works))

    def run(work):
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


@contextlib.contextmanager
def meanwhile(*works):
    """Each again and again, in a thread of its own, until the block ends; what one of them raises is raised here."""
    over = threading.Event()

    def again(work):
        while not over.is_set():
            work()

    with ThreadPoolExecutor(len(works)) as pool:
        running = [pool.submit(again, work) for work in works]
        try:
            yield
        finally:
            over.set()
    [each.result() for each in running]


def create(server, token, fullname):
    return server.ask("POST", "/api/contacts", {"fullname": fullname}, token, timeout=90)


# Limits


def test_it_lets_ten_of_forty_through_whichever_host_is_asked(hosts, token):
    asked = itertools.islice(itertools.cycle(hosts), 40)
    works = [lambda host=host: host.ask("GET", "/api/contacts", token=token) for host in asked]
    answers = together(works)
    assert Counter(answer.status for answer in answers) == {200: 10, 429: 30}
    left = sorted(int(answer.headers["RateLimit-Remaining"]) for answer in answers if answer.status == 200)
    assert left == list(range(10)), "each place is given once"


def test_it_lets_ten_of_forty_through_behind_nginx(proxy, token):
    answers = together([lambda: proxy.ask("GET", "/api/contacts", token=token)] * 40)
    assert Counter(answer.status for answer in answers) == {200: 10, 429: 30}


def test_a_client_without_an_account_is_counted_by_its_own_address_over_both(proxy):
    body = {"email": f"{uuid.uuid4().hex}@example.org"}
    answers = together([lambda: proxy.ask("POST", "/api/auth/request_email", body)] * 40)
    assert Counter(answer.status for answer in answers) == {200: 2, 429: 38}


def test_no_span_holds_more_than_the_limit_over_both(hosts, token):
    """A request was counted at some moment between its beginning and its end."""
    passed, turns, lock = [], itertools.cycle(hosts), threading.Lock()

    def ask():
        with lock:
            host = next(turns)
        begun = time.monotonic()
        answer = host.ask("GET", "/api/contacts/bd", token=token)
        if answer.status == 200:
            passed.append((time.monotonic(), begun))
        else:
            assert answer.status == 429
            time.sleep(0.02)

    begun = time.monotonic()
    with meanwhile(*[ask] * 6):
        until(lambda: time.monotonic() - begun > 3.5 * SPAN, 60)
    passed.sort()
    assert 30 <= len(passed) <= 50, "ten at once, and ten more after each span"
    for first in range(len(passed) - 10):
        eleven = passed[first : first + 11]
        assert eleven[-1][0] - min(begun for _, begun in eleven) > SPAN - 0.05


# Reads after writes


def test_a_write_is_seen_by_the_very_next_read_whichever_host_is_asked(hosts, proxy, token):
    path = f"/api/contacts/{create(proxy, token, '0').json()['id']}"
    done, stale = [0], []

    def read(server):
        return int(server.ask("GET", path, token=token).json()["fullname"])

    def watch(server, seen):
        least = max(done[0], *seen)
        seen.append(read(server))
        if seen[-1] < least:
            stale.append((server.url, seen[-1], least))

    watchers = [lambda server=server, seen=[0, 0]: watch(server, seen) for server in (*hosts, proxy)]
    writers = itertools.cycle([(hosts[0], hosts[1]), (hosts[1], hosts[0]), (proxy, hosts[0]), (proxy, hosts[1])])
    with meanwhile(*watchers):
        for number, (writer, reader) in zip(range(1, 201), writers, strict=False):
            assert writer.ask("PUT", path, {"fullname": str(number)}, token).status == 200
            done[0] = number
            assert read(reader) == number
            assert read(proxy) == number
    assert stale == [], "an older state came back"


def test_a_logout_through_one_host_ends_the_session_on_the_other_at_once(hosts):
    email, _ = account(hosts[0])
    for turn in range(10):
        here, there = hosts if turn % 2 else reversed(hosts)
        token, late, out = here.log_in(email)["access_token"], [], threading.Event()

        def watch(there=there, token=token, late=late, out=out):
            after = out.is_set()
            status = there.ask("GET", "/api/me", token=token).status
            if after and status != 401:
                late.append(status)

        assert {host.ask("GET", "/api/me", token=token).status for host in (here, there) * 3} == {200}
        with meanwhile(watch, watch):
            assert here.ask("POST", "/api/auth/logout", token=token).status == 200
            out.set()
            asked = [there, here] * 4
            assert [host.ask("GET", "/api/me", token=token).status for host in asked] == [401] * 8
        assert late == []


# The log


def test_the_feed_sees_no_gap_with_writers_on_both_hosts(hosts, token):
    numbers, turns = [], itertools.cycle(hosts)

    def follow():
        since = numbers[-1] if numbers else 0
        page = next(turns).ask("GET", f"/api/contacts/changes?since={since}&limit=7", token=token).json()
        numbers.extend(change["change"] for change in page["changes"])

    def write(host):
        return [create(host, token, f"{host.url} {number}").status for number in range(25)]

    with meanwhile(follow):
        statuses = together([lambda host=host: write(host) for host in hosts * 4])
        until(lambda: len(numbers) >= 200, 30)
    assert sum(statuses, []) == [201] * 200
    assert numbers == list(range(1, 201))


# A host that is gone


def test_a_host_that_is_cut_off_costs_no_read_and_heals_by_itself(hosts, proxy, token):
    path = f"/api/contacts/{create(proxy, token, 'kept').json()['id']}"
    reads, writes, kept, slowest = Counter(), Counter(), set(), [0.0]

    def read():
        begun = time.monotonic()
        reads[status(lambda: proxy.ask("GET", path, token=token, timeout=90))] += 1
        slowest[0] = max(slowest[0], time.monotonic() - begun)

    def write():
        name = uuid.uuid4().hex
        answer = status(lambda: create(proxy, token, name))
        writes[answer] += 1
        if answer == 201:
            kept.add(name)

    def goes_on():
        seen = reads[200]
        until(lambda: reads[200] > seen + 200, 60)

    until(lambda: both_are_asked(proxy), 30)
    with meanwhile(*[read] * 8, write):
        goes_on()
        before = len(upstreams(proxy))
        with hosts[1].place.cut_off():
            goes_on()
            until(lambda: any(", " in asked for asked in upstreams(proxy)[before:]), 30)
            time.sleep(8)  # nginx gives up what was on its way after 6; in less the host would answer it, with a 503
            goes_on()
        until(lambda: hosts[1].try_get("/readyz") == 200, 60)
        goes_on()
    print(f"reads {dict(reads)}, the slowest in {slowest[0]:.1f} s; writes {dict(writes)}")
    assert set(reads) <= {200, HALF} and reads[HALF] <= 8
    assert set(writes) <= {201, 502, 503, 504, HALF} and writes[201] > 10
    changed = hosts[1].ask("PUT", path, {"fullname": "changed"}, token)
    assert changed.status == 200 and hosts[0].ask("GET", path, token=token).json()["fullname"] == "changed"
    assert kept <= set(names(hosts[1], token)), "acknowledged, and not there"


def status(ask):
    """gunicorn sends headers and body apart: nginx cannot ask again for what was cut off between the two."""
    try:
        return ask().status
    except http.client.IncompleteRead:
        return HALF


def names(server, token):
    page = {"next": 0, "more": True}
    while page["more"]:
        path = f"/api/contacts/changes?since={page['next']}&limit=1000"
        page = server.ask("GET", path, token=token).json()
        yield from (change["contact"]["fullname"] for change in page["changes"])


def test_what_a_host_was_about_to_answer_when_it_was_cut_off_is_asked_of_the_other(hosts, proxy, postgres, token):
    """It had acknowledged the request, so nginx has nothing to repeat: only asking shows that nobody is there."""
    until(lambda: both_are_asked(proxy), 30)
    assert create(proxy, token, "kept").status == 201
    # It is in no response cache, so each reads the locked table.
    read = lambda: proxy.ask("GET", "/api/contacts/changes", token=token, timeout=90)  # noqa: E731
    with ThreadPoolExecutor(16) as pool, contextlib.closing(psycopg2.connect(postgres.url)) as database:
        assert {answer.status for answer in together([read] * 8)} == {200}  # all connections are made
        database.cursor().execute("LOCK contacts_contact IN ACCESS EXCLUSIVE MODE")
        answers = []

        def both_wait():
            """A request more each time: nginx leaves a host alone for a second after an old connection to it failed."""
            answers.append(pool.submit(read))
            time.sleep(0.2)
            return {address for (address,) in postgres.execute(WAITING)} >= {host.place.address for host in hosts}

        until(both_wait)
        time.sleep(0.5)  # a kernel may acknowledge 40 ms late, and nginx's would repeat what was not
        with hosts[1].place.cut_off():
            database.rollback()
            statuses, seconds = timed(lambda: {answer.result().status for answer in answers})
    print(f"{len(answers)} reads, the last of them answered after {seconds:.1f} s")
    assert statuses == {200}
    assert seconds > 2, "no answer was on its way"
    until(lambda: hosts[1].try_get("/readyz") == 200, 60)


def upstreams(proxy):
    """Whom nginx asked for each request, in order; more than one where the first did not answer."""
    lines = (line for line in proxy.log.read_text().splitlines() if line.startswith("{"))
    return [json.loads(line)["upstream"] for line in lines]


def both_are_asked(proxy):
    """Also after nginx had left one alone for a while."""
    assert {proxy.try_get("/healthz") for _ in range(4)} == {200}
    return len(set(upstreams(proxy)[-4:])) == 2
