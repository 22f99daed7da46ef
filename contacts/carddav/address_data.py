"""Cards in answers: `address-data` (RFC 6352 §10.4) beside properties, whole or in part, as vCard 3.0 or 4.0."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contacts.carddav import paths, xml
from contacts.carddav.errors import DavError
from contacts.carddav.multistatus import propstat, response
from contacts.carddav.paths import Kind
from contacts.carddav.properties import Resource, has, names_of, of_card, written
from contacts.carddav.request import DavRequest
from contacts.carddav.vcards import vcard
from contacts.carddav.xml import CARDDAV, DAV, Element
from contacts.cards.vcard import Picture as CardPicture
from contacts.exporting import references_in
from contacts.models import Picture
from contacts.models.resource_names import resource_name

ADDRESS_DATA = f"{{{CARDDAV}}}address-data"
VERSIONS = ("3.0", "4.0")
LINE = re.compile(r'(?:([A-Za-z0-9-]+)\.)?([^;:]+)((?:;(?:[^":]|"[^"]*")*)?):', re.DOTALL)
ALWAYS = {"BEGIN", "VERSION", "END"}
NOT_SUPPORTED = "<C:supported-address-data/>"


@dataclass
class AddressData:
    """What a report asks for of each card: properties, and the card itself."""

    request: DavRequest
    names: list[str]
    version: str = "3.0"
    parts: dict[str, bool] | None = None  # vCard properties, and whether without value; None for the whole card
    names_only: bool = False
    columns: tuple[str, ...] = field(init=False)
    pictures: Mapping[str, CardPicture] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.columns = ("card",) if ADDRESS_DATA in self.names else of_card(self.names)

    @classmethod
    def of(cls, request: DavRequest, root: Element) -> "AddressData":
        """Read the prop, allprop or propname of a report (RFC 6352 §10.3, §10.7); one without has no properties."""
        prop = root.find(f"{{{DAV}}}prop")
        asked = cls(request, names_asked(root))
        asked.names_only = root.find(f"{{{DAV}}}propname") is not None
        data = prop.find(ADDRESS_DATA) if prop is not None else None
        if data is not None:
            asked.version = version_of(data)
            asked.parts = parts_of(data)
        return asked

    def read_pictures(self, rows: Iterable[dict[str, Any]]) -> None:
        """Read the small pictures of these cards in one SELECT, so that each card does not need one of its own."""
        if "card" in self.columns:
            uris = [uri for row in rows for uri in references_in(row["card"])]
            self.pictures = Picture.objects.small(self.request.user.pk, uris)

    def response(self, row: dict[str, Any]) -> str:
        path = paths.card(self.request.user.pk, resource_name(row["resource"], row["uid"], row["id"]))
        if self.names_only:
            return response(path, propstat(map(xml.element, self.names), []))
        card = Resource(Kind.CARD, path, self.request, row)
        found, missing = [], []
        for name in self.names:
            if name == ADDRESS_DATA:
                found.append(f"<C:address-data>{xml.escape(self.text(row))}</C:address-data>")
            elif has(card, name):
                found.append(written(card, name))
            else:
                missing.append(xml.element(name))
        return response(path, propstat(found, missing, self.request.minimal))

    def text(self, row: dict[str, Any]) -> str:
        text = vcard(self.request.user.pk, row, self.version, self.pictures)
        return text if self.parts is None else in_part(text, self.parts)


def names_asked(root: Element) -> list[str]:
    """Return the names of properties that a report asks for. `allprop` leaves out address-data, which is none."""
    if root.find(f"{{{DAV}}}propname") is not None:
        return names_of(Kind.CARD)
    if root.find(f"{{{DAV}}}allprop") is not None:
        return names_of(Kind.CARD, all_of_them=False)
    prop = root.find(f"{{{DAV}}}prop")
    return xml.bounded_names(prop) if prop is not None else []


def version_of(data: Element) -> str:
    """Return the version asked for; DavError 403 for a version or media type that is not supported (RFC 6352 §8.6)."""
    version = data.get("version", "3.0")
    if data.get("content-type", "text/vcard").lower() != "text/vcard" or version not in VERSIONS:
        raise DavError(403, precondition=NOT_SUPPORTED)
    return version


def parts_of(data: Element) -> dict[str, bool] | None:
    props = data.findall(f"{{{CARDDAV}}}prop")
    if not props or data.find(f"{{{CARDDAV}}}allprop") is not None:
        return None
    return {prop.get("name", "").upper(): prop.get("novalue") == "yes" for prop in props}


def in_part(text: str, parts: dict[str, bool]) -> str:
    """Return the vCard with these properties alone (RFC 6352 §10.4.2). A name may have a group before it."""
    kept = []
    for line in re.split(r"\r\n(?![ \t])", text):
        match = LINE.match(line.replace("\r\n ", ""))
        if not match:
            continue
        name = match[2].upper()
        named = next((each for each in (f"{(match[1] or '').upper()}.{name}", name) if each in parts), None)
        if name in ALWAYS or (named and not parts[named]):
            kept.append(line)
        elif named:
            kept.append(match[0])
    return "\r\n".join([*kept, ""])
