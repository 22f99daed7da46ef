"""References to pictures that this server stores: `/media/avatars/{name}` in a card, a URL under PUBLIC_URL outside.

So pictures are right after PUBLIC_URL has changed.
"""

import re
from typing import Any

from django.conf import settings

NAME = re.compile(r"[0-9a-f]{32}\.jpg")
PREFIX = "/media/avatars/"


def is_reference(text: str) -> bool:
    return text.startswith(PREFIX) and NAME.fullmatch(text, len(PREFIX)) is not None


def public_url(reference: str | None) -> str | None:
    """Return the URL to show for a stored `avatar`; another text as it is."""
    return f"{settings.PUBLIC_URL}{reference}" if reference and is_reference(reference) else reference


def without_public_url(url: str) -> str:
    """Return the reference behind a URL that `public_url` made; another text as it is."""
    path = url.removeprefix(settings.PUBLIC_URL)
    return path if is_reference(path) else url


def with_public_urls(card: dict[str, Any]) -> dict[str, Any]:
    """Return the card with a URL for each picture that this server stores."""
    return with_uris(card, public_url)


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
