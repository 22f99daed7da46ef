"""GET /feeds/{secret}/birthdays.ics, read by two calendar libraries"""

from datetime import date, timedelta

import icalendar
import pytest
import recurring_ical_events

from contacts.models import Book, Change, Contact
from contacts.tests.cast import add, observed_days
from contacts.tests.cast import path as contact_path
from contacts.tests.test_feeds import make, path

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]


@pytest.fixture
def read(as_alice, as_nobody, settings):
    """Return a function that makes a feed with these fields, and returns its calendar."""

    def made(**fields):
        return parsed(as_nobody.get(path(make(as_alice, **fields), settings)))

    return made


def parsed(answer):
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    return icalendar.Calendar.from_ical(body(answer))


def body(answer):
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def yearless(name, month, day):
    return {"fullname": name, "card": born({"month": month, "day": day})}


def born(day):
    return {"anniversaries": {"b1": {"kind": "birth", "date": day}}}


def test_a_person_is_one_yearly_all_day_event(as_alice, read):
    contact = add(as_alice, "Zoë Żółć; née, X", birthday="1985-04-12")
    calendar = read(name="Phone")
    assert (calendar["VERSION"], calendar["NAME"], calendar["X-WR-CALNAME"]) == ("2.0", "Phone", "Phone")
    assert (calendar["REFRESH-INTERVAL"].dt, calendar["X-PUBLISHED-TTL"]) == (timedelta(hours=6), "PT6H")
    (event,) = calendar.walk("VEVENT")
    assert event["UID"] == f"{contact['id']}-birthday@127.0.0.1"
    assert event["SUMMARY"] == "Zoë Żółć; née, X (1985)"
    assert event["DTSTART"].dt == date(1985, 4, 12)
    assert event["RRULE"] == {"FREQ": ["YEARLY"]}
    assert event["TRANSP"] == "TRANSPARENT" and "DTEND" not in event and not event.walk("VALARM")
    assert not calendar.errors and not event.errors


@pytest.mark.one_stack
def test_who_has_no_day_of_birth_is_left_out(as_alice, read):
    add(as_alice, "None")
    add(as_alice, "Year alone", card=born({"year": 1985}))
    add(as_alice, "Year and month", card=born({"year": 1985, "month": 4}))
    as_alice.delete(contact_path(add(as_alice, "In the trash", birthday="1985-04-12")))
    assert read().walk("VEVENT") == []


@pytest.mark.one_stack
def test_group_cards_are_left_out(alice, read):
    contact = Contact(user_id=alice.pk, created_at="2026-01-01T00:00Z", kind=Contact.Kind.GROUP)
    contact.set_card({"name": {"full": "Friends"}, "kind": "group", **born({"month": 4, "day": 12})})
    with Book.objects.writing(alice.pk, "test") as book:
        book.write(contact, Change.Kind.CREATED, None)
    assert Contact.objects.count() == 1
    assert read(anniversaries=True).walk("VEVENT") == []


@pytest.mark.one_stack
def test_a_birthday_without_a_year_begins_in_2000(as_alice, read):
    add(as_alice, **yearless("Ann", 2, 29))
    (event,) = read().walk("VEVENT")
    assert (event["SUMMARY"], event["DTSTART"].dt) == ("Ann", date(2000, 2, 29))


@pytest.mark.one_stack
@pytest.mark.parametrize(
    ("leap_day", "rule", "observed"),
    [
        ("02-28", b"RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1\r\n", date(2027, 2, 28)),
        ("03-01", b"RRULE:FREQ=YEARLY;BYYEARDAY=60\r\n", date(2027, 3, 1)),
    ],
)
def test_29_february_is_observed_by_the_accounts_rule(as_alice, as_nobody, settings, leap_day, rule, observed):
    as_alice.patch("/api/me", {"leap_day": leap_day}, format="json")
    add(as_alice, "Ann", birthday="1988-02-29")
    answer = as_nobody.get(path(make(as_alice), settings))
    assert rule in answer.content
    assert days(parsed(answer), 2027) == {observed: ["Ann (1988)"]}
    assert days(parsed(answer), 2028) == {date(2028, 2, 29): ["Ann (1988)"]}


def days(calendar, year):
    """The names by the days of a year on which a calendar program shows them."""
    found = {}
    for event in recurring_ical_events.of(calendar).between(date(year, 1, 1), date(year + 1, 1, 1)):
        found.setdefault(event["DTSTART"].dt, []).append(str(event["SUMMARY"]))
    return {day: sorted(names) for day, names in found.items()}


@pytest.mark.one_stack
@pytest.mark.parametrize("leap_day", ["02-28", "03-01"])
def test_a_calendar_shows_every_birthday_on_the_day_on_which_it_is_observed(alice, as_alice, read, leap_day):
    """One person for each day that a birthday can have."""
    as_alice.patch("/api/me", {"leap_day": leap_day}, format="json")
    leap_year = [date(2000, 1, 1) + timedelta(days=number) for number in range(366)]
    with Book.objects.writing(alice.pk, "test") as book:
        for day in leap_year:
            book.create({"name": {"full": f"{day:%m%d}"}, **born({"month": day.month, "day": day.day})})
    calendar, rule = read(), int(leap_day.replace("-", ""))
    for year in (2027, 2028):
        ordinals = {day: sorted(int(name) for name in names) for day, names in days(calendar, year).items()}
        length = (date(year + 1, 1, 1) - date(year, 1, 1)).days
        every = [date(year, 1, 1) + timedelta(days=number) for number in range(length)]
        assert ordinals == {day: sorted(observed_days(day, rule)) for day in every}


@pytest.mark.one_stack
def test_an_alarm_is_that_many_days_before(as_alice, read):
    add(as_alice, "Ann", birthday="1985-04-12")
    for given in (0, 3, 366):
        (event,) = read(alarm_days=given).walk("VEVENT")
        (alarm,) = event.walk("VALARM")
        assert (alarm["ACTION"], alarm["TRIGGER"].dt) == ("DISPLAY", -timedelta(days=given))
        assert alarm["DESCRIPTION"]


def test_anniversaries_are_further_events_if_the_feed_has_them(as_alice, read):
    anniversaries = {
        "b1": {"kind": "birth", "date": {"year": 1985, "month": 4, "day": 12}},
        "w1": {"kind": "wedding", "date": {"year": 2010, "month": 2, "day": 29 - 1}},
        "d1": {"kind": "death", "date": {"utc": "2020-01-02T03:04:05Z"}},
        "x1": {"kind": "example.com:party", "date": {"month": 2, "day": 29}},
        "x2": {"kind": "wedding", "date": {"year": 2011}},
    }
    ann = add(as_alice, "Ann", card={"anniversaries": anniversaries})
    bea = add(as_alice, "Bea", card={"anniversaries": {"w1": anniversaries["w1"]}})
    assert [event["SUMMARY"] for event in read().walk("VEVENT")] == ["Ann (1985)"]
    events = {event["UID"].partition("@")[0]: event for event in read(anniversaries=True).walk("VEVENT")}
    assert {uid: str(event["SUMMARY"]) for uid, event in events.items()} == {
        f"{ann['id']}-birthday": "Ann (1985)",
        f"{ann['id']}-anniversary-w1": "Ann: wedding (2010)",
        f"{ann['id']}-anniversary-d1": "Ann: day of death (2020)",
        f"{ann['id']}-anniversary-x1": "Ann: anniversary",
        f"{bea['id']}-anniversary-w1": "Bea: wedding (2010)",
    }
    assert events[f"{ann['id']}-anniversary-w1"]["DTSTART"].dt == date(2010, 2, 28)
    assert events[f"{ann['id']}-anniversary-x1"]["RRULE"] == {"FREQ": ["YEARLY"], "BYMONTH": [2], "BYMONTHDAY": [-1]}


@pytest.mark.one_stack
def test_a_uid_stays_when_the_contact_changes(as_alice, as_nobody, settings):
    contact = add(as_alice, "Ann", birthday="1985-04-12")
    feed = path(make(as_alice), settings)
    (before,) = parsed(as_nobody.get(feed)).walk("VEVENT")
    as_alice.patch(contact_path(contact), {"fullname": "Ann Lee", "birthday": "1986-05-13"}, format="json")
    (after,) = parsed(as_nobody.get(feed)).walk("VEVENT")
    assert before["UID"] == after["UID"] and after["SUMMARY"] == "Ann Lee (1986)"
    assert after["DTSTAMP"].dt >= before["DTSTAMP"].dt


@pytest.mark.one_stack
@pytest.mark.parametrize(
    "name",
    [
        "A" * 255,
        "é" * 255,
        "😀" * 60,
        "a\r\nEND:VCALENDAR\r\nb",
        "\\n;,:\"'",
        "x\x07\x1by\u2028z",
        "BEGIN:VEVENT",
        "%s {} ​",
    ],
)
def test_no_name_breaks_the_file(as_alice, as_nobody, settings, name):
    add(as_alice, name, birthday="1985-04-12")
    add(as_alice, "After", birthday="1985-04-13")
    answer = as_nobody.get(path(make(as_alice, name=name[:100]), settings))
    lines = answer.content.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines) and b"\n" not in answer.content.replace(b"\r\n", b"")
    assert not {byte for byte in answer.content if byte < 32} - {10, 13}
    first, second = parsed(answer).walk("VEVENT")
    shown = "".join(filter(str.isprintable, " ".join(name.split())))
    assert (first["SUMMARY"], second["SUMMARY"]) == (f"{shown} (1985)", "After (1985)")


def test_an_unchanged_book_is_a_304_and_any_change_is_not(as_alice, as_nobody, settings):
    contact = add(as_alice, "Ann", birthday="1985-04-12")
    feed = path(make(as_alice), settings)
    first = as_nobody.get(feed)
    assert first["Cache-Control"] == "private, no-cache"
    tag = first["ETag"]
    again = as_nobody.get(feed, HTTP_IF_NONE_MATCH=f'"x", W/{tag}')
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    seen = {tag}
    for change in (
        lambda: as_alice.patch(contact_path(contact), {"fullname": "Bea"}, format="json"),
        lambda: as_alice.patch("/api/me", {"leap_day": "03-01"}, format="json"),
        lambda: as_alice.delete(contact_path(contact)),
        lambda: as_alice.post(f"/api/contacts/trash/{contact['id']}/restore"),
    ):
        assert change().status_code in (200, 204)
        answer = as_nobody.get(feed, HTTP_IF_NONE_MATCH=tag)
        assert answer.status_code == 200 and answer["ETag"] not in seen
        seen.add(answer["ETag"])
    other = as_nobody.get(path(make(as_alice, alarm_days=1), settings))
    assert other["ETag"] not in seen


@pytest.mark.one_stack
def test_head_is_get_without_a_body(as_alice, as_nobody, settings):
    add(as_alice, "Ann", birthday="1985-04-12")
    feed = path(make(as_alice), settings)
    got, head = as_nobody.get(feed), as_nobody.head(feed)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("ETag", "Content-Type", "Content-Length", "Cache-Control"):
        assert head[name] == got[name]


@pytest.mark.one_stack
def test_other_methods_are_405(as_alice, as_nobody, settings):
    feed = path(make(as_alice), settings)
    assert {as_nobody.generic(method, feed).status_code for method in ("POST", "PUT", "DELETE", "PATCH")} == {405}


def test_a_large_book_is_streamed_in_at_most_half_of_the_threads(as_alice, as_nobody, settings, monkeypatch):
    from contacts.api import calendar

    monkeypatch.setattr(calendar, "LARGE_BOOK", 1)
    for number in range(3):
        add(as_alice, f"Ann {number}", birthday="1985-04-12")
    feed = path(make(as_alice), settings)
    for _ in range(settings.THREADS):  # each gives its thread back, a HEAD too
        assert len(parsed(as_nobody.get(feed)).walk("VEVENT")) == 3
        body(as_nobody.head(feed))
    taken = [as_nobody.get(feed) for _ in range(settings.THREADS // 2)]
    busy = as_nobody.get(feed)
    assert busy.status_code == 503 and int(busy["Retry-After"]) > 0
    assert as_nobody.get(feed, HTTP_IF_NONE_MATCH=taken[0]["ETag"]).status_code == 304
    for answer in taken:
        body(answer)
    parsed(as_nobody.get(feed))
