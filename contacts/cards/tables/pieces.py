"""What a card holds, piece by piece, as cells say it: the texts of each part, and the types that tell its column."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from contacts.cards.jscontact import Card
from contacts.cards.tables import labels
from contacts.cards.tables.draft import HEADING
from contacts.cards.tables.places import ADDRESS_KINDS, NAME_KINDS
from contacts.cards.tables.targets import CONTEXTS, FEATURES, LABELS
from contacts.cards.vcard.dates import write_date
from contacts.cards.vcard.draft import REFERENCE
from contacts.cards.vcard.parameters import mapping, text_of
from contacts.cards.vcard.values import unescape

Entry = dict[str, Any]


class Piece(NamedTuple):
    place: str
    parts: dict[str, str]  # "" is the value
    types: tuple[str, ...] = ()
    ident: tuple[str, str] | None = None  # the collection and the id that it comes from


NAME_PARTS = {**{kind: part for part, kind in NAME_KINDS.items()}, "surname2": "surname", "generation": "suffix"}
SPOKEN = ("given", "given2", "surname")
ADDRESS_PARTS = {
    **dict.fromkeys(("number", "building", "block", "direction", "landmark", "subdistrict", "district"), "street"),
    **dict.fromkeys(("room", "floor"), "extended"),
    **{kind: part for part, kind in ADDRESS_KINDS.items()},
}
TYPE_OF = {name: word for words in (CONTEXTS, FEATURES) for word, name in words.items()}
TYPE_OF_LABEL = {label: word for word, label in LABELS.items()}
DATES = {"birth": "birthday", "wedding": "anniversary"}
SIMPLE = {  # the member that holds the value of an entry, and its place
    "nicknames": ("name", "nickname"),
    "emails": ("address", "email"),
    "phones": ("number", "phone"),
    "titles": ("name", "title"),
    "links": ("uri", "url"),
    "notes": ("note", "additional"),
    "personalInfo": ("value", "hobby"),
}


def pieces(card: Card) -> Iterator[Piece]:
    """The pieces of a card, of each collection the preferred entry first."""
    name = mapping(card.get("name"))
    yield Piece("fullname", {"": text_of(name.get("full")) or ""})
    yield Piece("name", {**joined(name.get("components"), NAME_PARTS), **spoken(name.get("components"))})
    for collection, (member, place) in SIMPLE.items():
        for ident, entry in ordered(card, collection):
            text = text_of(entry.get(member))
            if text:
                yield Piece(place, {"": text, "label": labels.label_of(entry)}, types_of(entry), (collection, ident))
    for collection, reader in OTHERS.items():
        for ident, entry in ordered(card, collection):
            piece = reader(ident, entry)
            if piece:
                yield piece._replace(ident=(collection, ident))
    yield Piece("uid", {"": text_of(card.get("uid")) or ""})
    yield from kept(card.get("vCardProps"))


def ordered(card: Card, collection: str) -> list[tuple[str, Entry]]:
    """The entries in the order of `jscontact.preferred`."""
    found = [(ident, entry) for ident, entry in mapping(card.get(collection)).items() if isinstance(entry, dict)]
    return sorted(found, key=lambda pair: (number(pair[1].get("pref")), len(pair[0]), pair[0]))


def number(pref: Any) -> int:
    return pref if isinstance(pref, int) and 0 < pref <= 100 else 101


def types_of(entry: Entry) -> tuple[str, ...]:
    """The types of its contexts and features, and of a label that stands for one."""
    flags = [
        TYPE_OF[name]
        for member in ("contexts", "features")
        for name, is_set in mapping(entry.get(member)).items()
        if is_set is True and name in TYPE_OF
    ]
    label = TYPE_OF_LABEL.get(labels.own_label(entry))
    return tuple([*flags, label] if label else flags)


def joined(components: Any, parts: dict[str, str]) -> dict[str, str]:
    """The texts of components by part, those of one part with a space between."""
    found: dict[str, str] = {}
    for component in components if isinstance(components, list) else ():
        part = parts.get(component.get("kind", "")) if isinstance(component, dict) else None
        text = text_of(component.get("value")) if part else None
        if part and text:
            found[part] = f"{found[part]} {text}" if part in found else text
    return found


def spoken(components: Any) -> dict[str, str]:
    """How the parts of a name are spoken."""
    parts = [part for part in components if isinstance(part, dict)] if isinstance(components, list) else []
    return {
        f"phonetic-{NAME_PARTS[part['kind']]}": part["phonetic"]
        for part in parts
        if part.get("kind") in SPOKEN and text_of(part.get("phonetic"))
    }


def address(ident: str, entry: Entry) -> Piece | None:
    parts = {"": text_of(entry.get("full")) or "", **joined(entry.get("components"), ADDRESS_PARTS)}
    if not any(parts.values()):
        return None
    return Piece("address", {**parts, "label": labels.label_of(entry)}, types_of(entry))


def organization(ident: str, entry: Entry) -> Piece | None:
    units = entry.get("units")
    unit_names = [text_of(mapping(unit).get("name")) or "" for unit in units] if isinstance(units, list) else []
    parts = {"": text_of(entry.get("name")) or "", "unit": ", ".join(filter(None, unit_names))}
    return Piece("organization", parts) if any(parts.values()) else None


def anniversary(ident: str, entry: Entry) -> Piece | None:
    date = write_date(entry.get("date"), "3.0") or write_date(entry.get("date"), "4.0")
    if date is None:
        return None
    text = iso(mapping(entry.get("date"))) or date[0]
    kind = entry.get("kind")
    place = DATES.get(kind) if isinstance(kind, str) else None
    label = text_of(mapping(entry.get("vCardParams")).get("x-ablabel")) or str(kind)
    return Piece(place, {"": text}) if place else Piece("event", {"": text, "label": label})


def iso(date: Entry) -> str | None:
    """`--04-12` for a day without a year; None for others."""
    if "year" in date or "utc" in date:
        return None
    return f"--{date['month']:02}-{date['day']:02}"


def relation(who: str, entry: Entry) -> Piece:
    words = [word for word, is_set in mapping(entry.get("relation")).items() if is_set is True]
    source = (text_of(entry.get("vCardName")) or "").removeprefix("x-")
    label = text_of(mapping(entry.get("vCardParams")).get("x-ablabel"))
    types = source if source in ("manager", "assistant") else (words[0] if words else "")
    return Piece("relation", {"": who, "label": label or types.capitalize()}, (types,) if types else ())


def service(ident: str, entry: Entry) -> Piece | None:
    user, uri = text_of(entry.get("user")) or "", text_of(entry.get("uri")) or ""
    text = uri if user in uri else f"{user} {uri}".strip()
    name = text_of(entry.get("service")) or ""
    return Piece("im", {"": text, "service": name, "label": labels.label_of(entry)}) if text else None


def picture(ident: str, entry: Entry) -> Piece | None:
    """A picture that is an http or https URL; those that are kept as bytes are left out."""
    uri = text_of(entry.get("uri")) or ""
    return Piece("picture", {"": uri}) if is_url(entry) and entry.get("kind") == "photo" else None


def is_url(medium: Any) -> bool:
    uri = text_of(mapping(medium).get("uri")) or ""
    return uri[:4].lower() == "http" and bool(REFERENCE.fullmatch(uri))


def kept(props: Any) -> Iterator[Piece]:
    """Columns that had no place (`draft.keep`), and other properties of vCards."""
    for prop in props if isinstance(props, list) else ():
        if isinstance(prop, list) and len(prop) == 4 and isinstance(prop[0], str) and isinstance(prop[3], str):
            label = text_of(mapping(prop[1]).get(HEADING)) or prop[0]
            yield Piece("custom", {"": unescape(prop[3]), "label": label})


OTHERS = {
    "addresses": address,
    "organizations": organization,
    "anniversaries": anniversary,
    "relatedTo": relation,
    "onlineServices": service,
    "media": picture,
}
