"""The entries of a card that the cells of a row become: one function for each place of a target."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from contacts.cards.folding import fold
from contacts.cards.jscontact import FAVOURITE
from contacts.cards.tables import dates, labels, more
from contacts.cards.tables.draft import Draft
from contacts.cards.tables.targets import RELATIONS, SERVICES
from contacts.cards.validation import LENGTHS, MAX_ENTRIES
from contacts.cards.vcard.bounds import KEYWORD
from contacts.cards.vcard.tables import APPLE_RELATIONS, OTHER_DATE

NAME_KINDS = {"prefix": "title", "given": "given", "middle": "given2", "surname": "surname", "suffix": "credential"}
NAME_ORDER = ("surname", "given", "middle", "prefix", "suffix")  # as in vCard's N
ADDRESS_KINDS = {
    "box": "postOfficeBox",
    "extended": "apartment",
    "street": "name",
    "locality": "locality",
    "region": "region",
    "postcode": "postcode",
    "country": "country",
}
# A number that a spreadsheet has rounded.
ROUNDED = re.compile(r"\d([.,]\d+)?E\+\d+", re.IGNORECASE)
CELL = 1000  # characters that are looked at for several addresses
ADDRESSES = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+(?:[,;\s]+[^\s@,;<>]+@[^\s@,;<>]+)+")
ANNIVERSARY = frozenset(["", *map(fold, ("Anniversary", "Jahrestag", "Aniversario", "Річниця", "Rocznica"))])
NO_GROUP = frozenset(map(fold, ("My Contacts", "myContacts")))  # Google's, in which every contact is
STARRED = frozenset(map(fold, ("starred", "Starred in Android", FAVOURITE)))


class Group(NamedTuple):
    """The columns that make one entry."""

    place: str
    types: tuple[str, ...]
    headings: dict[str, str]  # of each part

    @property
    def heading(self) -> str:
        """The heading of the value, or of the first part."""
        return self.headings.get("") or next(iter(self.headings.values()))


Values = dict[str, str]  # by part; none is blank
Reader = Callable[[Draft, Group, Values], None]


def read_full_name(draft: Draft, group: Group, values: Values) -> None:
    """The first column with a full name; what another one says is kept under its heading."""
    full = draft.card.setdefault("name", {}).setdefault("full", values[""])
    if full != values[""]:
        draft.keep(group.heading, values[""])


def read_name(draft: Draft, group: Group, values: Values) -> None:
    """The parts of a name; what a second column says of a part is kept under its heading."""
    parts: list[dict[str, str]] = draft.card.get("name", {}).get("components", [])
    found = {part["kind"]: part["value"] for part in parts}
    for part in NAME_ORDER:
        kind = NAME_KINDS[part]
        if part in values and kind not in found:
            parts.append({"kind": kind, "value": values[part]})
        elif part in values and found[kind] != values[part]:
            draft.keep(group.headings[part], values[part])
    for part, text in values.items():
        if part.startswith("phonetic-"):
            spoken = NAME_KINDS[part.removeprefix("phonetic-")]
            holder = next((found for found in parts if found["kind"] == spoken), None)
            if not holder or holder.setdefault("phonetic", text) != text:
                draft.keep(group.headings[part], text)
    if parts:
        draft.card.setdefault("name", {})["components"] = parts


def simple(collection: str, prefix: str, member: str, **fixed: Any) -> Reader:
    def read(draft: Draft, group: Group, values: Values) -> None:
        for text in draft.several(values[""]):
            draft.add(collection, prefix, member, text, group.heading, **fixed)

    return read


def labelled(collection: str, prefix: str, member: str) -> Reader:
    """Entries with contexts, features and a label, from the label's column and the column's types."""

    def read(draft: Draft, group: Group, values: Values) -> None:
        if "shown" in values and shows_more(draft, values):
            draft.keep(group.headings["shown"], values["shown"])
        if "" not in values:  # a label alone says nothing
            return
        kind = labels.kind(values.get("label", ""), group.types, group.place == "phone")
        if group.place == "phone" and ROUNDED.fullmatch(values[""]):
            draft.notes.append(f"A spreadsheet has rounded {group.heading}, its last digits are lost: {values['']}")
        for text in several(draft, group, values[""]):
            draft.add(collection, prefix, member, text, group.heading, **kind.members())
            kind = kind.unpreferred()

    return read


def several(draft: Draft, group: Group, text: str) -> list[str]:
    """The values of a cell: those between the program's separators, and addresses between commas or semicolons."""
    if group.place == "email" and len(text) <= CELL and ADDRESSES.fullmatch(text):
        return [address for address in re.split(r"[\s,;]+", text) if address]
    return draft.several(text)


def shows_more(draft: Draft, values: Values) -> bool:
    """Whether Outlook's display name of an address has more in it than the address and the name."""
    name = draft.card.get("name", {})
    texts = [values.get("", ""), name.get("full", ""), *(part["value"] for part in name.get("components", ()))]
    return not set(words(values["shown"])).issubset(words(" ".join(texts)))


def words(text: str) -> list[str]:
    return re.split(r"[\s()<>,;'\"]+", f" {fold(text)} ")


def read_address(draft: Draft, group: Group, values: Values) -> None:
    if "" in values and "street" not in group.headings and group.headings.keys() & {"locality", "postcode"}:
        values = {**values, "street": values[""]}  # `Address` beside a column for the town
        del values[""]
    if "number" in values:  # of the house
        values = {**values, "street": f"{values.get('street', '')} {values['number']}".strip()}
    street = "\n".join(values[part] for part in ("street", "street2", "street3") if part in values)
    values = {**values, "street": street} if street else values
    address: dict[str, Any] = {}
    parts = [{"kind": kind, "value": values[part]} for part, kind in ADDRESS_KINDS.items() if part in values]
    if parts:
        address["components"] = parts
    if "" in values:
        address["full"] = values[""]
    if address:
        address |= labels.kind(values.get("label", ""), group.types, False).members()
        if "label" in address:  # RFC 9553 gives an address none
            address["vCardParams"] = {"x-ablabel": address.pop("label")}
        draft.put("addresses", "a", address, group.heading, values.get("") or ", ".join(values.values()))


def read_organization(draft: Draft, group: Group, values: Values) -> None:
    if len(values.get("", "")) > LENGTHS["name"]:
        draft.keep(group.heading, values.pop(""), f"is longer than {LENGTHS['name']} characters")
    organization: dict[str, Any] = {"name": values[""]} if "" in values else {}
    if "unit" in values:
        organization["units"] = [{"name": values["unit"]}]
    if organization:
        draft.put("organizations", "o", organization, group.heading, ", ".join(values.values()))


def dated(kind: str, prefix: str) -> Reader:
    def read(draft: Draft, group: Group, values: Values) -> None:
        date = read_date(draft, group.heading, values[""]) if "" in values else read_parts(draft, group, values)
        if date is None:
            return
        if any(entry["kind"] == kind for entry in draft.card.get("anniversaries", {}).values()):
            draft.keep(group.heading, "-".join(values.values()), "is a second date of its kind")
        else:
            draft.put("anniversaries", prefix, {"kind": kind, "date": date}, group.heading, "-".join(values.values()))

    return read


def read_parts(draft: Draft, group: Group, values: Values) -> dict[str, Any] | None:
    """A date whose year, month and day have columns of their own."""
    texts = [values.get(part, "") for part in ("year", "month", "day")]
    date = dates.of_parts(*texts)
    if date is None and any(text.strip("0 ") for text in texts):
        draft.keep(group.heading, "-".join(texts), "is no date")
    return date


def read_date(draft: Draft, heading: str, text: str) -> dict[str, Any] | None:
    """The date of a cell; what is none is kept as it came. UnknownOrderError."""
    if dates.says_nothing(text):
        return None
    found = dates.read(text, draft.settings.order, draft.settings.this_year)
    if found is None:
        draft.keep(heading, text, f"is no date ({text[:60]!r})")
        return None
    if found.note:
        draft.notes.append(found.note)
    return found.date


def read_event(draft: Draft, group: Group, values: Values) -> None:
    """A dated event: an anniversary, or a date that only has a label."""
    date = read_date(draft, group.heading, values[""]) if "" in values else None
    if date is None:
        return
    label = values.get("label", "").removeprefix(labels.MARK)
    if fold(label) in ANNIVERSARY:
        draft.put("anniversaries", "w", {"kind": "wedding", "date": date}, group.heading, values[""])
    else:  # as a vCard's X-ABDATE
        shown = {"vCardName": "x-abdate", "vCardParams": {"x-ablabel": label}}
        entry = {"kind": OTHER_DATE, "date": date, **shown}
        draft.put("anniversaries", "a", entry, label, values[""])


def read_relation(draft: Draft, group: Group, values: Values) -> None:
    if "" not in values:
        return
    label = values.get("label", "").removeprefix(labels.MARK)
    for who in draft.several(values[""]):
        people = draft.card.setdefault("relatedTo", {})
        if who in people or len(people) >= MAX_ENTRIES:
            draft.keep(label or group.heading, who)
        else:
            people[who] = relation(label, group.types[0] if group.types else "")


def relation(label: str, type: str) -> dict[str, Any]:
    """A relation as vCard has it: a word of RFC 9553 §2.1.8, else the label."""
    word = RELATIONS.get(type) or APPLE_RELATIONS.get(fold(label))
    entry: dict[str, Any] = {"relation": {word: True} if word else {}}
    if type:
        return {**entry, "vCardName": f"x-{type}"}
    if word or not label:
        return entry
    return {**entry, "vCardName": "x-abrelatednames", "vCardParams": {"x-ablabel": label}}


def read_message_account(draft: Draft, group: Group, values: Values) -> None:
    if "" not in values:
        return
    service = values.get("service") or next((SERVICES[word] for word in group.types if word in SERVICES), "")
    kind = labels.kind(values.get("label", ""), group.types, False)
    named = {"service": service} if service else {}
    for text in draft.several(values[""]):
        draft.add("onlineServices", "s", "user", text, group.heading, **kind.members(), **named)
        kind = kind.unpreferred()


def read_groups(draft: Draft, group: Group, values: Values) -> None:
    """Groups are keywords; Google marks its own ones with `* `."""
    keywords = draft.card.setdefault("keywords", {})
    google = draft.settings.several is not None
    for text in re.split(draft.settings.groups, values[""]):
        name = text.strip().strip('"')  # Mailchimp writes quotes inside the cell
        name = name.removeprefix("*").strip() if google else name.strip()
        folded = fold(name)
        if not folded or (google and folded in NO_GROUP):
            continue
        if len(name) > KEYWORD or len(keywords) >= MAX_ENTRIES:
            draft.keep(group.heading, name, f"has a group of more than {KEYWORD} characters, or too many")
        else:
            keywords[FAVOURITE if google and folded in STARRED else name] = True
    if not keywords:
        del draft.card["keywords"]


def read_custom(draft: Draft, group: Group, values: Values) -> None:
    if "" in values:
        draft.keep(values.get("label", "").removeprefix(labels.MARK) or group.heading, values[""])


def read_uid(draft: Draft, group: Group, values: Values) -> None:
    if len(values[""]) > more.TEXT:
        draft.keep(group.heading, values[""], f"is longer than {more.TEXT} characters")
    else:
        draft.card["uid"] = values[""]


def read_more(draft: Draft, group: Group, values: Values) -> None:
    more.read(draft, values[""])


READERS: dict[str, Reader] = {
    "fullname": read_full_name,
    "name": read_name,
    "nickname": simple("nicknames", "k", "name"),
    "email": labelled("emails", "e", "address"),
    "phone": labelled("phones", "p", "number"),
    "url": labelled("links", "l", "uri"),
    "im": read_message_account,
    "address": read_address,
    "organization": read_organization,
    "title": simple("titles", "t", "name"),
    "role": simple("titles", "t", "name", kind="role"),
    "birthday": dated("birth", "b"),
    "anniversary": dated("wedding", "w"),
    "event": read_event,
    "relation": read_relation,
    "hobby": simple("personalInfo", "i", "value", kind="hobby"),
    "picture": simple("media", "m", "uri", kind="photo"),
    "group": read_groups,
    "additional": simple("notes", "n", "note"),
    "custom": read_custom,
    "uid": read_uid,
    "more": read_more,  # the last column, so that all others are read
}
