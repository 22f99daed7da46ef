"""The properties that a card's entries become (RFC 9555 §3).

What is not of the form that RFC 9553 gives it is passed over here: in 4.0 it goes out as JSPROP.
"""

from collections.abc import Callable, Iterator
from typing import Any

from contacts.cards.jscontact import Card
from contacts.cards.vcard import addresses, lives, localizations, names
from contacts.cards.vcard.dates import write_timestamp
from contacts.cards.vcard.media import TEXT_TOO
from contacts.cards.vcard.parameters import Parameters, clean, listed, mapping, text_of, written
from contacts.cards.vcard.people import AUTHOR, NOTE, ORGANIZATION, PRONOUNS, USER
from contacts.cards.vcard.tables import RULES, WRITTEN_AS, Rule
from contacts.cards.vcard.tokenizer import NAME, Property
from contacts.cards.vcard.values import escape, escape_newlines, is_uri, texts

Entry = dict[str, Any]
Lines = list[Property]
Writer = Callable[[Parameters, str, Entry], Lines]  # the collection's parameters, an entry's id, the entry

TEXTS = (("prodId", "PRODID"), ("uid", "UID"), ("language", "LANGUAGE"))
TIMES = (("created", "CREATED"), ("updated", "REV"))
SERVICES = {rule.fixed["service"].lower(): name for name, rule in reversed(RULES.items()) if "service" in rule.fixed}
NOT_KEPT = {"BEGIN", "END", "VERSION"}


def properties(card: Card, version: str) -> Lines:
    lines = [Property(name, {}, escape(card[member])) for member, name in TEXTS if text_of(card.get(member))]
    lines += kind_lines(card, version)
    alternatives = localizations.of_entries(card) if card.get("localizations") and version == "4.0" else {}
    lines += names.lines(card, version, alternatives.get(("name", ""), {}))
    for collection in card:
        writer = WRITERS.get(collection)
        if writer:
            lines += collection_lines(writer, collection, mapping(card[collection]), version, alternatives)
    lines += lives.anniversaries(mapping(card.get("anniversaries")), version)
    if "relatedTo" in card:
        lines += lives.related(mapping(card["relatedTo"]), version)
    if "speakToAs" in card:
        lines += speak_lines(mapping(card["speakToAs"]), version)
    others = list(kept(card.get("vCardProps")))
    lines += category_lines(card, [line for line in others if line.name == "CATEGORIES"])
    lines += [line for line in others if line.name != "CATEGORIES"]
    lines += [
        Property(name, {}, write_timestamp(card[member], version))
        for member, name in TIMES
        if text_of(card.get(member))
    ]
    return lines


def category_lines(card: Card, with_parameters: Lines) -> Lines:
    """The keywords: those that came with parameters as they came, unless they were removed since; then the others."""
    left = dict(mapping(card.get("keywords")))
    lines = []
    for line in with_parameters:
        keywords = [keyword for keyword in map(str.strip, texts(line.value)) if left.pop(keyword, False)]
        if keywords:
            lines.append(line._replace(value=",".join(map(escape, keywords))))
    return lines + ([Property("CATEGORIES", {}, ",".join(map(escape, left)))] if left else [])


def kind_lines(card: Card, version: str) -> Iterator[Property]:
    kind, old = text_of(card.get("kind")), version == "3.0"
    if kind:
        yield Property("X-ADDRESSBOOKSERVER-KIND" if old and kind == "group" else "KIND", {}, escape(kind))
    for member, is_set in mapping(card.get("members")).items():
        if is_set is True:
            yield Property("X-ADDRESSBOOKSERVER-MEMBER" if old else "MEMBER", {}, escape_newlines(member))


def collection_lines(
    writer: Writer, collection: str, found: Entry, version: str, alternatives: localizations.Alternatives
) -> Lines:
    lines: Lines = []
    parameters = Parameters(version, found)
    for number, (ident, entry) in enumerate(found.items(), 1):
        if not isinstance(entry, dict):
            continue
        own = writer(parameters, ident, entry)
        if own and alternatives and (collection, ident) in alternatives:
            own = in_languages(own, writer, entry, alternatives[collection, ident], f"{collection[:2]}{number}")
        lines += own
    plain = all(line.name == "NICKNAME" and not line.params and not line.group for line in lines)
    if version == "3.0" and collection == "nicknames" and lines and plain:
        return [Property("NICKNAME", {}, ",".join(line.value for line in lines))]
    return lines


def in_languages(own: Lines, writer: Writer, entry: Entry, patches: dict[str, Entry], altid: str) -> Lines:
    lines = [own[0]._replace(params={**own[0].params, "altid": [altid]}), *own[1:]]
    for language, patch in patches.items():
        other = localizations.patched(entry, patch)
        written_so = writer(Parameters("4.0", {"": other}), "", other) if other else []
        params = {"altid": [altid], "language": [clean(language)]}
        lines += [line._replace(params={**line.params, **params}, group=None) for line in written_so[:1]]
    return lines


def entry_lines(parameters: Parameters, ident: str, entry: Entry, rule: Rule, name: str, value: str) -> Lines:
    params, group = parameters.of(rule, ident, entry)
    return parameters.labelled(Property(name, params, value, group), rule, entry)


def simple(collection: str) -> Writer:
    """A writer for entries whose value stands in one member."""

    def write(parameters: Parameters, ident: str, entry: Entry) -> Lines:
        name = property_name(collection, entry)
        rule = RULES[name]
        value = text_of(entry.get(rule.member))
        if not value:
            return []
        lines = entry_lines(parameters, ident, entry, rule, name, escape_newlines(value) if rule.uri else escape(value))
        if name in TEXT_TOO and not is_uri(value):
            lines[0] = lines[0]._replace(params={**lines[0].params, "value": ["uri"]})
        return lines

    return write


def property_name(collection: str, entry: Entry) -> str:
    """The property that an entry says it came from, if it still can be that one; else that of its kind."""
    came_from = (text_of(entry.get("vCardName")) or "").upper()
    rule = RULES.get(came_from)
    if rule and rule.collection == collection and all(entry.get(key) == value for key, value in rule.fixed.items()):
        return came_from
    by_kind = WRITTEN_AS[collection]
    kind = entry.get("kind")
    return by_kind.get(kind if isinstance(kind, str) else None) or by_kind[None]


def phone(parameters: Parameters, ident: str, entry: Entry) -> Lines:
    number = text_of(entry.get("number"))
    if not number:
        return []
    name = property_name("phones", entry)
    first, *label = entry_lines(parameters, ident, entry, RULES[name], name, escape(number))
    if name != "TEL":
        return [first, *label]
    came_as = first.params.pop("value", None)
    uri = number if is_uri(number) else f"tel:{number}"
    if parameters.version == "4.0" and (is_uri(number) or came_as == ["uri"]) and is_uri(uri):
        first = first._replace(params={**first.params, "value": ["uri"]}, value=escape_newlines(uri))
    return [first, *label]


def email(parameters: Parameters, ident: str, entry: Entry) -> Lines:
    lines = simple("emails")(parameters, ident, entry)
    if lines and parameters.version == "3.0":
        types = lines[0].params.get("type", [])
        if "x400" not in types:
            lines[0] = lines[0]._replace(params={**lines[0].params, "type": ["internet", *types]})
    return lines


def service(parameters: Parameters, ident: str, entry: Entry) -> Lines:
    uri, user = text_of(entry.get("uri")), text_of(entry.get("user"))
    name = property_name("onlineServices", entry)
    named = text_of(entry.get("service")) or ""
    if not uri and name == "SOCIALPROFILE" and parameters.version == "3.0" and named.lower() in SERVICES:
        name = SERVICES[named.lower()]
    rule = RULES[name]
    if rule.member == "user" and user and not uri:
        return entry_lines(parameters, ident, entry, rule, name, escape(user))
    if not uri and user and parameters.version == "4.0":
        lines = entry_lines(parameters, ident, entry, USER, "SOCIALPROFILE", escape(user))
        return [lines[0]._replace(params={**lines[0].params, "value": ["text"]}), *lines[1:]]
    if not uri and not user:
        return []
    if name in ("X-SOCIALPROFILE", "SOCIALPROFILE") and (parameters.version == "3.0" or name.startswith("X-")):
        return apple_profile(parameters, ident, entry, uri or f"x-apple:{user}")
    return entry_lines(parameters, ident, entry, rule, name, escape_newlines(uri or ""))


def apple_profile(parameters: Parameters, ident: str, entry: Entry, uri: str) -> Lines:
    """X-SOCIALPROFILE says its service in TYPE."""
    lines = entry_lines(parameters, ident, entry, RULES["X-SOCIALPROFILE"], "X-SOCIALPROFILE", escape_newlines(uri))
    word = text_of(entry.get("service"))
    params = lines[0].params
    if word:
        params = {**params, "type": [*params.get("type", []), *listed("type", word)]}
    return [lines[0]._replace(params=params), *lines[1:]]


def address(parameters: Parameters, ident: str, entry: Entry) -> Lines:
    params, group = parameters.of(addresses.ADDRESS, ident, entry)
    first, *others = [
        Property(name, own, value, group) for name, own, value in addresses.write(entry, params, parameters.version)
    ]
    return [*parameters.labelled(first, addresses.ADDRESS, entry), *others]


def note(parameters: Parameters, ident: str, entry: Entry) -> Lines:
    text = text_of(entry.get("note"))
    if not text:
        return []
    lines = entry_lines(parameters, ident, entry, NOTE, "NOTE", escape(text))
    params = lines[0].params
    author = mapping(entry.get("author"))
    for name, member in AUTHOR.items():
        said = text_of(author.get(member))
        if said:
            params[name] = [clean(said)]
    created = text_of(entry.get("created"))
    if created:
        params["created"] = [clean(write_timestamp(created, "4.0"))]
    return lines


def organization(parameters: Parameters, ident: str, entry: Entry) -> Lines:
    units = entry.get("units")
    units = [mapping(unit) for unit in units] if isinstance(units, list) else []
    parts = [text_of(entry.get("name")) or "", *(text_of(unit.get("name")) or "" for unit in units)]
    if not any(parts):
        return []
    lines = entry_lines(parameters, ident, entry, ORGANIZATION, "ORG", ";".join(map(escape, parts)))
    sort_as = ",".join(text_of(place.get("sortAs")) or "" for place in (entry, *units)).rstrip(",")
    if sort_as:
        lines[0] = lines[0]._replace(params={**lines[0].params, "sort-as": [clean(sort_as)]})
    return lines


def speak_lines(speak: Entry, version: str) -> Lines:
    gender = text_of(speak.get("grammaticalGender"))
    lines = [Property("GRAMGENDER", {}, escape(gender))] if gender else []
    found = mapping(speak.get("pronouns"))
    parameters = Parameters(version, found)
    for ident, entry in found.items():
        if text_of(mapping(entry).get("pronouns")):
            lines += entry_lines(parameters, ident, entry, PRONOUNS, "PRONOUNS", escape(entry["pronouns"]))
    return lines


def kept(props: Any) -> Iterator[Property]:
    """What came from a vCard and has no other place, as it stood there (RFC 9555 §2.15.1)."""
    for prop in props if isinstance(props, list) else ():
        if not isinstance(prop, list) or len(prop) < 4 or not isinstance(prop[1], dict):
            continue
        name, params, kind, *values = prop
        if not isinstance(name, str) or not NAME.fullmatch(name) or name.upper() in NOT_KEPT:
            continue
        texts = [value if isinstance(value, str) else str(value) for value in values]
        if kind == "text":
            texts = [escape(text) for text in texts]
        if kind not in ("unknown", "text"):
            params = {**params, "value": kind}
        yield written(name.upper(), params, ",".join(texts))


WRITERS: dict[str, Writer] = {
    **{collection: simple(collection) for collection in WRITTEN_AS},
    "emails": email,
    "phones": phone,
    "onlineServices": service,
    "addresses": address,
    "notes": note,
    "organizations": organization,
}
