"""Notes, organizations, relations, grammar and services ⇄ JSContact (RFC 9555 §2.5, §2.9, §2.11)."""

import re
from typing import Any

from contacts.cards.vcard.dates import read_timestamp
from contacts.cards.vcard.draft import APPLE_LABEL, MADE_GROUP, Draft, Entry, plain, read_parameters
from contacts.cards.vcard.tables import APPLE_RELATIONS, RELATIONS, SERVICE_NAME, Rule
from contacts.cards.vcard.tokenizer import Property
from contacts.cards.vcard.values import is_uri, split, unescape

NOTE = Rule("notes", "note", "n", "2.11.4", types={}, labelled=False, pref=False)
ORGANIZATION = Rule("organizations", "name", "o", "2.9.4", labelled=False, pref=False)
PRONOUNS = Rule("speakToAs", "pronouns", "n", "2.5.4", labelled=False)
RELATED = Rule("relatedTo", "relation", "r", "2.9.5", types={}, labelled=False, pref=False)
USER = Rule("onlineServices", "user", "s", "2.7.5", members=SERVICE_NAME)
GENDERS = frozenset(["animate", "common", "feminine", "inanimate", "masculine", "neuter"])
RELATION_LABEL = re.compile(r"_\$!<[A-Za-z-]+>!\$_|[a-z-]+")
AUTHOR = {"author-name": "name", "author": "uri"}


def read_note(draft: Draft, prop: Property) -> None:
    text = unescape(prop.value)
    if not text.strip():
        return
    more: dict[str, Any] = {}
    params = dict(prop.params)
    created = read_timestamp(params["created"][0]) if "created" in params else None
    if created:
        more["created"] = created
        del params["created"]
    author = {AUTHOR[name]: params.pop(name)[0] for name in AUTHOR if name in params}
    if author:
        more["author"] = author
    draft.add(prop._replace(params=params), NOTE, text, **more)


def read_organization(draft: Draft, prop: Property) -> None:
    """ORG: a name, then units, each of them with its part of SORT-AS."""
    parts = [unescape(part) for part in split(prop.value, ";")]
    while parts and not parts[-1].strip():
        parts.pop()
    if not parts:
        return
    organization: Entry = {"name": parts[0]} if parts[0].strip() else {}
    units: list[Entry] = [{"name": part} for part in parts[1:]]
    params = dict(prop.params)
    sort_as = [word for value in params.pop("sort-as", []) for word in value.split(",")]
    for place, word in zip([organization, *units], sort_as, strict=False):
        if word:
            place["sortAs"] = word
    if units:
        organization["units"] = units
    if draft.fault(ORGANIZATION, parts[0]):
        draft.keep(prop)
        return
    prop = prop._replace(params=params)
    ident = read_parameters(draft, prop, ORGANIZATION, organization)
    draft.put(prop, "organizations", "o", organization, ident)


def link_titles(draft: Draft) -> None:
    """A TITLE or ROLE in the group of an ORG is held there (RFC 9555 §2.9.6)."""
    groups = {
        entry["vCardParams"]["group"].lower(): ident
        for ident, entry in draft.card.get("organizations", {}).items()
        if "group" in entry.get("vCardParams", ())
    }
    for title in draft.card.get("titles", {}).values() if groups else ():
        ident = groups.get(title.get("vCardParams", {}).get("group", "").lower())
        if ident:
            title["organizationId"] = ident


def read_grammatical_gender(draft: Draft, prop: Property) -> None:
    gender = unescape(prop.value).strip().lower()
    speak = draft.card.get("speakToAs", {})
    if gender not in GENDERS or "grammaticalGender" in speak or prop.params or prop.group:
        if gender:
            draft.keep(prop)
        return
    draft.card.setdefault("speakToAs", {})["grammaticalGender"] = gender


def read_pronouns(draft: Draft, prop: Property) -> None:
    text = unescape(prop.value)
    if not text.strip():
        return
    entry: Entry = {"pronouns": text}
    ident = read_parameters(draft, prop, PRONOUNS, entry)
    entries = draft.card.setdefault("speakToAs", {}).setdefault("pronouns", {})
    number = len(entries) + 1
    while ident is None or ident in entries:
        ident, number = f"n{number}", number + 1
    entries[ident] = entry


def read_related(draft: Draft, prop: Property) -> None:
    """RELATED and its elders: the person's URI or name is the key, the words of TYPE are the relation."""
    who = unescape(prop.value).strip()
    if not who:
        return
    if who in draft.card.get("relatedTo", {}) or draft.fault(RELATED, ""):
        draft.keep(prop)
        return
    relation: dict[str, bool] = {}
    entry: Entry = {"relation": relation}
    params = dict(prop.params)
    if prop.name == "RELATED":
        relation.update(dict.fromkeys(params.pop("type", ()), True))
        if params.get("value") == ["uri" if is_uri(who) else "text"]:
            del params["value"]
    elif is_written_relation(draft, prop):
        label = APPLE_LABEL.sub(r"\1", draft.take_label(prop) or "")
        relation.update(dict.fromkeys([label.lower(), *params.pop("type", ())], True))
        prop = prop._replace(group=None)
    else:
        entry["vCardName"] = prop.name.lower()
        if RELATIONS[prop.name]:
            relation[RELATIONS[prop.name]] = True
    read_parameters(draft, prop._replace(params=params), RELATED, entry)
    known = APPLE_RELATIONS.get(bare_label(entry).lower())
    if known and not relation:
        relation[known] = True
    draft.card.setdefault("relatedTo", {})[who] = entry


def is_written_relation(draft: Draft, prop: Property) -> bool:
    """Whether this is 3.0's form of RELATED: its label is a word of TYPE, and no label that somebody chose."""
    label = draft.labels.get(prop.group.lower()) if prop.group and MADE_GROUP.match(prop.group) else None
    return label is not None and bool(RELATION_LABEL.fullmatch(unescape(label.value)))


def bare_label(entry: Entry) -> str:
    label = str(entry.get("vCardParams", {}).get("x-ablabel", ""))
    apple = APPLE_LABEL.match(label)
    return apple[1] if apple else label


def take_service(entry: Entry) -> None:
    """Apple says the service of a profile in TYPE."""
    words = entry.get("vCardParams", {}).get("type")
    if not words:
        return
    first, *rest = [words] if isinstance(words, str) else words
    entry["service"] = first
    if rest:
        entry["vCardParams"]["type"] = plain(rest)
    else:
        del entry["vCardParams"]["type"]
        if not entry["vCardParams"]:
            del entry["vCardParams"]
