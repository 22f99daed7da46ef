"""Marks and leases: whoever read an old row never puts it over a newer state, on either store."""

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import transaction

from contactbook import caching, stores
from contactbook.caching import Page, forget, keep_page, kept_page, mark, remembered, rendered, settle

REDIS = bool(settings.REDIS_URL)


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.skipif(not REDIS, reason="no Redis"))])
def store(request, monkeypatch):
    store = stores.shared if request.param == "redis" else stores.Memory()
    monkeypatch.setattr(stores, "shared", store)
    return store


def never():
    raise AssertionError("It was remembered.")


def test_it_works(store):
    assert remembered("key", lambda: {"a": 1}) == {"a": 1}
    assert remembered("key", never) == {"a": 1}


def test_what_came_along_with_another_trip_is_used(store):
    remembered("key", lambda: 1)
    known = caching.ask("key")
    store.drop(cache.make_key("key"))
    assert remembered("key", never, known) == 1
    assert remembered("other", lambda: 2, known) == 2, "that was not asked for"


def test_nothing_is_never_remembered(store):
    assert remembered("key", lambda: None) is None
    assert remembered("key", lambda: 5) == 5


def test_a_reader_who_was_slower_than_a_writer_fills_nothing(store):
    def read_slowly():
        settle("key", mark("key"), "new")
        return "old"

    assert remembered("key", read_slowly) == "old"
    assert remembered("key", never) == "new"


def test_a_reader_who_was_slower_than_one_who_forgot_fills_nothing(store, transactional_db):
    def read_slowly():
        with transaction.atomic():
            forget("key")
        return "old"

    assert remembered("key", read_slowly) == "old"
    assert remembered("key", lambda: "new") == "new"
    assert remembered("key", never) == "new"


def test_while_somebody_writes_nobody_believes_or_fills(store):
    remembered("key", lambda: "old")
    left = mark("key")
    assert [remembered("key", lambda n=n: n) for n in range(3)] == [0, 1, 2]
    settle("key", left, "new")
    assert remembered("key", never) == "new"


def test_of_two_writers_the_later_ones_value_stays(store):
    """The first has committed, and given up the lock, before it settles."""
    remembered("key", lambda: 0)
    first = mark("key")
    second = mark("key")
    settle("key", first, 1)
    assert remembered("key", lambda: "database") == "database", "the second may have committed by now"
    settle("key", second, 2)
    assert remembered("key", never) == 2


def test_a_writer_who_was_killed_leaves_nothing_stale(store):
    remembered("key", lambda: "old")
    mark("key")
    assert remembered("key", lambda: "new") == "new"


def test_outside_of_a_transaction_a_forgotten_key_stays_marked(store, transactional_db):
    """Nobody can tell when its row is written."""
    forget("key")
    assert [remembered("key", lambda n=n: n) for n in range(3)] == [0, 1, 2]


def test_two_readers_at_once_both_answer_and_one_fills(store):
    assert remembered("key", lambda: remembered("key", lambda: "inner") + " outer") == "inner outer"
    assert remembered("key", never) == "inner outer"


def test_a_page_is_shown_only_on_the_basis_that_it_was_built_on(store):
    known = caching.ask("page")
    page = rendered([{"name": "Łukasz"}], {"X-Total-Count": "1"})
    keep_page("page", [5, 1, "2026-01-31"], page, known)
    known = caching.ask("page")
    assert kept_page("page", [5, 1, "2026-01-31"], known) == page
    assert page.content == '[{"name":"Łukasz"}]'.encode()
    for basis in ([6, 1, "2026-01-31"], [5, 1, "2026-02-01"], [5, 1]):
        assert kept_page("page", basis, known) is None


def test_a_page_of_another_epoch_is_not_shown(store):
    keep_page("page", [1], rendered([]), caching.ask("page"))
    store.put(cache.make_key(caching.EPOCH), b"another", 60)
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
        store.put(f"key {n}", b"x" * 1000, 60)
        store.read(["key 0"])
    assert store.size <= store.ROOM
    assert store.read(["key 0"]) == [b"x" * 1000] and store.read(["key 1"]) == [None]
    assert store.size == sum(len(value) for value, _ in store.values.values())


def test_the_memory_forgets_in_time(monkeypatch):
    store, now = stores.Memory(), [0.0]
    monkeypatch.setattr(stores.time, "monotonic", lambda: now[0])
    store.put("key", b"x", 30)
    now[0] = 29.9
    assert store.read(["key"]) == [b"x"]
    now[0] = 30.1
    assert store.read(["key"]) == [None]
    assert store.swap("key", None, b"y", 30) and not store.swap("key", None, b"z", 30)
