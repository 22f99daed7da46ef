"""Comparing phone numbers in any spelling. Pure functions over text and a region (two letters, or None)."""

from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from contacts.cards.keys import EXTENSION, digits

END = 7  # digits at the end that two spellings of a number have in common
LONGEST = 255  # characters; libphonenumber takes no more than 250
INTERNATIONAL = ("+", "00", "tel:+", "\uff0b")


def same_number(one: str, other: str, region: str | None = None) -> bool:
    """Return whether both texts are one number, read in the region by libphonenumber's rules.

    Where one has no country code and there is no region, they are one if the shorter is the end of the longer.
    """
    if one == other:
        return True
    short, long = sorted((bare_digits(one), bare_digits(other)), key=len)
    if short[-END:] != long[-END:]:
        return False
    if len(short) < END or short == long:
        return short == long and bool(short) and extension(one) == extension(other)
    if extension(one) != extension(other):
        return False
    first, second = e164(one, region), e164(other, region)
    if first and second:
        return first == second
    return long.endswith(short.lstrip("0"))


@lru_cache(maxsize=10_000)
def bare_digits(number: str) -> str:
    """Return the digits of a number without its extension."""
    return digits(EXTENSION.sub("", number)) or digits(number)


def extension(number: str) -> str:
    found = EXTENSION.search(number)
    return digits(found[0]) if found and digits(number[: found.start()]) else ""


@lru_cache(maxsize=10_000)
def e164(number: str, region: str | None) -> str | None:
    """Return the number with its country code; None where that is not known."""
    text = number.strip()[:LONGEST]
    tries = [(text, region)] if region or text.startswith(INTERNATIONAL) else []
    if text.startswith("00"):
        tries.append((f"+{text[2:]}", None))
    tries += [(text[1:], region)] if region and text.startswith("0") else []
    for candidate, where in tries:
        try:
            parsed = phonenumbers.parse(candidate, where)
        except NumberParseException:
            continue
        if phonenumbers.is_valid_number(parsed):
            return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    return None
