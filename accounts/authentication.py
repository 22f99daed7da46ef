"""Authentication: by Bearer token for the API, by address and password for logins."""

import functools
import math
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import check_password, make_password
from django.http import HttpRequest
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import TokenError

from accounts.addresses import email_key
from accounts.models import Session, User
from accounts.tokens import AccessToken, RefreshToken, Token
from contactbook.cache import rate_limit
from contactbook.exceptions import BusyError
from contactbook.observability import metrics


class TooManyFailures(Throttled):
    """The account has reached its limit of wrong passwords, counted over all clients; a password reset clears it."""

    default_detail = "Too many wrong passwords for this account. Try later, or set a new password by mail."

    def __init__(self, wait: float) -> None:
        super().__init__()
        self.wait = math.ceil(wait)  # if given to super(), DRF would add it to the message


@functools.cache
def unknown_users_hash() -> str:
    return make_password("the password of an unknown address")


class PasswordBackend(ModelBackend):
    """Checks a password; the API, the pages and the admin all log in through it.

    An attempt is counted against the account before the password is hashed, and refunded if the password was right.
    For an unknown address the same is done, so that neither the response nor its time shows whether it is known.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        if not username or not password:
            return None
        key = email_key(username)
        attempt = rate_limit.acquire("account_failures", key)
        if attempt and not attempt.allowed:
            metrics.LOGINS_REFUSED.labels("locked").inc()
            raise TooManyFailures(attempt.reset)
        user = User.objects.by_address(username)
        try:
            right = user.check_password(password) if user else check_password(password, unknown_users_hash())
        except BusyError:
            rate_limit.refund("account_failures", key, attempt)
            raise
        if not right or not user or not self.user_can_authenticate(user):
            metrics.LOGINS_REFUSED.labels("wrong").inc()
            return None
        rate_limit.refund("account_failures", key, attempt)
        return user


class BearerAuthentication(JWTAuthentication):
    """Authenticates by the access token of a live session. Session and account are read in one SELECT."""

    token_class: type[Token] = AccessToken

    def get_raw_token(self, header: bytes) -> bytes | None:
        scheme, _, token = header.partition(b" ")
        # RFC 9110 §11.1: the scheme is case-insensitive.
        return super().get_raw_token(b"Bearer " + token) if scheme.lower() == b"bearer" else None

    def get_validated_token(self, raw_token: bytes) -> Token:
        try:
            return self.token_class(raw_token)  # type: ignore[arg-type]
        except TokenError as error:
            raise AuthenticationFailed(f"The {self.token_class.token_type} token is not valid.") from error

    def get_user(self, validated_token: Any) -> Any:
        try:
            claims = [validated_token.integer(name) for name in ("sub", "sid", "v")]
        except TokenError as error:
            raise AuthenticationFailed("The access token is not valid.") from error
        user = Session.objects.token_user(*claims)
        if user is None:
            raise AuthenticationFailed("The session has ended.")
        return user


class RefreshAuthentication(BearerAuthentication):
    """Identifies the account of a refresh token for its rate limit; `rotate` checks the token itself."""

    token_class = RefreshToken

    def get_user(self, validated_token: Any) -> Any:
        try:
            return User(pk=validated_token.integer("sub"))
        except TokenError as error:
            raise AuthenticationFailed("The refresh token is not valid.") from error
