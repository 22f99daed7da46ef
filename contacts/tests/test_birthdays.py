"""GET /api/contacts/bd"""

from datetime import UTC, datetime

import pytest
import time_machine

from conftest import AUTHENTICATION, VERSION, client_of
from contacts.models import Book
from contacts.tests.cast import (
    KEYS,
    UNKNOWN,
    add,
    faults,
    names,
    path,
    settle,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/contacts/bd"


@pytest.fixture
def on(alice):
    """on("2023-12-30") sets the clock and returns a client of alice with a token of that day."""
    journeys = []

    def travel(moment):
        while journeys:
            journeys.pop().stop()
        at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        journeys.append(time_machine.travel(at, tick=False))
        journeys[0].start()
        settle()
        return client_of(alice)

    yield travel
    while journeys:
        journeys.pop().stop()


def born(client, *days):
    for day in days:
        add(client, day, birthday=f"1980-{day}")


def test_birthdays_from_today_to_the_last_day_are_listed(on):
    client = on("2023-03-10")
    born(client, "03-09", "03-10", "03-17", "03-18")
    answer = client.get(URL, {"days_range": 7})
    assert names(answer) == ["03-10", "03-17"]
    assert answer.json()[0]["birthday"] == "1980-03-10" and answer.json()[0].keys() == KEYS


def test_the_default_range_is_7_days(on):
    client = on("2023-03-10")
    born(client, "03-17", "03-18")
    assert names(client.get(URL)) == ["03-17"]


def test_it_takes_one_query_a_segment_and_none_for_a_cached_answer(on, django_assert_num_queries):
    """In common years 28 and 29 February are a segment between those before and after it."""
    for today, query, segments in [("2023-03-10", "", 1), ("2023-02-20", "?days_range=20", 3), ("2024-02-20", "", 1)]:
        client = on(today)
        with django_assert_num_queries(AUTHENTICATION + VERSION + segments):
            client.get(URL + query)
        with django_assert_num_queries(AUTHENTICATION + VERSION):
            client.get(URL + query)


def test_skip_and_limit_select_a_page(on):
    client = on("2023-12-30")
    born(client, "12-30", "12-31", "01-01", "01-01", "01-02")
    ask = lambda query: names(client.get(f"{URL}?across_year=true&{query}"))  # noqa: E731
    everybody = ask("days_range=7")
    assert len(everybody) == 5
    for skip in range(6):
        for limit in range(6):
            assert ask(f"skip={skip}&limit={limit}") == everybody[skip : skip + limit]
    assert client.get(f"{URL}?limit=1001").status_code == client.get(f"{URL}?skip=-1").status_code == 422


def test_the_default_limit_is_1000_with_a_link_to_the_next(on, alice):
    client = on("2023-03-10")
    birth = {"b": {"kind": "birth", "date": {"month": 3, "day": 10}}}
    with Book.objects.writing(alice.pk, "test") as book:
        book.create_many([{"name": {"full": f"{number:04}"}, "anniversaries": birth} for number in range(1001)])
    answer = client.get(URL)
    assert len(names(answer)) == 1000 and "skip=1000" in answer["Link"] and 'rel="next"' in answer["Link"]
    rest = client.get(f"{URL}?skip=1000")
    assert names(rest) == ["1000"] and 'rel="prev"' in rest["Link"] and "next" not in rest["Link"]


def test_nobody_is_announced_before_the_year_of_birth(on):
    client = on("2023-12-30")
    for day in ("2023-12-31", "2024-01-02", "2024-12-31", "2025-01-02"):
        add(client, day, birthday=day)
    assert names(client.get(f"{URL}?across_year=true")) == ["2023-12-31", "2024-01-02"]
    assert names(client.get(f"{URL}?across_year=true&days_range=366")) == ["2023-12-31", "2024-01-02"]


def test_bob_does_not_see_alices_birthdays(on, as_alice, bob):
    client, as_bob = on("2023-03-10"), client_of(bob)
    contact = add(client, birthday="1980-03-10")
    for _ in range(2):
        assert names(client.get(URL)) == ["Ann"]
        assert as_bob.get(URL).content == b"[]"
    assert as_bob.get(path(contact)).content == as_bob.get(UNKNOWN).content


def test_soonest_first_then_by_name_without_case_then_by_id(on):
    client = on("2023-12-30")
    for name, day in [
        ("b", "1990-01-02"),
        ("Émile", "1950-12-31"),
        ("eva", "2001-12-31"),
        ("A", "1970-12-30"),
    ]:
        add(client, name, birthday=day)
    first, second = add(client, "eva", birthday="1999-12-31"), add(client, "EVA", birthday="1960-12-31")
    answer = client.get(URL, {"across_year": "true"})
    assert names(answer) == ["A", "Émile", "eva", "eva", "EVA", "b"]
    assert [contact["id"] for contact in answer.json()[3:5]] == [first["id"], second["id"]]


def test_the_range_ends_with_the_year_unless_across_year_is_true(on):
    client = on("2023-12-30")
    born(client, "12-29", "12-30", "12-31", "01-01", "01-06", "01-07")
    assert names(client.get(URL)) == ["12-30", "12-31"]
    assert names(client.get(URL, {"across_year": "false"})) == ["12-30", "12-31"]
    assert names(client.get(URL, {"across_year": "true"})) == ["12-30", "12-31", "01-01", "01-06"]


def test_an_empty_parameter_counts_as_left_out(on):
    client = on("2023-12-30")
    born(client, "12-31", "01-01")
    assert names(client.get(URL, {"days_range": "", "across_year": ""})) == ["12-31"]


def test_a_range_of_0_days_is_today(on):
    client = on("2023-12-31")
    born(client, "12-30", "12-31", "01-01")
    assert names(client.get(URL, {"days_range": 0})) == ["12-31"]
    assert names(client.get(URL, {"days_range": 0, "across_year": "true"})) == ["12-31"]


@pytest.mark.parametrize("today", ["2023-03-01", "2024-02-29", "2023-12-31", "2024-12-31", "2024-01-01", "2028-12-31"])
def test_a_range_of_366_days_lists_everybody_once(on, today):
    client = on(today)
    days = ["01-01", "02-28", "02-29", "03-01", "06-15", "12-31"]
    born(client, *days)
    answer = client.get(URL, {"days_range": 366, "across_year": "true"})
    first = next((place for place, day in enumerate(days) if day >= today[5:]), 0)
    assert names(answer) == days[first:] + days[:first]
    clipped = client.get(URL, {"days_range": 366})
    assert names(clipped) == [day for day in days if day >= today[5:]]


@pytest.mark.parametrize(
    ("rule", "today", "expected"),
    [
        ("02-28", "2023-02-27", []),
        ("02-28", "2023-02-28", ["02-28", "02-29"]),
        ("02-28", "2023-03-01", ["03-01"]),
        ("03-01", "2023-02-28", ["02-28"]),
        ("03-01", "2023-03-01", ["02-29", "03-01"]),
        ("02-28", "2024-02-28", ["02-28"]),
        ("02-28", "2024-02-29", ["02-29"]),
        ("02-28", "2024-03-01", ["03-01"]),
        ("03-01", "2024-02-28", ["02-28"]),
        ("03-01", "2024-02-29", ["02-29"]),
        ("03-01", "2024-03-01", ["03-01"]),
        ("02-28", "2100-02-28", ["02-28", "02-29"]),
    ],
)
def test_29_february_in_common_and_leap_years(on, alice, rule, today, expected):
    alice.leap_day = rule
    alice.save()
    client = on(today)
    born(client, "02-28", "02-29", "03-01")
    assert names(client.get(URL, {"days_range": 0})) == expected


def test_29_february_is_sorted_with_the_day_on_which_it_is_observed(on, alice):
    alice.leap_day = "03-01"
    alice.save()
    client = on("2023-02-20")
    for name, day in [("b", "2000-02-29"), ("a", "1999-03-01"), ("c", "1999-02-28")]:
        add(client, name, birthday=day)
    assert names(client.get(URL, {"days_range": 20})) == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("zone", "moment", "today"),
    [
        ("UTC", "2023-03-10T23:59:59", "03-10"),
        ("Pacific/Kiritimati", "2023-03-10T10:00:00", "03-11"),
        ("Pacific/Kiritimati", "2023-03-10T09:59:59", "03-10"),
        ("Pacific/Pago_Pago", "2023-03-10T10:59:59", "03-09"),
        ("Europe/Kyiv", "2023-03-10T22:00:00", "03-11"),
        ("America/New_York", "2023-03-12T03:59:59", "03-11"),
    ],
)
def test_today_is_that_of_the_accounts_time_zone(on, alice, zone, moment, today):
    alice.time_zone = zone
    alice.save()
    client = on(moment)
    born(client, "03-09", "03-10", "03-11", "03-12")
    assert names(client.get(URL, {"days_range": 0})) == [today]


def test_a_new_day_is_not_answered_from_yesterdays_cache(on, alice):
    client = on("2023-03-10T23:59:58")
    born(client, "03-10", "03-11")
    settle()
    for moment, expected in [("2023-03-10T23:59:59", "03-10"), ("2023-03-11T00:00:00", "03-11")]:
        assert names(on(moment).get(URL, {"days_range": 0})) == [expected]


def test_contacts_without_a_birthday_are_not_listed(on):
    client = on("2023-03-10")
    add(client, "Ann")
    assert names(client.get(URL, {"days_range": 366, "across_year": "true"})) == []


def test_the_next_read_sees_every_write(on):
    client = on("2023-03-10")
    contact = add(client, "Ann", birthday="1980-03-10")
    settle()
    before = client.get(URL)
    assert names(before) == ["Ann"]
    client.put(path(contact), {"fullname": "Ann", "birthday": "1980-04-10"}, format="json")
    assert names(client.get(URL)) == []
    client.put(path(contact), {"fullname": "Ann", "birthday": "1980-03-10"}, format="json")
    answer = client.get(URL)
    assert names(answer) == ["Ann"] and answer["ETag"] != before["ETag"]


def test_if_none_match_gives_304(as_alice):
    etag = as_alice.get(URL)["ETag"]
    for header in (etag, f"W/{etag}", "*"):
        answer = as_alice.get(URL, headers={"if-none-match": header})
        assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", etag)


DAYS_RANGES = ["-1", "367", "abc", "1" + "0" * 30, str(2**63), "٥", "3_6", "5.0", "+5", " 5", "\x00", "7\n"]


@pytest.mark.one_stack
@pytest.mark.parametrize("value", DAYS_RANGES)
def test_an_invalid_days_range_is_422(as_alice, value):
    assert faults(as_alice.get(URL, {"days_range": value})) == [["query", "days_range"]]


@pytest.mark.one_stack
@pytest.mark.parametrize("value", ["yes", "2", "tru", "\x00", "true\n"])
def test_across_year_is_true_or_false(as_alice, value):
    assert faults(as_alice.get(URL, {"across_year": value})) == [["query", "across_year"]]
