"""Text without case and diacritics, the same on every database: `Łukasz` and `lukasz` fold alike.

Data in, text out; imports nothing of ours. Stored folded texts must be made anew (`manage.py refold`)
when this, or Python's Unicode data, changes.
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
