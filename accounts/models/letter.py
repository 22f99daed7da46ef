"""The letters that wait to be sent."""

import threading
import uuid
from datetime import timedelta

from django.db import connection, models, transaction
from django.utils import timezone

from contactbook import throttling

from ..addresses import email_key

due = threading.Event()  # set when this process has left a letter, for the thread that sends them


class LetterQuerySet(models.QuerySet["Letter"]):
    # Longer than a sending can take, so that nobody else takes the letter meanwhile.
    LEASE = timedelta(minutes=5)

    def queue(self, kind: str, address: str) -> None:
        """Leaves a letter to be sent after the commit, unless that address had its share of them.

        Whether an account is behind the address is looked up when it is sent: the answer to a request
        must not depend on it, nor the time it takes.
        """
        verdict = throttling.take("address_mails", f"{kind}:{email_key(address)}")
        if verdict and not verdict.allowed:
            return
        self.create(kind=kind, address=address)
        transaction.on_commit(due.set)

    def claim(self) -> "Letter | None":
        """The oldest letter that is due, leased: whoever claims it alone sends it."""
        skip_locked = connection.features.has_select_for_update_skip_locked
        now = timezone.now()
        with transaction.atomic():
            waiting = self.filter(due_at__lte=now).order_by("id").select_for_update(skip_locked=skip_locked)
            letter = waiting.first()
            if letter:
                letter.attempts += 1
                letter.due_at = now + self.LEASE
                letter.save(update_fields=["attempts", "due_at"])
        return letter

    AT_MOST = 10_000  # counted

    def census(self) -> dict[str, float]:
        states = {"waiting": self.filter(due_at__isnull=False), "given_up": self.filter(due_at=None)}
        return {state: letters[: self.AT_MOST].count() for state, letters in states.items()}

    def ages(self) -> dict[str, float]:
        """Seconds since the oldest letter that waits was written; 0 where none does."""
        oldest = self.filter(due_at__isnull=False).order_by("id").values_list("created_at", flat=True).first()
        return {"waiting": (timezone.now() - oldest).total_seconds() if oldest else 0}

    def retry(self) -> int:
        return self.update(due_at=timezone.now())


class Letter(models.Model):
    """A mail that waits. It holds no secret: links are made when it is sent. Sent letters are deleted."""

    class Kind(models.TextChoices):
        CONFIRM = "confirm", "confirm the address"
        RESET = "reset", "set a new password"
        PASSWORD_CHANGED = "password_changed", "the password was changed"
        ACCOUNT_CLOSED = "account_closed", "the account was closed"

    GIVE_UP = timedelta(days=3)

    kind = models.CharField(max_length=20, choices=Kind)
    address = models.CharField(max_length=320)
    message_id = models.UUIDField(default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField(null=True, default=timezone.now, db_index=True)  # null: given up
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=200, blank=True)

    objects = LetterQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.get_kind_display()} → {self.address}"

    def postpone(self, error: Exception, final: bool) -> None:
        """After a failure: again within a minute, for three days; never again if the refusal is `final`."""
        now = timezone.now()
        given_up = final or now - self.created_at > self.GIVE_UP
        self.due_at = None if given_up else now + timedelta(seconds=min(2**self.attempts, 60))
        self.last_error = type(error).__name__
        self.save(update_fields=["due_at", "last_error"])
