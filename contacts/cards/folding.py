"""Folding of text for search: it removes case and diacritics, so `Łukasz` and `lukasz` are equal on every database.

Pure functions. When this module or Python's Unicode data change, run `manage.py refold` to fold the stored texts again.
For letters that Unicode does not decompose, the model is PostgreSQL's `unaccent`.
"""

import functools
import unicodedata

APOSTROPHES = "’ʼʻ`´‘‛"
# Before decomposition: U+00B4 would become a space and an accent, U+0345 (iota subscript) the letter iota.
BEFORE = str.maketrans({**dict.fromkeys(APOSTROPHES, "'"), "\u0345": None})
# Letters that Unicode neither decomposes nor names "… WITH …".
ALONE = {"ı": "i", "ȷ": "j", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ŋ": "n", "ĸ": "q"}
# Scripts in which "LETTER X WITH Y" is X with a diacritic. In others it is another letter (Bengali RA and Assamese WA).
WITH_DIACRITICS = ("LATIN", "GREEK", "CYRILLIC", "ARABIC")
# Combining classes of marks that are part of the letter or are vowels: none, nukta, kana voicing, virama, Telugu
# length marks, and the vowels of Thai, Lao and Tibetan.
LETTER_CLASSES = {0, 7, 8, 9, 84, 91, 103, 118, 129, 130, 132}
# Marks of class 0 that are not shown (Default_Ignorable_Code_Point), Hangul fillers, and the Arabic stretching sign.
INVISIBLE = {
    *map(chr, range(0xFE00, 0xFE10)),
    *map(chr, range(0xE0100, 0xE01F0)),
    *map(chr, range(0x180B, 0x1810)),
    *"\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u0640",
}
MINUS = "\u2212"


def fold(text: str) -> str:
    """Return the text for searching and sorting: blanks are trimmed, and a run of them is one space."""
    if text.isascii():
        return " ".join(text.lower().replace("`", "'").split())
    decomposed = unicodedata.normalize("NFKD", text.translate(BEFORE)).translate(BEFORE)
    folded = unicodedata.normalize("NFKD", decomposed.casefold())
    return " ".join(unicodedata.normalize("NFC", "".join(map(fold_character, folded))).split())


@functools.lru_cache(maxsize=4096)
def fold_character(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf" or character in INVISIBLE or (category == "Mn" and is_diacritic(character)):
        return ""
    if category == "Pd" or character == MINUS:
        return "-"
    if category not in ("Ll", "Lo"):
        return character
    return ALONE.get(character) or without_diacritic(character)


def is_diacritic(mark: str) -> bool:
    """Return whether a nonspacing mark is an accent or a tone mark, and neither a vowel nor a part of the letter."""
    if unicodedata.combining(mark) in LETTER_CLASSES:
        return False
    name = unicodedata.name(mark, "")
    return "VOWEL" not in name and not name.startswith("TAI VIET MAI ")


def without_diacritic(letter: str) -> str:
    """Return the letter X of a letter that Unicode names "X WITH Y" (`ł` is "L WITH STROKE")."""
    plain, marked, _ = unicodedata.name(letter, "").partition(" WITH ")
    if marked and plain.startswith(WITH_DIACRITICS):
        try:
            return unicodedata.lookup(plain)
        except KeyError:
            pass
    return letter
