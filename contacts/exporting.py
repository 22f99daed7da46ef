"""Export of contacts as a stream of text, in each of the formats. Memory is bounded, whatever the size of the book."""

import binascii
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

from django.db.models import QuerySet

from contactbook.api.pagination import MAX_BYTES, rows_that_fit
from contactbook.api.renderers import as_json
from contacts.avatars.references import is_reference, public_url, with_uris
from contacts.cards import tables, vcard
from contacts.cards.jscontact import Card
from contacts.models import Contact, ContactQuerySet, Picture

PAGE, PAGE_BYTES = 200, 2 * 1024 * 1024  # rows that are read at once, and bytes of their cards
PICTURES = 24 * 1024 * 1024  # bytes of the pictures inside one card, as often as it names them; further ones stay URLs

NOTHING: Mapping[str, vcard.Picture] = {}
PictureOf = Callable[[str], vcard.Picture | None]  # by the `uri` of an entry in a card's media
Cards = Iterable[tuple[Card, PictureOf]]


class Lookup(dict[str, vcard.Picture]):
    """The pictures of one card by their references."""

    def __call__(self, uri: str) -> vcard.Picture | None:
        return self.get(uri)


class Format(NamedTuple):
    content_type: str
    extension: str
    write: Callable[[Cards], Iterator[str]]
    with_pictures: bool = True


def in_pages(column: str, rows: QuerySet[Any]) -> Iterator[Any]:
    """Yield all rows, read in pages."""
    return chain.from_iterable(pages(column, rows))


def pages(column: str, rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """Yield all rows in pages: one query would load every row, since PgBouncer allows no server-side cursor."""
    last = 0
    while True:
        following = rows.filter(**{f"{column}__gt": last}).order_by(column)
        fitting = rows_that_fit(following[:PAGE], "size", MAX_BYTES - PAGE_BYTES)
        page = list(following[: fitting or PAGE])
        if not page:
            return
        yield page
        last = getattr(page[-1], column)


def export(contacts: ContactQuerySet, format_name: str) -> Iterator[str]:
    """Yield the text of a file with these contacts, by id."""
    format_ = FORMATS[format_name]
    return format_.write(card for page in pages("id", contacts) for card in whole_cards(page, format_.with_pictures))


def whole_cards(contacts: list[Contact], with_pictures: bool = True) -> Iterator[tuple[Card, PictureOf]]:
    """Yield the cards of one owner's contacts with what the server sets, and their pictures.

    Small pictures are read in one SELECT for all of them.
    """
    uris = (uri for contact in contacts for uri in references_in(contact.card)) if with_pictures else ()
    known = Picture.objects.small(contacts[0].user_id, uris)
    for contact in contacts:
        card, found = card_with_pictures(contact.user_id, contact.card, with_pictures, known)
        yield {**contact.server_set(), **card}, found


def card_with_pictures(
    user_id: int, card: Card, with_pictures: bool = True, known: Mapping[str, vcard.Picture] = NOTHING
) -> tuple[Card, PictureOf]:
    """Return an owner's card and its pictures; those in `known` are not read again.

    A reference to a picture that is not the owner's, or is not there, becomes a URL.
    """
    found, size = Lookup(), 0
    for uri, times in Counter(references_in(card) if with_pictures else ()).items():
        picture = known.get(uri) or (Picture.objects.original(user_id, uri) if size < PICTURES else None)
        if picture and size + (times - 1) * len(picture.data) < PICTURES:
            found[uri] = picture
        size += times * len(picture.data) if picture else 0
    return with_uris(card, lambda uri: uri if uri in found else public_url(uri)), found


def references_in(card: Card) -> list[str]:
    return [entry["uri"] for entry in (card.get("media") or {}).values() if is_reference(str(entry.get("uri")))]


def vcards(version: str) -> Callable[[Cards], Iterator[str]]:
    def write(cards: Cards) -> Iterator[str]:
        unknown = {"created"} if version == "3.0" else set()  # vCard 3.0 has no CREATED
        for card, pictures in cards:
            yield vcard.write({name: value for name, value in card.items() if name not in unknown}, version, pictures)

    return write


def jscontact(cards: Cards) -> Iterator[str]:
    """Yield a JSON array of Cards, one on a line; pictures are data: URIs."""
    separator = "[\n"
    for card, pictures in cards:
        yield separator + as_json(with_uris(card, lambda uri, found=pictures: data_uri(found(uri)) or uri)).decode()
        separator = ",\n"
    yield "\n]\n" if separator != "[\n" else "[]\n"


def table(format_name: str) -> Callable[[Cards], Iterator[str]]:
    def write(cards: Cards) -> Iterator[str]:
        yield tables.header(format_name)
        yield from tables.rows((card for card, _ in cards), format_name)

    return write


def data_uri(picture: vcard.Picture | None) -> str | None:
    if picture is None:
        return None
    return f"data:{picture.media_type};base64,{binascii.b2a_base64(picture.data, newline=False).decode()}"


FORMATS = {
    "vcard4": Format("text/vcard; charset=utf-8; version=4.0", "vcf", vcards("4.0")),
    "vcard3": Format("text/vcard; charset=utf-8; version=3.0", "vcf", vcards("3.0")),
    "jscontact": Format("application/json", "json", jscontact),
    **{name: Format("text/csv; charset=utf-8", "csv", table(name), with_pictures=False) for name in tables.FORMATS},
}
