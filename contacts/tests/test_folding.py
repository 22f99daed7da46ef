"""contacts.cards.folding, in Python and in the database under test."""

import unicodedata

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contacts.cards.folding import fold
from contacts.cards.jscontact import with_flat
from contacts.models import Book, Contact

# Letters and marks of names, and the special characters of LIKE.
ALPHABET = "aAzZłŁıIİßẞøØđĐёЁйЙїІіςσΣάéÉéñüǗ़̈Åﬁﬀ%_\\*?[]'\" 1०٣가가にがガ漢가नी็กาؤأ‍­"
ANYTHING = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
one_stack = pytest.mark.one_stack
TEXTS = st.text(ALPHABET, max_size=8) | st.text(ANYTHING, max_size=6)


@one_stack
@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ann", "ann"),
        ("Zoë", "zoe"),
        ("Zoe\u0308", "zoe"),
        ("Łukasz", "lukasz"),
        ("Đorđe", "dorde"),
        ("Øyvind Åse", "oyvind ase"),
        ("İrem", "irem"),
        ("Işıl", "isil"),
        ("Straße", "strasse"),
        ("STRASSE", "strasse"),
        ("STRAẞE", "strasse"),
        ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
        ("σίσυφος", "σισυφοσ"),
        ("Іван", "іван"),
        ("Семён", "семен"),
        ("ﬁﬀ", "fiff"),
        ("Ａｎｎ", "ann"),
        ("Nguyễn Thị", "nguyen thi"),
        ("", ""),
        ("\u0301", ""),
        ("a\u200db\u00ad", "ab"),
        ("が", "が"),
        ("한글", "한글"),
    ],
)
def test_case_and_diacritics_are_folded(text, folded):
    assert fold(text) == unicodedata.normalize("NFC", folded)


@one_stack
@pytest.mark.parametrize(("one", "other"), [("か", "が"), ("क", "क़"), ("é", "f"), ("і", "i"), ("ø", "u")])
def test_different_letters_fold_differently(one, other):
    assert fold(one) != fold(other)


@one_stack
@given(text=TEXTS)
@example("\u0345")
@example("ͅΑ")
@example("ŉ")
@example("ﬃ")
def test_folding_twice_is_folding_once(text):
    assert fold(fold(text)) == fold(text)


@one_stack
@given(text=TEXTS)
def test_every_way_to_compose_a_text_folds_alike(text):
    assert {fold(unicodedata.normalize(form, text)) for form in ("NFC", "NFD")} == {fold(text)}


@one_stack
@given(text=st.text(ALPHABET, max_size=8))
def test_case_makes_no_difference(text):
    assert fold(text.casefold()) == fold(text)


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=TEXTS.filter(lambda text: fold(text)), query=TEXTS, start=st.integers(0, 8), length=st.integers(1, 8))
@example(name="a%b", query="a_b", start=0, length=1)
@example(name="a\\b", query="\\", start=0, length=1)
@example(name="ABC", query="b", start=0, length=1)
def test_the_database_finds_what_python_finds(alice, name, query, start, length):
    with Book.objects.writing(alice.pk, "test") as book:
        contact = book.create(with_flat({}, {"fullname": name}))
    for text in (query, name[start : start + length], name):
        found = Contact.objects.for_user(alice.pk).named(text).filter(pk=contact.pk).exists()
        assert found == bool(fold(text) and fold(text) in fold(name))


@pytest.mark.django_db
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(TEXTS.filter(bool), min_size=2, max_size=12))
def test_the_database_sorts_as_python_does(alice, names):
    with Book.objects.writing(alice.pk, "test") as book:
        made = [book.create(with_flat({}, {"fullname": name})) for name in names]
    assert [contact.fullname for contact in made] == names
    mine = Contact.objects.for_user(alice.pk).filter(pk__in=[contact.pk for contact in made])
    rows = mine.in_order().values_list("pk", flat=True)
    assert list(rows) == [
        contact.pk for contact in sorted(made, key=lambda contact: (fold(contact.fullname), contact.pk))
    ]
