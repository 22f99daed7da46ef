"""What the auth routes read and answer."""

import re
import unicodedata
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import serializers

from contactbook.fields import Text

from .models import User

MAX_PASSWORD = 1024  # characters


class Address(serializers.EmailField):
    """An e-mail address, at most 254 characters; a number or a list is none."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class SignupInput(serializers.Serializer):
    username = Text(min_length=1, max_length=150)
    email = Address(max_length=254)
    password = Text(min_length=1, max_length=MAX_PASSWORD, trim_whitespace=False)

    def validate_username(self, name: str) -> str:
        if any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in name):
            raise serializers.ValidationError("A name holds no control characters.")
        return name

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            validate_password(attrs["password"], User(username=attrs["username"], email=attrs["email"]))
        except DjangoValidationError as error:
            raise serializers.ValidationError({"password": error.messages}) from None
        return attrs


class LoginInput(serializers.Serializer):
    """OAuth2's password form (RFC 6749 §4.3.2); `username` is the address."""

    grant_type = serializers.RegexField(re.compile(r"\A(password)?\Z"), required=False, allow_blank=True)
    username = Text(max_length=320)
    password = Text(max_length=MAX_PASSWORD, trim_whitespace=False)
    scope = Text(required=False, allow_blank=True)
    client_id = Text(required=False, allow_blank=True, allow_null=True)
    client_secret = Text(required=False, allow_blank=True, allow_null=True)


class AddressInput(serializers.Serializer):
    email = Address(max_length=254)


class UserOutput(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ["id", "username", "email", "created_at"]


class SignupOutput(serializers.Serializer):
    user = UserOutput()
    detail = serializers.CharField(default="Successfully created")


class PairOutput(serializers.Serializer):
    access_token = serializers.CharField()
    refresh_token = serializers.CharField()
    token_type = serializers.ChoiceField(["bearer"])
