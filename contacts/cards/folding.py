"""Folding of text for search: it removes case and diacritics, so `Łukasz` and `lukasz` are equal on every database.

When this module or Python's Unicode data change, run `manage.py refold` to fold the stored texts again.
"""

import functools
import unicodedata

# Letters with a mark that Unicode neither decomposes nor names "… WITH …".
ALONE = {"ı": "i", "ȷ": "j"}
# Combining classes whose marks are part of the letter: nukta, kana voicing, virama.
LETTER_MARKS = {0, 7, 8, 9}


def fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", "".join(map(fold_character, decomposed)))


@functools.lru_cache(maxsize=4096)
def fold_character(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf" or (category == "Mn" and unicodedata.combining(character) not in LETTER_MARKS):
        return ""
    if category != "Ll" and category != "Lo":
        return character
    plain, marked, _ = unicodedata.name(character, "").partition(" WITH ")
    if marked:
        try:
            return unicodedata.lookup(plain)
        except KeyError:
            pass
    return ALONE.get(character, character)
