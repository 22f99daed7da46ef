"""A JSContact card in the making: ids, bounds, common parameters, and what the model has no place for."""

import re
from dataclasses import dataclass, field
from typing import Any

from contacts.cards.jscontact import Card
from contacts.cards.validation import ID, LENGTHS, MAX_ENTRIES, SAFE_REFERENCE
from contacts.cards.vcard.lines import Limits
from contacts.cards.vcard.tables import Member, Rule
from contacts.cards.vcard.tokenizer import Property
from contacts.cards.vcard.values import unescape

Entry = dict[str, Any]

PREF = re.compile(r"[1-9][0-9]?|100")
NUMBER = re.compile(r"[1-9][0-9]{0,8}")
# Apple wraps a label of its own, to show it in the user's language.
APPLE_LABEL = re.compile(r"_\$!<(.*)>!\$_\Z", re.DOTALL)
# A group that the writer made for a label alone; it is not remembered.
MADE_GROUP = re.compile(r"label[a-z]?[0-9]+\Z")
REFERENCE = re.compile(SAFE_REFERENCE)


@dataclass(frozen=True)
class Picture:
    """A picture, logo or sound from inside a card. `reference` stands for it in the card's `media`."""

    reference: str
    data: bytes
    media_type: str


@dataclass
class Draft:
    version: str
    limits: Limits
    card: Card = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    labels: dict[str, Property] = field(default_factory=dict)  # X-ABLabel by group
    reserved: set[str] = field(default_factory=set)  # ids that a PROP-ID parameter asks for
    dates: dict[str, Entry] = field(default_factory=dict)  # the first anniversary of each kind
    unlabelled: dict[frozenset[str], list[Entry]] | None = None  # addresses without `full`, last first, by contexts
    shortened: bool = False  # whether a part was left out, since the card was over its bounds
    made_from: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)  # (property, ALTID) → entry

    def add(self, prop: Property, rule: Rule, value: str, **more: Any) -> Entry | None:
        """An entry for a property; where it breaks a bound, the property is kept as it came, with a note."""
        fault = self.fault(rule, value)
        if fault:
            self.keep(prop, f"{prop.name} {fault}; it was kept as it came.")
            return None
        entry: Entry = {**rule.fixed, **more, rule.member: value}
        if rule.named:
            entry["vCardName"] = prop.name.lower()
        ident = read_parameters(self, prop, rule, entry) if prop.params or prop.group else None
        self.put(prop, rule.collection, rule.prefix, entry, ident)
        return entry

    def fault(self, rule: Rule, value: str) -> str | None:
        if len(self.card.get(rule.collection, ())) >= MAX_ENTRIES:
            return f"is one of more than {MAX_ENTRIES}"
        limit = LENGTHS.get(rule.member)
        if limit and len(value) > limit:
            return f"is longer than {limit} characters"
        if rule.collection == "media" and not REFERENCE.fullmatch(value):
            return "is no http or https URL"
        return None

    def put(self, prop: Property, collection: str, prefix: str, entry: Entry, ident: str | None = None) -> str:
        """Adds an entry under the id that it asks for, or a new one. Returns the id."""
        entries = self.card.setdefault(collection, {})
        if ident is None or ident in entries:
            ident = self.free_id(entries, prefix)
        entries[ident] = entry
        if "altid" in prop.params:
            self.made_from.setdefault((prop.name, prop.params["altid"][0]), (collection, ident))
        return ident

    def free_id(self, entries: dict[str, Entry], prefix: str) -> str:
        number = len(entries) + 1
        while f"{prefix}{number}" in entries or f"{prefix}{number}" in self.reserved:
            number += 1
        return f"{prefix}{number}"

    def keep(self, prop: Property, note: str | None = None) -> None:
        """What the model has no place for survives (RFC 9555 §2.15.1), its value as it stands in the file."""
        params: dict[str, Any] = {name: plain(values) for name, values in prop.params.items()}
        if prop.group:
            params["group"] = prop.group
        if prop.binary:
            params["encoding"] = "b"
        if not isinstance(self.card.get("vCardProps"), list):  # JSPROP may have made it anything
            self.card["vCardProps"] = []
        self.card["vCardProps"].append([prop.name.lower(), params, "unknown", prop.value])
        if note:
            self.notes.append(note)

    def note_parameters(self, prop: Property) -> None:
        """Notes the parameters of a property whose value has a place without any."""
        lost = sorted(prop.params.keys() - {"value", "prop-id"}) + (["its group"] if prop.group else [])
        if lost:
            self.notes.append(f"{prop.name} was read without {', '.join(lost)[:200]}.")

    def take_label(self, prop: Property) -> str | None:
        """The text of the X-ABLabel in the property's group. Only one property takes it."""
        label = self.labels.pop(prop.group.lower(), None) if prop.group else None
        return unescape(label.value) if label else None


def plain(values: list[str]) -> str | list[str]:
    """jCard's form of a parameter (RFC 7095 §3.4)."""
    return values[0] if len(values) == 1 else list(values)


def read_parameters(draft: Draft, prop: Property, rule: Rule, entry: Entry) -> str | None:
    """Sets what the parameters say; the others survive in vCardParams. Returns the id asked for."""
    left: dict[str, Any] = {}
    ident = None
    for name, values in prop.params.items():
        member = rule.members.get(name)
        if name == "type":
            read_types(rule, values, entry, left)
        elif name == "pref" and rule.pref and PREF.fullmatch(values[0]):
            entry["pref"] = int(values[0])
        elif name == "prop-id" and ID.fullmatch(values[0]):
            ident = values[0]
        elif name == "x-ablabel" and rule.labelled and "label" not in entry:
            entry["label"] = values[0]  # from a program that writes labels as a parameter
        elif name == "value" and values[0] == ("uri" if rule.uri else "text"):
            pass  # what the value is anyway
        elif member is None or not read_member(member, values[0], entry):
            left[name] = plain(values)
    if prop.group:
        read_group(draft, prop, rule, entry, left)
    if left:
        entry["vCardParams"] = left
    return ident


def read_types(rule: Rule, words: list[str], entry: Entry, left: dict[str, Any]) -> None:
    others = []
    for word in words:
        flag = rule.types.get(word)
        if flag:
            entry.setdefault(flag[0], {})[flag[1]] = True
        elif word == "pref" and rule.pref:
            entry.setdefault("pref", 1)
        elif not (word == "internet" and rule.collection == "emails"):  # what RFC 2426 §3.3.2 takes for granted
            others.append(word)
    if others:
        left["type"] = plain(others)


def read_member(member: Member, text: str, entry: Entry) -> bool:
    """Whether a parameter's value fits the member that it is for."""
    if member.name in entry:
        return False
    if member.number:
        if not NUMBER.fullmatch(text):
            return False
        entry[member.name] = int(text)
    else:
        entry[member.name] = member.words.get(text.lower(), text.lower()) if member.name == "level" else text
    return True


def read_group(draft: Draft, prop: Property, rule: Rule, entry: Entry, left: dict[str, Any]) -> None:
    label = draft.take_label(prop)
    if label is not None and not label.strip():
        label = None
    if label is not None:
        apple = APPLE_LABEL.match(label)
        if rule.labelled:
            entry["label"] = apple[1] if apple else label
        if apple or not rule.labelled:
            left["x-ablabel"] = label
    if prop.group and (label is None or not MADE_GROUP.match(prop.group)):
        left["group"] = prop.group
