"""Comparison of phone numbers (contacts/cards/phones.py)."""

import pytest

from contacts.cards import phones
from contacts.cards.keys import number_of, phone_key

pytestmark = pytest.mark.one_stack

COLOGNE = [
    "+49 221 123-4567",
    "0221 1234567",
    "0049 221 1234567",
    "+49 (0)221 1234567",
    "(0221) 1234567",
    "221 1234567",
]

# By region: texts that are one number there.
SPELLINGS = [
    (
        "DE",
        [*COLOGNE, "tel:+49-221-1234567", "+49 0221 1234567", "٠٢٢١ ١٢٣٤٥٦٧", "＋49 ２２１ 1234567", "0221/1234567"],
    ),
    ("AT", ["+43 1 58801 0", "01 588010", "0043 1 588010"]),
    ("CH", ["+41 44 668 18 00", "044 668 18 00", "0041446681800"]),
    ("FR", ["+33 1 42 68 53 00", "01 42 68 53 00", "0033 142685300", "+33 (0)1 42 68 53 00"]),
    ("GB", ["+44 20 7946 0018", "020 7946 0018", "(020) 79460018", "+44 (0) 20 7946 0018"]),
    ("IT", ["+39 06 1234 5678", "06 12345678", "0039 06 12345678"]),
    ("IT", ["+39 347 123 4567", "347 1234567", "0347 1234567"]),
    ("ES", ["+34 911 23 45 67", "911 234 567", "0911 234 567", "+34 0911 234 567"]),
    ("PL", ["+48 22 123 45 67", "22 123 45 67", "022 123 45 67", "48221234567"]),
    ("UA", ["+380 44 123 45 67", "044 123 45 67", "380441234567"]),
    ("RU", ["+7 495 123-45-67", "8 495 123-45-67", "8 (495) 1234567"]),
    ("HU", ["+36 30 123 4567", "06 30 123 4567"]),
    ("US", ["+1 650 253 0000", "(650) 253-0000", "1-650-253-0000", "650.253.0000"]),
    ("US", ["+1 800 356 9377", "1-800-FLOWERS", "800 FLOWERS", "+1 (800) FLOWERS"]),
    ("US", ["+49 221 1234567", "011 49 221 1234567", "0049 221 1234567"]),
    ("AR", ["+54 9 11 2345 6789", "011 15-2345-6789"]),
    ("MX", ["+52 55 1234 5678", "+52 1 55 1234 5678", "044 55 1234 5678", "01 55 1234 5678", "55 1234 5678"]),
    ("BR", ["+55 11 96123-4567", "011 96123-4567", "0 15 11 96123-4567"]),
    ("JP", ["+81 3 5550 1234", "03-5550-1234"]),
    ("IN", ["+91 98765 43210", "098765 43210", "98765 43210"]),
    ("EG", ["+20 2 2345 6789", "02 2345 6789", "٠٢ ٢٣٤٥ ٦٧٨٩"]),
    ("DE", ["112", "112"]),
    ("DE", ["0221 1234567 ext. 12", "+49 221 1234567;ext=12", "+49 221 1234567 x12"]),
    (None, ["+49 221 1234567", "0221 1234567", "0049 221 1234567", "221 1234567"]),
    (None, ["0221 1234567", "221 1234567"]),
    (None, ["+39 06 12345678", "06 12345678"]),
]

DIFFERENT = [
    ("DE", "+49 221 1234567", "+43 221 1234567"),
    ("DE", "0221 1234567", "0211 1234567"),
    ("UA", "0221 1234567", "+49 221 1234567"),
    ("DE", "0221 1234567 ext. 12", "0221 1234567 ext. 13"),
    ("DE", "0221 1234567", "0221 1234567 ext. 13"),
    ("IT", "06 12345678", "02 12345678"),
    ("DE", "112", "110"),
    (None, "0221 1234567", "0211 1234567"),
    (None, "+49 221 1234567", "+43 221 1234567"),
    (None, "1234567", "0221 1234567"),
    (None, "call the office", "the same"),
    ("DE", "", ""),
]


@pytest.mark.parametrize(("region", "texts"), SPELLINGS)
def test_spellings_of_one_number_are_the_same(region, texts):
    for one in texts:
        assert [other for other in texts if not phones.same(one, other, region)] == [], one


@pytest.mark.parametrize(("region", "one", "other"), DIFFERENT)
def test_two_numbers_are_not_the_same(region, one, other):
    assert not phones.same(one, other, region) and not phones.same(other, one, region)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+49 221 123-4567", "+492211234567"),
        ("tel:+49-221-1234567;ext=5", "+492211234567"),
        (" (+49) 221 1234567", "+492211234567"),
        ("0221 1234567 mobile", "02211234567"),
        ("call 0221 12345", "022112345"),
        ("112 Feuerwehr", "112"),
        ("1-800-FLOWERS", "18003569377"),
        ("x 5", "5"),
        ("nobody", ""),
        ("+", ""),
        ("", ""),
    ],
)
def test_a_text_holds_this_number(text, number):
    assert phones.plain(text) == number


@pytest.mark.parametrize("text", ["+49 221 1234567", "0221 1234567 ext 3", "112"])
def test_a_key_is_the_number_in_reverse(text):
    assert number_of(phone_key(text)) == phones.plain(text)


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("1234", "1234"),
        ("123", ""),
        ("0221/1234567", "02211234567"),
        ("+49 221", "+49221"),
        ("1-800-FLOWERS", "18003569377"),
        ("0221 1234567 ext. 12", "02211234567"),
        ("Ann 2024", ""),
        ("ann1234@example.org", ""),
        ("", ""),
    ],
)
def test_a_query_counts_as_a_number_from_four_digits_on(query, number):
    assert phones.searched(query) == number


@pytest.mark.parametrize(
    ("region", "query", "number", "found"),
    [
        ("DE", "02211234567", "+492211234567", True),
        ("DE", "4567", "+492211234567", True),
        ("DE", "2211234567", "+432211234567", True),
        ("DE", "02211234567", "+432211234567", False),
        ("DE", "+492211234567", "+432211234567", False),
        (None, "02211234567", "+492211234567", True),
        (None, "02211234567", "+432211234567", True),
        (None, "+492211234567", "1234567", True),
        (None, "492211234567", "02211234567", True),
        (None, "+492211234567", "+4921234567", False),
    ],
)
def test_a_search_finds_a_number_by_its_end(region, query, number, found):
    assert phones.meets(query, number, region) is found
