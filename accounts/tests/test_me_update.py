"""PATCH /api/me"""

import json
from datetime import UTC, date, datetime

import pytest

from accounts.models import User
from accounts.tests.cast import bearer, faults, pair_of

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/me"
KEYS = {"id", "username", "email", "created_at", "time_zone", "leap_day", "region", "reminders", "reminder_days"}


def patch(client, **fields):
    return client.patch(URL, fields, format="json")


@pytest.mark.parametrize("url", [URL, URL + "/"])
def test_a_change_is_returned_and_stored(as_alice, url):
    fields = {"username": "Alice Liddell", "time_zone": "Europe/Kyiv", "leap_day": "03-01"}
    before = as_alice.get(URL).json()
    answer = as_alice.patch(url, fields, format="json")
    assert (answer.status_code, answer.json()) == (200, before | fields)
    assert answer.json().keys() == KEYS
    assert as_alice.get(URL).json() == before | fields


@pytest.mark.parametrize("field", [{"username": "Al"}, {"time_zone": "Asia/Tokyo"}, {"leap_day": "03-01"}, {}])
def test_fields_left_out_stay(as_alice, field):
    before = as_alice.get(URL).json()
    assert patch(as_alice, **field).json() == before | field


def test_an_empty_body_changes_nothing(as_alice):
    before = as_alice.get(URL).json()
    assert as_alice.patch(URL).json() == before


def test_unknown_and_unwritable_fields_are_ignored(as_alice, alice, bob):
    before = as_alice.get(URL).json()
    fields = {
        "id": bob.pk,
        "email": "x@example.org",
        "created_at": None,
        "is_staff": True,
        "password": "x",
        "": 1,
    }
    fields |= {
        "is_superuser": True,
        "closed_at": "2020-01-01T00:00:00Z",
        "token_version": 9,
        "confirmed_at": None,
    }
    assert patch(as_alice, **fields).json() == before
    kept = User.objects.get(pk=alice.pk)
    assert (kept.password, kept.token_version, kept.is_staff) == (alice.password, alice.token_version, False)
    assert kept.confirmed_at == alice.confirmed_at and kept.closed_at is None


def test_no_other_account_changes(as_alice, as_bob):
    before = as_bob.get(URL).json()
    patch(as_alice, username="Other", time_zone="Asia/Tokyo", leap_day="03-01")
    assert as_bob.get(URL).json() == before


def test_only_the_fields_sent_are_saved(as_alice, alice, monkeypatch):
    save = User.save

    def save_late(user, **kwargs):
        User.objects.filter(pk=alice.pk).update(username="Meanwhile")
        save(user, **kwargs)

    monkeypatch.setattr(User, "save", save_late)
    patch(as_alice, leap_day="03-01")
    assert as_alice.get(URL).json()["username"] == "Meanwhile"


@pytest.mark.parametrize("name", ["x", "é" * 150, "Zoë 🦊", "<b>&", "  trimmed  "])
def test_a_valid_name_is_accepted(as_alice, name):
    assert patch(as_alice, username=name).json()["username"] == name.strip()


@pytest.mark.parametrize("name", ["", "   ", None, "a\nb", "a\x00", "\u2028x", "\u200b", "x" * 151, 5, True, ["x"], {}])
def test_an_invalid_name_is_a_422(as_alice, name):
    assert faults(patch(as_alice, username=name)) == [["body", "username"]]


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Kyiv", "America/Argentina/Buenos_Aires", "Asia/Kathmandu", "Etc/GMT+12"]
)
def test_a_valid_time_zone_is_accepted(as_alice, zone):
    assert patch(as_alice, time_zone=zone).json()["time_zone"] == zone


ODD_ZONES = [
    "",
    None,
    "Europe/Atlantis",
    "europe/kyiv",
    "+02:00",
    "../etc/passwd",
    "/etc/localtime",
    "localtime",
]


@pytest.mark.parametrize("zone", [*ODD_ZONES, "Europe", "posix/UTC", "UTC\x00", "x" * 65, 2, ["UTC"], {}])
def test_an_invalid_time_zone_is_a_422(as_alice, zone):
    assert faults(patch(as_alice, time_zone=zone)) == [["body", "time_zone"]]
    assert as_alice.get(URL).json()["time_zone"] == "UTC"


def test_a_lone_surrogate_in_a_time_zone_is_a_422(as_alice):
    answer = as_alice.patch(URL, r'{"time_zone": "\ud800"}', content_type="application/json")
    assert faults(answer) == [["body", "time_zone"]]


@pytest.mark.parametrize("day", ["", None, "02-29", "28 February", "2-28", 228, True, ["02-28"], {}])
def test_an_invalid_leap_day_is_a_422(as_alice, day):
    assert faults(patch(as_alice, leap_day=day)) == [["body", "leap_day"]]


def test_every_fault_is_reported_and_nothing_changes(as_alice):
    before = as_alice.get(URL).json()
    answer = patch(as_alice, username=None, time_zone="x", leap_day="x")
    assert faults(answer) == [["body", "username"], ["body", "time_zone"], ["body", "leap_day"]]
    assert faults(patch(as_alice, username="New", leap_day="x")) == [["body", "leap_day"]]
    assert as_alice.get(URL).json() == before


@pytest.mark.parametrize("body", ["", "null", "[]", '"x"', "5", "{", "[" * 50_000, '{"username": NaN}'])
def test_a_body_that_is_no_object_is_a_422(as_alice, body):
    answer = as_alice.patch(URL, body, content_type="application/json")
    assert answer.status_code == 200 if not body else faults(answer) == [["body"]]


def test_a_form_is_a_415(as_alice):
    assert as_alice.patch(URL, {"username": "x"}, format="multipart").status_code == 415


def test_the_next_request_uses_the_new_time_zone(as_nobody, alice, time_machine):
    time_machine.move_to(datetime(2026, 3, 9, 15, 30, tzinfo=UTC), tick=False)
    headers = bearer(pair_of(alice)["access_token"])
    for day in (9, 10):
        contact = {"fullname": str(day), "birthday": date(1990, 3, day).isoformat()}
        as_nobody.post("/api/contacts/", contact, format="json", **headers)

    def today():
        return [each["fullname"] for each in as_nobody.get("/api/contacts/bd?days_range=0", **headers).json()]

    assert today() == ["9"]
    assert as_nobody.patch(URL, {"time_zone": "Asia/Tokyo"}, format="json", **headers).status_code == 200
    assert today() == ["10"]
    assert as_nobody.patch(URL, {"time_zone": "Pacific/Honolulu"}, format="json", **headers).status_code == 200
    assert today() == ["9"]


def test_the_next_request_uses_the_new_leap_day(as_nobody, alice, time_machine):
    time_machine.move_to(datetime(2026, 2, 28, 12, tzinfo=UTC), tick=False)
    headers = bearer(pair_of(alice)["access_token"])
    as_nobody.post("/api/contacts/", {"fullname": "Leap", "birthday": "2000-02-29"}, format="json", **headers)

    def counted():
        return len(as_nobody.get("/api/contacts/bd?days_range=0", **headers).json())

    assert counted() == 1
    body = json.dumps({"leap_day": "03-01"})
    assert as_nobody.patch(URL, body, content_type="application/json", **headers).status_code == 200
    assert counted() == 0


@pytest.mark.parametrize(
    ("region", "status"), [("DE", 200), (None, 200), ("", 200), ("de", 422), ("XX", 422), (1, 422)]
)
def test_a_region_is_two_letters_or_null(as_alice, region, status):
    assert as_alice.patch(URL, {"region": "UA"}, format="json").json()["region"] == "UA"
    answer = as_alice.patch(URL, {"region": region}, format="json")
    assert answer.status_code == status
    assert as_alice.get(URL).json()["region"] == ((region or None) if status == 200 else "UA")
