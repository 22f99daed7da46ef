"""The reminder e-mail: the birthdays of the days ahead. accounts/models/reminders.py decides when one is due."""

from datetime import date, timedelta
from itertools import groupby

from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from accounts.mail.messages import composes, unsubscribable_message
from accounts.models import OutgoingEmail, User
from accounts.models.reminder_times import Reminders, local_day
from contacts.cards import birthdays
from contacts.models import Contact

MAX_PEOPLE = 100  # in one e-mail


@composes(OutgoingEmail.Kind.REMINDER)
def reminder(email: OutgoingEmail, user: User) -> EmailMultiAlternatives | None:
    """Return the message; None if nobody has a birthday, or if a daily one was held up until the next day."""
    today = local_day(timezone.now(), user.time_zone)
    is_over = user.reminders == Reminders.DAILY and local_day(email.created_at, user.time_zone) != today
    if not user.gets_reminders or is_over:
        return None
    people = birthdays_ahead(user, today)
    if not people:
        return None
    days = [(day, [name for _, name in each]) for day, each in groupby(people[:MAX_PEOPLE], lambda person: person[0])]
    return unsubscribable_message(email, user, subject(user), days=days, more=len(people) > MAX_PEOPLE)


def subject(user: User) -> str:
    ahead = user.reminder_days
    return "Birthdays today" if ahead == 0 else f"Birthdays of the next {ahead} day{'s' if ahead > 1 else ''}"


def birthdays_ahead(user: User, today: date) -> list[tuple[date, str]]:
    """Return the days and names of the first birthdays from today on, at most one more than MAX_PEOPLE."""
    leap_day = int(user.leap_day.replace("-", ""))
    found: list[tuple[date, str]] = []
    for segment in birthdays.segments(today, today + timedelta(days=user.reminder_days), leap_day):
        born = Contact.objects.for_user(user.pk).born_in(segment).values_list("month_day", "fullname", "birthday")
        for month_day, name, birthday in born[: MAX_PEOPLE + 1 - len(found)]:
            assert month_day is not None
            shown = f"{' '.join(name.split())} ({birthday.year})" if birthday else " ".join(name.split())
            found.append((birthdays.observed_on(month_day, segment.year, leap_day), shown))
    return found
