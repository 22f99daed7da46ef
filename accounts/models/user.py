"""Accounts: one for each person, identified by an e-mail address."""

import unicodedata
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

from accounts.addresses import INVALID, email_key, is_deliverable, is_plain
from accounts.models.email import OutgoingEmail
from accounts.models.reminders import ReminderQuerySet, ReminderSettings
from contactbook.cache import rate_limit
from contactbook.exceptions import ConflictError, CredentialsError, InvalidValueError

# Columns that are saved whenever the column they depend on is saved.
DEPENDENT_FIELDS = {"email": "email_key", "password": "token_version"}


def normalized_password(raw: str) -> str:
    """Return the password in NFC (RFC 8265 §4.2), since devices encode letters such as `é` in different ways."""
    return unicodedata.normalize("NFC", raw)


class UserQuerySet(ReminderQuerySet, models.QuerySet["User"]):
    def delete_matching(self, keys: list[int]) -> int:
        """Delete the accounts with these keys that still match the query; return how many.

        The rows are locked and read again: an address may be confirmed, or an account reopened, at the same time.
        """
        with transaction.atomic():
            matching = [user.pk for user in self.filter(pk__in=keys).select_for_update(of=("self",))]
            User.objects.filter(pk__in=matching).delete()
        return len(matching)

    def set_active(self, active: bool) -> int:
        """Activate or deactivate the accounts, which ends their sessions. Return how many there were."""
        with transaction.atomic():
            users = list(self.select_for_update(of=("self",)))
            for user in users:
                user.is_active = active
                user.save(update_fields=["is_active"])
        return len(users)

    def confirm(self) -> int:
        return self.filter(confirmed_at=None).update(confirmed_at=timezone.now())

    def unconfirmed_before(self, moment: datetime) -> Self:
        """Return the accounts made before then whose address was never confirmed, except those of staff."""
        return self.filter(confirmed_at=None, is_staff=False, created_at__lt=moment)

    def past_grace(self, now: datetime) -> Self:
        """Return the accounts closed over 30 days ago. Staff are left out: deletion would delete their LogEntries."""
        return self.filter(closed_at__lt=now - User.GRACE, is_staff=False)


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email_key=email_key(username or ""))

    def by_address(self, address: str) -> "User | None":
        user: User | None = self.filter(email_key=email_key(address)).first()
        return user

    def lock(self, user_id: int) -> None:
        """Lock the row, so that requests which count what the account has run one after another."""
        list(self.select_for_update(of=("self",)).filter(pk=user_id).values_list("pk"))

    def lock_if_password_unchanged(self, user_id: int, version: int) -> "User":
        """Return the locked row; CredentialsError if the password was changed since it was checked."""
        locked = self.select_for_update(of=("self",)).filter(pk=user_id, is_active=True, token_version=version)
        user: User | None = locked.first()
        if user is None:
            raise CredentialsError
        return user

    def signup(self, username: str, email: str, password: str) -> "User":
        """Create an unconfirmed account and queue its confirmation e-mail; ConflictError if the address is taken."""
        if self.filter(email_key=email_key(email)).exists():
            raise ConflictError
        if not is_plain(email):
            raise InvalidValueError("email", INVALID)
        user = User(username=username, email=email)
        user.set_password(password)
        try:
            with transaction.atomic():
                user.save()
                OutgoingEmail.objects.queue(OutgoingEmail.Kind.CONFIRM, email)
        except IntegrityError:
            raise ConflictError from None
        return user

    def create_user(self, email: str, password: str, **fields: Any) -> "User":
        user = User(email=email, **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str, **fields: Any) -> "User":
        if self.by_address(email):
            raise ValidationError(f"There is an account with the address {email} already.")
        rights = {"is_staff": True, "is_superuser": True, "confirmed_at": timezone.now()}
        return self.create_user(email, password, **rights, **fields)


class User(ReminderSettings, AbstractBaseUser, PermissionsMixin):
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
        help_text="when the owner closed the account; it is deleted 30 days later, unless the owner logs in before",
    )
    created_at = models.DateTimeField("joined", default=timezone.now, editable=False)
    token_version = models.PositiveIntegerField(default=0, editable=False)
    time_zone = models.CharField(max_length=64, default="UTC")
    leap_day = models.CharField(
        "29 February in common years", max_length=5, choices=LeapDay, default=LeapDay.FEBRUARY_28
    )
    region = models.CharField(
        max_length=2,
        null=True,
        blank=True,
        help_text="the country whose national phone numbers are read without a country code (ISO 3166)",
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["username"]

    objects = UserManager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        """Check the address for the admin's forms: no other account has it, in any spelling.

        Django's own method would rewrite the address.
        """
        if not (is_deliverable(self.email) and is_plain(self.email)):
            raise ValidationError({"email": INVALID})
        if User.objects.filter(email_key=email_key(self.email)).exclude(pk=self.pk).exists():
            raise ValidationError({"email": "Another account has this address."})

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Save the row and the columns that depend on those in `update_fields`. An inactive account has no session."""
        self.email_key = email_key(self.email)
        if update_fields is not None:
            dependent = (DEPENDENT_FIELDS[name] for name in update_fields if name in DEPENDENT_FIELDS)
            update_fields = {*update_fields, *dependent}
        with transaction.atomic():
            super().save(*args, update_fields=update_fields, **kwargs)
            if not self.is_active:
                self.sessions.all().delete()

    def set_password(self, raw_password: str | None) -> None:
        """Set the password. When it is saved, every earlier token and link becomes invalid."""
        super().set_password(raw_password and normalized_password(raw_password))
        self.token_version = (self.token_version or 0) + 1

    def check_password(self, raw_password: str | None) -> bool:
        """Return whether it is the password. A hash upgrade ends no session and replaces no newer password."""

        def upgrade(raw: str) -> None:
            User.objects.filter(pk=self.pk, password=self.password).update(password=make_password(raw))

        return check_password(raw_password and normalized_password(raw_password), self.password, upgrade)

    def confirm(self) -> bool:
        """Confirm the address; return whether it was unconfirmed before."""
        return bool(User.objects.filter(pk=self.pk).confirm())

    def change_password(self, raw_password: str) -> None:
        """Set a new password for a user who has just given the old one; ends every session.

        CredentialsError as in `lock_if_password_unchanged`.
        """
        checked = self.token_version
        self.set_password(raw_password)  # hashed before the row is locked
        with transaction.atomic():
            User.objects.lock_if_password_unchanged(self.pk, checked)
            self.save(update_fields=["password"])
            self.end_sessions()
            OutgoingEmail.objects.queue(OutgoingEmail.Kind.PASSWORD_CHANGED, self.email)

    def close(self) -> None:
        """Close the account of a user who has just given the password; a login within 30 days opens it again."""
        self.closed_at = timezone.now()
        with transaction.atomic():
            User.objects.lock_if_password_unchanged(self.pk, self.token_version)
            self.save(update_fields=["closed_at"])
            self.end_sessions()
            OutgoingEmail.objects.queue(OutgoingEmail.Kind.ACCOUNT_CLOSED, self.email)

    @property
    def deleted_after(self) -> datetime | None:
        return self.closed_at and self.closed_at + self.GRACE

    def reopen(self) -> None:
        if self.closed_at:
            self.closed_at = None
            self.save(update_fields=["closed_at"])

    def set_new_password(self, raw_password: str) -> None:
        """Set the password of an owner who followed a reset link; it ends sessions, feeds, app passwords.

        It confirms the address. The name of an unconfirmed account may be a stranger's choice: it becomes the address's
        part before the @. CredentialsError as in `lock_if_password_unchanged`.
        """
        checked = self.token_version
        self.set_password(raw_password)  # hashed before the row is locked
        if self.confirmed_at is None:
            self.username, self.confirmed_at = self.email.partition("@")[0], timezone.now()
        with transaction.atomic():
            User.objects.lock_if_password_unchanged(self.pk, checked)
            self.save(update_fields=["password", "confirmed_at", "username"])
            self.end_sessions()
            self.app_passwords.all().end()
            self.feeds.all().delete()  # somebody else may have made them
            OutgoingEmail.objects.queue(OutgoingEmail.Kind.PASSWORD_CHANGED, self.email)
        rate_limit.clear("account_failures", self.email_key)

    def start_over(self) -> None:
        """Delete everything in the account: its row makes way for a new one with the same address and password."""
        fresh = User(email=self.email, username=self.email.partition("@")[0], password=self.password)
        fresh.token_version, fresh.confirmed_at = self.token_version, self.confirmed_at
        with transaction.atomic():
            self.delete()
            fresh.save()

    def end_sessions(self) -> None:
        self.sessions.all().delete()
