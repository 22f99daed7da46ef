"""The pictures of cards: bytes for the references in `media`."""

from typing import Any

from contacts.avatars import storage
from contacts.avatars.references import with_public_urls, without_public_url
from contacts.cards.vcard import Picture


class Pictures:
    """Looks up the pictures of one account's cards, for the writer of vCards."""

    def __init__(self, user_id: int) -> None:
        self.user_id = user_id

    def with_urls(self, card: dict[str, Any]) -> dict[str, Any]:
        return with_public_urls(card) if "media" in card else card

    def __call__(self, uri: str) -> Picture | None:
        """Return the picture; None where it is a URL, or cannot be read now: then the URL goes out."""
        data = storage.read(without_public_url(uri))
        return Picture(uri, data, "image/jpeg") if data else None
