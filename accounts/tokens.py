"""Tokens: the pair of a session, its rotation, and the tokens in links.

All are JWTs signed with HS256. Each has a `token_type`, and one type is never accepted as another. The key is derived
from SECRET_KEY; tokens signed with one of SECRET_KEY_FALLBACKS are still accepted.
"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from rest_framework_simplejwt import tokens as simplejwt
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken, TokenError

from accounts.models import Session, User
from contactbook.exceptions import CredentialsError

REFUSED = "The refresh token is not valid."


def signing_key(secret: str) -> str:
    return hmac.digest(secret.encode(), b"contactbook.tokens", hashlib.sha256).hex()


def key_id(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:8]


class KeyRing(TokenBackend):
    """Signs with the newest key, named in the header's `kid` (RFC 7515 §4.1.4); verifies with any configured key."""

    def __init__(self, secrets: list[str]) -> None:
        keys = [signing_key(secret) for secret in secrets]
        super().__init__("HS256", keys[0])
        self.keys = {key_id(key): self._prepare_key(key) for key in keys}
        self.headers = {"kid": key_id(keys[0])}

    def get_verifying_key(self, token: Any) -> Any:
        return self.keys.get(jwt.get_unverified_header(token).get("kid") or "", self.prepared_signing_key)

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """Decode as simplejwt does, but do not check `iat`: the clocks of hosts differ, and may be set back."""
        try:
            key = self.get_verifying_key(token)
            return jwt.decode(token, key, algorithms=[self.algorithm], options={"verify_iat": False})
        except jwt.ExpiredSignatureError:
            raise TokenBackendExpiredToken("Token is expired") from None
        except (jwt.InvalidTokenError, RecursionError, ValueError):
            # PyJWT lets the last two through: a header nested too deep, or not UTF-8.
            raise TokenBackendError("Token is invalid") from None

    def encode(self, payload: dict[str, Any]) -> str:
        return jwt.encode(payload, self.prepared_signing_key, algorithm=self.algorithm, headers=self.headers)


class Token(simplejwt.Token):
    _token_backend = KeyRing([settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS])

    @classmethod
    def of(cls, user: User, **claims: Any) -> "Token":
        token = cls()
        token.payload |= {"sub": str(user.pk), "v": user.token_version, **claims}
        return token

    def integer(self, claim: str) -> int:
        """Return a claim that must be an integer; TokenError if it is missing."""
        try:
            return int(self.payload[claim])
        except (KeyError, TypeError, ValueError):
            raise TokenError("Token is invalid") from None


class AccessToken(Token):
    token_type = "access"  # noqa: S105
    lifetime = settings.ACCESS_TOKEN_LIFETIME


class RefreshToken(Token):
    token_type = "refresh"  # noqa: S105
    lifetime = settings.REFRESH_TOKEN_LIFETIME


class LinkToken(Token):
    """A token in a link. It contains a digest of the address, so the link is invalid once the address has changed."""

    @classmethod
    def of(cls, user: User, **claims: Any) -> "Token":
        return super().of(user, address=address_digest(user), **claims)

    def user_among(self, users: QuerySet[User]) -> User | None:
        user = users.filter(pk=self.integer("sub"), is_active=True).first()
        return user if user and self.payload.get("address") == address_digest(user) else None


def address_digest(user: User) -> str:
    return hashlib.sha256(user.email_key.encode()).hexdigest()[:16]


class ConfirmToken(LinkToken):
    token_type = "confirm"  # noqa: S105
    lifetime = settings.CONFIRM_LINK_LIFETIME


class ResetToken(LinkToken):
    token_type = "reset"  # noqa: S105
    lifetime = settings.RESET_LINK_LIFETIME


class UnsubscribeToken(LinkToken):
    token_type = "unsubscribe"  # noqa: S105
    lifetime = timedelta(days=366)


def pair(session: Session, generation: int, at: float) -> dict[str, str]:
    """Return the pair with that number in the session's chain; the same arguments give the same text."""
    moment = datetime.fromtimestamp(at, UTC)
    answer = {}
    for kind in (AccessToken, RefreshToken):
        token = kind.of(session.user, sid=session.pk, gen=generation)
        token.set_iat(at_time=moment)
        token.set_exp(from_time=moment)
        seed = f"{kind.token_type}:{session.pk}:{generation}:{session.created_at.timestamp()}"
        token["jti"] = hmac.digest(settings.SECRET_KEY.encode(), seed.encode(), hashlib.sha256).hex()[:32]
        answer[f"{kind.token_type}_token"] = str(token)
    return {**answer, "token_type": "bearer"}


def begin_session(user: User, client: str) -> dict[str, str]:
    """Return the first pair for a user who has just given the password; a closed account is opened again.

    CredentialsError if the password was changed meanwhile: that ended all sessions, so no new one may begin.
    """
    with transaction.atomic():
        locked = User.objects.lock_if_password_unchanged(user.pk, user.token_version)
        locked.reopen()
        session = Session.objects.begin(locked, client)
    return pair(session, 0, session.last_used_at.timestamp())


def rotate(token: Token) -> dict[str, str]:
    """Return the successor pair of a refresh token; CredentialsError if the token is no longer valid.

    A token that is used again later than REFRESH_GRACE after its first use ends its session (RFC 9700 §4.14.2).
    """
    try:
        generation, session_id = token.integer("gen"), token.integer("sid")
        user_id, version = token.integer("sub"), token.integer("v")
    except TokenError:
        raise CredentialsError(REFUSED) from None
    with transaction.atomic():
        session = Session.objects.lock(session_id, user_id, version)
        used_at = session.used_at(generation, timezone.now()) if session else None
        if session and not used_at:
            session.end()
    if session is None or used_at is None:
        raise CredentialsError(REFUSED)
    return pair(session, generation + 1, used_at)


def user_of_confirm_link(raw: str) -> User | None:
    """Return the account that a confirmation link was made for; None if the link is not valid."""
    try:
        return ConfirmToken(raw).user_among(User.objects.all())  # type: ignore[arg-type]
    except TokenError:
        return None


def user_of_unsubscribe_link(raw: str) -> User | None:
    """Return the account whose reminders the link may turn off; None if the link is not valid."""
    try:
        return UnsubscribeToken(raw).user_among(User.objects.all())  # type: ignore[arg-type]
    except TokenError:
        return None


def user_of_reset_link(raw: str) -> User | None:
    """Return the account whose password the link may set; None if the link has expired or the password was changed."""
    try:
        token = ResetToken(raw)  # type: ignore[arg-type]
        return token.user_among(User.objects.filter(token_version=token.integer("v")))
    except TokenError:
        return None
