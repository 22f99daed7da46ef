"""When two spellings are one e-mail address."""

import unicodedata

MAX_KEY = 320  # characters: 64 of a mailbox, @, 255 of a domain (RFC 5321 §4.5.3.1)


def email_key(address: str) -> str:
    """What makes two spellings one address: NFKC, case folded, the domain in its ASCII form."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", address).strip().casefold())
    local, _, domain = folded.rpartition("@")
    try:
        domain = domain.encode("idna").decode()
    except UnicodeError:
        pass
    return f"{local}@{domain}"


def is_deliverable(address: str) -> bool:
    """Django's validator lets control characters into a quoted mailbox, and a domain grow in its ASCII form."""
    return address.isprintable() and len(email_key(address)) <= MAX_KEY
