"""The properties of resources, in one table: which kinds of resource have them, and what they say."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.utils.http import http_date

from contacts.carddav import paths, xml
from contacts.carddav.paths import Kind
from contacts.carddav.request import DavRequest
from contacts.carddav.vcards import vcard
from contacts.carddav.xml import CALENDARSERVER, CARDDAV, DAV, escape, href
from contacts.models.contact import etag_of

MAX_CARD_BYTES = 10 * 1024 * 1024  # of a PUT
ONLY_EXPAND = (f"{{{DAV}}}expand-property",)
OF_CARDS = (f"{{{CARDDAV}}}addressbook-multiget", f"{{{CARDDAV}}}addressbook-query")  # RFC 6352 §8: of a card, too
REPORTS = {
    Kind.BOOK: (*OF_CARDS, f"{{{DAV}}}sync-collection", *ONLY_EXPAND),
    Kind.CARD: (*OF_CARDS, *ONLY_EXPAND),
}
READ = ("read", "read-acl", "read-current-user-privilege-set")
WRITE = ("write", "write-content", "bind", "unbind")
NAMES = {Kind.ROOT: "Contact book", Kind.HOME: "Address books", Kind.BOOK: "Contacts"}
COLLATIONS = ("i;ascii-casemap", "i;unicode-casemap")
TOKEN = "data:,"  # noqa: S105
CONTENT_LENGTH = f"{{{DAV}}}getcontentlength"


@dataclass
class Resource:
    """A resource as its properties see it; `row` has the columns of a card."""

    kind: Kind
    path: str
    request: DavRequest
    row: dict[str, Any] | None = None

    @property
    def user_id(self) -> int:
        return self.request.user.pk


class Property(NamedTuple):
    kinds: frozenset[Kind]
    value: Callable[[Resource], str]  # the XML inside the element
    in_allprop: bool = False  # RFC 3744 §5 and RFC 6352 §6.2 leave theirs out


ALL = frozenset(Kind)
BOOK = frozenset([Kind.BOOK])
CARD = frozenset([Kind.CARD])
PRINCIPAL = frozenset([Kind.PRINCIPAL])
OWNED = frozenset([Kind.HOME, Kind.BOOK, Kind.CARD])


def resource_type(resource: Resource) -> str:
    types = {
        Kind.CARD: "",
        Kind.PRINCIPAL: "<D:collection/><D:principal/>",
        Kind.BOOK: "<D:collection/><C:addressbook/>",
    }
    return types.get(resource.kind, "<D:collection/>")


def display_name(resource: Resource) -> str:
    return escape(NAMES.get(resource.kind, resource.request.user.username))


def etag(resource: Resource) -> str:
    row = resource.row or {}
    return escape(etag_of(row["id"], row["revision"]))


def content_length(resource: Resource) -> str:
    """RFC 4918 §15.4: the length of the answer to a GET without Accept."""
    return str(len(vcard(resource.user_id, resource.row or {}, "3.0").encode()))


def last_modified(resource: Resource) -> str:
    return http_date((resource.row or {})["updated_at"].timestamp())


def creation_date(resource: Resource) -> str:
    text: str = (resource.row or {})["created_at"].strftime("%Y-%m-%dT%H:%M:%SZ")
    return text


def sync_token(resource: Resource) -> str:
    """RFC 6578 §3.2: the book's epoch, which a restore from a backup renews, and the number of its newest change."""
    book = resource.request.book
    return token_of(book.epoch, book.sequence)


def token_of(epoch: int, number: int) -> str:
    return f"{TOKEN}{epoch}-{number}"


def privileges(resource: Resource) -> str:
    """RFC 3744 §5.5: an app password may be for reading alone; only the book and its cards are written."""
    writable = resource.request.user.write and resource.kind in (Kind.BOOK, Kind.CARD)
    names = (*READ, *(WRITE if writable else ()))
    return "".join(f"<D:privilege><D:{name}/></D:privilege>" for name in names)


def acl(resource: Resource) -> str:
    """RFC 3744 §5.6: the owner may do everything, and nobody else anything."""
    owner = f"<D:principal>{href(paths.principal(resource.user_id))}</D:principal>"
    return f"<D:ace>{owner}<D:grant>{privileges(resource)}</D:grant><D:protected/></D:ace>"


def supported_reports(resource: Resource) -> str:
    reports = REPORTS.get(resource.kind, ONLY_EXPAND)
    return "".join(
        f"<D:supported-report><D:report>{xml.element(name)}</D:report></D:supported-report>" for name in reports
    )


def own_principal(resource: Resource) -> str:
    return href(paths.principal(resource.user_id))


PROPERTIES: dict[str, Property] = {
    # RFC 4918 §15
    f"{{{DAV}}}resourcetype": Property(ALL, resource_type, True),
    f"{{{DAV}}}displayname": Property(ALL - CARD, display_name, True),
    f"{{{DAV}}}getcontenttype": Property(CARD, lambda card: "text/vcard; charset=utf-8", True),
    CONTENT_LENGTH: Property(CARD, content_length, True),
    f"{{{DAV}}}getetag": Property(CARD, etag, True),
    f"{{{DAV}}}getlastmodified": Property(CARD, last_modified, True),
    f"{{{DAV}}}creationdate": Property(CARD, creation_date, True),
    # RFC 5397 §3
    f"{{{DAV}}}current-user-principal": Property(ALL, own_principal),
    # RFC 3744 §4, §5
    f"{{{DAV}}}principal-URL": Property(PRINCIPAL, own_principal),
    f"{{{DAV}}}alternate-URI-set": Property(PRINCIPAL, lambda principal: ""),
    f"{{{DAV}}}group-membership": Property(PRINCIPAL, lambda principal: ""),
    f"{{{DAV}}}principal-collection-set": Property(ALL, lambda resource: href("/dav/principals/")),
    f"{{{DAV}}}owner": Property(OWNED, own_principal),
    f"{{{DAV}}}acl": Property(OWNED, acl),
    f"{{{DAV}}}current-user-privilege-set": Property(ALL, privileges),
    # RFC 3253 §3.1.5
    f"{{{DAV}}}supported-report-set": Property(ALL, supported_reports),
    # RFC 6578 §4
    f"{{{DAV}}}sync-token": Property(BOOK, sync_token),
    # RFC 6352 §6.2, §7.1, §8.3.1
    f"{{{CARDDAV}}}addressbook-home-set": Property(PRINCIPAL, lambda each: href(paths.home(each.user_id))),
    f"{{{CARDDAV}}}addressbook-description": Property(BOOK, lambda book: "All contacts of the account"),
    # Only 3.0 is named: macOS refuses a book with 4.0. A PUT may be of either.
    f"{{{CARDDAV}}}supported-address-data": Property(
        BOOK, lambda book: '<C:address-data-type content-type="text/vcard" version="3.0"/>'
    ),
    f"{{{CARDDAV}}}max-resource-size": Property(BOOK, lambda book: str(MAX_CARD_BYTES)),
    f"{{{CARDDAV}}}supported-collation-set": Property(
        BOOK, lambda book: "".join(f"<C:supported-collation>{name}</C:supported-collation>" for name in COLLATIONS)
    ),
    # Apple's, older than RFC 6578: it changes with every change of the book
    f"{{{CALENDARSERVER}}}getctag": Property(BOOK, sync_token),
}
COLUMNS = ("id", "uid", "resource", "revision", "created_at", "updated_at")  # of a card, for its properties


def has(resource: Resource, name: str) -> bool:
    known = PROPERTIES.get(name)
    return known is not None and resource.kind in known.kinds


def names_of(kind: Kind, all_of_them: bool = True) -> list[str]:
    return [name for name, known in PROPERTIES.items() if kind in known.kinds and (all_of_them or known.in_allprop)]


def of_card(names: list[str]) -> tuple[str, ...]:
    """Return the column of the card, if one of these properties needs it."""
    return ("card",) if CONTENT_LENGTH in names else ()


def written(resource: Resource, name: str) -> str:
    return xml.element(name, PROPERTIES[name].value(resource))
