"""Which texts fold alike in which script, and which do not."""

import pytest

from contacts.cards.folding import fold

pytestmark = pytest.mark.one_stack


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("กุ้ง", "กุง"),  # a Thai tone mark
        ("☎️", "☎"),  # a variation selector, which phone keyboards send
        ("❤️ Berlin", "❤ berlin"),
        ("渡邉󠄂さくら", "渡邉さくら"),  # an ideographic variation selector
        ("Zo͏e", "zoe"),  # a combining grapheme joiner
        ("محـــمد", "محمد"),  # tatweel stretches a word
        ("ᾍδης", "αδης"),  # iota subscript
        ("Θρᾴκη", "θρακη"),
        ("Kjærgaard", "kjaergaard"),
        ("Œuvre", "oeuvre"),
        ("Guðrún", "gudrun"),
        ("Þór", "thor"),
        *((f"O{mark}Neill", "o'neill") for mark in "'’ʼʻ`´‘"),
        *((f"Jean{mark}Luc", "jean-luc") for mark in "-‐‑‒–—−"),
        (" Ann\u00a0  B\u2003", "ann b"),
    ],
)
def test_these_fold_alike(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ปลา", "ปู"),  # Thai: fish, crab
        ("กง", "กุ้ง"),
        ("ປູ", "ປາ"),  # Lao
        ("కై", "కె"),  # Telugu: ai, e
        ("ৱ", "র"),  # Assamese wa, Bengali ra
        ("བུ", "བི"),  # Tibetan
        ("ᨅᨗ", "ᨅ"),  # Buginese
        ("ꪀꪲ", "ꪀꪴ"),  # Tai Viet
    ],
)
def test_vowels_and_other_letters_are_told_apart(one, other):
    assert fold(one) != fold(other)


@pytest.mark.parametrize("text", ["", " ", "\u00a0", "\u200b", "\ufe0f", "\u3164", "\u0301", "\u2060\u00ad"])
def test_invisible_text_folds_to_nothing(text):
    assert fold(text) == ""
