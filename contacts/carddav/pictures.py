"""Pictures inside the cards of PUTs: they are stored, and the card refers to them."""

import hashlib

from contacts.avatars.references import name_of, with_uris, without_public_urls
from contacts.cards import vcard
from contacts.cards.jscontact import Card
from contacts.exporting import card_with_pictures, references_in
from contacts.models import Book, Contact, Picture
from contacts.models.picture import Prepared


def stored(book: Book, card: Card, prepared: list[Prepared]) -> Card:
    """Return the card with references to the pictures that came with it, which are stored if the card names them."""
    if "media" not in card:
        return card
    uris = {entry.get("uri") for entry in card["media"].values()}
    references = book.add_pictures([each for each in prepared if each.reference in uris])
    return with_uris(without_public_urls(card), lambda uri: references.get(uri, uri))


def as_shown(contact: Contact, version: str) -> Card:
    """Return the card as a program reads it out of the vCard of that version.

    The digest of a picture stands for its bytes: it is compared, and the bytes are not read from the database.
    """
    digests = digests_of(contact)
    named = with_uris(contact.card, lambda uri: digests[uri].reference if uri in digests else uri)
    card, uploaded = card_with_pictures(contact.user_id, named)
    known = {each.reference: each for each in digests.values()}
    text = vcard.write({**card, "uid": contact.uid}, version, lambda uri: known.get(uri) or uploaded(uri))
    read_as = {f"sha256-{hashlib.sha256(each.data).hexdigest()}": each.reference for each in known.values()}
    return with_uris(next(vcard.read(text)).card or {}, lambda uri: read_as.get(uri, uri))


def digests_of(contact: Contact) -> dict[str, vcard.Picture]:
    """Return by reference the pictures of the card that came inside cards, with the digest in place of the bytes."""
    names = {name_of(uri): uri for uri in references_in(contact.card)}
    rows = Picture.objects.for_user(contact.user_id).filter(name__in=names).values_list("name", "sha256", "media_type")
    return {
        names[name]: vcard.Picture(f"sha256-{sha256}", sha256.encode(), media_type)
        for name, sha256, media_type in (rows if names else ())
    }
