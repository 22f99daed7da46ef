"""The tree of resources: principal, address book home, the one book, and cards. Each has one path.

A collection has the same resource without the slash at its end (RFC 4918 §5.2); there is no redirect.
"""

import enum
import re
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

MAX_NAME = 255  # bytes of the name of a card that a client chooses
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f/\ud800-\udfff]")


class Kind(enum.Enum):
    ROOT = enum.auto()
    PRINCIPAL = enum.auto()
    HOME = enum.auto()
    BOOK = enum.auto()
    CARD = enum.auto()


class Target(NamedTuple):
    """What a path names: of which account, and for a card its name, decoded."""

    kind: Kind
    user_id: str = ""
    name: str = ""


# Discovery begins at any of these (RFC 6764 §6): a user may have entered the host alone.
ROOTS = ("/", "/principals/", "/dav/", "/dav/principals/", "/dav/addressbooks/")
PATTERNS = (
    (Kind.PRINCIPAL, re.compile(r"/dav/principals/([0-9]{1,19})/?")),
    (Kind.HOME, re.compile(r"/dav/addressbooks/([0-9]{1,19})/?")),
    (Kind.BOOK, re.compile(r"/dav/addressbooks/([0-9]{1,19})/contacts/?")),
    (Kind.CARD, re.compile(r"/dav/addressbooks/([0-9]{1,19})/contacts/([^/]+)", re.DOTALL)),
)


def target_of(path: str) -> Target | None:
    """Return what a decoded path names; None for a path that no resource can have."""
    if f"{path.rstrip('/')}/" in ROOTS and not path.endswith("//"):
        return Target(Kind.ROOT)
    for kind, pattern in PATTERNS:
        if match := pattern.fullmatch(path):
            return Target(kind, *match.groups())
    return None


def target_of_href(href: str) -> Target | None:
    """Return what a href in a body names: a path, or a URL of any host (RFC 4918 §8.3)."""
    try:
        path = urlsplit(href.strip()).path
    except ValueError:
        return None
    return target_of(unquote(path))


def is_card_name(name: str) -> bool:
    """Return whether a client may choose this name."""
    return name not in (".", "..") and len(name.encode(errors="replace")) <= MAX_NAME and is_storable(name)


def is_storable(name: str) -> bool:
    return not CONTROL.search(name)


def principal(user_id: int) -> str:
    return f"/dav/principals/{user_id}/"


def home(user_id: int) -> str:
    return f"/dav/addressbooks/{user_id}/"


def book(user_id: int) -> str:
    return f"/dav/addressbooks/{user_id}/contacts/"


def card(user_id: int, name: str) -> str:
    return f"{book(user_id)}{quote(name, safe='')}"
