"""Properties of one vCard as a JSContact card (RFC 9555 §2)."""

from collections.abc import Callable, Iterable, Iterator

from contacts.cards.vcard import addresses, anniversaries, bounds, dialects, jsprop, localizations, media, names, people
from contacts.cards.vcard.dates import read_timestamp
from contacts.cards.vcard.draft import Draft
from contacts.cards.vcard.lines import Limits
from contacts.cards.vcard.tables import DATES, RELATIONS, RULES
from contacts.cards.vcard.tokenizer import Property
from contacts.cards.vcard.values import escape_newlines, split, texts, unescape

Reader = Callable[[Draft, Property], None]

KINDS = frozenset(["individual", "group", "org", "location", "device", "application"])
SINGLE = {"UID": "uid", "PRODID": "prodId", "LANGUAGE": "language"}
BINARY = frozenset(["PHOTO", "LOGO", "SOUND", "KEY"])
MOST_PARTS = 100_000  # of one value
ACCOUNT = {"x-user", "username"}  # parameters that say something without a value
TIMES = {"REV": "updated", "CREATED": "created"}


def card_of(found: Iterable[Property], version: str, limits: Limits, patched: bool = True) -> Draft:
    """The card, with notes and pictures. Its `name` may have no `full`. `patched`: whether JSPROP is applied."""
    draft = Draft(version, limits)
    found = list(prepared(found))
    patches = [prop for prop in found if prop.name == "JSPROP"]
    first, later = sorted_out(draft, [prop for prop in found if prop.name != "JSPROP"] if patches else found)
    for prop in first:
        reader_of(prop)(draft, prop)
    for prop in later:
        read_later(draft, prop)
    names.forget_repeated(draft)
    people.link_titles(draft)
    for label in draft.labels.values():
        draft.keep(label)
    for prop in patches:
        (jsprop.read if patched else Draft.keep)(draft, prop)
    return draft


def prepared(found: Iterable[Property]) -> Iterator[Property]:
    """The properties: text decoded that came in base64, those of phones as the standard ones."""
    for number, prop in enumerate(found, 1):
        if prop.binary:
            yield as_text(prop)
        else:
            yield from dialects.standard(prop, number) if prop.name in dialects.NAMES else [prop]


def as_text(prop: Property) -> Property:
    """A property in base64 whose value is text (RFC 2426 §2.4.1), decoded; as it stands where it is no UTF-8."""
    if prop.name in BINARY or prop.name not in READERS | LATER:
        return prop
    try:
        text = media.decode(prop.value).decode()
    except ValueError:
        return prop
    return prop if "\0" in text else prop._replace(value=escape_newlines(text), binary=False)


def reader_of(prop: Property) -> Reader:
    if prop.name not in BINARY and (prop.binary or has_too_many_parts(prop)):
        return Draft.keep
    return READERS.get(prop.name, Draft.keep)


def has_too_many_parts(prop: Property) -> bool:
    """Whether the value has more parts than fit a card. 8 MB of `;` would take 150 MB of memory."""
    return len(prop.value) > MOST_PARTS and prop.value.count(";") + prop.value.count(",") > MOST_PARTS


def sorted_out(draft: Draft, found: list[Property]) -> tuple[list[Property], list[Property]]:
    """What is read at once, and what relates to other properties and so follows them."""
    first, later = [], []
    for prop in found:
        if prop.name == "X-ABLABEL" and prop.group and not prop.params and prop.group.lower() not in draft.labels:
            draft.labels[prop.group.lower()] = prop
        elif prop.name in LATER or "phonetic" in prop.params:
            later.append(prop)
        else:
            first.append(prop)
        if "prop-id" in prop.params:
            draft.reserved.add(prop.params["prop-id"][0])
    if any("altid" in prop.params for prop in first):
        first, alternatives = localizations.alternatives(first)
        later += alternatives
    return first, sorted(later, key=lambda prop: ORDER.get(prop.name, 0))


def read_later(draft: Draft, prop: Property) -> None:
    if prop.name in LATER:
        (Draft.keep if prop.binary else LATER[prop.name])(draft, prop)
    elif "phonetic" in prop.params:
        reader_of(prop)(draft, prop)
    else:
        localizations.read(draft, prop, reader_of(prop))


def read_text(draft: Draft, prop: Property) -> None:
    value = unescape(prop.value)
    if value.strip():
        draft.add(prop, RULES[prop.name], value)


def read_uri(draft: Draft, prop: Property) -> None:
    """A URI, or an address or a number: spaces around it do not belong to it."""
    value = unescape(prop.value).strip()
    if not value:
        if prop.params.keys() & ACCOUNT:
            draft.keep(prop)
        return
    is_user = prop.name == "SOCIALPROFILE" and prop.params.get("value") == ["text"]
    rule = people.USER if is_user else RULES[prop.name]
    entry = draft.add(prop, rule, value)
    if entry and prop.name == "X-SOCIALPROFILE" and "service" not in entry:
        people.take_service(entry)


def read_email(draft: Draft, prop: Property) -> None:
    """EMAIL: the address of a `mailto:` URI without parameters is shown as an address."""
    value = unescape(prop.value).strip()
    if value[:7].lower() == "mailto:" and not set(value) & set("?%"):
        value = value[7:].strip()
        prop = media.without(prop, "value")
    if value:
        draft.add(prop, RULES["EMAIL"], value)


def read_phone(draft: Draft, prop: Property) -> None:
    """TEL: the number of a `tel:` URI without parameters is shown as a number; vCardParams says that it was a URI."""
    value = unescape(prop.value).strip()
    if value[:4].lower() == "tel:" and "value" not in prop.params:
        prop = prop._replace(params={**prop.params, "value": ["uri"]})
    if prop.params.get("value") == ["uri"]:
        if value[:4].lower() == "tel:" and ";" not in value:
            value = value[4:].strip()
        else:
            prop = media.without(prop, "value")
    if value:
        draft.add(prop, RULES["TEL"], value)


def read_nicknames(draft: Draft, prop: Property) -> None:
    found = texts(prop.value)
    if len(draft.card.get("nicknames", ())) + len(found) > bounds.MAX_ENTRIES:
        draft.keep(prop, f"NICKNAME has more than {bounds.MAX_ENTRIES} names; it was kept as it came.")
        return
    for name in found:
        draft.add(prop, RULES["NICKNAME"], name)


def read_single(draft: Draft, prop: Property) -> None:
    member, value = SINGLE[prop.name], unescape(prop.value)
    if not value.strip():
        return
    if member not in draft.card:
        draft.card[member] = value
        draft.note_parameters(prop)
    elif value != draft.card[member]:
        draft.keep(prop, f"A second {prop.name} was kept as it came.")


def read_time(draft: Draft, prop: Property) -> None:
    utc = read_timestamp(unescape(prop.value))
    if utc:
        draft.card[TIMES[prop.name]] = utc
        draft.note_parameters(prop)
    elif prop.value.strip():
        draft.keep(prop)


def read_kind(draft: Draft, prop: Property) -> None:
    kind = unescape(prop.value).strip().lower()
    if kind in KINDS and "kind" not in draft.card:
        draft.card["kind"] = kind
        draft.note_parameters(prop)
    elif kind and kind != draft.card.get("kind"):
        draft.keep(prop)


def read_member(draft: Draft, prop: Property) -> None:
    uri = unescape(prop.value).strip()
    if uri:
        draft.card.setdefault("members", {})[uri] = True
        draft.note_parameters(prop)


def read_keywords(draft: Draft, prop: Property) -> None:
    keywords = draft.card.setdefault("keywords", {})
    left_out = []
    # Outlook separates them by semicolons.
    for part in split(prop.value, ";") if draft.version == "2.1" else [prop.value]:
        for keyword in map(str.strip, texts(part)):
            if len(keyword) > bounds.KEYWORD or len(keywords) >= bounds.MAX_ENTRIES:
                left_out.append(keyword)
            else:
                keywords[keyword] = True
    if left_out:
        draft.shortened = True
        draft.notes.append(f"{len(left_out)} categories were left out, the first of them {left_out[0][:60]!r}")
    if not keywords:
        del draft.card["keywords"]
    elif draft.version == "2.1":
        draft.note_parameters(prop)
    elif prop.group or prop.params.keys() - {"value"}:
        draft.keep(prop)


def nothing(draft: Draft, prop: Property) -> None:
    """VERSION belongs to the vCard, not to the card."""


READERS: dict[str, Reader] = {
    "VERSION": nothing,
    "FN": names.read_full,
    "N": names.read_components,
    **dict.fromkeys(RULES, read_uri),
    **dict.fromkeys(("TITLE", "ROLE", "NOTE", "EXPERTISE", "HOBBY", "INTEREST"), read_text),
    **dict.fromkeys(("PHOTO", "LOGO", "SOUND"), media.read),
    "KEY": media.read_key,
    "EMAIL": read_email,
    "TEL": read_phone,
    "NICKNAME": read_nicknames,
    "NOTE": people.read_note,
    "ORG": people.read_organization,
    "ADR": addresses.read,
    "GEO": addresses.read_position,
    "TZ": addresses.read_zone,
    "GRAMGENDER": people.read_grammatical_gender,
    "PRONOUNS": people.read_pronouns,
    **dict.fromkeys(("RELATED", *RELATIONS), people.read_related),
    **dict.fromkeys(DATES, anniversaries.read),
    **dict.fromkeys(SINGLE, read_single),
    **dict.fromkeys(TIMES, read_time),
    **dict.fromkeys(("KIND", "X-ADDRESSBOOKSERVER-KIND"), read_kind),
    **dict.fromkeys(("MEMBER", "X-ADDRESSBOOKSERVER-MEMBER"), read_member),
    "CATEGORIES": read_keywords,
}
# What relates to properties that stand anywhere in the card, in the order in which it is read.
LATER: dict[str, Reader] = {
    "LABEL": addresses.read_label,
    "BIRTHPLACE": anniversaries.read_place,
    "DEATHPLACE": anniversaries.read_place,
    **dict.fromkeys(names.PHONETIC, names.read_phonetic),
    "SORT-STRING": names.read_sort_string,
}
ORDER = {name: number for number, name in enumerate(LATER, 1)}
