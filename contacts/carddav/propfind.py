"""PROPFIND and PROPPATCH (RFC 4918 §9.1, §9.2), and the report expand-property (RFC 3253 §3.8)."""

from collections.abc import Iterator
from typing import NamedTuple

from django.http.response import HttpResponseBase

from contacts.carddav import paths, sync, xml
from contacts.carddav.errors import DavError, not_found
from contacts.carddav.multistatus import FORBIDDEN, multistatus, propstat, response
from contacts.carddav.paths import Kind
from contacts.carddav.properties import COLUMNS, PROPERTIES, Resource, has, names_of, of_card, written
from contacts.carddav.request import DavRequest
from contacts.carddav.xml import DAV, Element

PROPERTY = f"{{{DAV}}}property"  # RFC 3253 §3.8
HREFS = {  # properties that expand-property follows, and what they lead to
    f"{{{DAV}}}current-user-principal": Kind.PRINCIPAL,
    f"{{{DAV}}}principal-URL": Kind.PRINCIPAL,
    f"{{{DAV}}}owner": Kind.PRINCIPAL,
    f"{{{DAV}}}principal-collection-set": Kind.ROOT,
    f"{{{xml.CARDDAV}}}addressbook-home-set": Kind.HOME,
}


class Asked(NamedTuple):
    """The body of a PROPFIND: the properties it names; or all, of which it may name more; or their names alone."""

    names: list[str]
    all_of_them: bool = False
    names_only: bool = False


def propfind(request: DavRequest) -> HttpResponseBase:
    # RFC 4918 §9.1: no Depth is infinity, which for a card is as good as 0
    if request.depth not in ("0", "1") and (request.target.kind, request.depth) != (Kind.CARD, "infinity"):
        raise DavError(403, precondition="<D:propfind-finite-depth/>")
    asked = asked_for(request.xml())
    resource = resource_of(request)
    return multistatus(responses(request, resource, asked))


def asked_for(root: Element | None) -> Asked:
    """An empty body asks for all (RFC 4918 §9.1)."""
    if root is None:
        return Asked([], all_of_them=True)
    if root.tag != f"{{{DAV}}}propfind":
        raise DavError(400, "The body of a PROPFIND is a propfind element.")
    if root.find(f"{{{DAV}}}propname") is not None:
        return Asked([], names_only=True)
    included = root.find(f"{{{DAV}}}include")
    if root.find(f"{{{DAV}}}allprop") is not None:
        return Asked(property_names(included), all_of_them=True)
    prop = root.find(f"{{{DAV}}}prop")
    if prop is None:
        raise DavError(400, "A propfind element holds prop, allprop or propname.")
    return Asked(property_names(prop))


def property_names(prop: Element | None) -> list[str]:
    return xml.bounded_names(prop) if prop is not None else []


def resource_of(request: DavRequest) -> Resource:
    """Return the target; DavError 404 for a card that is not there."""
    resource = Resource(request.target.kind, request.path, request)
    if resource.kind == Kind.CARD:
        contact = request.cards.by_resource_name(request.target.name)
        if contact is None:
            raise not_found()
        resource.row = {name: getattr(contact, name) for name in (*COLUMNS, "card")}
    return resource


def responses(request: DavRequest, resource: Resource, asked: Asked) -> Iterator[str]:
    yield described(resource, asked, request.minimal)
    if request.depth == "1":
        for child in children(request, resource, asked):
            yield described(child, asked, request.minimal)


def children(request: DavRequest, resource: Resource, asked: Asked) -> Iterator[Resource]:
    user_id = request.user.pk
    match resource.kind, resource.path:
        case Kind.ROOT, "/dav/addressbooks/":
            yield Resource(Kind.HOME, paths.home(user_id), request)
        case Kind.ROOT, "/" | "/dav/":
            yield Resource(Kind.PRINCIPAL, paths.principal(user_id), request)
            yield Resource(Kind.HOME, paths.home(user_id), request)
        case Kind.ROOT, _:
            yield Resource(Kind.PRINCIPAL, paths.principal(user_id), request)
        case Kind.HOME, _:
            yield Resource(Kind.BOOK, paths.book(user_id), request)
        case Kind.BOOK, _:
            for row in sync.rows_of(request.book, (*COLUMNS, *of_card(named(asked, Kind.CARD)))):
                yield Resource(Kind.CARD, sync.path_of(user_id, row), request, row)


def described(resource: Resource, asked: Asked, minimal: bool) -> str:
    if asked.names_only:
        return response(resource.path, propstat(map(xml.element, names_of(resource.kind)), []))
    return response(resource.path, properties(resource, named(asked, resource.kind), minimal))


def named(asked: Asked, kind: Kind) -> list[str]:
    """Return the names of the properties whose values are asked for, of a resource of that kind."""
    if not asked.all_of_them:
        return asked.names
    return list(dict.fromkeys([*names_of(kind, all_of_them=False), *asked.names]))


def properties(resource: Resource, names: list[str], minimal: bool) -> str:
    found = [written(resource, name) for name in names if has(resource, name)]
    return propstat(found, [xml.element(name) for name in names if not has(resource, name)], minimal)


def proppatch(request: DavRequest) -> HttpResponseBase:
    """Refuse each change: no property is stored for a client, and the others are not to be set."""
    root = request.xml()
    if root is None or root.tag != f"{{{DAV}}}propertyupdate":
        raise DavError(400, "The body of a PROPPATCH is a propertyupdate element.")
    resource = resource_of(request)
    names = xml.bounded_names(child for prop in root.iterfind(f"{{{DAV}}}*/{{{DAV}}}prop") for child in prop)
    protected = "<D:error><D:cannot-modify-protected-property/></D:error>"
    groups = ([name for name in names if name in PROPERTIES], [name for name in names if name not in PROPERTIES])
    parts = [
        f"<D:propstat><D:prop>{''.join(map(xml.element, group))}</D:prop>{FORBIDDEN}{error}</D:propstat>"
        for group, error in zip(groups, (protected, ""), strict=True)
        if group
    ]
    return multistatus([response(resource.path, *(parts or [propstat([], [])]))])


def expand_property(request: DavRequest, root: Element) -> HttpResponseBase:
    resource = resource_of(request)
    if sum(1 for _ in root.iter(PROPERTY)) > xml.MAX_PROPERTIES:
        raise DavError(400, f"A body names at most {xml.MAX_PROPERTIES} properties.")
    return multistatus([response(resource.path, expanded(resource, root))])


def expanded(resource: Resource, root: Element) -> str:
    """Return the properties that the children of a `property` element name, each with what it leads to."""
    found, missing = [], []
    for child in root.iterfind(PROPERTY):
        name = xml.qualified(child.get("namespace", DAV), child.get("name", ""))
        if not has(resource, name):
            missing.append(xml.element(name))
        elif name in HREFS and len(child):
            found.append(xml.element(name, followed(resource, HREFS[name], child)))
        else:
            found.append(written(resource, name))
    return propstat(found, missing, resource.request.minimal)


def followed(resource: Resource, kind: Kind, child: Element) -> str:
    user_id = resource.user_id
    path = {Kind.PRINCIPAL: paths.principal, Kind.HOME: paths.home}.get(kind, lambda _: "/dav/principals/")(user_id)
    return response(path, expanded(Resource(kind, path, resource.request), child))
