"""Marks and leases: whoever read an old row never puts it over a newer state. Pages, on either store."""

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import transaction

from contactbook.cache import rate_limit as stores
from contactbook.cache import responses as caching
from contactbook.cache.responses import (
    Page,
    forget,
    keep_page,
    kept_page,
    mark,
    remembered,
    rendered,
    settle,
)

REDIS = bool(settings.REDIS_URL)


needs_redis = pytest.mark.skipif(not REDIS, reason="values are kept in Redis alone")


@pytest.fixture(params=["memory", pytest.param("redis", marks=needs_redis)])
def store(request, monkeypatch):
    if request.param == "memory":
        monkeypatch.setattr(stores, "redis", None)
        monkeypatch.setattr(stores, "shared", stores.Memory())
    return stores.shared


def never():
    raise AssertionError("It was remembered.")


@needs_redis
def test_it_works():
    assert remembered("key", lambda: {"a": 1}) == {"a": 1}
    assert remembered("key", never) == {"a": 1}


@needs_redis
def test_what_came_along_with_another_trip_is_used():
    remembered("key", lambda: 1)
    known = caching.ask("key")
    stores.redis.drop(cache.make_key("key"))
    assert remembered("key", never, known) == 1
    assert remembered("other", lambda: 2, known) == 2, "that was not asked for"


@needs_redis
def test_what_does_not_serve_is_fetched_anew_and_kept():
    remembered("key", lambda: 1)
    assert remembered("key", lambda: 2, serves=lambda value: value > 1) == 2
    assert remembered("key", lambda: 3, serves=lambda value: value > 5) == 3, "though that does not serve either"
    assert remembered("key", never) == 3


@needs_redis
def test_nothing_is_never_remembered():
    assert remembered("key", lambda: None) is None
    assert remembered("key", lambda: 5) == 5


@needs_redis
def test_a_reader_who_was_slower_than_a_writer_fills_nothing():
    def read_slowly():
        settle("key", mark("key"), "new")
        return "old"

    assert remembered("key", read_slowly) == "old"
    assert remembered("key", never) == "new"


@needs_redis
def test_a_reader_who_was_slower_than_one_who_forgot_fills_nothing(transactional_db):
    def read_slowly():
        with transaction.atomic():
            forget("key")
        return "old"

    assert remembered("key", read_slowly) == "old"
    assert remembered("key", lambda: "new") == "new"
    assert remembered("key", never) == "new"


@needs_redis
def test_while_somebody_writes_nobody_believes_or_fills():
    remembered("key", lambda: "old")
    left = mark("key")
    assert [remembered("key", lambda n=n: n) for n in range(3)] == [0, 1, 2]
    settle("key", left, "new")
    assert remembered("key", never) == "new"


@needs_redis
def test_of_two_writers_the_later_ones_value_stays():
    """The first has committed, and given up the lock, before it settles."""
    remembered("key", lambda: 0)
    first = mark("key")
    second = mark("key")
    settle("key", first, 1)
    assert remembered("key", lambda: "database") == "database", "the second may have committed by now"
    settle("key", second, 2)
    assert remembered("key", never) == 2


@needs_redis
def test_a_writer_who_was_killed_leaves_nothing_stale():
    remembered("key", lambda: "old")
    mark("key")
    assert remembered("key", lambda: "new") == "new"


@needs_redis
def test_outside_of_a_transaction_a_forgotten_key_stays_marked(transactional_db):
    """Nobody can tell when its row is written."""
    forget("key")
    assert [remembered("key", lambda n=n: n) for n in range(3)] == [0, 1, 2]


@needs_redis
def test_two_readers_at_once_both_answer_and_one_fills():
    assert remembered("key", lambda: remembered("key", lambda: "inner") + " outer") == "inner outer"
    assert remembered("key", never) == "inner outer"


def test_without_redis_no_value_is_kept(monkeypatch):
    """A command would have no way to make the serving process forget it."""
    monkeypatch.setattr(stores, "redis", None)
    settle("key", mark("key"), 0)
    assert [remembered("key", lambda n=n: n) for n in (1, 2)] == [1, 2]


def test_a_page_is_shown_only_on_the_basis_that_it_was_built_on(store):
    known = caching.ask("page")
    page = rendered([{"name": "Łukasz"}], {"X-Total-Count": "1"})
    keep_page("page", [5, 1, "2026-01-31"], page, known)
    known = caching.ask("page")
    assert kept_page("page", [5, 1, "2026-01-31"], known) == page
    assert page.content == '[{"name":"Łukasz"}]'.encode()
    for basis in ([6, 1, "2026-01-31"], [5, 1, "2026-02-01"], [5, 1]):
        assert kept_page("page", basis, known) is None


@needs_redis
def test_a_page_of_another_epoch_is_not_shown():
    keep_page("page", [1], rendered([]), caching.ask("page"))
    stores.redis.put(cache.make_key(caching.EPOCH), b"another", 60)
    assert kept_page("page", [1], caching.ask("page")) is None


def test_a_large_page_is_not_kept(store):
    keep_page("page", [1], Page(b"x" * (caching.LARGEST_PAGE + 1), '"e"', {}), caching.ask("page"))
    assert caching.ask("page")["page"] is None


def test_pages_are_an_owners_own():
    assert caching.page_key(1, "/api/contacts") != caching.page_key(2, "/api/contacts")
    assert caching.page_key(1, "1 /api") != caching.page_key(11, " /api")


def test_the_memory_is_bounded_and_drops_what_is_unused_for_longest():
    store = stores.Memory()
    for n in range(store.ROOM // 1000 + 10):
        store.offer(f"key {n}", b"x" * 1000, 60)
        store.read(["key 0"])
    assert store.size <= store.ROOM
    assert store.read(["key 0"]) == [b"x" * 1000] and store.read(["key 1"]) == [None]
    assert store.size == sum(map(len, store.pages.values()))
