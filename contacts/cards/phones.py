"""Comparison of phone numbers in any spelling, by libphonenumber's rules.

Pure functions. A number here is its ASCII digits, with a plus sign before them if it was written with one: `plain`
makes it out of a text. `region` is where numbers without a country code are read: two letters, or None where that is
unknown.
"""

import functools
import re
from collections.abc import Iterator

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat

END = 7  # digits that two spellings of one number have in common at their end
FEWEST_SEARCHED = 4  # digits of a query that counts as a number
EXTENSION = re.compile(r"(?i)\s*(?:;|,|#|\b(?:ext|extension|x)\b\.?|x(?=\s*\d+\s*$)).*", re.DOTALL)
NO_DIGIT = re.compile(r"[^0-9]+")
VANITY = re.compile(r"[\d\s+().-]*\d[\s).-]*[A-Z]{3}[A-Z\d\s.-]*")  # 1-800-FLOWERS
FEW_DIGITS = 7  # a number with as many has no letters in place of digits
# Prefixes that libphonenumber no longer strips: Mexico's trunk and mobile prefixes before 2019.
OLD_PREFIXES = {52: re.compile(r"(?:01|04[45]|1)(?=\d{10}\Z)")}


@functools.lru_cache(maxsize=8192)
def plain(text: str) -> str:
    """Return the number in a text, without its extension; empty if there is no digit."""
    text = text.strip().removeprefix("tel:")
    found = digits(without_letters(EXTENSION.sub("", text))) or digits(text)
    return f"+{found}" if found and text.lstrip("( \t").startswith(("+", "＋")) else found


def end_of(text: str) -> str:
    """Return what all spellings of a number have in common: its last digits."""
    return plain(text).lstrip("+0")[-END:]


@functools.lru_cache(maxsize=8192)
def extension(text: str) -> str:
    match = EXTENSION.search(text)
    return digits(match[0]) if match else ""


def without_letters(text: str) -> str:
    """Return a vanity number in digits; any other text unchanged."""
    if len(digits(text)) < FEW_DIGITS and VANITY.fullmatch(text):
        return phonenumbers.convert_alpha_characters_in_number(text)
    return text


def digits(text: str) -> str:
    """Return the decimal digits of any script as ASCII."""
    if text.isascii():
        return NO_DIGIT.sub("", text)
    return "".join(str(int(character)) for character in text if character.isdecimal())


@functools.lru_cache(maxsize=8192)
def e164(number: str, region: str | None) -> str | None:
    """Return the number in international form, `+492211234567`; None where the country is unknown."""
    fallback = None
    for reading in readings(number, region):
        parsed = parse(reading, region)
        valid = parsed and valid_form(parsed)
        if valid:
            return phonenumbers.format_number(valid, PhoneNumberFormat.E164)
        if parsed and reading == number:
            fallback = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    return fallback


def readings(number: str, region: str | None) -> Iterator[str]:
    """Yield what the number may mean: 00 is read as a plus sign everywhere, a missing plus sign only in a region."""
    yield number
    if number.startswith("00"):
        yield f"+{number[2:]}"
    elif region and not number.startswith(("+", "0")):
        yield f"+{number}"


def parse(number: str, region: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None


def valid_form(parsed: PhoneNumber) -> PhoneNumber | None:
    """Return the number if it is valid, else without its first 0 or an old prefix if it is valid so, else None."""
    if phonenumbers.is_valid_number(parsed):
        return parsed
    national = phonenumbers.national_significant_number(parsed)
    prefix = OLD_PREFIXES.get(parsed.country_code or 0)
    for shorter in (national.removeprefix("0"), prefix.sub("", national) if prefix else national):
        changed = parse(f"+{parsed.country_code}{shorter}", None) if shorter != national else None
        if changed and phonenumbers.is_valid_number(changed):
            return changed
    return None


def same(one: str, other: str, region: str | None) -> bool:
    """Return whether two texts are spellings of one number, with the same extension."""
    return extension(one) == extension(other) and equal(plain(one), plain(other), region)


def equal(one: str, other: str, region: str | None) -> bool:
    """Return whether two numbers are one.

    Where the region is unknown, a national number is read in the country of the other one; two national numbers are
    compared without the zeros at their start.
    """
    if one == other or differ_at_end(one, other):
        return one == other != ""
    first, second = e164(one, region), e164(other, region)
    if first and second:
        return first == second
    if first or second:
        national, known = (other, first) if first else (one, second)
        return e164(national, country_of(known)) == known
    return one.lstrip("0") == other.lstrip("0") != ""


def differ_at_end(one: str, other: str) -> bool:
    """Return whether two numbers cannot be one, since only the beginnings of its spellings differ."""
    first, second = one.lstrip("+0"), other.lstrip("+0")
    count = min(len(first), len(second), END)
    return first[len(first) - count :] != second[len(second) - count :]


@functools.lru_cache(maxsize=8192)
def country_of(number: str | None) -> str | None:
    parsed = parse(number or "", None)
    return phonenumbers.region_code_for_number(parsed) if parsed else None


def searched(query: str) -> str:
    """Return the number that a search is for; empty if the query is none: it has letters, or too few digits."""
    text = without_letters(EXTENSION.sub("", query.strip().removeprefix("tel:")))
    found = plain(query)
    is_number = not any(character.isalpha() for character in text)
    return found if is_number and len(found.lstrip("+")) >= FEWEST_SEARCHED else ""


def meets(query: str, number: str, region: str | None) -> bool:
    """Return whether a search for the number `query` finds a number: the same one, or one with that end.

    Where the region is unknown, spellings meet if the shorter one is an end of the other, bar the zeros at its start.
    """
    if equal(query, number, region) or (not query.startswith("+") and number.endswith(query)):
        return True
    if region or (query.startswith("+") and number.startswith("+")):
        return False
    shorter, longer = sorted((query.lstrip("+0"), number.lstrip("+0")), key=len)
    return len(shorter) >= END and longer.endswith(shorter)
