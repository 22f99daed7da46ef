"""Reminder e-mails about birthdays"""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from accounts.mail.delivery import deliver
from accounts.models import OutgoingEmail, User
from conftest import client_of
from contacts.tests.cast import add, faults

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
ME = "/api/me"


@pytest.fixture
def clock():
    with time_machine.travel(datetime(2027, 3, 3, 6, 0, tzinfo=UTC), tick=False) as travelling:
        yield travelling


class Alice:
    """Logs in for every request: the clock moves on by more than a token's lifetime."""

    def __init__(self, user):
        self.key = user.pk

    def __getattr__(self, method):
        return getattr(client_of(User.objects.get(pk=self.key)), method)


@pytest.fixture
def as_alice(clock, alice):
    return Alice(alice)


def at(clock, *parts):
    clock.move_to(datetime(*parts, tzinfo=UTC))


def turn_on(client, reminders="daily", **fields):
    answer = client.patch(ME, {"reminders": reminders, **fields}, format="json")
    assert answer.status_code == 200, answer.content
    return answer.json()


def work():
    """One pass of the delivery thread: how many e-mails were sent."""
    User.objects.queue_due_reminders()
    return deliver()


def texts(mailbox):
    return [mail.get_body(("plain",)).get_content().replace("\r\n", "\n") for mail in mailbox.messages]


def test_they_are_off_at_first_and_the_account_shows_them(as_alice):
    assert as_alice.get(ME).json().items() >= {"reminders": "off", "reminder_days": 7}.items()
    shown = turn_on(as_alice, "weekly", reminder_days=366)
    assert shown == as_alice.get(ME).json()
    assert (shown["reminders"], shown["reminder_days"]) == ("weekly", 366)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reminders", "hourly"),
        ("reminders", None),
        ("reminders", True),
        ("reminder_days", -1),
        ("reminder_days", 367),
        ("reminder_days", "7"),
        ("reminder_days", None),
    ],
)
def test_what_is_not_valid_is_a_422(as_alice, field, value):
    assert faults(as_alice.patch(ME, {field: value}, format="json")) == [["body", field]]


def test_a_mail_at_eight_names_the_birthdays_ahead(as_alice, mailbox, clock):
    for name, birthday in (("Ann", "1990-03-03"), ("Łukasz\nŻółć", "1985-03-10"), ("Later", "1990-03-11")):
        add(as_alice, name, birthday=birthday)
    add(as_alice, "No year", card={"anniversaries": {"b": {"kind": "birth", "date": {"month": 3, "day": 3}}}})
    turn_on(as_alice)
    at(clock, 2027, 3, 3, 7, 59, 59)
    assert work() == 0
    at(clock, 2027, 3, 3, 8)
    assert work() == 1 and work() == 0
    (mail,) = mailbox.messages
    assert (mail["To"], mail["Subject"]) == ("alice@example.org", "Birthdays of the next 7 days")
    assert mail["Auto-Submitted"] == "auto-generated"
    (text,) = texts(mailbox)
    assert "Wednesday, 3 March:\n- Ann (1990)\n- No year\n" in text
    assert "Wednesday, 10 March:\n- Łukasz Żółć (1985)\n" in text
    assert "Later" not in text and "Alice" not in text
    assert "Żółć (1985)" in mail.get_body(("html",)).get_content()


def test_there_is_none_without_a_birthday(as_alice, mailbox, clock):
    add(as_alice, "Ann", birthday="1990-03-12")
    turn_on(as_alice, reminder_days=8)
    at(clock, 2027, 3, 3, 8)
    assert work() == 0 and not OutgoingEmail.objects.exists()
    at(clock, 2027, 3, 4, 8)
    assert work() == 1


def test_names_are_text_in_the_html_and_never_a_header(as_alice, mailbox, clock):
    add(as_alice, "<b>Ann</b>\r\nBcc: x@example.org", birthday="1990-03-03")
    turn_on(as_alice, reminder_days=0)
    at(clock, 2027, 3, 3, 8)
    assert work() == 1
    (mail,) = mailbox.messages
    assert mail["Bcc"] is None and mail["Subject"] == "Birthdays today"
    assert "&lt;b&gt;Ann&lt;/b&gt; Bcc: x@example.org (1990)" in mail.get_body(("html",)).get_content()


def test_a_mail_has_at_most_a_hundred_people(alice, as_alice, mailbox, clock):
    from contacts.models import Book

    born = {"anniversaries": {"b": {"kind": "birth", "date": {"month": 3, "day": 3}}}}
    with Book.objects.writing(alice.pk, "test") as book:
        book.create_many([{"name": {"full": f"Ann {number:03}"}, **born} for number in range(101)])
    turn_on(as_alice)
    at(clock, 2027, 3, 3, 8)
    work()
    (text,) = texts(mailbox)
    assert "Ann 099" in text and "Ann 100" not in text and "And further ones" in text


@pytest.mark.parametrize(("leap_day", "shown"), [("02-28", "Sunday, 28 February:"), ("03-01", "Monday, 1 March:")])
def test_29_february_is_observed_by_the_accounts_rule(as_alice, mailbox, clock, leap_day, shown):
    add(as_alice, "Ann", birthday="1988-02-29")
    at(clock, 2027, 2, 27, 6)
    turn_on(as_alice, leap_day=leap_day)
    at(clock, 2027, 2, 27, 8)
    work()
    assert f"{shown}\n- Ann (1988)" in texts(mailbox)[0]


def test_weekly_is_on_mondays(as_alice, mailbox, clock):
    add(as_alice, "Ann", birthday="1990-03-10")
    turn_on(as_alice, "weekly")
    sent = []
    for day in range(3, 17):
        at(clock, 2027, 3, day, 8)
        sent += [day] * work()
    assert sent == [8]


def test_switched_on_after_eight_it_begins_the_next_morning(as_alice, mailbox, clock):
    add(as_alice, "Ann", birthday="1990-03-05")
    at(clock, 2027, 3, 3, 8, 0, 1)
    turn_on(as_alice)
    assert work() == 0
    at(clock, 2027, 3, 4, 8)
    assert work() == 1


def test_it_is_eight_in_the_accounts_time_zone(as_alice, mailbox, clock):
    add(as_alice, "Ann", birthday="1990-03-04")
    turn_on(as_alice, time_zone="Pacific/Auckland", reminder_days=0)
    at(clock, 2027, 3, 3, 18, 59)
    assert work() == 0
    at(clock, 2027, 3, 3, 19)
    assert work() == 1, "it is 4 March there"


def test_nobody_up_at_eight_it_is_sent_late_the_same_day(as_alice, mailbox, clock):
    add(as_alice, "Ann", birthday="1990-03-09")
    turn_on(as_alice)
    at(clock, 2027, 3, 3, 23, 59)
    assert work() == 1
    at(clock, 2027, 3, 4, 8)
    assert work() == 1
    at(clock, 2027, 3, 6, 7, 59)  # nobody was up on 5 March
    assert work() == 0
    at(clock, 2027, 3, 6, 8)
    assert work() == 1


def test_a_weekly_one_is_late_by_days_rather_than_left_out(as_alice, mailbox, clock):
    add(as_alice, "Ann", birthday="1990-03-11")
    turn_on(as_alice, "weekly")
    at(clock, 2027, 3, 10, 15)
    assert work() == 1 and work() == 0
    assert date(2027, 3, 15) == User.objects.get().next_reminder_at.date()


def test_a_daily_one_that_the_mail_server_held_up_is_left_out_the_next_day(as_alice, mailbox, clock):
    add(as_alice, "Ann", birthday="1990-03-09")
    turn_on(as_alice)
    at(clock, 2027, 3, 3, 8)
    mailbox.refuse = "451 later"
    assert work() == 0
    mailbox.refuse = ""
    at(clock, 2027, 3, 4, 8)
    assert work() == 1 and not OutgoingEmail.objects.exists()


def test_a_changed_time_zone_brings_no_second_mail_that_day(as_alice, mailbox, clock):
    add(as_alice, "Ann", birthday="1990-03-09")
    turn_on(as_alice, time_zone="Pacific/Auckland")
    at(clock, 2027, 3, 3, 19)
    assert work() == 1  # 4 March there
    turn_on(as_alice, time_zone="Pacific/Honolulu")
    sent = []
    for hours in range(1, 72):
        clock.move_to(datetime(2027, 3, 3, 19, tzinfo=UTC) + timedelta(hours=hours))
        sent += [clock_day()] * work()
    assert sent == [date(2027, 3, 5), date(2027, 3, 6)]


def clock_day():
    from zoneinfo import ZoneInfo

    from django.utils import timezone

    return timezone.localdate(timezone=ZoneInfo("Pacific/Honolulu"))


def test_off_and_on_again_brings_no_second_mail_that_day(as_alice, mailbox, clock):
    add(as_alice, "Ann", birthday="1990-03-09")
    turn_on(as_alice)
    at(clock, 2027, 3, 3, 8)
    assert work() == 1
    for setting in ("off", "weekly", "daily"):
        turn_on(as_alice, setting)
        assert work() == 0
    at(clock, 2027, 3, 4, 8)
    assert work() == 1


def test_a_setting_sent_again_loses_no_mail_that_is_due(as_alice, mailbox, clock):
    add(as_alice, "Ann", birthday="1990-03-09")
    turn_on(as_alice)
    at(clock, 2027, 3, 3, 8, 0, 3)
    turn_on(as_alice)
    turn_on(as_alice, time_zone="Africa/Abidjan")
    assert work() == 1


@pytest.mark.parametrize(
    "state", [{"confirmed_at": None}, {"is_active": False}, {"closed_at": datetime(2027, 3, 2, tzinfo=UTC)}]
)
@pytest.mark.parametrize("queued", [False, True])
def test_an_account_that_is_not_confirmed_active_and_open_gets_none(alice, as_alice, mailbox, clock, state, queued):
    add(as_alice, "Ann", birthday="1990-03-03")
    turn_on(as_alice)
    at(clock, 2027, 3, 3, 8)
    if queued:
        User.objects.queue_due_reminders()
    User.objects.filter(pk=alice.pk).update(**state)
    assert work() == 0 and not OutgoingEmail.objects.exists()


def test_off_before_the_mail_is_sent_sends_none(as_alice, mailbox, clock):
    add(as_alice, "Ann", birthday="1990-03-03")
    turn_on(as_alice)
    at(clock, 2027, 3, 3, 8)
    User.objects.queue_due_reminders()
    turn_on(as_alice, "off")
    assert User.objects.get().next_reminder_at is None
    assert work() == 0


def test_the_poll_is_one_statement_when_nothing_is_due(as_alice, clock, django_assert_num_queries):
    turn_on(as_alice)
    with django_assert_num_queries(1):
        assert User.objects.queue_due_reminders() == 0


def test_portions_are_queued_until_none_is_due(make_user, clock, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr("accounts.models.reminders.PORTION", 2)
    for name in ("ann", "bea", "cleo", "dora", "eve"):
        make_user(name).change({"reminders": "daily"})
    at(clock, 2027, 3, 3, 8)
    assert User.objects.queue_due_reminders() == 5
    assert OutgoingEmail.objects.filter(kind="reminder").count() == 5
    keys = set(OutgoingEmail.objects.values_list("dedupe_key", flat=True))
    assert keys == {f"reminder:{user.pk}:2027-03-03" for user in User.objects.all()}


def test_a_failure_before_the_commit_queues_it_the_next_time(as_alice, clock, monkeypatch):
    add(as_alice, "Ann", birthday="1990-03-03")
    turn_on(as_alice)
    at(clock, 2027, 3, 3, 8)
    with monkeypatch.context() as patch:
        patch.setattr("accounts.models.reminders.queued", None)
        with pytest.raises(AttributeError):
            User.objects.queue_due_reminders()
    assert not OutgoingEmail.objects.exists()
    assert User.objects.queue_due_reminders() == 1


# Unsubscription (RFC 8058)


@pytest.fixture
def unsubscribe(as_alice, mailbox, clock, settings):
    """The path of the link in a reminder."""
    add(as_alice, "Ann", birthday="1990-03-03")
    turn_on(as_alice)
    at(clock, 2027, 3, 3, 8)
    work()
    (mail,) = mailbox.messages
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = mail["List-Unsubscribe"].strip().strip("<>")
    assert link in texts(mailbox)[0] and link in mail.get_body(("html",)).get_content()
    return link.removeprefix(settings.PUBLIC_URL)


def reminders():
    return User.objects.get(email="alice@example.org").reminders


def test_one_click_turns_them_off_without_a_login(unsubscribe, client):
    one_click = {"data": "List-Unsubscribe=One-Click", "content_type": "application/x-www-form-urlencoded"}
    for _ in range(2):  # a second time changes nothing
        answer = client.post(unsubscribe, **one_click)
        assert answer.status_code == 200 and b"Reminders are off" in answer.content
        assert (reminders(), User.objects.get().next_reminder_at) == ("off", None)


def test_one_click_needs_no_csrf_token(unsubscribe):
    from django.test import Client

    assert Client(enforce_csrf_checks=True).post(unsubscribe).status_code == 200
    assert reminders() == "off"


def test_following_the_link_shows_a_button_and_changes_nothing(unsubscribe, client):
    for method in (client.get, client.head):
        answer = method(unsubscribe)
        assert answer.status_code == 200 and reminders() == "daily"
        assert "no-store" in answer["Cache-Control"]
    assert b"<button>" in client.get(unsubscribe).content


def test_the_link_works_for_a_year_after_a_new_password_and_for_no_other_address(unsubscribe, client, alice, clock):
    alice.refresh_from_db()
    alice.set_new_password("another one 7")
    at(clock, 2028, 3, 1, 8)
    assert client.get(unsubscribe).status_code == 200
    at(clock, 2028, 3, 10, 8)
    assert client.post(unsubscribe).status_code == 422 and reminders() == "daily"
    at(clock, 2028, 3, 1, 8)
    alice.email = "new@example.org"
    alice.save()
    assert client.post(unsubscribe).status_code == 422


def test_a_token_of_another_kind_does_not_unsubscribe(alice, as_alice, client):
    from accounts import tokens

    turn_on(as_alice)
    for kind in (tokens.ConfirmToken, tokens.ResetToken, tokens.AccessToken):
        assert client.post(f"/reminders/off/{kind.of(alice)}").status_code == 422
    assert tokens.user_of_reset_link(str(tokens.UnsubscribeToken.of(alice))) is None
    assert tokens.user_of_confirm_link(str(tokens.UnsubscribeToken.of(alice))) is None
    assert reminders() == "daily"


def test_staff_who_change_the_zone_move_the_next_reminder(alice, as_alice, clock):
    turn_on(as_alice)
    alice.refresh_from_db()
    assert alice.next_reminder_at == datetime(2027, 3, 3, 8, tzinfo=UTC)
    alice.change({"time_zone": "Asia/Tokyo"})
    assert User.objects.get(pk=alice.pk).next_reminder_at == datetime(2027, 3, 3, 23, tzinfo=UTC)
