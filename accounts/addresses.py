"""When two spellings are one e-mail address."""

import contextlib
import unicodedata

MAX_KEY = 320  # characters: 64 of a mailbox, @, 255 of a domain (RFC 5321 §4.5.3.1)


def email_key(address: str) -> str:
    """Return the key that all spellings of an address share: NFKC, case folded, the domain in its ASCII form."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", address).strip().casefold())
    local, _, domain = folded.rpartition("@")
    with contextlib.suppress(UnicodeError):
        domain = domain.encode("idna").decode()
    return f"{local}@{domain}"


def is_deliverable(address: str) -> bool:
    """Django's validator allows control characters in a quoted mailbox, and domains that grow in ASCII."""
    return address.isprintable() and len(email_key(address)) <= MAX_KEY
