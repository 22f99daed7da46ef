"""Serializers of app passwords."""

from typing import Any

from rest_framework import serializers

from accounts.models import AppPassword
from contactbook.api.fields import Count, Flag, Name
from contactbook.api.serializers import PathSerializer


class AppPasswordInput(serializers.Serializer):
    """A new app password."""

    example = {"name": "My phone", "write": True}
    name = Name(min_length=1, max_length=150, help_text="What you call the program or device: 1 to 150 characters.")
    write = Flag(required=False, default=True, help_text="Whether it may change contacts; false lets it only read.")


class AppPasswordPath(PathSerializer):
    password_id = Count(help_text="The id of an app password.")


class IssuedAppPasswordOutput(serializers.ModelSerializer):
    """An app password with its secret."""

    example = {
        "id": 1,
        "name": "My phone",
        "write": True,
        "password": "abcd-efgh-ijkl-mnop-qrst-uvwx-yzab",  # pragma: allowlist secret
        "created_at": "2026-01-31T12:00:00Z",
    }
    password = serializers.SerializerMethodField(help_text="The secret, in groups of letters; it is shown this once.")

    class Meta:
        model = AppPassword
        fields = ["id", "name", "write", "password", "created_at"]
        read_only_fields = fields
        extra_kwargs = {
            "id": {"help_text": "As in `app_password` of history and changes."},
            "name": {"help_text": "What you call the program or device."},
            "write": {"help_text": "Whether it may change contacts."},
            "created_at": {"help_text": "When it was made, in UTC."},
        }

    def get_password(self, issued: AppPassword) -> str:
        password: str = self.context["password"]
        return password


class AppPasswordOutput(serializers.ModelSerializer):
    """An app password, without its secret."""

    example = {
        "id": 1,
        "name": "My phone",
        "write": True,
        "created_at": "2026-01-31T12:00:00Z",
        "last_used_at": "2026-02-01T07:15:00Z",
        "last_client": "DAVx5/4.5",
        "changes": 12,
    }
    changes = serializers.IntegerField(help_text="How many changes of contacts it wrote.")

    class Meta:
        model = AppPassword
        fields = ["id", "name", "write", "created_at", "last_used_at", "last_client", "changes"]
        read_only_fields = fields
        extra_kwargs: dict[str, Any] = {
            **IssuedAppPasswordOutput.Meta.extra_kwargs,
            "last_used_at": {"help_text": "When it was last used, in UTC, to five minutes; null for never."},
            "last_client": {"help_text": "The User-Agent of the program that used it; empty for never."},
        }
