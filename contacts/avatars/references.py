"""References to stored pictures, in the database a path, in responses a URL under PUBLIC_URL.

So the URLs stay right when PUBLIC_URL changes. `/media/avatars/{name}` is shown as a JPEG of 250×250 pixels;
`/media/pictures/{name}` is a picture from inside a card that cannot be decoded, or a sound.
"""

import re
from typing import Any

from django.conf import settings

from contacts.cards.jscontact import UNDECODED

NAME = re.compile(r"[0-9a-f]{32}\.jpg")
REFERENCE = re.compile(r"/media/(?:avatars/[0-9a-f]{32}\.jpg|pictures/[0-9a-f]{32})")


def is_reference(text: str) -> bool:
    return text.startswith("/media/") and REFERENCE.fullmatch(text) is not None


def reference_of(name: str) -> str:
    return f"/media/avatars/{name}" if name.endswith(".jpg") else f"{UNDECODED}{name}"


def name_of(reference: str) -> str:
    return reference.rpartition("/")[2]


def public_url(reference: str | None) -> str | None:
    """Return the URL for a reference; any other text unchanged."""
    return f"{settings.PUBLIC_URL}{reference}" if reference and is_reference(reference) else reference


def without_public_url(url: str) -> str:
    """Return the reference for a URL that `public_url` made; any other text unchanged."""
    path = url.removeprefix(settings.PUBLIC_URL)
    return path if is_reference(path) else url


def with_public_urls(card: dict[str, Any]) -> dict[str, Any]:
    """Return the card with a URL for each picture that this server stores."""
    return with_uris(card, public_url)


def fields_with_public_urls(fields: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Return `fields` of history or of an import, {name: [before, after]}, with URLs in place of references."""
    shown = dict(fields)
    if "avatar" in shown:
        shown["avatar"] = [public_url(each) for each in shown["avatar"]]
    if "media" in shown:
        shown["media"] = [each and with_public_urls({"media": each})["media"] for each in shown["media"]]
    return shown


def without_public_urls(card: Any) -> Any:
    """Return a card, or a patch of one, with references in place of this server's URLs."""
    return with_uris(card, without_public_url)


def with_uris(card: Any, convert: Any) -> Any:
    media = card.get("media") if isinstance(card, dict) else None
    if not isinstance(media, dict):
        return card
    converted = {
        key: {**entry, "uri": convert(entry["uri"])} if has_uri(entry) else entry for key, entry in media.items()
    }
    return {**card, "media": converted}


def has_uri(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("uri"), str)
