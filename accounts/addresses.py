"""Comparison of e-mail addresses."""

import contextlib
import unicodedata

MAX_KEY = 320  # characters: 64 of the mailbox, @, 255 of the domain (RFC 5321 §4.5.3.1)


def email_key(address: str) -> str:
    """Return the key that all spellings of an address share: NFKC, case folded, the domain in its ASCII form."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", address).strip().casefold())
    local, _, domain = folded.rpartition("@")
    with contextlib.suppress(UnicodeError):
        domain = domain.encode("idna").decode()
    return f"{local}@{domain}"


def is_deliverable(address: str) -> bool:
    """Return False for addresses that Django's validator accepts by mistake.

    They have control characters in a quoted mailbox, or a domain that is too long in its ASCII form.
    """
    return address.isprintable() and len(email_key(address)) <= MAX_KEY
