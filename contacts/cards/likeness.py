"""What makes two contacts alike: a table of weights, and the comparison of names.

Pure functions. Names are folded (contacts/cards/folding.py); weights are hundredths.
"""

from datetime import date

# What two contacts have in common, and its weight. An address or a number alone is not ENOUGH: families and offices
# share them. The names must be equal or close.
NAME = 60  # the same words in any order, at least two
TYPO = 30  # one letter more, less, other or exchanged in one word; or the same single word
CLOSE = 15  # a typo at the end of a first name (Paul, Paula), an initial for a word, or a word missing
EMAIL = 60
PHONE = 40
BIRTHDAY = 30
OTHER_BIRTHDAY = -50  # both have a full date of birth, and they differ
ENOUGH = 60

SHORTEST = 4  # letters of a word that may have a typo
MOST_WORDS = 16  # of a name, which are compared


def weight(names: int, email: bool, phone: bool, birthday: int) -> int:
    """Return the weight of what two contacts have in common, at most 100; 0 if it is not enough.

    `names` and `birthday` are weights, or 0.
    """
    total = names + EMAIL * email + PHONE * phone + birthday
    return min(total, 100) if names and total >= ENOUGH else 0


def birthday_weight(one: date | None, other: date | None) -> int:
    if not one or not other:
        return 0
    return BIRTHDAY if one == other else OTHER_BIRTHDAY


def name_weight(one: list[str], other: list[str]) -> int:
    """Return the weight of two names, of which these are the words."""
    left = [word for word in one if word not in other]
    right = [word for word in other if word not in one]
    if not left and not right and len(one) == len(other):
        return NAME if len(one) > 1 else TYPO if one else 0
    if len(left) == len(right) == 1:
        is_last = len(one) > 1 and (left[0], right[0]) == (one[-1], other[-1])
        return word_weight(left[0], right[0], is_last)
    return CLOSE if (not left or not right) and one and other else 0


def words_of(name: str) -> list[str]:
    """Return the words of a folded name, without commas and the dots of initials and titles."""
    if "," not in name and "." not in name:
        return name.split(maxsplit=MOST_WORDS)[:MOST_WORDS]
    return [word for word in (part.strip(".") for part in name.replace(",", " ").split()) if word][:MOST_WORDS]


def word_weight(one: str, other: str, is_last: bool) -> int:
    """Return the weight of two words. At the end of a last word another letter does not make another given name."""
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) == 1:
        return CLOSE if longer.startswith(shorter) else 0
    if len(longer) < SHORTEST or len(longer) - len(shorter) > 1 or not (one.isalpha() and other.isalpha()):
        return 0
    start = common_start(one, other)
    if not is_one_edit(one[start:], other[start:]):
        return 0
    return CLOSE if start >= len(longer) - 1 and not is_last else TYPO


def common_start(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def is_one_edit(one: str, other: str) -> bool:
    """Return whether texts that differ in their first letter are equal but for one edit there."""
    exchanged = one[1::-1] == other[:2] and one[2:] == other[2:]
    return exchanged or one[1:] == other[1:] or one[1:] == other or one == other[1:]
