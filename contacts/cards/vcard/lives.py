"""Anniversaries and relations as properties (RFC 9555 §3)."""

from typing import Any

from contacts.cards.vcard.dates import write_date
from contacts.cards.vcard.parameters import Parameters, clean, listed, mapping, text_of
from contacts.cards.vcard.people import RELATED
from contacts.cards.vcard.tables import APPLE_RELATIONS, DATE_PREFIXES, DATES, PLACES, RELATIONS, date_rule
from contacts.cards.vcard.tokenizer import Property
from contacts.cards.vcard.values import escape, escape_newlines, is_uri

Entry = dict[str, Any]

ONE_OF_EACH = {"birth": "BDAY", "death": "DEATHDATE", "wedding": "ANNIVERSARY"}
PLACE_OF = {kind: name for name, kind in PLACES.items()}
APPLE_ANNIVERSARY = "_$!<Anniversary>!$_"


def anniversaries(found: Entry, version: str) -> list[Property]:
    lines: list[Property] = []
    parameters = Parameters(version, found)
    written: set[str] = set()
    for ident, entry in found.items():
        if not isinstance(entry, dict):
            continue
        name = date_name(entry, version, written)
        if name:
            lines += anniversary(parameters, ident, entry, name)
            written.add(name)
    return lines


def date_name(entry: Entry, version: str, written: set[str]) -> str | None:
    """The property of a date; vCard has one BDAY, DEATHDATE and ANNIVERSARY, Apple's 3.0 has X-ABDATE for the third."""
    came_from = (text_of(entry.get("vCardName")) or "").upper()
    kind = entry.get("kind")
    second = came_from == "ANNIVERSARY" and came_from in written
    if came_from in DATES and (DATES[came_from][0] == kind or came_from == "X-ABDATE") and not second:
        return came_from
    name = ONE_OF_EACH.get(kind) if isinstance(kind, str) else None
    if version == "3.0" and name not in ("BDAY", "DEATHDATE"):
        return "X-ABDATE"
    return None if name in written else name


def anniversary(parameters: Parameters, ident: str, entry: Entry, name: str) -> list[Property]:
    kind = entry.get("kind")
    extension = name.startswith("X-")
    date = write_date(entry.get("date"), "3.0" if extension else parameters.version)
    if date is None and extension:
        date = write_date(entry.get("date"), "4.0")
    if date is None:
        return []
    rule = date_rule(DATE_PREFIXES.get(str(kind), "a"))
    params, group = parameters.of(rule, ident, entry)
    calendar = text_of(mapping(entry.get("date")).get("calendarScale"))
    if calendar:
        params["calscale"] = [clean(calendar)]
    lines = parameters.labelled(Property(name, {**params, **date[1]}, date[0], group), rule, entry)
    if name == "X-ABDATE" and len(lines) == 1 and "vCardName" not in entry:
        label = APPLE_ANNIVERSARY if kind == "wedding" else str(kind)
        group = group or f"label{ident}"
        lines = [lines[0]._replace(group=group), Property("X-ABLABEL", {}, escape(label), group)]
    return lines + place_lines(entry)


def place_lines(entry: Entry) -> list[Property]:
    name, place = PLACE_OF.get(str(entry.get("kind"))), mapping(entry.get("place"))
    if name and text_of(place.get("full")):
        return [Property(name, {}, escape(place["full"]))]
    if name and text_of(place.get("coordinates")):
        return [Property(name, {"value": ["uri"]}, escape_newlines(place["coordinates"]))]
    return []


def related(found: Entry, version: str) -> list[Property]:
    lines: list[Property] = []
    parameters = Parameters(version, {})
    for number, (who, entry) in enumerate(found.items(), 1):
        if isinstance(entry, dict) and who:
            lines += relation(parameters, who, entry, number)
    return lines


def relation(parameters: Parameters, who: str, entry: Entry, number: int) -> list[Property]:
    came_from = (text_of(entry.get("vCardName")) or "").upper()
    words = [word for word, is_set in mapping(entry.get("relation")).items() if is_set is True]
    params, group = parameters.of(RELATED, "", entry)
    old = parameters.version == "3.0" and not is_uri(who)
    if came_from in RELATIONS or old:
        name = came_from if came_from in RELATIONS else "X-ABRELATEDNAMES"
        lines = parameters.labelled(Property(name, params, escape(who), group), RELATED, entry)
        if words and len(lines) == 1 and name != came_from:
            lines = with_apple_label(lines[0], words, number)
        return lines
    if words:
        params["type"] = listed("type", words)
    if not is_uri(who):
        params["value"] = ["text"]
    value = escape_newlines(who) if is_uri(who) else escape(who)
    return parameters.labelled(Property("RELATED", params, value, group), RELATED, entry)


def with_apple_label(prop: Property, words: list[str], number: int) -> list[Property]:
    """The first relation as Apple's label, the others as TYPE."""
    word, *others = words
    if others:
        prop = prop._replace(params={**prop.params, "type": [*prop.params.get("type", []), *listed("type", others)]})
    label = f"_$!<{word.capitalize()}>!$_" if word in APPLE_RELATIONS else word
    group = prop.group or f"labelr{number}"
    return [prop._replace(group=group), Property("X-ABLABEL", {}, escape(label), group)]
