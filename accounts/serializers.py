"""Serializers of the account routes."""

import re
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from phonenumbers import SUPPORTED_REGIONS
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from accounts.addresses import INVALID, is_deliverable
from accounts.models import Session, User
from accounts.models.reminder_times import Reminders
from accounts.models.reminders import MAX_DAYS
from accounts.models.user import normalized_password
from accounts.time_zones import UNKNOWN, time_zones
from contactbook.api.fields import IGNORABLE, SPACES, Count, Name, Number, OptionalChoice, Text
from contactbook.api.serializers import PathSerializer

MAX_PASSWORD = 1024  # characters

RULES = (  # of passwords
    "At least 8 characters, not only digits, not a common password, and not like the name or the address. "
    "The server stores a hash of it."
)
NAME = "The name that people read, in e-mails and on pages. It need not be unique."
TIME_ZONE = "A name of the IANA time zone database. It decides which day is today for birthdays."
LEAP_DAY = "The day on which a birthday of 29 February is in common years: `02-28` or `03-01`, month and day."
REGION = (
    "The country (ISO 3166, two capital letters) in which a phone number without a country code is read. Null for "
    "none: such numbers are compared by their ends."
)
REMINDERS = (
    "Whether a mail tells of the birthdays ahead, at 8:00 of `time_zone`: `daily`, on Mondays (`weekly`), or never "
    "(`off`). There is none when there is no birthday."
)
REMINDER_DAYS = "How many days after the day of the mail it looks ahead; 0 is that day alone."
CREATED_AT = "When the account was made, in UTC (RFC 3339)."


class Address(serializers.EmailField):
    """An e-mail address that can be delivered to. DRF's field also accepts numbers."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)

    def run_validators(self, value: str) -> None:
        super().run_validators(value)
        if not is_deliverable(value):
            raise serializers.ValidationError(INVALID, "invalid")


# Cc, Zl and Zp
CONTROL = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"


class DisplayName(Name):
    default_error_messages = {"control": "A name may not contain control characters."}

    @property
    def openapi(self) -> dict[str, Any]:
        return {**super().openapi, "pattern": f"^[^{CONTROL}]*[^{CONTROL}{SPACES}{IGNORABLE}][^{CONTROL}]*$"}

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if re.search(f"[{CONTROL}]", data):
            self.fail("control")
        return name


class TimeZone(Text):
    default_error_messages = {"unknown": UNKNOWN}

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if name not in time_zones():
            self.fail("unknown")
        return name


class Password(Text):
    @property
    def openapi(self) -> dict[str, Any]:
        return {"type": "string", "format": "password", "minLength": 8, "maxLength": MAX_PASSWORD}


def password_faults(password: str, user: User) -> list[ErrorDetail]:
    """Return the errors of Django's password validators for the password, as it will be hashed, of that account."""
    try:
        validate_password(normalized_password(password), user)
    except DjangoValidationError as error:
        return [ErrorDetail(fault.messages[0], fault.code) for fault in error.error_list]
    return []


class SignupInput(serializers.Serializer):
    """A new account."""

    example = {"username": "Ada Lovelace", "email": "ada@example.org", "password": "correct horse 9"}
    username = DisplayName(min_length=1, max_length=150, help_text=NAME)
    email = Address(max_length=254, help_text="The address to log in with. It is unique without regard to case.")
    password = Password(min_length=1, max_length=MAX_PASSWORD, trim_whitespace=False, help_text=RULES)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        faults = password_faults(attrs["password"], User(username=attrs["username"], email=attrs["email"]))
        if faults:
            raise serializers.ValidationError({"password": faults})
        return attrs


class LoginInput(serializers.Serializer):
    """The form of OAuth2's password grant (RFC 6749 §4.3.2)."""

    example = {"grant_type": "password", "username": "ada@example.org", "password": "correct horse 9"}
    grant_type = serializers.ChoiceField(
        ["password"], required=False, allow_blank=True, help_text="`password`, or left out."
    )
    username = Text(max_length=320, help_text="The e-mail address of the account, in any case.")
    password = Text(max_length=MAX_PASSWORD, trim_whitespace=False, help_text="The password of the account.")
    scope = Text(required=False, allow_blank=True, help_text="Ignored. OAuth2 clients send it.")
    client_id = Text(required=False, allow_blank=True, allow_null=True, help_text="Ignored. OAuth2 clients send it.")
    client_secret = Text(
        required=False, allow_blank=True, allow_null=True, help_text="Ignored. OAuth2 clients send it."
    )


class AddressInput(serializers.Serializer):
    """The address of an account, or of nobody."""

    example = {"email": "ada@example.org"}
    email = Address(max_length=254, help_text="The address to send the mail to, if it is an account's.")


class ConfirmPath(PathSerializer):
    example = {"email_token": "from-the-mail"}
    email_token = Text(
        trim_whitespace=False, help_text="The last part of the link in the mail. It is valid for 7 days."
    )


class UserOutput(serializers.ModelSerializer):
    """An account."""

    class Meta:
        model = User
        fields = ["id", "username", "email", "created_at"]
        extra_kwargs = {
            "id": {"help_text": "The number of the account, which never changes. It is the `user_id` of its contacts."},
            "username": {"help_text": NAME},
            "email": {"help_text": "The address to log in with, as it was given."},
            "created_at": {"help_text": CREATED_AT},
            "time_zone": {"help_text": TIME_ZONE},
            "leap_day": {"help_text": LEAP_DAY},
            "region": {"help_text": REGION},
            "reminders": {"help_text": REMINDERS},
            "reminder_days": {"help_text": REMINDER_DAYS},
        }


class SignupOutput(serializers.Serializer):
    """The new account, whose address is not confirmed yet."""

    example = {
        "user": {
            "id": 1,
            "username": "Ada Lovelace",
            "email": "ada@example.org",
            "created_at": "2026-01-31T12:00:00Z",
        },
        "detail": "Successfully created",
    }
    user = UserOutput(help_text="The account.")
    detail = serializers.CharField(read_only=True, default="Successfully created", help_text="One sentence for people.")


class PairOutput(serializers.Serializer):
    """An access token and a refresh token, which are JSON Web Tokens."""

    example = {"access_token": "eyJhbGciOi…", "refresh_token": "eyJhbGciOi…", "token_type": "bearer"}
    access_token = serializers.CharField(
        help_text="Send it with every request as `Authorization: Bearer …`. It is valid for 15 minutes."
    )
    refresh_token = serializers.CharField(
        help_text="Send it to `refreshToken` for the next pair. It is valid for 7 days, and works once."
    )
    token_type = serializers.ChoiceField(["bearer"], help_text="Always `bearer`.")


class MeInput(serializers.Serializer):
    """JSON Merge Patch (RFC 7396): a missing field is not changed. Only `region` can be null."""

    example = {"username": "Ada", "time_zone": "Europe/Kyiv", "leap_day": "03-01", "reminders": "weekly"}
    username = DisplayName(min_length=1, max_length=150, required=False, help_text=NAME)
    time_zone = TimeZone(max_length=64, required=False, help_text=TIME_ZONE)
    leap_day = serializers.ChoiceField(User.LeapDay.choices, required=False, help_text=LEAP_DAY)
    region = OptionalChoice(sorted(SUPPORTED_REGIONS), required=False, allow_null=True, help_text=REGION)
    reminders = serializers.ChoiceField(Reminders.choices, required=False, help_text=REMINDERS)
    reminder_days = Number(required=False, min_value=0, max_value=MAX_DAYS, help_text=REMINDER_DAYS)


class MeOutput(UserOutput):
    """The caller's account with its settings."""

    example = {
        "id": 1,
        "username": "Ada Lovelace",
        "email": "ada@example.org",
        "created_at": "2026-01-31T12:00:00Z",
        "time_zone": "Europe/Kyiv",
        "leap_day": "02-28",
        "region": None,
        "reminders": "off",
        "reminder_days": 7,
    }

    class Meta(UserOutput.Meta):
        fields = ["id", "username", "email", "created_at", "time_zone", "leap_day", "region"]
        fields += ["reminders", "reminder_days"]
        read_only_fields = fields  # so that the OpenAPI document says they are always present


class ChangePasswordInput(serializers.Serializer):
    """The old and the new password."""

    example = {"old": "correct horse 9", "new": "battery staple 7"}
    old = Text(max_length=MAX_PASSWORD, trim_whitespace=False, help_text="The password of the account until now.")
    new = Password(max_length=MAX_PASSWORD, trim_whitespace=False, help_text=RULES)


class PasswordInput(serializers.Serializer):
    """The account's password, so that a stolen token alone is not enough."""

    example = {"password": "correct horse 9"}
    password = Text(max_length=MAX_PASSWORD, trim_whitespace=False, help_text="The password of the account.")


class SessionPath(PathSerializer):
    example = {"session_id": 1}
    session_id = Count(help_text="The number of the session, from `listSessions`.")


class SessionOutput(serializers.ModelSerializer):
    """A login and the tokens refreshed from it."""

    example = {
        "id": 1,
        "created_at": "2026-01-31T12:00:00Z",
        "last_used_at": "2026-02-01T07:15:00Z",
        "client": "Mozilla/5.0",
        "current": True,
    }
    current = serializers.SerializerMethodField(help_text="Whether this request belongs to it.")

    class Meta:
        model = Session
        fields = ["id", "created_at", "last_used_at", "client", "current"]
        read_only_fields = fields
        extra_kwargs = {
            "id": {"help_text": "The number of the session."},
            "created_at": {"help_text": "When it began with a login, in UTC (RFC 3339)."},
            "last_used_at": {"help_text": "When it began, or its tokens were last refreshed, in UTC (RFC 3339)."},
            "client": {"help_text": "The User-Agent of the program that logged in, at most 200 characters."},
        }

    def get_current(self, session: Session) -> bool:
        return session.pk == self.context["current"]


class ClosedOutput(serializers.Serializer):
    """What becomes of the closed account."""

    example = {
        "detail": "The account is closed. Until it is deleted, logging in opens it again.",
        "deleted_after": "2026-03-02T12:00:00Z",
    }
    detail = serializers.CharField(read_only=True, default=example["detail"], help_text="One sentence for people.")
    deleted_after = serializers.DateTimeField(
        read_only=True, help_text="When it is deleted, 30 days from now, in UTC (RFC 3339)."
    )
