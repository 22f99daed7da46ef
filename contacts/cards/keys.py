"""The keys by which cards are matched: addresses, numbers, names and birthdays, each in one comparable form.

Pure functions. A number has no region here: its digits are stored reversed, so that numbers with the same end share a
prefix, in whatever spelling they are written. contacts/cards/phones.py compares them.
"""

import re
from typing import Any, NamedTuple

from contacts.cards import phones
from contacts.cards.folding import fold
from contacts.cards.jscontact import Card, full_date, value_at

LENGTH = 510  # characters; 2,040 bytes at most, which fit PostgreSQL's index rows of 2,704
FEWEST_DIGITS, MOST_DIGITS = 3, 32


class Key(NamedTuple):
    kind: str
    value: str


EMAIL, PHONE, NAME, BIRTH, OTHER = "email", "phone", "name", "birth", "other"
# Properties of OTHER: a card may have one of them in `vCardProps` alone, such as a second FN or an address that is too
# long for its field. A search by that property reads the card itself.
SEARCHED = ("fn", "email", "tel")


def keys_of(card: Card) -> set[Key]:
    """Return the keys of every address, number and name of a card, of its birthday, and of what it has besides."""
    found = {Key(EMAIL, email_key(text)) for text in values(card, "emails", "address")}
    found |= {Key(PHONE, phone_key(text)) for text in values(card, "phones", "number")}
    name = name_key(card.get("name", {}).get("full", ""))
    found |= {Key(NAME, name), Key(BIRTH, birth_key(card, name))}
    found |= {Key(OTHER, name) for name in SEARCHED if name in property_names(card)}
    return {key for key in found if key.value}


def property_names(card: Card) -> set[str]:
    """Return the names of the properties in `vCardProps`."""
    props: Any = card.get("vCardProps")
    named = [prop for prop in props if isinstance(prop, list) and prop] if isinstance(props, list) else []
    return {str(prop[0]).lower() for prop in named}


def values(card: Card, collection: str, member: str) -> list[str]:
    entries: Any = card.get(collection) or {}
    return [entry[member] for entry in entries.values() if isinstance(entry.get(member), str)]


def email_key(address: str) -> str:
    return address.strip().removeprefix("mailto:").casefold()[:LENGTH]


def phone_key(number: str) -> str:
    """Return the digits of a number in reverse, without its extension; empty for fewer than FEWEST_DIGITS.

    A plus sign at the start of the number is at the end of its key.
    """
    found = phones.plain(number)
    bare = found.removeprefix("+")
    plus = found[: len(found) - len(bare)]
    return bare[::-1][:MOST_DIGITS] + plus if len(bare) >= FEWEST_DIGITS else ""


def number_of(value: str) -> str:
    """Return the number of a phone's key, as `phones.plain` makes it."""
    return value[::-1]


def name_key(full: str) -> str:
    """Return the folded words of a name, sorted: `Lovelace, Ada` and `Ada Lovelace` are one."""
    return " ".join(sorted(re.findall(r"[^\s,;]+", fold(full))))[:LENGTH]


def birth_key(card: Card, name: str) -> str:
    """Return the full date of birth and the initials of a name's key: so few share one that they can be compared."""
    birthday = full_date(value_at(card, "birthday") or {})
    if not birthday or not name:
        return ""
    initials = " ".join(sorted(word[0] for word in name.split()))
    return f"{birthday.isoformat()} {initials}"[:LENGTH]
