"""Damaged and odd vCards that programs have written: what is read of them, and what the report says."""

import pytest

from contacts.cards.vcard import read, write
from contacts.tests.vcard_dialects import BASE64

pytestmark = pytest.mark.one_stack

CUT = "The text of NOTE is cut off."
DAMAGED = "PHOTO is no whole base64 and was read without what is none of it."

# The vCard's lines after its version; what the card holds; the notes.
CARDS = {
    "quoted-printable that ends in = before a property": (
        "2.1",
        "FN:A\nNOTE;ENCODING=QUOTED-PRINTABLE:cut=\nTEL;CELL:+49 1",
        {"notes": {"n1": {"note": "cut"}}, "phones": {"p1": {"number": "+49 1", "features": {"mobile": True}}}},
        [CUT],
    ),
    "quoted-printable whose next line looks like a property": (
        "2.1",
        "FN:A\nNOTE;ENCODING=QUOTED-PRINTABLE:Numbers:=0D=0A=\nTEL:1=0D=0A=\n\nTEL:2",
        {"notes": {"n1": {"note": "Numbers:\nTEL:1\n"}}, "phones": {"p1": {"number": "2"}}},
        [],
    ),
    "soft line breaks that are folded, too": (
        "3.0",
        "FN:A\nNOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:one=20=\n two=\n three Stra=C3=\n =9Fe\nURL:https://x.org/?a=\n b",
        {"notes": {"n1": {"note": "one twothree Straße"}}, "links": {"l1": {"uri": "https://x.org/?a=b"}}},
        [],
    ),
    "quoted-printable that is folded inside an escape": (
        "3.0",
        "FN:A\nNOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Stra=C3=\n 9Fe",
        {"notes": {"n1": {"note": "Straße"}}},
        [],
    ),
    "Samsung's labels": (
        "2.1",
        "FN:A\nTEL;X-CUSTOM(CHARSET=UTF-8,ENCODING=QUOTED-PRINTABLE,=C3=84mter):1\nTEL;WORK;X-CUSTOM(Lab 2):2",
        {
            "phones": {
                "p1": {"number": "1", "vCardParams": {"type": "x-ämter"}},
                "p2": {"number": "2", "contexts": {"work": True}, "vCardParams": {"type": "x-lab-2"}},
            }
        },
        [],
    ),
    "a unit without an organization, and no name": (
        "3.0",
        "ORG:;Research",
        {"name": {"full": "Research"}, "organizations": {"o1": {"units": [{"name": "Research"}]}}},
        ["The card has no FN; the name was made of ORG."],
    ),
    "a list that sorts nothing": (
        "4.0",
        'FN;SORT-AS="a,b":A\nTITLE;SORT-AS=c,d:T',
        {
            "name": {"full": "A", "vCardParams": {"x-fn-sort-as": ["a", "b"]}},
            "titles": {"t1": {"name": "T", "vCardParams": {"sort-as": ["c", "d"]}}},
        },
        [],
    ),
    "a date with spaces, which is no year with a time": (
        "3.0",
        "FN:A\nBDAY:1985 04 12",
        {"vCardProps": [["bday", {}, "unknown", "1985 04 12"]]},
        ["BDAY is no date; it was kept as it came: '1985 04 12'"],
    ),
}


def vcard(version: str, text: str) -> str:
    return f"BEGIN:VCARD\nVERSION:{version}\n{text}\nEND:VCARD\n".replace("\n", "\r\n")


@pytest.mark.parametrize("name", CARDS)
def test_an_odd_card(name):
    version, text, holds, notes = CARDS[name]
    (entry,) = read(vcard(version, text))
    assert entry.card == {"name": {"full": "A"}, **holds}
    assert entry.notes == notes
    (again,) = read(write(entry.card))
    assert again.card == entry.card


@pytest.mark.parametrize(
    ("value", "notes"),
    [
        (f"\n\n {BASE64[:40]}\n {BASE64[40:]}\n\n", []),
        (f"\n\n {BASE64}\n\n", []),
        (f"{BASE64[:40]}!?{BASE64[40:]}", [DAMAGED]),
        (f"{BASE64[:40]}\n {BASE64[40:]}", []),
    ],
)
def test_base64_of_a_picture(value, notes):
    (entry,) = read(vcard("2.1", f"FN:A\nPHOTO;ENCODING=BASE64;JPEG:{value}\nTEL:1"))
    assert [picture.media_type for picture in entry.pictures] == ["image/jpeg"]
    assert entry.card and entry.card["phones"] == {"p1": {"number": "1"}}
    assert entry.notes == notes


@pytest.mark.parametrize(
    ("content", "full", "encoding"),
    [
        ("N:Петров;Иван\nTITLE:Он".encode("cp1251"), "Иван Петров", "Windows-1251"),
        ("N:Müller;Jörg\nTITLE:Öä".encode("cp1252"), "Jörg Müller", "Windows-1252"),
        (b"N;ENCODING=QUOTED-PRINTABLE:=CF=E5=F2=F0=EE=E2;=C8=E2=E0=ED", "Иван Петров", "Windows-1251"),
    ],
)
def test_an_encoding_that_is_not_said(content, full, encoding):
    (entry,) = read(b"BEGIN:VCARD\nVERSION:2.1\n" + content + b"\nEND:VCARD\n")
    assert entry.card and entry.card["name"]["full"] == full
    assert f"Bytes that are not UTF-8 were read as {encoding}." in entry.notes


@pytest.mark.parametrize(
    "text",
    [
        (vcard("3.0", "FN:One\nTEL:1") + vcard("3.0", "FN:Two\nTEL:2")).replace("VCARD\r\nBEGIN", "VCARDBEGIN"),
        "".join(
            "\t " + line for line in (vcard("3.0", "FN:One\nTEL:1") + vcard("3.0", "FN:Two\nTEL:2")).splitlines(True)
        ),
    ],
    ids=["put together without a line end", "indented"],
)
def test_cards_are_not_taken_for_one(text):
    found = [(entry.card["name"]["full"], len(entry.card["phones"]), entry.notes) for entry in read(text)]
    assert found == [("One", 1, []), ("Two", 1, [])]
