"""The queue of outgoing e-mails."""

import threading
import uuid
from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.addresses import email_key
from contactbook.cache import rate_limit

queued = threading.Event()  # set when this process has queued an e-mail, for its delivery thread


class OutgoingEmailQuerySet(models.QuerySet["OutgoingEmail"]):
    # Longer than a delivery can take (EMAIL_TIMEOUT limits each of its eight steps), so that no other process
    # sends the same e-mail meanwhile.
    LEASE = timedelta(minutes=5)
    MAX_COUNT = 10_000  # larger numbers are not counted exactly

    def queue(self, kind: str, address: str, **fields: Any) -> None:
        """Queue an e-mail to be sent after the commit, unless the address has reached its limit for that kind.

        Whether an account has the address is looked up when the e-mail is sent: neither the answer to a request nor
        its time may depend on it.
        """
        result = rate_limit.acquire("address_mails", f"{kind}:{email_key(address)}")
        if result and not result.allowed:
            return
        with transaction.atomic():
            self.create(kind=kind, address=address, **fields)
            transaction.on_commit(queued.set)

    def claim(self) -> "OutgoingEmail | None":
        """Return the oldest e-mail that is due, leased to the caller; None if there is none."""
        skip_locked = connection.features.has_select_for_update_skip_locked
        now = timezone.now()
        with transaction.atomic():
            email = self.sendable(now).select_for_update(skip_locked=skip_locked, of=("self",)).first()
            if email:
                email.attempts += 1
                email.due_at, email.last_error = now + self.LEASE, ""
                email.save(update_fields=["attempts", "due_at", "last_error"])
        return email

    def sendable(self, now: datetime) -> Self:
        """Return those that are due and first in the queue of their address, so that the order stays."""
        earlier = self.model.objects.filter(
            address=OuterRef("address"), pk__lt=OuterRef("pk"), due_at__isnull=False
        ).exclude(last_error__in=[OutgoingEmail.UNWRITTEN, OutgoingEmail.UNANSWERED])
        return self.filter(~Exists(earlier), due_at__lte=now).order_by("id")

    def counts(self) -> dict[str, float]:
        """Return how many are in each state."""
        states = {"waiting": self.filter(due_at__isnull=False), "given_up": self.filter(due_at=None)}
        return {state: emails[: self.MAX_COUNT].count() for state, emails in states.items()}

    def ages(self) -> dict[str, float]:
        """Return the seconds since the oldest waiting one was queued; 0 where none waits."""
        oldest = self.filter(due_at__isnull=False).order_by("id").values_list("created_at", flat=True).first()
        return {"waiting": (timezone.now() - oldest).total_seconds() if oldest else 0}

    def retry(self) -> int:
        """Make them due now, except those that are being sent, which would go out twice. Return how many."""
        being_sent = Q(attempts__gt=0, last_error="", due_at__isnull=False)
        return self.exclude(being_sent).update(due_at=timezone.now())


class OutgoingEmail(models.Model):
    """An e-mail to be sent. It contains no secret: links are made when it is sent. Then the row is deleted.

    `kind` names the function that composes it (accounts/mail/messages.py).
    """

    class Kind(models.TextChoices):
        CONFIRM = "confirm", "confirm the address"
        RESET = "reset", "set a new password"
        PASSWORD_CHANGED = "password_changed", "the password was changed"
        ACCOUNT_CLOSED = "account_closed", "the account was closed"
        REMINDER = "reminder", "birthdays ahead"

    GIVE_UP = timedelta(days=3)

    # Errors after which later e-mails to the address do not wait for this one: the message could not be composed (the
    # name of an exception of accounts/mail/delivery.py), or the mail server received it and did not answer, so that it
    # may have been delivered.
    UNWRITTEN = "Unwritten"
    UNANSWERED = "Unanswered"

    kind = models.CharField(max_length=30)
    address = models.CharField(max_length=320)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    dedupe_key = models.CharField(max_length=100, null=True, blank=True, unique=True)  # at most one e-mail has it
    message_id = models.UUIDField(default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField(null=True, default=timezone.now, db_index=True)  # null: given up
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=200, blank=True)  # empty while it is being sent

    objects = OutgoingEmailQuerySet.as_manager()

    class Meta:
        verbose_name = "outgoing e-mail"
        indexes = [models.Index(fields=["address", "id"], name="outgoing_email_order")]

    def __str__(self) -> str:
        return f"{self.kind} → {self.address}"

    def postpone(self, error: str, final: bool = False) -> None:
        """Schedule another attempt within a minute, for three days; none if the refusal is `final`.

        One that may have been delivered is repeated at growing intervals: a server that answers too late delivers each.
        """
        now = timezone.now()
        given_up = final or now - self.created_at > self.GIVE_UP
        seconds = min(2**self.attempts, 60) if error != self.UNANSWERED else min(60 * 2**self.attempts, 6 * 3600)
        self.due_at = None if given_up else now + timedelta(seconds=seconds)
        self.last_error = error
        self.save(update_fields=["due_at", "last_error"])
