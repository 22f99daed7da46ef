"""HTTP Basic authentication by app password (RFC 7617), and the limits of CardDAV."""

import base64
import binascii
import hashlib
import hmac

from django.conf import settings
from django.http import HttpRequest

from accounts.models import AppPassword, AppUser
from contactbook.cache import rate_limit
from contactbook.cache.rate_limit import RateLimitResult
from contactbook.http.client_address import client_address
from contactbook.observability import metrics
from contacts.carddav.errors import DavError

CHALLENGE = {"WWW-Authenticate": 'Basic realm="Contacts", charset="UTF-8"'}
WRITES = ("PUT", "DELETE")
TOO_MANY = "Too many requests. Try again later."


def authenticate(request: HttpRequest) -> AppUser:
    """Return the user of the request.

    DavError 401 without credentials, which counts as nothing, and for wrong ones; 429 for any from an address with
    too many wrong ones, until they have passed.
    """
    credentials = basic_credentials(request.headers.get("Authorization", ""))
    if credentials is None:
        raise unauthorized()
    who = f"address:{client_address(request)}"
    failures = rate_limit.check("dav_failures", who)
    if failures and not failures.allowed:
        raise too_many(failures)
    user = AppPassword.objects.authenticate(*credentials, request.headers.get("User-Agent", ""))
    if user is None:
        metrics.LOGINS_REFUSED.labels("app_password").inc()
        rate_limit.acquire("dav_failures", who, ticket=ticket_of(*credentials))
        raise unauthorized()
    return user


def basic_credentials(header: str) -> tuple[str, str] | None:
    """Return address and password, None where the header has none; both are UTF-8 (RFC 7617 §2.1)."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    address, colon, password = text.partition(":")
    return (address, password) if colon and "\0" not in text else None


def ticket_of(address: str, password: str) -> str:
    """Return a name of the pair for the log of failures, in which the same pair counts once.

    It is keyed: the pair may be the account's own password.
    """
    pair = f"{address.casefold()}\0{password}".encode()
    return hmac.digest(settings.SECRET_KEY.encode(), pair, hashlib.sha256).hex()[:32]


def throttle(request: HttpRequest, user: AppUser) -> dict[str, str]:
    """Count the request; return the RateLimit headers of its answer. DavError 429 past the limit."""
    name = "dav_write" if request.method in WRITES else "dav"
    result = rate_limit.acquire(name, f"user:{user.pk}")
    if result and not result.allowed:
        raise too_many(result)
    return result.headers if result else {}


def unauthorized() -> DavError:
    sentence = "Log in with the address of your account and an app password."
    return DavError(401, sentence, headers=CHALLENGE)


def too_many(result: RateLimitResult) -> DavError:
    return DavError(429, TOO_MANY, headers={**result.headers, "Retry-After": result.headers["RateLimit-Reset"]})
