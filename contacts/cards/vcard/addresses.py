"""ADR, LABEL, GEO and TZ ⇄ `addresses` (RFC 9555 §2.6 and §2.8, RFC 9553 §2.5.1)."""

import re
from typing import Any

from contacts.cards.validation import MAX_ENTRIES
from contacts.cards.vcard import components
from contacts.cards.vcard.draft import Draft, read_parameters
from contacts.cards.vcard.parameters import clean, text_of
from contacts.cards.vcard.tables import ADDRESS_TYPES, Member, Rule
from contacts.cards.vcard.tokenizer import Property
from contacts.cards.vcard.values import escape, escape_newlines, structure, structured, unescape

Address = dict[str, Any]

# The components of RFC 6350 §6.3.1; RFC 9555 reads the second and third as "apartment" and "name".
OLD_KINDS = ("postOfficeBox", "apartment", "name", "locality", "region", "postcode", "country")
OLD_LENGTH = len(OLD_KINDS)
# Those that RFC 9554 §2.1 adds, the eighth to the eighteenth.
NEW_KINDS = (
    *("room", "apartment", "floor", "number", "name", "building", "block", "subdistrict", "district"),
    *("landmark", "direction"),
)
KINDS = ("postOfficeBox", "", "", *OLD_KINDS[3:], *NEW_KINDS)
EXTENDED = ("room", "apartment", "floor")  # what goes to the second component for older readers; the rest to the third
ADDRESS = Rule(
    "addresses",
    "components",
    "a",
    "2.6.1",
    types=ADDRESS_TYPES,
    members={"cc": Member("countryCode"), "geo": Member("coordinates"), "tz": Member("timeZone")},
    labelled=False,
)
GEO = re.compile(r"([+-]?\d{1,3}(?:\.\d{1,20})?)[;,]([+-]?\d{1,3}(?:\.\d{1,20})?)\Z", re.ASCII)
OFFSET = re.compile(r"([+-])(\d\d):?(?:00)?\Z", re.ASCII)
ETC = re.compile(r"Etc/(?:UTC|GMT([+-])([0-9]{1,2}))")
ZONE = re.compile(r"[A-Za-z][A-Za-z0-9/_+-]*\Z")


def read(draft: Draft, prop: Property) -> None:
    values = structure(prop.value, lists=draft.version != "2.1")
    if "phonetic" in prop.params or len(values) > len(KINDS) or sum(map(len, values)) > MAX_ENTRIES:
        draft.keep(prop)
        return
    address: Address = {}
    params = dict(prop.params)
    jscomps, label = params.pop("jscomps", None), params.pop("label", None)
    if len(values) == OLD_LENGTH + 1 and draft.version != "4.0":  # Google's eighth component is the whole address
        label = values.pop() or label
    if any(values):
        kinds = KINDS if any(values[OLD_LENGTH:]) else OLD_KINDS
        address["components"] = components.read(values, kinds) if kinds is OLD_KINDS else read_new(values)
        components.read_order(address, values, kinds, jscomps)
    if label:
        # RFC 6350 §6.3.1 writes line breaks in it as `\n`.
        address["full"] = ",".join(label).replace("\\n", "\n").replace("\\N", "\n")
    if not address and not params.keys() & ADDRESS.members.keys():
        return
    if draft.fault(ADDRESS, ""):
        draft.keep(prop)
        return
    prop = prop._replace(params=params)
    draft.put(prop, "addresses", "a", address, read_parameters(draft, prop, ADDRESS, address))


def read_new(values: list[list[str]]) -> list[components.Component]:
    """RFC 9554 §2.1: the second and third component repeat for older readers what later ones hold.

    What they do not repeat is an apartment and a street, as in an address without the later ones.
    """
    values += [[] for _ in KINDS[len(values) :]]
    later = set(words(values[OLD_LENGTH:]))
    for place, kind in ((1, "apartment"), (2, "name")):
        if not later.issuperset(words(values[place : place + 1])):
            values[KINDS.index(kind)] += values[place]
        values[place] = []
    return components.read(values, KINDS)


def words(values: list[list[str]]) -> list[str]:
    return [word for found in values for text in found for word in text.replace(",", " ").split()]


def read_label(draft: Draft, prop: Property) -> None:
    """LABEL (vCard 2.1, 3.0) is the whole text of the address that has the same types."""
    full = unescape(prop.value)
    if not full.strip():
        return
    twin: Address = {}
    read_parameters(draft, prop._replace(group=None), ADDRESS, twin)
    if draft.unlabelled is None:
        draft.unlabelled = by_contexts(draft)
    same_types = draft.unlabelled.get(frozenset(twin.get("contexts", ())))
    if same_types:
        address = same_types.pop()
        address["full"] = full
        if not twin.get("vCardParams", {}).items() <= address.get("vCardParams", {}).items():
            draft.note_parameters(prop)
    elif draft.fault(ADDRESS, ""):
        draft.keep(prop)
    else:
        entry: Address = {"full": full}
        draft.put(prop, "addresses", "a", entry, read_parameters(draft, prop, ADDRESS, entry))


def by_contexts(draft: Draft) -> dict[frozenset[str], list[Address]]:
    found: dict[frozenset[str], list[Address]] = {}
    for address in reversed(draft.card.get("addresses", {}).values()):
        if "full" not in address and "components" in address:
            found.setdefault(frozenset(address.get("contexts", ())), []).append(address)
    return found


def read_position(draft: Draft, prop: Property) -> None:
    """GEO: an address of its own that has nothing but coordinates."""
    text = unescape(prop.value).strip()
    pair = GEO.match(text)
    coordinates = f"geo:{pair[1]},{pair[2]}" if pair else text
    if not coordinates.startswith("geo:"):
        if text:
            draft.keep(prop, "GEO is no position; it was kept as it came.")
        return
    add_property(draft, prop, "coordinates", coordinates)


def read_zone(draft: Draft, prop: Property) -> None:
    """TZ: an address of its own that has nothing but a time zone; a whole offset is one of the Etc zones."""
    text = unescape(prop.value).strip()
    hours = OFFSET.match(text)
    if hours:
        sign = "-" if hours[1] == "+" else "+"  # the signs of Etc are those of POSIX
        text = f"Etc/GMT{sign}{int(hours[2])}" if int(hours[2]) else "Etc/UTC"
    if ZONE.match(text):
        add_property(draft, prop, "timeZone", text)
    elif text:
        draft.keep(prop, "TZ is no name of a time zone; it was kept as it came.")


def add_property(draft: Draft, prop: Property, member: str, value: str) -> None:
    if draft.fault(ADDRESS, ""):
        draft.keep(prop)
        return
    address: Address = {member: value}
    draft.put(prop, "addresses", "a", address, read_parameters(draft, prop, ADDRESS, address))


def write(address: Address, params: dict[str, list[str]], version: str) -> list[tuple[str, dict[str, list[str]], str]]:
    """Names, parameters and values of the properties that an address becomes."""
    given = address.get("components")
    parts: list[components.Component] = given if given and components.are_well_formed(given) else []
    full = text_of(address.get("full"))
    if not parts and not full:
        return write_bare(address, params, version)
    values, positions = place(parts, version)
    if version == "3.0":
        label = [("LABEL", params, escape(full))] if full else []
        return [*([("ADR", params, structured(values))] if parts else []), *label]
    params = dict(params)
    if full:
        params["label"] = [clean(full)]
    if address.get("isOrdered") and parts:
        params["jscomps"] = [clean(components.write_order(address, parts, positions))]
    return [("ADR", params, structured(values))]


def write_bare(
    address: Address, params: dict[str, list[str]], version: str
) -> list[tuple[str, dict[str, list[str]], str]]:
    coordinates, zone = text_of(address.get("coordinates")), text_of(address.get("timeZone"))
    rest = {name: value for name, value in params.items() if name not in ("geo", "tz")}
    lines = []
    if coordinates and not (zone and version == "4.0"):
        pair = GEO.match(coordinates.removeprefix("geo:"))
        value = f"{pair[1]};{pair[2]}" if pair and version == "3.0" else escape_newlines(coordinates)
        lines.append(("GEO", rest, value))
    if zone and not (coordinates and version == "4.0"):
        lines.append(zone_line(rest, zone, version))
    return lines or [("ADR", params, ";;;;;;")]


def zone_line(params: dict[str, list[str]], zone: str, version: str) -> tuple[str, dict[str, list[str]], str]:
    """TZ: in 3.0 an offset unless VALUE says text (RFC 2426 §3.4.1), in 4.0 where it came as one (RFC 6350 §6.5.1)."""
    hours, old = ETC.fullmatch(zone), version == "3.0"
    if hours and (old or params.get("value") == ["utc-offset"]):
        sign = "-" if hours[1] == "+" else "+"
        rest = {name: values for name, values in params.items() if not (old and name == "value")}
        return "TZ", rest, f"{sign}{int(hours[2] or 0):02}{':00' if old else '00'}"
    return "TZ", {**params, "value": ["text"]} if old else params, escape(zone)


def place(parts: list[components.Component], version: str) -> tuple[list[list[str]], list[components.Position | None]]:
    if all(part["kind"] in OLD_KINDS or part["kind"] == "separator" for part in parts):
        return components.placed(parts, OLD_KINDS, "value")
    values, positions = components.placed(parts, KINDS, "value")
    values[1] = joined(part for part in parts if part["kind"] in EXTENDED)
    values[2] = joined(part for part in parts if part["kind"] in NEW_KINDS and part["kind"] not in EXTENDED)
    return (values[:OLD_LENGTH] if version == "3.0" else values), positions


def joined(parts: Any) -> list[str]:
    text = " ".join(part["value"] for part in parts)
    return [text] if text else []
