"""The letters that wait to be sent."""

import threading
import uuid
from datetime import datetime, timedelta
from typing import Self

from django.db import connection, models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.addresses import email_key
from contactbook.api import throttling

due = threading.Event()  # set when this process has left a letter, for the thread that sends them


class LetterQuerySet(models.QuerySet["Letter"]):
    # Longer than a sending can take (EMAIL_TIMEOUT bounds each of its eight steps), so that nobody else takes
    # the letter meanwhile.
    LEASE = timedelta(minutes=5)

    def queue(self, kind: str, address: str) -> None:
        """Leaves a letter to be sent after the commit, unless that address had its share of them.

        Whether an account is behind the address is looked up when it is sent: the answer to a request
        must not depend on it, nor the time it takes.
        """
        verdict = throttling.take("address_mails", f"{kind}:{email_key(address)}")
        if verdict and not verdict.allowed:
            return
        with transaction.atomic():
            self.create(kind=kind, address=address)
            transaction.on_commit(due.set)

    def claim(self) -> "Letter | None":
        """The oldest letter that is due, leased: whoever claims it alone sends it."""
        skip_locked = connection.features.has_select_for_update_skip_locked
        now = timezone.now()
        with transaction.atomic():
            letter = self.next_ones(now).select_for_update(skip_locked=skip_locked, of=("self",)).first()
            if letter:
                letter.attempts += 1
                letter.due_at, letter.last_error = now + self.LEASE, ""
                letter.save(update_fields=["attempts", "due_at", "last_error"])
        return letter

    def next_ones(self, now: datetime) -> Self:
        """Those that are due, but behind no earlier one to the same address: a person's letters stay in order."""
        earlier = self.model.objects.filter(
            address=OuterRef("address"), pk__lt=OuterRef("pk"), due_at__isnull=False
        ).exclude(last_error__in=[Letter.UNWRITTEN, Letter.UNANSWERED])
        return self.filter(~Exists(earlier), due_at__lte=now).order_by("id")

    AT_MOST = 10_000  # counted

    def census(self) -> dict[str, float]:
        states = {"waiting": self.filter(due_at__isnull=False), "given_up": self.filter(due_at=None)}
        return {state: letters[: self.AT_MOST].count() for state, letters in states.items()}

    def ages(self) -> dict[str, float]:
        """Seconds since the oldest letter that waits was written; 0 where none does."""
        oldest = self.filter(due_at__isnull=False).order_by("id").values_list("created_at", flat=True).first()
        return {"waiting": (timezone.now() - oldest).total_seconds() if oldest else 0}

    def retry(self) -> int:
        """Makes them due now; those that are being sent are left alone, since they would go out twice."""
        being_sent = Q(attempts__gt=0, last_error="", due_at__isnull=False)
        return self.exclude(being_sent).update(due_at=timezone.now())


class Letter(models.Model):
    """A mail that waits. It holds no secret: links are made when it is sent. Sent letters are deleted."""

    class Kind(models.TextChoices):
        CONFIRM = "confirm", "confirm the address"
        RESET = "reset", "set a new password"
        PASSWORD_CHANGED = "password_changed", "the password was changed"
        ACCOUNT_CLOSED = "account_closed", "the account was closed"

    GIVE_UP = timedelta(days=3)

    # Errors after which later letters to the address do not wait for this one: it cannot be written, by a
    # fault of ours; or the mail server took its text and did not answer, so that it may have arrived.
    UNWRITTEN = "Unwritten"
    UNANSWERED = "Unanswered"

    kind = models.CharField(max_length=20, choices=Kind)
    address = models.CharField(max_length=320)
    message_id = models.UUIDField(default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField(null=True, default=timezone.now, db_index=True)  # null: given up
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=200, blank=True)  # empty while it is being sent

    objects = LetterQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["address", "id"], name="letter_order")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} → {self.address}"

    def postpone(self, error: str, final: bool = False) -> None:
        """After a failure: again within a minute, for three days; never again if the refusal is `final`.

        What may have arrived is repeated ever more seldom: a server too slow to answer would send it on each time.
        """
        now = timezone.now()
        given_up = final or now - self.created_at > self.GIVE_UP
        seconds = min(2**self.attempts, 60) if error != self.UNANSWERED else min(60 * 2**self.attempts, 6 * 3600)
        self.due_at = None if given_up else now + timedelta(seconds=seconds)
        self.last_error = error
        self.save(update_fields=["due_at", "last_error"])
