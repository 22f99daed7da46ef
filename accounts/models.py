"""Accounts, their sessions, and the letters that wait to be sent."""

import unicodedata
import uuid
import zoneinfo
from datetime import date, datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import RegexValidator, validate_email
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone

from contactbook import throttling
from contactbook.caching import forget, remembered
from contactbook.errors import Conflict

MAX_SESSIONS = 100  # of one account; the one unused for longest gives way


def email_key(address: str) -> str:
    """What makes two spellings one address: NFKC, case folded, the domain in its ASCII form."""
    local, _, domain = unicodedata.normalize("NFKC", address).strip().casefold().rpartition("@")
    try:
        domain = domain.encode("idna").decode()
    except UnicodeError:
        pass
    return f"{local}@{domain}"


def account_key(user_id: int) -> str:
    return f"account:{user_id}"


class UserQuerySet(models.QuerySet["User"]):
    def by_address(self, address: str) -> "User | None":
        return self.filter(email_key=email_key(address)).first()

    def delete(self) -> tuple[int, dict[str, int]]:
        for pk in self.values_list("pk", flat=True):
            forget(account_key(pk))
        return super().delete()

    def set_active(self, active: bool) -> int:
        """Switches accounts on or off; off ends their sessions at once."""
        with transaction.atomic():
            for user in self.select_for_update(of=("self",)):
                user.is_active = active
                user.save(update_fields=["is_active"])
                if not active:
                    user.end_sessions()
        return self.count()

    def confirm(self) -> int:
        return self.filter(confirmed_at=None).update(confirmed_at=timezone.now())


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email_key=email_key(username or ""))

    def signup(self, username: str, email: str, password: str) -> "User":
        """A new unconfirmed account and its confirmation letter, in one transaction; Conflict if the address is taken."""
        if self.filter(email_key=email_key(email)).exists():
            raise Conflict
        user = User(username=username, email=email)
        user.set_password(password)
        try:
            with transaction.atomic():
                user.save()
                Letter.objects.queue(Letter.Kind.CONFIRM, email)
        except IntegrityError:
            raise Conflict from None
        return user

    def create_superuser(self, email: str, password: str, **fields: Any) -> "User":
        user = User(email=email, is_staff=True, is_superuser=True, confirmed_at=timezone.now(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_user(self, email: str, password: str, **fields: Any) -> "User":
        user = User(email=email, **fields)
        user.set_password(password)
        user.save()
        return user


class User(AbstractBaseUser, PermissionsMixin):
    class LeapDay(models.TextChoices):
        FEBRUARY_28 = "02-28", "28 February"
        MARCH_1 = "03-01", "1 March"

    username = models.CharField(
        "name",
        max_length=150,
        validators=[RegexValidator(r"\A[^\x00-\x1f\x7f-\x9f\u2028\u2029]+\Z", "No control characters, please.")],
    )
    email = models.EmailField("address", max_length=254, validators=[validate_email])
    email_key = models.CharField(max_length=320, unique=True, editable=False)
    is_active = models.BooleanField("active", default=True)
    is_staff = models.BooleanField("staff", default=False)
    confirmed_at = models.DateTimeField("confirmed", null=True, blank=True)
    created_at = models.DateTimeField("joined", default=timezone.now, editable=False)
    token_version = models.PositiveIntegerField(default=0, editable=False)
    time_zone = models.CharField(max_length=64, default="UTC")
    leap_day = models.CharField("29 February in common years", max_length=5, choices=LeapDay, default=LeapDay.FEBRUARY_28)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["username"]

    objects = UserManager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        pass  # AbstractBaseUser's would rewrite the address

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email_key = email_key(self.email)
        super().save(*args, **kwargs)
        forget(account_key(self.pk))

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        forget(account_key(self.pk))
        return super().delete(*args, **kwargs)

    def set_password(self, raw_password: str | None) -> None:
        """Also makes every token and link of before worthless, once saved.

        Django's own change of hash at login saves the `password` alone, so that it ends nothing.
        """
        super().set_password(raw_password)
        self.token_version = (self.token_version or 0) + 1

    def check_password(self, raw_password: str) -> bool:
        version = self.token_version
        right = super().check_password(raw_password)
        self.token_version = version  # a newer hash of the same password is no new password
        return right

    def confirm(self) -> bool:
        """Whether the address was not confirmed before."""
        return bool(User.objects.filter(pk=self.pk).confirm())

    def set_new_password(self, raw_password: str) -> None:
        """The owner's new password, proven by mail: ends every session, confirms the address, clears wrong guesses."""
        self.set_password(raw_password)
        self.confirmed_at = self.confirmed_at or timezone.now()
        with transaction.atomic():
            self.save(update_fields=["password", "token_version", "confirmed_at"])
            self.end_sessions()
            Letter.objects.queue(Letter.Kind.PASSWORD_CHANGED, self.email)
        throttling.clear("account_failures", self.email_key)

    def end_sessions(self) -> None:
        self.sessions.all().delete()
        forget(account_key(self.pk))


class Caller:
    """Who a Bearer token speaks for: what requests need of an account, from the cache. Not a row, so never saved back."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, user_id: int, session_id: int, time_zone: str, leap_day: str) -> None:
        self.pk = self.id = user_id
        self.session_id = session_id
        self.time_zone = time_zone
        self.leap_day = leap_day

    @classmethod
    def from_claims(cls, user_id: int, session_id: int, version: int) -> Self | None:
        """None if the account is gone or switched off, the session has ended, or the password was changed."""
        account = remembered(account_key(user_id), lambda: cls.account(user_id))
        if not account or account["version"] != version or session_id not in account["sessions"]:
            return None
        return cls(user_id, session_id, account["time_zone"], account["leap_day"])

    @staticmethod
    def account(user_id: int) -> dict[str, Any] | None:
        user = User.objects.filter(pk=user_id, is_active=True).values("token_version", "time_zone", "leap_day").first()
        if user is None:
            return None
        sessions = Session.objects.filter(user=user_id, expires_at__gt=timezone.now())
        return {
            "version": user["token_version"],
            "time_zone": user["time_zone"],
            "leap_day": user["leap_day"],
            "sessions": list(sessions.values_list("pk", flat=True)),
        }

    def today(self) -> date:
        return timezone.localdate(timezone=zoneinfo.ZoneInfo(self.time_zone))


class SessionQuerySet(models.QuerySet["Session"]):
    def begin(self, user: User, client: str = "") -> "Session":
        """A session for a person who has just logged in."""
        now = timezone.now()
        with transaction.atomic():
            session = self.create(
                user=user, client=client[:200], last_used_at=now, expires_at=now + settings.REFRESH_TOKEN_LIFETIME
            )
            older = self.filter(user=user).order_by("-last_used_at", "-id").values_list("pk", flat=True)
            surplus = list(older[MAX_SESSIONS:])
            if surplus:
                self.filter(pk__in=surplus).delete()
            forget(account_key(user.pk))
        return session

    def expired(self) -> Self:
        return self.filter(expires_at__lte=timezone.now())


class Session(models.Model):
    """One chain of refresh tokens. A token carries its place in the chain; nothing of it is stored.

    `rotations` are the times (seconds since 1970) at which the newest places were used; the last one
    belongs to place `generation` - 1.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    client = models.CharField(max_length=200, blank=True)
    generation = models.PositiveIntegerField(default=0)
    rotations = models.JSONField(default=list)

    objects = SessionQuerySet.as_manager()

    def used_at(self, generation: int, now: datetime) -> float | None:
        """When the token at that place was first used: `now` if that is just happening, None if too long ago."""
        if generation == self.generation:
            self.rotate(now)
        place = len(self.rotations) - (self.generation - generation)
        known = self.rotations[place] if 0 <= place < len(self.rotations) else 0.0
        return known if now.timestamp() - known <= settings.REFRESH_GRACE.total_seconds() else None

    def rotate(self, now: datetime) -> None:
        oldest = now.timestamp() - settings.REFRESH_GRACE.total_seconds()
        self.rotations = [at for at in self.rotations if at >= oldest] + [now.timestamp()]
        self.generation += 1
        self.last_used_at = now
        self.expires_at = now + settings.REFRESH_TOKEN_LIFETIME
        self.save(update_fields=["rotations", "generation", "last_used_at", "expires_at"])

    def end(self) -> None:
        self.delete()
        forget(account_key(self.user_id))


class LetterQuerySet(models.QuerySet["Letter"]):
    LEASE = timedelta(minutes=5)  # longer than a sending can take, so that nobody else takes the letter meanwhile

    def queue(self, kind: str, address: str) -> None:
        """Leaves a letter to be sent after the commit, unless that address had its share of them.

        Whether an account is behind the address is looked up when it is sent: the answer to a request
        must not depend on it, nor the time it takes.
        """
        verdict = throttling.take("address_mails", f"{kind}:{email_key(address)}")
        if verdict and not verdict.allowed:
            return
        from .delivery import wake

        self.create(kind=kind, address=address)
        transaction.on_commit(wake)

    def claim(self) -> "Letter | None":
        """The oldest letter that is due, leased: whoever claims it alone sends it."""
        skip_locked = connection.features.has_select_for_update_skip_locked
        now = timezone.now()
        with transaction.atomic():
            due = self.filter(due_at__lte=now).order_by("id").select_for_update(skip_locked=skip_locked)
            letter = due.first()
            if letter:
                letter.attempts += 1
                letter.due_at = now + self.LEASE
                letter.save(update_fields=["attempts", "due_at"])
        return letter

    def retry(self) -> int:
        return self.update(due_at=timezone.now())


class Letter(models.Model):
    """A mail that waits. It holds no secret: links are made when it is sent. Sent letters are deleted."""

    class Kind(models.TextChoices):
        CONFIRM = "confirm", "confirm the address"
        RESET = "reset", "set a new password"
        PASSWORD_CHANGED = "password_changed", "the password was changed"  # noqa: S105

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
        """After a failure: again within a minute at most, for three days; never again if the refusal is `final`."""
        now = timezone.now()
        given_up = final or now - self.created_at > self.GIVE_UP
        self.due_at = None if given_up else now + timedelta(seconds=min(2**self.attempts, 60))
        self.last_error = type(error).__name__
        self.save(update_fields=["due_at", "last_error"])
