"""The pictures of cards: bytes for the references in `media`, and references for bytes that a client sent."""

from typing import Any

from contacts.avatars.references import with_public_urls, with_uris, without_public_url, without_public_urls
from contacts.cards import vcard
from contacts.cards.jscontact import Card
from contacts.models import Book, Picture
from contacts.models.picture import Prepared


class Pictures:
    """Looks up the pictures of one account's cards, for the writer of vCards."""

    def __init__(self, user_id: int) -> None:
        self.user_id = user_id

    def with_urls(self, card: dict[str, Any]) -> dict[str, Any]:
        """Return the card with a URL for each reference: where the bytes cannot be read now, the URL goes out."""
        return with_public_urls(card) if "media" in card else card

    def __call__(self, uri: str) -> vcard.Picture | None:
        """Return the picture; None where it is a URL of another server, or cannot be read now."""
        return Picture.objects.original(self.user_id, without_public_url(uri))


def stored(book: Book, card: Card, prepared: list[Prepared]) -> Card:
    """Return the card with references to the pictures that came with it, which are stored if the card names them."""
    if "media" not in card:
        return card
    uris = {entry.get("uri") for entry in card["media"].values()}
    references = book.add_pictures([each for each in prepared if each.reference in uris])
    return with_uris(without_public_urls(card), lambda uri: references.get(uri, uri))
