"""E-mail addresses: when two are the same, and which ones mail can be delivered to."""

import unicodedata

import idna

INVALID = "Enter a valid email address."
MAX_KEY = 320  # characters: 64 of the mailbox, @, 255 of the domain (RFC 5321 §4.5.3.1)


def ascii_domain(domain: str) -> str | None:
    """Return the domain in its ASCII form by IDNA 2008 (`straße.example` is not `strasse.example`), or None."""
    try:
        return idna.encode(domain, uts46=True, transitional=False).decode()
    except idna.IDNAError:
        return None


def email_key(address: str) -> str:
    """Return the key that all spellings of an address share: the mailbox in NFKC without case, the domain in ASCII."""
    mailbox, _, domain = unicodedata.normalize("NFKC", address).strip().rpartition("@")
    return f"{unicodedata.normalize('NFKC', mailbox.casefold())}@{ascii_domain(domain) or domain.lower()}"


def smtp_address(address: str) -> str:
    """Return the address for SMTP. Django would encode the domain by IDNA 2003, which may be another domain."""
    mailbox, _, domain = address.rpartition("@")
    return address if domain.isascii() else f"{mailbox}@{ascii_domain(domain)}"


def is_deliverable(address: str) -> bool:
    """Return whether mail can be delivered to it: no control characters, and a domain with a dot."""
    domain = ascii_domain(address.rpartition("@")[2])
    return address.isprintable() and len(email_key(address)) <= MAX_KEY and domain is not None and "." in domain


def is_plain(address: str) -> bool:
    """Return whether the mailbox has one spelling, in ASCII, which programs for mail leave as it is.

    `"a"` and the encoded word `=?utf-8?q?a?=` (RFC 2047) are other spellings of the mailbox `a`: mail to them arrives
    there, past the limit of mails to one address. Letters such as `ſ`, which Django takes for an `s`, become an encoded
    word, and the mail does not arrive.
    """
    mailbox = address.rpartition("@")[0]
    return mailbox.isascii() and '"' not in mailbox and "=?" not in mailbox
