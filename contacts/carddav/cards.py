"""GET, PUT and DELETE of a card (RFC 6352 §6.3, RFC 9110 §13)."""

from typing import Any

from django.http import HttpResponse
from django.utils.http import http_date, parse_http_date_safe

from contactbook.api.conditional import is_not_modified, matches
from contactbook.http.accept import quality_of
from contacts.carddav import merging, paths, xml
from contacts.carddav.errors import DavError, not_found
from contacts.carddav.incoming import SentCard, invalid, sent_card
from contacts.carddav.pictures import as_shown, stored
from contacts.carddav.request import DavRequest
from contacts.carddav.vcards import vcard
from contacts.cards import jscontact, validation
from contacts.cards.jscontact import Card
from contacts.models import Book, Contact
from contacts.models.change import CARDDAV

CONTENT_TYPES = {"3.0": "text/vcard; charset=utf-8", "4.0": "text/vcard; charset=utf-8; version=4.0"}


def get(request: DavRequest) -> HttpResponse:
    contact = request.cards.by_resource_name(request.target.name)
    if contact is None:
        raise not_found()
    check_if_match(request, contact)
    headers = {"ETag": contact.etag, "Last-Modified": http_date(contact.updated_at.timestamp())}
    if is_not_modified(request.http, contact.etag):
        return HttpResponse(status=304, headers=headers)
    version = accepted_version(request.http.headers.get("Accept", ""))
    text = vcard(request.user.pk, row_of(contact), version)
    return HttpResponse(text.encode(), CONTENT_TYPES[version], headers=headers)


def accepted_version(accept: str) -> str:
    """Return 4.0 where it is asked for by name and preferred, else 3.0; there is no 406."""
    qualities = {version: quality_of(accept, "text/vcard", version) for version in CONTENT_TYPES}
    return "4.0" if qualities["4.0"] > qualities["3.0"] else "3.0"


def row_of(contact: Contact) -> dict[str, Any]:
    return {"card": contact.card, "uid": contact.uid}


def put(request: DavRequest) -> HttpResponse:
    """Create or replace a card. The answer has its ETag exactly where a GET gives back the bytes that were sent."""
    name = request.target.name
    # A name that is made of a uid has up to 259 bytes.
    if not paths.is_card_name(name) and request.cards.by_resource_name(name) is None:
        raise DavError(403, "A card's name has 1 to 255 bytes and no control characters.")
    if "Content-Range" in request.http.headers:  # RFC 9110 §14.5
        raise DavError(400, "A PUT has the whole card.")
    sent = sent_card(request)
    with writing(request) as book:
        contact, status = put_into(book, request, sent)
    text = vcard(request.user.pk, row_of(contact), "3.0")
    return HttpResponse(status=status, headers={"ETag": contact.etag} if text.encode() == sent.body else {})


def writing(request: DavRequest) -> Any:
    """Open the book for this program; DavError for an app password that may only read (RFC 3744 §7.1.1)."""
    if not request.user.write:
        resource = f"{xml.href(request.path)}<D:privilege><D:write/></D:privilege>"
        raise DavError(403, precondition=f"<D:need-privileges><D:resource>{resource}</D:resource></D:need-privileges>")
    user = request.user
    return Book.objects.writing(user.pk, CARDDAV, request.user_agent, source=user.app_password, quota=True)


def put_into(book: Book, request: DavRequest, sent: SentCard) -> tuple[Contact, int]:
    """Return the contact and the status."""
    name = request.target.name
    live = request.cards.by_resource_name(name)
    check_conditions(request, live)
    check_uid(request, live, sent.uid)
    if live:
        return changed(book, live, sent), 204
    trash = Contact.objects.trash_of(book.user_id)
    trashed = trash.filter(uid=sent.uid).first() if sent.uid else trash.by_resource_name(name)
    card = stored(book, sent.card, sent.pictures)
    if trashed is None:
        book.free_resource_name(name)
        return book.create(card, uid=sent.uid, resource=name), 201
    return come_back(book, trashed, name, card), 201


def check_conditions(request: DavRequest, live: Contact | None) -> None:
    """Check the conditions of a write (RFC 9110 §13.2.2); DavError 412 if one of them does not hold."""
    check_if_match(request, live)
    if live and is_not_modified(request.http, live.etag):
        raise conflict()


def check_if_match(request: DavRequest, live: Contact | None) -> None:
    """Check If-Match, or without it If-Unmodified-Since (RFC 9110 §13.1.1, §13.1.4); DavError 412 if it does not hold.

    If-Modified-Since is left out: of two changes within one second it would hide the second.
    """
    if_match = request.http.headers.get("If-Match")
    if live is None:
        holds = if_match is None
    elif if_match is not None:
        holds = matches(if_match, live.etag)
    else:
        since = parse_http_date_safe(request.http.headers.get("If-Unmodified-Since", ""))
        holds = since is None or int(live.updated_at.timestamp()) <= since
    if not holds:
        raise conflict()


def conflict() -> DavError:
    return DavError(412, "The card was changed meanwhile.")


def check_uid(request: DavRequest, live: Contact | None, uid: str) -> None:
    """Check that the UID is in no other card, and is that of the card (RFC 6352 §6.3.2.1); DavError 403 otherwise."""
    holder = live
    if uid and not (live and live.uid == uid):
        holder = request.cards.filter(uid=uid).first() or live
    if holder and uid and (holder.uid != uid or holder is not live):
        path = paths.card(request.user.pk, holder.resource_name)
        raise DavError(403, precondition=f"<C:no-uid-conflict>{xml.href(path)}</C:no-uid-conflict>")


def come_back(book: Book, trashed: Contact, name: str, card: Card) -> Contact:
    """Take a contact out of the trash with the card and the name of the PUT."""
    if trashed.resource_name != name:
        book.free_resource_name(name)
    book.restore(trashed)
    book.move_resource(trashed, name)
    return book.put_card(trashed, card)


def changed(book: Book, contact: Contact, sent: SentCard) -> Contact:
    """Write what the client changed. What it sent as it was shown, and what it was not shown, stays as it is."""
    forms = ("3.0", "4.0") if sent.version == "4.0" else ("3.0",)
    shown = {version: as_shown(contact, version) for version in forms}
    card = merging.combined(contact.card, shown, sent.readings)
    if jscontact.same(without_product(card), without_product(contact.card)):
        return contact
    card = stored(book, card, sent.pictures)
    if validation.out_of_bounds(card):
        raise invalid()
    return book.put_card(contact, card)


def without_product(card: Card) -> Card:
    return {name: value for name, value in card.items() if name != "prodId"}


def delete(request: DavRequest) -> HttpResponse:
    with writing(request) as book:
        contact = request.cards.by_resource_name(request.target.name)
        if contact is None:
            raise not_found()
        check_conditions(request, contact)
        book.delete(contact)
    return HttpResponse(status=204)
