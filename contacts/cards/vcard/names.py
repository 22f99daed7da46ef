"""FN, N and the phonetic and sorting names ⇄ `name` (RFC 9555 §2.5, RFC 9553 §2.2.1)."""

import re
from collections import Counter
from typing import Any

from contacts.cards.validation import MAX_ENTRIES
from contacts.cards.vcard import components
from contacts.cards.vcard.draft import Draft, plain
from contacts.cards.vcard.parameters import clean, mapping, text_of, written
from contacts.cards.vcard.tokenizer import Property
from contacts.cards.vcard.values import escape, structure, structured, unescape

Name = dict[str, Any]

KINDS = ("surname", "given", "given2", "title", "credential", "surname2", "generation")
# vCard before RFC 9554 has five components: where the two later ones stand in them.
OLDER_PLACES = {"surname2": "surname", "generation": "credential"}
SPOKEN = ("title", "given", "given2", "surname", "surname2", "generation", "credential")
EASTERN_ORDER = ("title", "surname", "surname2", "given2", "given", "generation", "credential")
EASTERN = re.compile("[\u3005\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]+")
KANA = re.compile("[\u3040-\u30ff\uff66-\uff9f]")
PHONETIC = {
    "X-PHONETIC-FIRST-NAME": "given",
    "X-PHONETIC-MIDDLE-NAME": "given2",
    "X-PHONETIC-LAST-NAME": "surname",
}
FN_PARAMETER = "x-fn-"  # prefix, in vCardParams, of a parameter of FN where N has parameters too


def read_full(draft: Draft, prop: Property) -> None:
    """The first FN is the full name. One that is only DERIVED (RFC 9554 §4.4) serves, too."""
    full = unescape(prop.value) if draft.version == "4.0" else unescape(prop.value).strip()
    if not full.strip():
        return
    name = draft.card.setdefault("name", {})
    if "full" in name:
        draft.keep(prop)
        return
    name["full"] = full
    params: dict[str, Any] = {FN_PARAMETER + key: plain(values) for key, values in prop.params.items()}
    params.pop(FN_PARAMETER + "derived", None)
    if prop.group:
        params[FN_PARAMETER + "group"] = prop.group
    if params:
        name["vCardParams"] = {**name.get("vCardParams", {}), **params}
    note_alternative(draft, prop)


def read_components(draft: Draft, prop: Property) -> None:
    name = draft.card.setdefault("name", {})
    if "phonetic" in prop.params:
        read_phonetic_components(draft, prop, name)
        return
    values = structure(prop.value, lists=draft.version != "2.1")
    if draft.version != "4.0":
        values = [[text.strip() for text in found] for found in values]
    if not any(values):
        return
    if "components" in name or len(values) > len(KINDS) or sum(map(len, values)) > MAX_ENTRIES:
        draft.keep(prop)
        return
    params = dict(prop.params)
    places = without_older(values)
    name["components"] = components.read(places, KINDS)
    components.read_order(name, places, KINDS, params.pop("jscomps", None))
    read_sort_as(name, params)
    left = {key: plain(value) for key, value in params.items()}
    if prop.group:
        left["group"] = prop.group
    if left:
        name["vCardParams"] = {**name.get("vCardParams", {}), **left}
    note_alternative(draft, prop)


def note_alternative(draft: Draft, prop: Property) -> None:
    if "altid" in prop.params:
        draft.made_from.setdefault((prop.name, prop.params["altid"][0]), ("name", ""))


def without_older(values: list[list[str]]) -> list[list[str]]:
    """Without the texts that RFC 9554 §2.2 repeats for older readers at the end of two of the first five components."""
    for kind, older in OLDER_PLACES.items():
        repeated = Counter(values[KINDS.index(kind)] if KINDS.index(kind) < len(values) else ())
        if not repeated:
            continue
        left = []
        for text in reversed(values[KINDS.index(older)]):
            if repeated[text]:
                repeated[text] -= 1
            else:
                left.append(text)
        values[KINDS.index(older)] = left[::-1]
    return values


def read_sort_as(name: Name, params: dict[str, list[str]]) -> None:
    """SORT-AS (RFC 6350 §5.9): texts in the order of N's components, each for a component that the name has."""
    if "sort-as" not in params:
        return
    words = [word for value in params["sort-as"] for word in value.split(",")]
    present = {component["kind"] for component in name["components"]}
    sort_as = {kind: word for kind, word in zip(KINDS, words, strict=False) if word}
    if sort_as and len(words) <= len(KINDS) and sort_as.keys() <= present:
        name["sortAs"] = sort_as
        del params["sort-as"]


def read_phonetic_components(draft: Draft, prop: Property, name: Name) -> None:
    """N with PHONETIC (RFC 9554 §4.6): how the components of the N with the same ALTID are spoken."""
    values = structure(prop.value)
    fits = "components" in name and "phoneticSystem" not in name and "phoneticScript" not in name
    if not fits or prop.params.keys() > {"phonetic", "script", "altid"} or len(values) > len(KINDS):
        draft.keep(prop)
        return
    texts_by_kind = {kind: iter(found) for kind, found in zip(KINDS, values, strict=False)}
    for component in name["components"]:
        spoken = next(texts_by_kind.get(component["kind"], iter(())), None)
        if spoken:
            component["phonetic"] = spoken
    system = prop.params["phonetic"][0].lower()
    if system != "script":
        name["phoneticSystem"] = system
    if "script" in prop.params:
        name["phoneticScript"] = prop.params["script"][0]
    name.get("vCardParams", {}).pop("altid", None)
    if not name.get("vCardParams", True):
        del name["vCardParams"]


def read_phonetic(draft: Draft, prop: Property) -> None:
    """Apple's and Android's phonetic names. They follow N, wherever they stand in the file."""
    kind, text = PHONETIC[prop.name], unescape(prop.value)
    found = [part for part in draft.card.get("name", {}).get("components", ()) if part["kind"] == kind]
    if len(found) != 1 or "phonetic" in found[0] or prop.params or prop.group:
        draft.keep(prop)
    else:
        found[0]["phonetic"] = text


def read_sort_string(draft: Draft, prop: Property) -> None:
    """SORT-STRING (RFC 2426 §3.6.5) says how the family name is sorted."""
    name = draft.card.get("name", {})
    has_surname = any(part["kind"] == "surname" for part in name.get("components", ()))
    if not has_surname or "sortAs" in name or prop.params or prop.group:
        draft.keep(prop)
    else:
        name["sortAs"] = {"surname": unescape(prop.value)}


def forget_repeated(draft: Draft) -> None:
    """In 3.0, which demands an N, a given name that only repeats FN (as `lines` writes it) says nothing."""
    name = draft.card.get("name", {})
    if draft.version != "3.0" or name.get("components") != [{"kind": "given", "value": name.get("full")}]:
        return
    if not is_of_another_property(name["full"], draft.card):
        del name["components"]


def is_of_another_property(full: str, card: dict[str, Any]) -> bool:
    """Return whether a full name is that of a company, or an address or number that stands for the name."""
    return any(
        mapping(entry).get(member) == full
        for collection, member in NO_NAMES
        for entry in mapping(card.get(collection)).values()
    )


def spoken_name(name: Name) -> str:
    """The components as one text. In Chinese, Japanese and Korean the surname is first; only kana has spaces."""
    parts = name.get("components", [])
    values = [part["value"].strip() for part in sorted_eastern(parts)]
    if name.get("isOrdered") or len(values) < 2 or not all(map(EASTERN.fullmatch, values)):
        return components.spoken(name, SPOKEN)
    return (" " if any(map(KANA.search, values)) else "").join(values)


def sorted_eastern(parts: list[dict[str, str]]) -> list[dict[str, str]]:
    return sorted((part for part in parts if part["kind"] in KINDS), key=lambda part: EASTERN_ORDER.index(part["kind"]))


def made_full(card: dict[str, Any]) -> tuple[str, str] | None:
    """A full name for a card without one, and the property that it is made of."""
    spoken = spoken_name(card.get("name", {}))
    if spoken:
        return spoken, "N"
    for source, collection, member in FULL_FROM:
        for entry in card.get(collection, {}).values():
            texts = [entry.get(member, ""), *(unit.get("name", "") for unit in entry.get("units", ()))]
            if text := next(filter(None, map(str.strip, texts)), None):
                return text, source
    return None


FULL_FROM = (
    ("NICKNAME", "nicknames", "name"),
    ("ORG", "organizations", "name"),
    ("EMAIL", "emails", "address"),
    ("TEL", "phones", "number"),
)
NO_NAMES = (("organizations", "name"), ("emails", "address"), ("phones", "number"))


def lines(card: dict[str, Any], version: str, alternatives: dict[str, Name]) -> list[Property]:
    """FN and N, and what they are in other languages."""
    name = mapping(card.get("name"))
    found = write(name, version)
    if len(found) == 1 and version == "3.0":  # RFC 2426 §3.1.2 demands an N
        full = text_of(name.get("full")) or ""
        given = [] if is_of_another_property(full, card) else [full]
        found.append(Property("N", {}, structured([[], given, [], [], []])))
    if not alternatives:
        return found
    found = [prop._replace(params={**prop.params, "altid": ["name"]}) if prop.name in "FN" else prop for prop in found]
    for language, patch in alternatives.items():
        other = {**{key: value for key, value in name.items() if key != "vCardParams"}, **patch}
        for prop in write(other, version):
            if (prop.name == "FN" and "full" in patch) or (prop.name == "N" and "components" in patch):
                found.append(prop._replace(params={**prop.params, "altid": ["name"], "language": [clean(language)]}))
    return found


def write(name: Name, version: str) -> list[Property]:
    own = mapping(name.get("vCardParams"))
    full_params = {key.removeprefix(FN_PARAMETER): value for key, value in own.items() if key.startswith(FN_PARAMETER)}
    params = {key: value for key, value in own.items() if not key.startswith(FN_PARAMETER)}
    full = text_of(name.get("full")) or ""
    found = [written("FN", full_params, escape(full))]
    parts = name.get("components")
    if parts and components.are_well_formed(parts):
        found += write_components(name, parts, params, version)
    return found


def write_components(name: Name, parts: list[dict[str, Any]], params: dict[str, Any], version: str) -> list[Property]:
    values, positions = components.placed(parts, KINDS, "value")
    params = dict(params)
    if name.get("isOrdered"):
        params["jscomps"] = components.write_order(name, parts, positions)
    sort_as = mapping(name.get("sortAs"))
    if sort_as:
        params["sort-as"] = ",".join(text_of(sort_as.get(kind)) or "" for kind in KINDS).rstrip(",")
    spoken = any("phonetic" in part for part in parts)
    in_standard = version == "4.0" and ("phoneticSystem" in name or "phoneticScript" in name)
    if in_standard:
        params["altid"] = "phonetic"
    found = [written("N", params, structured(for_older_readers(values, version)))]
    if in_standard:
        found.append(write_phonetic(name, parts))
    elif spoken:
        found += write_simple_phonetic(parts)
    if version == "3.0" and text_of(sort_as.get("surname")):
        found.append(Property("SORT-STRING", {}, escape(sort_as["surname"])))
    return found


def for_older_readers(values: list[list[str]], version: str) -> list[list[str]]:
    """Five components, with what the later two hold repeated in them; the later two only where they hold something."""
    for kind, older in OLDER_PLACES.items():
        values[KINDS.index(older)] = values[KINDS.index(older)] + values[KINDS.index(kind)]
    return values if version == "4.0" and any(values[5:]) else values[:5]


def write_phonetic(name: Name, parts: list[dict[str, Any]]) -> Property:
    values, _ = components.placed(parts, KINDS, "phonetic")
    params = {"altid": ["phonetic"], "phonetic": [clean(text_of(name.get("phoneticSystem")) or "script")]}
    if "phoneticScript" in name:
        params["script"] = [clean(str(name["phoneticScript"]))]
    return Property("N", params, structured(values).rstrip(";"))


def write_simple_phonetic(parts: list[dict[str, Any]]) -> list[Property]:
    by_kind = {part["kind"]: part["phonetic"] for part in parts if part.get("phonetic")}
    return [Property(label, {}, escape(by_kind[kind])) for label, kind in PHONETIC.items() if kind in by_kind]
