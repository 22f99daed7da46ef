"""The parameters of the properties that are written, from the members of entries (RFC 9555 §3)."""

import re
from typing import Any

from contacts.cards.vcard.draft import APPLE_LABEL
from contacts.cards.vcard.tables import Rule
from contacts.cards.vcard.tokenizer import Params, Property, parameter_values
from contacts.cards.vcard.values import escape, escape_newlines

Entry = dict[str, Any]

NEVER_WRITTEN = {"group", "type", "x-ablabel", "encoding", "charset"}  # or in another way than the others
PARAMETER_NAME = re.compile(r"[a-z0-9-]+")
GROUP = re.compile(r"[A-Za-z0-9-]+")
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def text_of(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def listed(name: str, value: Any) -> list[str]:
    """The values of a parameter as they will be read again: words of TYPE in lower case, no control characters."""
    values = [CONTROLS.sub("", str(item)) for item in value] if isinstance(value, list) else [clean(str(value))]
    if name == "type":
        return list(dict.fromkeys(word for text in values for word in parameter_values("type", text)))
    return [text.replace('"', "").lower() for text in values[:1]] if name == "value" else values


def clean(text: str) -> str:
    return CONTROLS.sub("", text)


def from_vcard(params: Entry) -> Params:
    """What vCardParams holds, without what cannot be a parameter."""
    return {
        name: values
        for name, value in params.items()
        if PARAMETER_NAME.fullmatch(name) and name not in NEVER_WRITTEN and (values := listed(name, value))
    }


def group_of(params: Entry) -> str | None:
    group = text_of(params.get("group"))
    return group if group and GROUP.fullmatch(group) else None


def written(name: str, params: Entry, value: str) -> Property:
    """A property with parameters as vCardParams holds them."""
    own = from_vcard(params)
    if "type" in params and (words := listed("type", params["type"])):
        own["type"] = words
    return Property(name, own, escape_newlines(value), group_of(params), params.get("encoding") == "b")


def best_of(entries: Entry) -> int | None:
    prefs = [entry.get("pref") for entry in entries.values() if isinstance(entry, dict)]
    return min((pref for pref in prefs if isinstance(pref, int)), default=None)


class Parameters:
    """The parameters of one collection's entries, which share a numbering and a lowest `pref`."""

    def __init__(self, version: str, entries: Entry) -> None:
        self.version = version
        self.best = best_of(entries) if version == "3.0" else None
        self.in_order = all(ident[1:] == str(number) for number, ident in enumerate(entries, 1))
        self.made_groups = 0

    def of(self, rule: Rule, ident: str, entry: Entry) -> tuple[Params, str | None]:
        own = mapping(entry.get("vCardParams"))
        params: Params = {}
        types = self.types(rule, entry) + (listed("type", own["type"]) if "type" in own else [])
        if types:
            params["type"] = types
        if self.version == "4.0":
            if rule.pref and "pref" in entry:
                params["pref"] = [str(entry["pref"])]
            if ident and not (self.in_order and ident[:1] == rule.prefix):
                params["prop-id"] = [ident]
        for name, value in self.members(rule, entry):
            params[name] = [clean(value)]
        return ({**from_vcard(own), **params}, group_of(own)) if own else (params, None)

    def types(self, rule: Rule, entry: Entry) -> list[str]:
        found = [
            rule.words[member, name]
            for member in ("contexts", "features")
            if member in entry
            for name, is_set in mapping(entry[member]).items()
            if is_set is True and (member, name) in rule.words
        ]
        if self.version == "3.0" and rule.pref and entry.get("pref") == self.best is not None:
            found.append("pref")
        return found

    def members(self, rule: Rule, entry: Entry) -> list[tuple[str, str]]:
        """The parameter that each member is written as; X- ones are those of 3.0."""
        found: dict[str, tuple[str, str]] = {}
        for name, member in rule.members.items():
            if member.name not in entry:
                continue
            value = entry[member.name]
            usable = isinstance(value, int if member.number else str) and value != "" and not isinstance(value, bool)
            old = name.startswith("x-")
            if (
                usable
                and member.name not in rule.fixed
                and (member.name not in found or old == (self.version == "3.0"))
            ):
                words = {word: said for said, word in member.words.items()}
                found[member.name] = (name, words.get(str(value), str(value)))
        return list(found.values())

    def labelled(self, prop: Property, rule: Rule, entry: Entry) -> list[Property]:
        """The property, and the label in its group."""
        if "label" not in entry and "vCardParams" not in entry:
            return [prop]
        original = text_of(mapping(entry.get("vCardParams")).get("x-ablabel"))
        label = text_of(entry.get("label")) if rule.labelled else original
        if not label:
            return [prop]
        if original:
            apple = APPLE_LABEL.match(original)
            label = original if apple and apple[1] == label else label
        group = prop.group
        if group is None:
            self.made_groups += 1
            group = f"label{rule.prefix}{self.made_groups}"
        return [prop._replace(group=group), Property("X-ABLABEL", {}, escape(label), group)]
