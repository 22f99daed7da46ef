"""/api/me/feeds, and who may read a feed"""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from accounts.models import User
from conftest import PASSWORD, client_of
from contacts.models import Feed
from contacts.models.feed import MAX_FEEDS
from contacts.tests.cast import add, faults

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/me/feeds"
KEYS = {"id", "name", "created_at", "last_read_at", "anniversaries", "alarm_days"}


def make(client, **fields):
    answer = client.post(URL, {"name": "Phone", **fields}, format="json")
    assert answer.status_code == 201, answer.content
    return answer.json()


def path(feed, settings):
    """The path of a new feed's address."""
    assert feed["url"].startswith(f"{settings.PUBLIC_URL}/feeds/")
    return feed["url"].removeprefix(settings.PUBLIC_URL)


def test_a_new_feed_is_answered_with_its_address_this_once(as_alice, settings):
    answer = as_alice.post(URL, {"name": " Phone ", "anniversaries": True, "alarm_days": 3}, format="json")
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    feed = answer.json()
    assert feed.keys() == KEYS | {"url"}
    assert (feed["name"], feed["last_read_at"], feed["anniversaries"], feed["alarm_days"]) == ("Phone", None, True, 3)
    assert as_alice.get(path(feed, settings)).status_code == 200
    (listed,) = as_alice.get(URL).json()
    assert listed.keys() == KEYS and listed["id"] == feed["id"]


def test_no_column_has_the_secret(as_alice, settings):
    secret = path(make(as_alice), settings).split("/")[2]
    assert len(secret) == 43  # 256 bits
    (row,) = Feed.objects.values()
    assert secret not in str(row) and len(row["secret"]) == 64


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, ["body", "name"]),
        ({"name": " "}, ["body", "name"]),
        ({"name": "x" * 101}, ["body", "name"]),
        ({"name": None}, ["body", "name"]),
        ({"name": "\ufeff\u200d"}, ["body", "name"]),
        ({"name": "x", "anniversaries": "yes"}, ["body", "anniversaries"]),
        ({"name": "x", "alarm_days": -1}, ["body", "alarm_days"]),
        ({"name": "x", "alarm_days": 367}, ["body", "alarm_days"]),
        ({"name": "x", "alarm_days": "1"}, ["body", "alarm_days"]),
    ],
)
def test_what_is_not_valid_is_a_422(as_alice, body, where):
    assert faults(as_alice.post(URL, body, format="json")) == [where]


def test_an_empty_number_of_days_means_null(as_alice):
    answer = as_alice.post(URL, {"name": "x", "alarm_days": ""}, format="json")
    assert (answer.status_code, answer.json()["alarm_days"]) == (201, None)


def test_an_account_has_at_most_twenty_feeds(as_alice, as_bob):
    for _ in range(MAX_FEEDS):
        feed = make(as_alice)
    answer = as_alice.post(URL, {"name": "x"}, format="json")
    assert (answer.status_code, answer.json().keys()) == (409, {"detail"})
    make(as_bob)
    as_alice.delete(f"{URL}/{feed['id']}")
    make(as_alice)


def test_a_deleted_feed_is_not_found_at_once(as_alice, settings):
    feed = make(as_alice)
    other = make(as_alice)
    assert as_alice.delete(f"{URL}/{feed['id']}").status_code == 204
    assert as_alice.get(path(feed, settings)).status_code == 404
    assert as_alice.get(path(other, settings)).status_code == 200
    assert as_alice.delete(f"{URL}/{feed['id']}").status_code == 404


def test_bob_can_neither_see_nor_delete_alices_feed(as_alice, as_bob, settings):
    feed = make(as_alice)
    assert as_bob.get(URL).json() == []
    answer = as_bob.delete(f"{URL}/{feed['id']}")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Feed was not found"})
    assert as_alice.get(path(feed, settings)).status_code == 200


def test_every_other_secret_is_the_same_404(alice, as_alice, as_nobody, settings):
    feed = make(as_alice)
    deleted, ended = make(as_alice), make(as_alice)
    as_alice.delete(f"{URL}/{deleted['id']}")
    secret = path(feed, settings).split("/")[2]
    wrong = ["x", secret[:-1], secret.swapcase(), secret + "0", "%00", "%FF", "é", "x" * 4000]
    paths = [f"/feeds/{each}/birthdays.ics" for each in wrong] + [path(deleted, settings)]
    User.objects.filter(pk=alice.pk).set_active(False)
    paths.append(path(ended, settings))
    answers = [as_nobody.get(each) for each in paths]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, b'{"detail":"Feed was not found"}')}
    assert as_nobody.head(paths[0]).status_code == 404
    assert "WWW-Authenticate" not in answers[0]


def test_a_feed_needs_no_token_and_no_cookie_and_ignores_both(as_alice, as_bob, as_nobody, settings):
    add(as_alice, "Ann", birthday="1990-05-06")
    feed = path(make(as_alice), settings)
    mine, theirs, nobodys = (client.get(feed) for client in (as_alice, as_bob, as_nobody))
    assert mine.content == theirs.content == nobodys.content and b"Ann" in mine.content
    assert "Authorization" not in mine.get("Vary", "")


def test_a_reset_by_mail_ends_feeds_and_a_changed_password_does_not(alice, as_alice, as_nobody, settings):
    feed = path(make(as_alice), settings)
    changed = as_alice.post("/api/me/password", {"old": PASSWORD, "new": PASSWORD + "!"}, format="json")
    assert changed.status_code == 200 and as_nobody.get(feed).status_code == 200
    alice.refresh_from_db()
    alice.set_new_password(PASSWORD)
    assert as_nobody.get(feed).status_code == 404
    assert client_of(alice).get(URL).json() == []


def test_a_closed_account_has_no_feed_until_it_is_opened_again(alice, as_alice, as_nobody, settings):
    feed = path(make(as_alice), settings)
    alice.close()
    assert as_nobody.get(feed).status_code == 404
    alice.reopen()
    assert as_nobody.get(feed).status_code == 200


def test_the_time_of_the_last_reading_is_written_every_five_minutes(
    as_alice, as_nobody, settings, django_assert_num_queries
):
    feed = path(make(as_alice), settings)
    with time_machine.travel(datetime(2027, 3, 1, 12, tzinfo=UTC), tick=False) as clock:
        as_nobody.get(feed)
        assert Feed.objects.get().last_read_at == datetime(2027, 3, 1, 12, tzinfo=UTC)
        tag = as_nobody.get(feed)["ETag"]
        with django_assert_num_queries(2):
            assert as_nobody.get(feed, HTTP_IF_NONE_MATCH=tag).status_code == 304
        clock.shift(timedelta(minutes=4, seconds=59))
        as_nobody.get(feed)
        assert Feed.objects.get().last_read_at == datetime(2027, 3, 1, 12, tzinfo=UTC)
        clock.shift(timedelta(seconds=1))
        with django_assert_num_queries(3):
            as_nobody.get(feed, HTTP_IF_NONE_MATCH=tag)
        assert Feed.objects.get().last_read_at == datetime(2027, 3, 1, 12, 5, tzinfo=UTC)


def test_a_feed_is_counted_by_itself_and_unknown_secrets_by_address(as_alice, as_nobody, settings, limits):
    one, other = (path(make(as_alice), settings) for _ in range(2))
    limits(feeds=(2, 3600))
    statuses = [as_nobody.get(one, REMOTE_ADDR=f"192.0.2.{number}").status_code for number in range(3)]
    assert statuses == [200, 200, 429]
    assert as_nobody.get(other).status_code == 200
    unknown = [as_nobody.get(f"/feeds/{number}/birthdays.ics").status_code for number in range(3)]
    assert unknown == [404, 404, 429]
    assert as_nobody.get("/feeds/9/birthdays.ics", REMOTE_ADDR="192.0.2.9").status_code == 404
    refused = as_nobody.get(one)
    assert refused.json().keys() == {"detail"} and 0 < int(refused["Retry-After"]) <= 3600


def test_sixty_readings_an_hour_are_the_default(settings):
    from contactbook.env.rate_limits import rate_limits

    assert rate_limits([])["feeds"] == (60, 3600)


def test_the_admin_shows_feeds_without_their_secrets(as_alice, staff, client, settings):
    feed = make(as_alice)
    client.force_login(staff)
    secrets = (path(feed, settings).split("/")[2], Feed.objects.get().secret)
    for page in ("/admin/contacts/feed/", f"/admin/contacts/feed/{feed['id']}/change/"):
        answer = client.get(page)
        assert answer.status_code == 200 and b"Phone" in answer.content
        assert not any(secret.encode() in answer.content for secret in secrets)
    for page in ("add/", f"{feed['id']}/delete/"):
        assert client.get(f"/admin/contacts/feed/{page}").status_code == 403
    client.post(f"/admin/contacts/feed/{feed['id']}/change/", {"name": "changed"})
    assert Feed.objects.get().name == "Phone"
