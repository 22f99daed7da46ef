"""Who is calling: by Bearer token for the API, by address and password everywhere else."""

import contextlib
import functools
import math
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import Argon2PasswordHasher as DjangosArgon2PasswordHasher
from django.contrib.auth.hashers import check_password, make_password
from django.http import HttpRequest
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import TokenError

from accounts.addresses import email_key
from accounts.models import Caller, User, account_key
from accounts.tokens import AccessToken, RefreshToken, Token, claims_of_ours
from contactbook.api import throttling
from contactbook.observability import metrics

LESS_URGENT = 10  # of niceness: a read that wants the processor goes before a hash


def give_way() -> None:
    with contextlib.suppress(OSError):  # a system other than Linux, where it is no thread's own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LESS_URGENT)


# One hash takes 19 MiB and a core: logins queue here rather than eat the machine. In threads of its own, since the
# memory that a thread has used once is kept for it: with all eight that serve it would be 150 MB.
HASHING = ThreadPoolExecutor(2, "hashing", give_way)


class Argon2PasswordHasher(DjangosArgon2PasswordHasher):
    """Argon2id with OWASP's parameters: 19 MiB, 2 passes, 1 lane (Django's take 100 MiB and 8 lanes)."""

    memory_cost = 19 * 1024
    time_cost = 2
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        return HASHING.submit(super().encode, password, salt).result()

    def verify(self, password: str, encoded: str) -> bool:
        return HASHING.submit(super().verify, password, encoded).result()


class TooManyFailures(Throttled):
    """That account had its share of wrong passwords, wherever they came from; a reset by mail clears it."""

    default_detail = "Too many wrong passwords for this account. Try later, or set a new password by mail."

    def __init__(self, wait: float) -> None:
        super().__init__()
        self.wait = math.ceil(wait)  # DRF's own would write it into the sentence, too


@functools.cache
def nobodys_password() -> str:
    return make_password("nobody's password")


class PasswordBackend(ModelBackend):
    """The one place where passwords are tried: API, pages and admin.

    An attempt is counted against the account before its password is hashed and given back if it was right;
    an unknown address is counted and pays for a hash like a known one.
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
        attempt = throttling.take("account_failures", key)
        if attempt and not attempt.allowed:
            metrics.LOGINS_REFUSED.labels("locked").inc()
            raise TooManyFailures(attempt.reset)
        user = User.objects.by_address(username)
        right = user.check_password(password) if user else check_password(password, nobodys_password())
        if not right or not user or not self.user_can_authenticate(user):
            metrics.LOGINS_REFUSED.labels("wrong").inc()
            return None
        throttling.give_back("account_failures", key, attempt)
        return user


class BearerAuthentication(JWTAuthentication):
    """The access token of a live session."""

    kind: type[Token] = AccessToken

    def __init__(self) -> None:
        """Not simplejwt's own, which looks up the model for a `get_user` that we do not use."""

    def get_raw_token(self, header: bytes) -> bytes | None:
        scheme, _, token = header.partition(b" ")
        # RFC 9110 §11.1: the scheme is case-insensitive.
        return super().get_raw_token(b"Bearer " + token) if scheme.lower() == b"bearer" else None

    def authenticate(self, request: Request) -> Any:
        self.view = request.parser_context["view"]
        if caller := self.caller_at_once(request, self.view):
            return caller, None
        try:
            return super().authenticate(request)
        except TokenError as error:
            raise AuthenticationFailed(f"The {self.kind.token_type} token is not valid.") from error

    def get_validated_token(self, raw_token: bytes) -> Token:
        return self.kind.read(raw_token)

    def get_user(self, validated_token: Any) -> Any:
        caller = self.caller(self.view, *map(validated_token.number, ("sub", "sid", "v")))
        if caller is None:
            raise AuthenticationFailed("The session has ended.")
        return caller

    @staticmethod
    def caller(view: Any, user_id: int, session_id: int, version: int) -> Caller | None:
        """Whom a token speaks for, found out once a request; counted as theirs unless its session has ended."""
        asked = view.plain_request
        if not hasattr(asked, "caller"):
            known = view.look_ahead(user_id, account_key(user_id))
            asked.caller = Caller.from_claims(user_id, session_id, version, known)
            if asked.caller is None:
                view.take_back_count(user_id)
        caller: Caller | None = asked.caller
        return caller

    @classmethod
    def caller_at_once(cls, request: HttpRequest | Request, view: Any) -> Caller | None:
        """The same by the plain header; None where it is for `authenticate` to judge, or to refuse."""
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        try:
            kind, expires, *speaks_for = claims_of_ours(token)
        except TokenError:
            return None
        good = scheme == "Bearer" and kind == cls.kind.token_type and expires > time.time()
        return cls.caller(view, *speaks_for) if good else None


class RefreshAuthentication(BearerAuthentication):
    """Whom a refresh token was given, so that its limit counts by account.

    Whether it is still good is for `rotate` to say.
    """

    kind = RefreshToken

    @classmethod
    def caller_at_once(cls, request: HttpRequest | Request, view: Any) -> None:
        """`rotate` wants the token."""

    def get_user(self, validated_token: Any) -> Any:
        return User(pk=validated_token.number("sub"))
