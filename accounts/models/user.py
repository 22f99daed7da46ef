"""Accounts: one a person, known by address."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, validate_email
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed

from accounts.addresses import email_key, is_deliverable
from accounts.models.email import Letter
from contactbook.api import throttling
from contactbook.api.exceptions import Conflict
from contactbook.cache.responses import forget
from contactbook.compiled import Compiled, attributes

# Columns that are saved with another, since they are made with it.
BESIDE = {"email": "email_key", "password": "token_version"}


# What every login asks for.
BY_ADDRESS = Compiled(lambda: User.objects.filter(email_key="").order_by().values(*attributes(User)))
HELD = Compiled(
    lambda: (
        User.objects.select_for_update(of=("self",))
        .filter(pk=0, is_active=True)
        .filter(token_version=0)
        .order_by()
        .values(*attributes(User))
    )
)


def account_key(user_id: int) -> str:
    return f"account:{user_id}"


class UserQuerySet(models.QuerySet["User"]):
    def delete(self) -> tuple[int, dict[str, int]]:
        for pk in self.values_list("pk", flat=True):
            forget(account_key(pk))
        return super().delete()

    def delete_still(self, keys: list[int]) -> int:
        """Deletes those of the keys that are still among these; returns how many.

        Locked and looked at again: somebody may confirm an address, or log in, at this very moment.
        """
        with transaction.atomic():
            still = [user.pk for user in self.filter(pk__in=keys).select_for_update(of=("self",))]
            User.objects.filter(pk__in=still).delete()
        return len(still)

    def set_active(self, active: bool) -> int:
        """Switches accounts on or off, which ends their sessions. Returns how many accounts there were."""
        with transaction.atomic():
            users = list(self.select_for_update(of=("self",)))
            for user in users:
                user.is_active = active
                user.save(update_fields=["is_active"])
        return len(users)

    def confirm(self) -> int:
        return self.filter(confirmed_at=None).update(confirmed_at=timezone.now())

    def past_grace(self, now: datetime) -> Self:
        """Closed by their owners, who did not come back in time. Staff stay: their audit would go too."""
        return self.filter(closed_at__lt=now - User.GRACE, is_staff=False)


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email_key=email_key(username or ""))

    def by_address(self, address: str) -> "User | None":
        user: User | None = BY_ADDRESS.first(User, email_key(address))
        return user

    def held(self, user_id: int, version: int) -> "User":
        """The row, locked; AuthenticationFailed if its password is not the proven one any more."""
        user: User | None = HELD.first(User, user_id, version)
        if user is None:
            raise AuthenticationFailed("Wrong address or password")
        return user

    def signup(self, username: str, email: str, password: str) -> "User":
        """A new unconfirmed account and its confirmation letter; Conflict if the address is taken."""
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

    GRACE = timedelta(days=30)  # from closing to deletion

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
    closed_at = models.DateTimeField(
        "closed",
        null=True,
        blank=True,
        editable=False,
        db_index=True,
        help_text="by its owner: everything in it is deleted 30 days later, unless they log in before",
    )
    created_at = models.DateTimeField("joined", default=timezone.now, editable=False)
    token_version = models.PositiveIntegerField(default=0, editable=False)
    time_zone = models.CharField(max_length=64, default="UTC")
    leap_day = models.CharField(
        "29 February in common years", max_length=5, choices=LeapDay, default=LeapDay.FEBRUARY_28
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["username"]

    objects = UserManager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        """For the admin's forms: the address must be nobody else's, in any spelling.

        Django's own would rewrite it.
        """
        if not is_deliverable(self.email):
            raise ValidationError({"email": "Enter a valid email address."})
        if User.objects.filter(email_key=email_key(self.email)).exclude(pk=self.pk).exists():
            raise ValidationError({"email": "Another account has this address."})

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Whatever was changed, by whichever door: an account that is switched off keeps no session."""
        self.email_key = email_key(self.email)
        if update_fields is not None:
            update_fields = {*update_fields, *(BESIDE[name] for name in update_fields if name in BESIDE)}
        with transaction.atomic():
            super().save(*args, update_fields=update_fields, **kwargs)
            if not self.is_active:
                self.sessions.all().delete()
            forget(account_key(self.pk))

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        forget(account_key(self.pk))
        return super().delete(*args, **kwargs)

    def set_password(self, raw_password: str | None) -> None:
        """Also makes every token and link of before worthless, once saved."""
        super().set_password(raw_password)
        self.token_version = (self.token_version or 0) + 1

    def check_password(self, raw_password: str | None) -> bool:
        """A newer hash of the same password ends nothing, and never replaces a password set meanwhile."""

        def upgrade(raw: str) -> None:
            User.objects.filter(pk=self.pk, password=self.password).update(password=make_password(raw))

        return check_password(raw_password, self.password, upgrade)

    def confirm(self) -> bool:
        """Whether the address was not confirmed before."""
        return bool(User.objects.filter(pk=self.pk).confirm())

    def change_password(self, raw_password: str) -> None:
        """By whoever has just proven the old one: ends every session. AuthenticationFailed as in `held`."""
        proven = self.token_version
        self.set_password(raw_password)  # hashed before the row is locked
        with transaction.atomic():
            User.objects.held(self.pk, proven)
            self.save(update_fields=["password"])
            self.end_sessions()
            Letter.objects.queue(Letter.Kind.PASSWORD_CHANGED, self.email)

    def close(self) -> None:
        """By whoever has just proven the password: ends every session; a login within the grace undoes it."""
        self.closed_at = timezone.now()
        with transaction.atomic():
            User.objects.held(self.pk, self.token_version)
            self.save(update_fields=["closed_at"])
            self.end_sessions()
            Letter.objects.queue(Letter.Kind.ACCOUNT_CLOSED, self.email)

    @property
    def deleted_after(self) -> datetime | None:
        return self.closed_at and self.closed_at + self.GRACE

    def reopen(self) -> None:
        if self.closed_at:
            self.closed_at = None
            self.save(update_fields=["closed_at"])

    def set_new_password(self, raw_password: str) -> None:
        """Proven by mail: ends every session, confirms the address, clears wrong guesses."""
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
