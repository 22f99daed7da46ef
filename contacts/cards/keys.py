"""The keys by which cards are matched: e-mail addresses, phone numbers and names, each in one comparable form.

Pure functions. A number has no region here: its digits are stored reversed, so that numbers with the same end share a
prefix, in whatever spelling they are written.
"""

import re
from typing import Any, NamedTuple

from contacts.cards.folding import fold
from contacts.cards.jscontact import Card

LENGTH = 510  # characters; 2,040 bytes at most, which fit PostgreSQL's index rows of 2,704
EXTENSION = re.compile(r"(?i)\s*(?:;|,|#|\b(?:ext|extension|x)\b\.?|x(?=\s*\d+\s*$)).*", re.DOTALL)
FEWEST_DIGITS, MOST_DIGITS = 3, 32


class Key(NamedTuple):
    kind: str
    value: str


EMAIL, PHONE, NAME = "email", "phone", "name"


def keys_of(card: Card) -> set[Key]:
    """Return the keys of every address, number and name of a card."""
    found = {Key(EMAIL, email_key(text)) for text in values(card, "emails", "address")}
    found |= {Key(PHONE, phone_key(text)) for text in values(card, "phones", "number")}
    found.add(Key(NAME, name_key(card.get("name", {}).get("full", ""))))
    return {key for key in found if key.value}


def values(card: Card, collection: str, member: str) -> list[str]:
    entries: Any = card.get(collection) or {}
    return [entry[member] for entry in entries.values() if isinstance(entry.get(member), str)]


def email_key(address: str) -> str:
    return address.strip().removeprefix("mailto:").casefold()[:LENGTH]


def phone_key(number: str) -> str:
    """Return the digits of a number in reverse, without its extension; empty for fewer than FEWEST_DIGITS."""
    text = number.strip().removeprefix("tel:")
    found = digits(EXTENSION.sub("", text)) or digits(text)
    return found[::-1][:MOST_DIGITS] if len(found) >= FEWEST_DIGITS else ""


def digits(text: str) -> str:
    """Return the decimal digits of any script as ASCII."""
    return "".join(str(int(character)) for character in text if character.isdecimal())


def name_key(full: str) -> str:
    """Return the folded words of a name, sorted: `Lovelace, Ada` and `Ada Lovelace` are one."""
    return " ".join(sorted(re.findall(r"[^\s,;]+", fold(full))))[:LENGTH]
