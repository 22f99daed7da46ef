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
                "p1": {"number": "1", "label": "Ämter"},
                "p2": {"number": "2", "contexts": {"work": True}, "label": "Lab 2"},
            }
        },
        [],
    ),
    "Android's own properties": (
        "2.1",
        "FN:A\n"
        + "".join(
            f"X-ANDROID-CUSTOM:vnd.android.cursor.item/{columns};;;;;;;;;;;;\n"
            for columns in (
                *("nickname;Jupp;1;", "contact_event;2010-05-01;1;", "contact_event;--05-02;0;Taufe;0"),
                *("relation;Rosa\\; Lu;14;", "relation;Otto;0;Opa", "relation;Eva;0;"),
            )
        )
        + "X-ANDROID-CUSTOM:com.example/other;x;;;",
        {
            "nicknames": {"k1": {"name": "Jupp"}},
            "anniversaries": {
                "w1": {"kind": "wedding", "date": {"@type": "PartialDate", "year": 2010, "month": 5, "day": 1}},
                "a2": {
                    "kind": "apple.com:date",
                    "date": {"@type": "PartialDate", "month": 5, "day": 2},
                    "vCardName": "x-abdate",
                    "vCardParams": {"x-ablabel": "Taufe", "group": "android5"},
                },
            },
            "relatedTo": {
                "Rosa; Lu": {
                    "relation": {"spouse": True},
                    "vCardName": "x-abrelatednames",
                    "vCardParams": {"x-ablabel": "_$!<Spouse>!$_", "group": "android6"},
                },
                "Otto": {
                    "relation": {},
                    "vCardName": "x-abrelatednames",
                    "vCardParams": {"x-ablabel": "Opa", "group": "android7"},
                },
            },
            "vCardProps": [
                ["x-android-custom", {}, "unknown", "vnd.android.cursor.item/relation;Eva;0;;;;;;;;;;;;;"],
                ["x-android-custom", {}, "unknown", "com.example/other;x;;;"],
            ],
        },
        [],
    ),
    "how a Japanese phone says a name is spoken": (
        "2.1",
        "FN:A\nN:山田;太郎\nSOUND;X-IRMC-N:ﾔﾏﾀﾞ ﾀﾛｳ;;;;\nSOUND;X-IRMC-ORG:ﾚｲ",
        {
            "name": {
                "full": "A",
                "components": [
                    {"kind": "surname", "value": "山田", "phonetic": "ﾔﾏﾀﾞ"},
                    {"kind": "given", "value": "太郎", "phonetic": "ﾀﾛｳ"},
                ],
            },
            "vCardProps": [["sound", {"type": "x-irmc-org"}, "unknown", "ﾚｲ"]],
        },
        [],
    ),
    "how a name is spoken, in its components, and one that is empty": (
        "2.1",
        "FN:A\nN:山田;太郎\nSOUND;X-IRMC-N;CHARSET=UTF-8:ﾔﾏﾀﾞ;ﾀﾛｳ;;;\nSOUND;X-IRMC-N:;;;;",
        {
            "name": {
                "full": "A",
                "components": [
                    {"kind": "surname", "value": "山田", "phonetic": "ﾔﾏﾀﾞ"},
                    {"kind": "given", "value": "太郎", "phonetic": "ﾀﾛｳ"},
                ],
            }
        },
        [],
    ),
    "Outlook's own properties": (
        "2.1",
        "FN:A\nX-MS-ANNIVERSARY:20010203\nX-MS-MANAGER:Max\nX-MS-CHILD;N:Tim\nX-MS-IMADDRESS:a@x.org\n"
        "X-MS-INTERESTS:Golf\nX-MS-TEL;TLX:1",
        {
            "anniversaries": {
                "w1": {
                    "kind": "wedding",
                    "date": {"@type": "PartialDate", "year": 2001, "month": 2, "day": 3},
                    "vCardName": "x-ms-anniversary",
                }
            },
            "relatedTo": {
                "Max": {"relation": {}, "vCardName": "x-ms-manager"},
                "Tim": {"relation": {"child": True}, "vCardName": "x-ms-child", "vCardParams": {"type": "n"}},
            },
            "onlineServices": {"s1": {"user": "a@x.org", "vCardName": "x-ms-imaddress"}},
            "personalInfo": {"i1": {"kind": "hobby", "value": "Golf", "vCardName": "x-ms-interests"}},
            "phones": {"p1": {"number": "1", "vCardName": "x-ms-tel", "vCardParams": {"type": "tlx"}}},
        },
        [],
    ),
    "Symbian's own properties": (
        "2.1",
        "FN:A\nX-EPOCSECONDNAME:Jupp\nX-ASSISTANT-TEL:1\nX-SIP;VOIP:sip:a@x.org\nX-CHILDREN:Tim",
        {
            "nicknames": {"k1": {"name": "Jupp", "vCardName": "x-epocsecondname"}},
            "phones": {"p1": {"number": "1", "vCardName": "x-assistant-tel"}},
            "onlineServices": {
                "s1": {
                    "service": "SIP",
                    "user": "sip:a@x.org",
                    "vCardName": "x-sip",
                    "vCardParams": {"type": "voip"},
                }
            },
            "relatedTo": {"Tim": {"relation": {"child": True}, "vCardName": "x-children"}},
        },
        [],
    ),
    "URIs as addresses and numbers, and a word for mobile that is in no RFC": (
        "3.0",
        "FN:A\nEMAIL;VALUE=uri:mailto:a@x.org\nEMAIL:mailto:b@x.org?subject=c\nTEL:tel:+49-1\nTEL;TYPE=Mobile:2",
        {
            "emails": {"e1": {"address": "a@x.org"}, "e2": {"address": "mailto:b@x.org?subject=c"}},
            "phones": {
                "p1": {"number": "+49-1", "vCardParams": {"value": "uri"}},
                "p2": {"number": "2", "features": {"mobile": True}},
            },
        },
        [],
    ),
    "a profile without a value, and a label without a text": (
        "3.0",
        "FN:A\nX-SOCIALPROFILE;X-USER=b;TYPE=twitter:\nitem1.TEL:1\nitem1.X-ABLabel:",
        {
            "phones": {"p1": {"number": "1", "vCardParams": {"group": "item1"}}},
            "vCardProps": [["x-socialprofile", {"x-user": "b", "type": "twitter"}, "unknown", ""]],
        },
        [],
    ),
    "names with spaces around them": (
        "2.1",
        "FN:  A \nN: Müller ;Jörg   ;;;",
        {
            "name": {
                "full": "A",
                "components": [{"kind": "surname", "value": "Müller"}, {"kind": "given", "value": "Jörg"}],
            }
        },
        [],
    ),
    "a soft line break before a tab": (
        "2.1",
        "FN:A\nNOTE;ENCODING=QUOTED-PRINTABLE:one=\n\ttwo",
        {"notes": {"n1": {"note": "one\ttwo"}}},
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


# The label that a card names, the encoding that it means, and a text that the label's own set has not.
CHARSETS = [
    *(("ISO-8859-1", "cp1252", "“Žofie” – €5"), ("iso-8859-9", "cp1254", "Şükrü €"), ("TIS-620", "cp874", "ใจดี –")),
    *(
        ("GB2312", "gbk", "朱镕基囍"),
        ("Shift_JIS", "cp932", "髙橋①㈱ソ"),
        ("EUC-KR", "cp949", "똠방"),
        ("Big5", "cp950", "碁銹裏"),
    ),
    *(("KOI8-U", "koi8-u", "Ґалаґан"), ("x-mac-cyrillic", "mac_cyrillic", "Петров"), ("UTF-16", "utf-16", "Zoë")),
    *(("windows-1255", "cp1255", "דוד"), ("windows-1256", "cp1256", "محمد"), ("CP866", "cp866", "Иван")),
]


@pytest.mark.parametrize(("label", "codec", "text"), CHARSETS)
def test_a_charset_is_the_one_that_programs_mean_by_its_label(label, codec, text):
    quoted = "".join(f"={byte:02X}" for byte in text.encode(codec))
    (entry,) = read(vcard("2.1", f"FN:A\nNOTE;CHARSET={label};ENCODING=QUOTED-PRINTABLE:{quoted}"))
    assert entry.card and entry.card["notes"]["n1"]["note"] == text
    assert entry.notes == []


UNDECODED = ["Bytes that are no characters in the file's encoding are shown as U+FFFD."]


@pytest.mark.parametrize(
    ("line", "text", "notes"),
    [
        (
            b"NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Z=C3=BCrich, K=C3=B6ln, M=C3",
            "Zürich, Köln, M\ufffd",
            UNDECODED,
        ),
        ("NOTE:Zürich, Köln, M".encode() + b"\xc3", "Zürich, Köln, M\ufffd", UNDECODED),
        (b"NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:hi =ED=A0=BD=ED=B8=80", "hi 😀", []),
        (b"NOTE:hi \xed\xa0\xbd\xed\xb8\x80", "hi 😀", []),
        (b"NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-1:Z=C3=BCrich", "Zürich", []),
        (b"NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-1:Z=FCrich", "Zürich", []),
    ],
    ids=[
        "cut off, quoted",
        "cut off",
        "surrogates, quoted",
        "surrogates",
        "another charset than its label",
        "its charset",
    ],
)
def test_utf_8_as_phones_damage_it(line, text, notes):
    (entry,) = read(b"BEGIN:VCARD\nVERSION:2.1\nFN:A\n" + line + b"\nEND:VCARD")
    assert entry.card and entry.card["notes"]["n1"]["note"] == text
    assert entry.notes == notes


@pytest.mark.parametrize(
    ("n", "full"),
    [
        ("王;小明;;;", "王小明"),
        ("김;철수;;;", "김철수"),
        ("山田;タロウ;;;", "山田 タロウ"),
        ("佐々木;;;;", "佐々木"),
        ("Wang;小明;;;", "小明 Wang"),
        ("Nguyễn;Anh;Văn;;", "Anh Văn Nguyễn"),
    ],
)
def test_a_full_name_is_made_of_n_in_the_order_of_its_language(n, full):
    (entry,) = read(vcard("3.0", f"N:{n}"))
    assert entry.card and entry.card["name"]["full"] == full


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
