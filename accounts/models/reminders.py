"""Reminder e-mails about birthdays: an account's settings, and the queueing of those that are due.

`contacts` composes the e-mails, since it can read the birthdays.
"""

from datetime import datetime
from typing import Any, Self

from django.core.validators import MaxValueValidator
from django.db import connection, models, transaction
from django.utils import timezone

from accounts.models.email import OutgoingEmail, queued
from accounts.models.reminder_times import Reminders, day_due, local_day, next_time

MAX_DAYS = 366
PORTION = 100  # accounts whose reminders are queued in one transaction


class ReminderQuerySet(models.QuerySet[Any]):
    def queue_due_reminders(self) -> int:
        """Queue the reminders that are due, each exactly once; return for how many accounts the time had come.

        Each is queued in the transaction that moves its account's `next_reminder_at` on, with the row locked.
        """
        due, count = self.filter(next_reminder_at__lte=timezone.now()), 0
        while due.exists() and (queued_now := due.queue_reminders()):
            count += queued_now
        return count

    def queue_reminders(self) -> int:
        skip_locked = connection.features.has_select_for_update_skip_locked
        with transaction.atomic():
            locked = self.order_by("next_reminder_at").select_for_update(skip_locked=skip_locked, of=("self",))
            users = list(locked[:PORTION])
            now = timezone.now()
            emails = [email for user in users if (email := user.take_reminder(now))]
            OutgoingEmail.objects.bulk_create(emails, ignore_conflicts=True)
            self.model.objects.bulk_update(users, ["next_reminder_at", "reminded_on"])
            transaction.on_commit(queued.set)
        return len(users)


class ReminderSettings(models.Model):
    """The columns of an account about its reminders."""

    time_zone: Any
    confirmed_at: Any
    closed_at: Any
    is_active: Any
    email: Any

    reminders = models.CharField(
        "e-mails about birthdays",
        max_length=6,
        choices=Reminders,
        default=Reminders.OFF,
        db_default=Reminders.OFF,
        help_text="at 8:00",
    )
    reminder_days = models.PositiveSmallIntegerField(
        "days ahead",
        default=7,
        db_default=7,
        validators=[MaxValueValidator(MAX_DAYS)],
        help_text="that the e-mails look at",
    )
    next_reminder_at = models.DateTimeField(null=True, blank=True, editable=False, db_index=True)  # null: never
    reminded_on = models.DateField(null=True, blank=True, editable=False)  # the local day of the last reminder

    class Meta:
        abstract = True

    def change(self, values: dict[str, Any]) -> Self:
        """Set and save columns of the locked row, and plan its next reminder if a setting changed; return the row."""
        with transaction.atomic():
            row = type(self)._default_manager.select_for_update(of=("self",)).get(pk=self.pk)
            before = row.reminders, row.time_zone
            for name, value in values.items():
                setattr(row, name, value)
            moved = (row.reminders, row.time_zone) != before
            if moved:
                row.plan_reminder(timezone.now())
            row.save(update_fields=[*values, *(["next_reminder_at"] if moved else [])])
        return row

    def plan_reminder(self, now: datetime) -> None:
        """Set the time of the next reminder. A time that has come stays: that reminder was not queued yet."""
        has_come = self.next_reminder_at is not None and self.next_reminder_at <= now
        if self.reminders == Reminders.OFF or not has_come:
            self.next_reminder_at = next_time(self.reminders, self.time_zone, now, self.reminded_on)

    def take_reminder(self, now: datetime) -> OutgoingEmail | None:
        """Move on to the next reminder and return the one that is due, if the account may get one. Nothing is saved."""
        day = day_due(self.reminders, self.time_zone, now, self.reminded_on) if self.gets_reminders else None
        if day is not None:
            self.reminded_on = local_day(now, self.time_zone)
        self.next_reminder_at = next_time(self.reminders, self.time_zone, now, self.reminded_on)
        if day is None:
            return None
        key = f"reminder:{self.pk}:{day}"
        return OutgoingEmail(kind=OutgoingEmail.Kind.REMINDER, address=self.email, user_id=self.pk, dedupe_key=key)

    @property
    def gets_reminders(self) -> bool:
        """Return whether they are on, and the account is confirmed, active and open."""
        return bool(self.reminders != Reminders.OFF and self.confirmed_at and self.is_active and not self.closed_at)
