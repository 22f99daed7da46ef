"""Dates of vCards in every form, and what they become."""

import pytest

from contacts.cards.vcard import read, write
from contacts.cards.vcard.dates import read_date, read_timestamp, write_date

pytestmark = pytest.mark.one_stack


def card_with(*lines, version="4.0"):
    (entry,) = read("\n".join(["BEGIN:VCARD", f"VERSION:{version}", "FN:A", *lines, "END:VCARD"]))
    return entry


@pytest.mark.parametrize(
    "text, parts",
    [
        ("19850412", (1985, 4, 12)),
        ("1985-04-12", (1985, 4, 12)),
        ("1985-4-2", (1985, 4, 2)),
        ("1985-04", (1985, 4, None)),
        ("1985", (1985, None, None)),
        ("--0412", (None, 4, 12)),
        ("--04-12", (None, 4, 12)),
        ("--0229", (None, 2, 29)),
        ("20160725T000000Z", (2016, 7, 25)),
        ("1985-04-12T23:59:59-09:30", (1985, 4, 12)),
        ("1985-04-12 10:00", (1985, 4, 12)),
        ("1604-02-29", (1604, 2, 29)),
        ("1985-04-12+02:00", (1985, 4, 12)),
        ("1985-04-12Z", (1985, 4, 12)),
        ("19850412101500", (1985, 4, 12)),
        ("1985/04/12", (1985, 4, 12)),
        ("1985.4.12", (1985, 4, 12)),
        ("12.4.1985", (1985, 4, 12)),
        ("--4-12", (None, 4, 12)),
        ("0000-04-12", (None, 4, 12)),
    ],
)
def test_a_date_is_its_day_as_it_is_written(text, parts):
    date, _ = read_date(text)
    assert tuple(date.get(name) for name in ("year", "month", "day")) == parts


@pytest.mark.parametrize(
    "text",
    [
        "1999-02-29",
        "19851312",
        "circa 1800",
        "0000-00-00",
        "T102200",
        "12/04/1985",
        "1985.04/12",
        "١٩٨٥",
        "1985-04-12 or so",
        "--0230",
        "-",
        "0/0/00",
        "1985-04-12\n",
        "--04",
        "---12",
    ],
)
def test_what_is_no_date_is_none(text):
    assert read_date(text) is None


def test_a_date_that_is_none_survives_with_a_note():
    entry = card_with("BDAY;VALUE=text;LANGUAGE=en:circa 1800")
    assert "anniversaries" not in entry.card
    assert entry.card["vCardProps"] == [["bday", {"value": "text", "language": "en"}, "unknown", "circa 1800"]]
    assert entry.notes == ["BDAY is no date; it was kept as it came: 'circa 1800'"]
    assert "BDAY;VALUE=text;LANGUAGE=en:circa 1800" in write(entry.card)


def test_a_time_of_day_is_dropped_with_a_note_but_midnight_without():
    assert card_with("BDAY:19850412T101500Z").notes == ["The time of day in BDAY was dropped: '19850412T101500Z'"]
    assert card_with("BDAY:19850412T000000Z").notes == []
    assert card_with("BDAY:1985-04-12T00:00:00+01:00").notes == []
    assert card_with("BDAY:1985-04-12+01:00").notes == []


def test_apple_s_year_is_hidden_only_by_its_parameter():
    with_parameter = card_with("BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29", version="3.0").card
    without = card_with("BDAY:1604-02-29", version="3.0").card
    assert with_parameter["anniversaries"]["b1"]["date"] == {"@type": "PartialDate", "month": 2, "day": 29}
    assert without["anniversaries"]["b1"]["date"]["year"] == 1604


def test_a_date_s_calendar_and_place_are_kept():
    entry = card_with(
        "BDAY;CALSCALE=gregorian:19850412", "BIRTHPLACE:Rome", "DEATHPLACE;VALUE=uri:geo:1,2", "DEATHDATE:2020"
    )
    birth, death = entry.card["anniversaries"].values()
    assert birth["date"]["calendarScale"] == "gregorian"
    assert (birth["place"], death["place"]) == ({"full": "Rome"}, {"coordinates": "geo:1,2"})


@pytest.mark.parametrize(
    "date, in_4, in_3",
    [
        ({"year": 1985, "month": 4, "day": 12}, "19850412", "1985-04-12"),
        ({"month": 4, "day": 12}, "--0412", "1604-04-12"),
        ({"year": 1985, "month": 4}, "1985-04", None),
        ({"year": 1985}, "1985", None),
        ({"@type": "Timestamp", "utc": "1985-04-12T10:00:00Z"}, "19850412", "1985-04-12"),
    ],
)
def test_3_0_has_whole_dates_and_apple_s_without_a_year_alone(date, in_4, in_3):
    assert write_date(date, "4.0")[0] == in_4
    assert (write_date(date, "3.0") or [None])[0] == in_3


@pytest.mark.parametrize(
    "text, utc",
    [
        ("20200102T030405Z", "2020-01-02T03:04:05Z"),
        ("2020-01-02T03:04:05Z", "2020-01-02T03:04:05Z"),
        ("2020-01-02T03:04:05+02:00", "2020-01-02T01:04:05Z"),
        ("20200102T030405-0130", "2020-01-02T04:34:05Z"),
        ("2020-01-02T03:04:05.000Z", "2020-01-02T03:04:05Z"),
        ("2020-01-02T03:04:05.250Z", "2020-01-02T03:04:05.25Z"),
        ("2020-01-02", "2020-01-02T00:00:00Z"),
        ("0001-01-01T00:00:00+14:00", None),
        ("2020-13-02T03:04:05Z", None),
        ("2020", None),
        ("yesterday", None),
    ],
)
def test_timestamps_are_in_utc(text, utc):
    assert read_timestamp(text) == utc


def test_a_second_anniversary_goes_out_by_apple_s_name_in_3_0_and_whole_in_4_0():
    card = {
        "name": {"full": "A"},
        "anniversaries": {
            key: {"kind": "wedding", "date": {"@type": "PartialDate", "year": year, "month": 1, "day": 1}}
            for key, year in (("w1", 2001), ("w2", 2002))
        },
    }
    assert write(card, "3.0").count("X-ABDATE:") == 2
    for version in ("3.0", "4.0"):
        assert next(read(write(card, version))).card == card


def test_of_birthdays_there_is_one():
    entry = card_with("BDAY:1985", "BDAY:1986", "DEATHDATE:2020")
    assert [found["kind"] for found in entry.card["anniversaries"].values()] == ["birth", "death"]
    assert entry.notes == ["A second BDAY was kept as it came."]
    for version in ("3.0", "4.0"):
        assert "BDAY:1986" in write(entry.card, version)
