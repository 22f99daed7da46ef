"""Dates in tables: which forms are read, and how the order of day and month is told."""

from datetime import date

import pytest

from contacts.cards.tables import read_table

pytestmark = pytest.mark.one_stack

TODAY = date(2026, 3, 1)
APRIL = {"year": 1985, "month": 4, "day": 12}
FORMS = {
    "1985-04-12": APRIL,
    "1985-4-12": APRIL,
    "19850412": APRIL,
    "1985/04/12": APRIL,
    "1985/4/12": APRIL,
    "1985.04.12": APRIL,
    "85-04-12": APRIL,
    "12.04.1985": APRIL,
    "12.4.1985": APRIL,
    "12. 4. 1985": APRIL,
    "12.04.85": APRIL,
    "1985-04-12 00:00": APRIL,
    "1985-04-12T23:30:00+02:00": APRIL,
    "12.04.1985 00:00:00": APRIL,
    "5/13/1985": {"year": 1985, "month": 5, "day": 13},
    "13/5/1985": {"year": 1985, "month": 5, "day": 13},
    "13-05-1985": {"year": 1985, "month": 5, "day": 13},
    "5/13/1985 12:00:00 AM": {"year": 1985, "month": 5, "day": 13},
    "5/5/1985": {"year": 1985, "month": 5, "day": 5},
    "1985": {"year": 1985},
    "1985-04": {"year": 1985, "month": 4},
    "--04-12": {"month": 4, "day": 12},
    " --04-12": {"month": 4, "day": 12},
    "--0412": {"month": 4, "day": 12},
    "12.04.": {"month": 4, "day": 12},
    "12.4": {"month": 4, "day": 12},
    "25/12": {"month": 12, "day": 25},
    "12/25": {"month": 12, "day": 25},
    "29.02.2000": {"year": 2000, "month": 2, "day": 29},
    "1.1.26": {"year": 2026, "month": 1, "day": 1},
    "1.1.27": {"year": 1927, "month": 1, "day": 1},
    "1.1.00": {"year": 2000, "month": 1, "day": 1},
}
NONE = [
    "1999-02-29",
    "29.02.1999",
    "32.1.2000",
    "13/13/1999",
    "12.04.985",
    "soon",
    "12 May 1985",
    "0",
    "1985-13",
    "٣.٤.١٩٨٥",
]
NOTHING = ["0/0/00", "00/00/00", "00.00.0000", "0.0.00", "0000-00-00", "0000/00/00", "0/0/0000 00:00"]


def entries(*dates, heading="Birthday", **options):
    text = f"Name,{heading}\n" + "".join(f'Ann,"{text}"\n' for text in dates)
    return list(read_table(text.encode(), today=TODAY, **options).entries())


def birthday(entry):
    (found,) = [found for found in entry.card["anniversaries"].values() if found["kind"] == "birth"]
    return {name: value for name, value in found["date"].items() if name != "@type"}


@pytest.mark.parametrize("text", FORMS)
def test_a_date_is_read(text):
    (entry,) = entries(text)
    assert birthday(entry) == FORMS[text]


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_date_is_kept_as_it_came_with_a_note(text):
    (entry,) = entries(text)
    assert "anniversaries" not in entry.card
    assert entry.card["vCardProps"] == [["x-birthday", {"x-heading": "Birthday"}, "unknown", text]]
    assert entry.notes == [f"Birthday is no date ({text!r}); it was kept as it came."]


@pytest.mark.parametrize("text", NOTHING)
def test_zeros_are_no_date_and_nothing_is_kept(text):
    (entry,) = entries(text)
    assert (entry.card, entry.notes) == ({"name": {"full": "Ann"}}, [])


@pytest.mark.parametrize("text", ["5/12/1985", "05-12-1985", "5/12/85", "5/12"])
def test_a_date_of_unknown_order_fails_with_a_question(text):
    entry, other = entries(text, "1985-04-12")
    assert (entry.card, entry.question) == (None, "date_order")
    assert entry.reason == f"Whether the day or the month comes first in {text!r} is not known."
    assert birthday(other) == APRIL


@pytest.mark.parametrize(
    ("shown", "month", "day"), [("25/12/1980", 12, 5), ("12/25/1980", 5, 12), ("31/1", 12, 5), ("1/31", 5, 12)]
)
def test_a_number_over_12_anywhere_in_the_column_tells_the_order(shown, month, day):
    found = entries("5/12/1985", *["1980-01-01"] * 2000, shown)
    assert birthday(found[0]) == {"year": 1985, "month": month, "day": day}


def test_dates_of_both_orders_tell_none():
    first, second, third = entries("25/12/1980", "12/25/1980", "5/12/1985")
    assert birthday(first) == birthday(second) == {"year": 1980, "month": 12, "day": 25}
    assert third.question == "date_order"


def test_another_date_column_tells_the_order_too():
    text = b"Name,Birthday,Anniversary\nAnn,5/12/1985,\nBob,,25/12/2000\n"
    ann, bob = read_table(text, today=TODAY).entries()
    assert birthday(ann) == {"year": 1985, "month": 12, "day": 5}
    assert bob.card["anniversaries"]["w1"]["kind"] == "wedding"


@pytest.mark.parametrize(
    ("order", "text", "expected"),
    [
        ("dmy", "5/12/1985", {"year": 1985, "month": 12, "day": 5}),
        ("mdy", "5/12/1985", {"year": 1985, "month": 5, "day": 12}),
        ("ymd", "05/12/11", {"year": 2005, "month": 12, "day": 11}),
        ("mdy", "12.04.1985", APRIL),
        ("mdy", "1985-04-12", APRIL),
    ],
)
def test_the_caller_can_say_the_order(order, text, expected):
    (entry,) = entries(text, date_order=order)
    assert birthday(entry) == expected


@pytest.mark.parametrize(("order", "text"), [("dmy", "12/25/1985"), ("mdy", "25/12/1985"), ("ymd", "5/12/1985")])
def test_what_does_not_fit_the_order_that_the_caller_says_is_no_date(order, text):
    (entry,) = entries(text, date_order=order)
    assert entry.notes == [f"Birthday is no date ({text!r}); it was kept as it came."]


def test_a_year_of_two_digits_and_a_dropped_time_are_noted():
    short, timed = entries("12.04.85", "1985-04-12T10:30")
    assert short.notes == ["The year 85 was read as 1985."]
    assert timed.notes == ["The time of day was dropped: '1985-04-12T10:30'"]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("1985,4,12", APRIL),
        (",4,12", {"month": 4, "day": 12}),
        ("1985,,", {"year": 1985}),
        ("0,04,12", {"month": 4, "day": 12}),
    ],
)
def test_year_month_and_day_may_have_columns_of_their_own(cells, expected):
    text = f"Display Name,Birth Year,Birth Month,Birth Day\nAnn,{cells}\n"
    (entry,) = read_table(text.encode(), today=TODAY).entries()
    assert birthday(entry) == expected


@pytest.mark.parametrize("cells", ["1985,2,30", ",,12", "x,4,12"])
def test_columns_that_make_no_date_are_kept(cells):
    text = f"Display Name,Birth Year,Birth Month,Birth Day\nAnn,{cells}\n"
    (entry,) = read_table(text.encode(), today=TODAY).entries()
    assert entry.card["vCardProps"][0][3] == cells.replace(",", "-")
    assert entry.notes == ["Birth Year is no date; it was kept as it came."]


def test_empty_date_columns_say_nothing():
    text = b"Display Name,Birth Year,Birth Month,Birth Day\nAnn,0,0,0\n"
    (entry,) = read_table(text, today=TODAY).entries()
    assert (entry.card, entry.notes) == ({"name": {"full": "Ann"}}, [])


def test_a_second_birthday_is_kept_with_a_note():
    text = b"Name,Birthday,DOB\nAnn,1985-04-12,1985-04-13\n"
    (entry,) = read_table(text, today=TODAY).entries()
    assert birthday(entry) == APRIL
    assert entry.notes == ["DOB is a second date of its kind; it was kept as it came."]
