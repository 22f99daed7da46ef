"""Pictures inside the cards of PUTs: they are stored, and the card refers to them."""

from contacts.avatars.references import with_uris, without_public_urls
from contacts.cards.jscontact import Card
from contacts.models import Book
from contacts.models.picture import Prepared


def stored(book: Book, card: Card, prepared: list[Prepared]) -> Card:
    """Return the card with references to the pictures that came with it, which are stored if the card names them."""
    if "media" not in card:
        return card
    uris = {entry.get("uri") for entry in card["media"].values()}
    references = book.add_pictures([each for each in prepared if each.reference in uris])
    return with_uris(without_public_urls(card), lambda uri: references.get(uri, uri))
