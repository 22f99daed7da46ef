"""The reports addressbook-multiget (RFC 6352 §8.7) and addressbook-query (§8.6)."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Q
from django.http.response import HttpResponseBase

from contacts.carddav import filters, sync, xml
from contacts.carddav.address_data import AddressData
from contacts.carddav.candidates import candidates
from contacts.carddav.errors import DavError, not_found
from contacts.carddav.filters import Test
from contacts.carddav.multistatus import NOT_FOUND, TRUNCATED, multistatus, response
from contacts.carddav.paths import Kind, book, is_storable, target_of_href
from contacts.carddav.properties import COLUMNS
from contacts.carddav.request import DavRequest
from contacts.carddav.xml import CARDDAV, DAV, Element
from contacts.cards.vcard import entries
from contacts.cards.vcard.tokenizer import Property

PORTION = 100  # cards that are read at once, of at most 256 KB each
VERSION = Property("VERSION", {}, "3.0")


def multiget(request: DavRequest, root: Element) -> HttpResponseBase:
    hrefs = [(each.text or "").strip() for each in root.iterfind(f"{{{DAV}}}href")]
    if not hrefs:
        raise DavError(400, "An addressbook-multiget names at least one href.")
    wanted = AddressData.of(request, root)
    return multistatus(named_cards(request, wanted, named_once(request, hrefs)))


def named_once(request: DavRequest, hrefs: list[str]) -> dict[str, str]:
    """Return {name of a card: href}. Of several hrefs of one card the first is taken, since a card is answered once.

    An href that is not of a card of the user has a key that begins with a slash, which no name has.
    """
    named: dict[str, str] = {}
    for href in hrefs:
        named.setdefault(card_name(request, href) or f"/{href}", href)
    return named


def named_cards(request: DavRequest, wanted: AddressData, named: dict[str, str]) -> Iterator[str]:
    columns = (*COLUMNS, *wanted.columns)
    names = list(named)
    for start in range(0, len(names), PORTION):
        portion = names[start : start + PORTION]
        found = request.cards.only(*columns).by_resource_names([name for name in portion if name[0] != "/"])
        rows = {name: {column: getattr(contact, column) for column in columns} for name, contact in found.items()}
        wanted.read_pictures(rows.values())
        for name in portion:
            if row := rows.get(name):
                yield wanted.response(row)
            else:
                yield response(xml.escape(named[name]), NOT_FOUND)


def card_name(request: DavRequest, href: str) -> str:
    """Return the name of a card of this user, empty for any other href."""
    target = target_of_href(href)
    if target is None or target.kind != Kind.CARD or target.user_id != str(request.user.pk):
        return ""
    return target.name if is_storable(target.name) else ""


def addressbook_query(request: DavRequest, root: Element) -> HttpResponseBase:
    wanted = AddressData.of(request, root)
    element = root.find(filters.FILTER)
    test = filters.filter_of(element)
    limit = sync.limit_of(root.find(f"{{{CARDDAV}}}limit"), CARDDAV)
    only = scope(request) & candidates(request.user.pk, element)
    return multistatus(matching_cards(request, wanted, test, only, limit))


def scope(request: DavRequest) -> Q:
    """Return a condition of the cards that the target has: itself, if it is a card; DavError 404 if it is not there."""
    if request.target.kind != Kind.CARD:
        return Q()
    contact = request.cards.by_resource_name(request.target.name)
    if contact is None:
        raise not_found()
    return Q(pk=contact.pk)


def matching_cards(request: DavRequest, wanted: AddressData, test: Test, only: Q, limit: int | None) -> Iterator[str]:
    """Yield a response for each card that passes the test; after `nresults` of them one that says so (§8.6.2)."""
    number = 0
    for row in sync.rows_of(request.book, (*COLUMNS, "card"), only):
        if not test(properties_of(row)):
            continue
        if number == limit:
            yield response(book(request.user.pk), TRUNCATED)
            return
        number += 1
        yield wanted.response(row)


def properties_of(row: dict[str, Any]) -> list[Property]:
    """Return the properties of the card as vCard 3.0, in which clients see it."""
    return [VERSION, *entries.properties({**row["card"], "uid": row["uid"]}, "3.0")]
