"""The tokens: the pair that a session gives, its rotation, and those inside links.

All are JWTs signed HS256, each with its own `token_type`; one kind is never taken for another. The key is
derived from SECRET_KEY; tokens signed with one of SECRET_KEY_FALLBACKS are still accepted.
"""

import functools
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

import jwt
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from jwt.utils import base64url_decode, base64url_encode
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt import tokens as simplejwt
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken, TokenError

from accounts.models import Session, User

CLAIMS = {"token_type", "exp", "iat", "jti", "sub", "v", "sid", "gen", "address"}
REFUSED = "The refresh token is not valid."


def signing_key(secret: str) -> str:
    return hmac.digest(secret.encode(), b"contactbook.tokens", hashlib.sha256).hex()


def key_id(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:8]


class KeyRing(TokenBackend):
    """Signs with the newest key, named in the header's `kid` (RFC 7515 §4.1.4); verifies with any we know."""

    def __init__(self, secrets: list[str]) -> None:
        keys = [signing_key(secret) for secret in secrets]
        super().__init__("HS256", keys[0])
        self.keys = {key_id(key): self._prepare_key(key) for key in keys}
        self.header = {"kid": key_id(keys[0])}
        # The first part of every token that we write with that key, to the letter.
        self.headers = {jwt.encode({}, key, "HS256", {"kid": key_id(key)}).split(".")[0]: key.encode() for key in keys}

    def get_verifying_key(self, token: Any) -> Any:
        return self.keys.get(jwt.get_unverified_header(token).get("kid") or "", self.prepared_signing_key)

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """`iat` is no reason to refuse: hosts' clocks differ, and are set back."""
        payload = self.payload_of_ours(token.decode() if isinstance(token, bytes) and token.isascii() else str(token))
        if payload is not None:
            return payload
        try:
            return jwt.decode(
                token,
                self.get_verifying_key(token),
                algorithms=[self.algorithm],
                options={"verify_iat": False},
            )
        except jwt.ExpiredSignatureError:
            raise TokenBackendExpiredToken("Token is expired") from None
        except (jwt.InvalidTokenError, RecursionError, ValueError):
            # The last two are PyJWT's own faults: a header nested too deep, or no UTF-8.
            raise TokenBackendError("Token is invalid") from None

    def payload_of_ours(self, token: str) -> dict[str, Any] | None:
        """What most tokens are, read in a sixth of PyJWT's time; None leaves the judgement to it.

        Such a token has a header and claims that we write, the signature that we would give it, and time left.
        """
        signed, _, signature = token.rpartition(".")
        header, _, payload = signed.partition(".")
        key = self.headers.get(header)
        if key is None:
            return None
        right = base64url_encode(hmac.digest(key, signed.encode(), "sha256"))
        if not hmac.compare_digest(right, signature.encode()):
            return None
        claims: dict[str, Any] = json.loads(base64url_decode(payload))
        expires = claims.get("exp")
        return claims if claims.keys() <= CLAIMS and type(expires) is int and expires > time.time() else None

    def encode(self, payload: dict[str, Any]) -> str:
        return jwt.encode(payload, self.prepared_signing_key, algorithm=self.algorithm, headers=self.header)


class Token(simplejwt.Token):
    _token_backend = KeyRing([settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS])

    @classmethod
    def of(cls, user: User, **claims: Any) -> "Token":
        token = cls()
        token.payload |= {"sub": str(user.pk), "v": user.token_version, **claims}
        return token

    @classmethod
    def read(cls, raw: Any) -> Self:
        """The token that a text is; TokenError if it is of another kind, not ours, or too old."""
        return cls(raw)

    def number(self, claim: str) -> int:
        """A claim that must be a number; TokenError if it is not there."""
        try:
            return int(self.payload[claim])
        except (KeyError, TypeError, ValueError):
            raise TokenError("Token is invalid") from None


class Claims(NamedTuple):
    token_type: str
    expires: int  # in seconds since 1970
    user: int
    session: int
    version: int


@functools.lru_cache(maxsize=1000)
def claims_of_ours(raw: str) -> Claims:
    """Of a token that is to the letter as we write them; TokenError leaves the judgement to `Token.read`.

    A client sends the same token for a quarter of an hour: what was read of a good one is kept, but for its end.
    """
    payload = Token._token_backend.payload_of_ours(raw)
    if payload is None:
        raise TokenError("Token is invalid")
    try:
        return Claims(payload["token_type"], payload["exp"], *(int(payload[name]) for name in ("sub", "sid", "v")))
    except (KeyError, TypeError, ValueError):
        raise TokenError("Token is invalid") from None


class AccessToken(Token):
    token_type = "access"  # noqa: S105
    lifetime = settings.ACCESS_TOKEN_LIFETIME


class RefreshToken(Token):
    token_type = "refresh"  # noqa: S105
    lifetime = settings.REFRESH_TOKEN_LIFETIME


class LinkToken(Token):
    """Names the address that its letter goes to: it is worth nothing for one that the account has later."""

    @classmethod
    def of(cls, user: User, **claims: Any) -> "Token":
        return super().of(user, address=address_digest(user), **claims)

    def user_among(self, users: QuerySet[User]) -> User | None:
        user = users.filter(pk=self.number("sub"), is_active=True).first()
        return user if user and self.payload.get("address") == address_digest(user) else None


def address_digest(user: User) -> str:
    return hashlib.sha256(user.email_key.encode()).hexdigest()[:16]


class ConfirmToken(LinkToken):
    token_type = "confirm"  # noqa: S105
    lifetime = settings.CONFIRM_LINK_LIFETIME


class ResetToken(LinkToken):
    token_type = "reset"  # noqa: S105
    lifetime = settings.RESET_LINK_LIFETIME


def pair(session: Session, generation: int, at: float) -> dict[str, str]:
    """The pair at a place of the session's chain: the same text whenever it is made of these."""
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
    """The first pair of a person who has just proven the password; a closed account is open again.

    AuthenticationFailed if the password was changed meanwhile: what ended all sessions must not leave one.
    """
    with transaction.atomic():
        held = User.objects.held(user.pk, user.token_version)
        held.reopen()
        session = Session.objects.begin(held, client)
    return pair(session, 0, session.last_used_at.timestamp())


def rotate(token: Token) -> dict[str, str]:
    """The successor pair of a refresh token; AuthenticationFailed where it is no longer good.

    A token that comes back later than the grace after its first use ends its session (RFC 9700 §4.14.2).
    """
    try:
        generation, session_id = token.number("gen"), token.number("sid")
        user_id, version = token.number("sub"), token.number("v")
    except TokenError:
        raise AuthenticationFailed(REFUSED) from None
    with transaction.atomic():
        locked = Session.objects.select_for_update(of=("self",)).select_related("user")
        session = locked.filter(pk=session_id, user=user_id, user__is_active=True, user__token_version=version).first()
        used_at = session.used_at(generation, timezone.now()) if session else None
        if session and not used_at:
            session.end()
    if session is None or used_at is None:
        raise AuthenticationFailed(REFUSED)
    return pair(session, generation + 1, used_at)


def user_behind_confirm(raw: str) -> User | None:
    """The account that a confirmation link was made for; None if the link is not ours or too old."""
    try:
        return ConfirmToken.read(raw).user_among(User.objects.all())
    except TokenError:
        return None


def user_behind_reset(raw: str, lock: bool = False) -> User | None:
    """The account whose password the link may set; None once any password was set, or after its hour."""
    try:
        token = ResetToken.read(raw)
        users = User.objects.select_for_update(of=("self",)) if lock else User.objects.all()
        return token.user_among(users.filter(token_version=token.number("v")))
    except TokenError:
        return None
