"""Lines, encodings, heads and parameters of vCards: nothing of them is lost."""

import pytest

from contacts.cards.vcard import Limits, UnknownEncodingError, read
from contacts.cards.vcard.lines import raw_cards
from contacts.cards.vcard.tokenizer import properties
from contacts.cards.vcard.values import escape, split, structure, texts, unescape

pytestmark = pytest.mark.one_stack


def card(*lines, version="3.0", end="\r\n"):
    return end.join(["BEGIN:VCARD", f"VERSION:{version}", "FN:A", *lines, "END:VCARD", ""])


def one(text, **options):
    (entry,) = read(text, **options)
    return entry


def tokens(*lines, version="3.0"):
    (raw,) = raw_cards([card(*lines, version=version).encode()], Limits())
    return list(properties(raw, []))[2:]


def note(*lines, version="3.0"):
    return one(card(*lines, version=version)).card["notes"]["n1"]["note"]


@pytest.mark.parametrize(
    "line, name, params, value, group",
    [
        ("TEL:1", "TEL", {}, "1", None),
        ("item1.tel;type=cell:1", "TEL", {"type": ["cell"]}, "1", "item1"),
        ("TEL;TYPE=CELL,HOME;TYPE=pref:1", "TEL", {"type": ["cell", "home", "pref"]}, "1", None),
        ('TEL;TYPE="voice,home":1', "TEL", {"type": ["voice", "home"]}, "1", None),
        ("TEL;CELL;PREF:1", "TEL", {"type": ["cell", "pref"]}, "1", None),
        ('X-A;X-B="a:b;c,d":1:2', "X-A", {"x-b": ["a:b;c,d"]}, "1:2", None),
        ('X-A;X-B=a,"b,c",d:1', "X-A", {"x-b": ["a", "b,c", "d"]}, "1", None),
        ("X-A;X-B=^n^^^'^x:1", "X-A", {"x-b": ['\n^"^x']}, "1", None),
        ("X-A;X-B=:1", "X-A", {}, "1", None),
        ('X-A;X-B="unclosed:1', "X-A", {"x-b": ["unclosed"]}, "1", None),
        ("X-A ; X-B = c :1", "X-A", {"x-b": ["c"]}, "1", None),
        ("X-A;:1", "X-A", {}, "1", None),
        ("URL;VALUE=URI:http://x:1", "URL", {"value": ["uri"]}, "http://x:1", None),
    ],
)
def test_a_line_is_name_group_parameters_and_value(line, name, params, value, group):
    (prop,) = tokens(line)
    assert (prop.name, prop.params, prop.value, prop.group) == (name, params, value, group)


@pytest.mark.parametrize("line", ["no colon", ":value", ";TYPE=a:b", "A B:c", "ÄÖ:c", "=20text:x"])
def test_a_line_that_is_no_property_costs_that_line(line):
    entry = one(card("TEL:1", line, "EMAIL:a@x.org"))
    assert entry.notes == [f"Line 5 is no property and was left out: {line!r}"]
    assert entry.card["emails"]["e1"]["address"] == "a@x.org"


def test_the_number_of_a_line_counts_folded_lines():
    assert one(card("NOTE:a", " b", " c", "junk")).notes == ["Line 7 is no property and was left out: 'junk'"]


def test_folded_lines_are_joined_before_they_are_decoded():
    data = card("NOTE:Zoë 漢字 😀").encode()
    start = data.index(b"NOTE")
    for cut in range(start + 1, data.index(b"\r\nEND")):
        for fold in (b"\r\n ", b"\n\t"):
            assert one(data[:cut] + fold + data[cut:]).card["notes"]["n1"]["note"] == "Zoë 漢字 😀"


def test_the_space_of_a_folded_line_belongs_to_the_text_in_2_1():
    assert note("NOTE:one", " two", version="2.1") == "one two"
    assert note("NOTE:one", " two") == "onetwo"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_encodings_are_found_whatever_the_chunks(encoding, size):
    data = card("NOTE:Zoë 漢字 😀").encode(encoding)
    entry = one(data[start : start + size] for start in range(0, len(data), size))
    assert entry.card["notes"]["n1"]["note"] == "Zoë 漢字 😀"
    assert entry.notes == []


def test_what_is_not_utf_8_is_windows_1252_line_by_line():
    entry = one(
        card("NOTE:Zoë", "TITLE:x")
        .encode()
        .replace("Zoë".encode(), b"Zo\xeb \x80 \x81")
        .replace(b"x\r\n", "ü\r\n".encode())
    )
    assert entry.card["notes"]["n1"]["note"] == "Zoë € \x81"
    assert entry.card["titles"]["t1"]["name"] == "ü"
    assert entry.notes == ["Bytes that are not UTF-8 were read as Windows-1252."]


def test_a_charset_says_what_its_bytes_are():
    data = card("NOTE;CHARSET=Shift_JIS:X", version="2.1").encode().replace(b":X", ":漢字".encode("shift_jis"))
    assert one(data).card["notes"]["n1"]["note"] == "漢字"
    data = card("NOTE;CHARSET=ISO-2022-JP:X", version="2.1").encode().replace(b":X", ":漢字".encode("iso-2022-jp"))
    assert one(data).card["notes"]["n1"]["note"] == "漢字"
    assert note("NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-1:Zo=EB", version="2.1") == "Zoë"
    assert note("NOTE;QUOTED-PRINTABLE;CHARSET=nonsense:Zo=EB", version="2.1") == "Zoë"
    assert note("NOTE;QUOTED-PRINTABLE;CHARSET=punycode:Zo=EB", version="2.1") == "Zoë"


def test_the_caller_may_name_an_encoding():
    assert one(card("NOTE:Привет").encode("cp1251"), encoding="windows-1251").card["notes"]["n1"]["note"] == "Привет"
    for name in ("nonsense", "hex", "rot13", "a\0b"):
        with pytest.raises(UnknownEncodingError):
            list(read(b"BEGIN:VCARD", encoding=name))


def test_quoted_printable_goes_on_after_a_soft_line_break():
    assert note("NOTE;ENCODING=QUOTED-PRINTABLE:a=", "b=", " c=3D=0D=0Ad", version="2.1") == "ab c=\nd"
    assert note("NOTE;ENCODING=QUOTED-PRINTABLE:a=20=", "END:VCARD", version="2.1") == "a "


@pytest.mark.parametrize("lines", [("QUJD", "REVG", ""), (" QUJD", " REVG", ""), ("QUJD", "REVG")])
def test_base64_ends_at_a_blank_line_or_at_what_is_none(lines):
    entry = one(card("PHOTO;ENCODING=BASE64;TYPE=GIF:", *lines, "EMAIL:a@x.org", version="2.1"))
    assert entry.pictures[0].data == b"ABCDEF"
    assert entry.pictures[0].media_type == "image/gif"
    assert entry.card["emails"]["e1"]["address"] == "a@x.org"


def test_escapes():
    assert unescape(r"a\nb\Nc\,d\;e\:f\\n\x") == "a\nb\nc,d;e:f\\n\\x"
    assert split(r"a\;b;c\\;d", ";") == [r"a\;b", r"c\\", "d"]
    assert split("a\\", ";") == ["a\\"]
    assert texts(r"a,b\,c,, ,d") == ["a", "b,c", "d"]
    assert structure(r"a,b;;c\;d") == [["a", "b"], [], ["c;d"]]
    for text in ("a\\b;c,d\ne", "\\", "\\n"):
        assert unescape(escape(text)) == text


def test_every_outermost_begin_is_an_entry():
    text = "BEGIN:VCARD\nFN:A\nBEGIN:VCARD\nVERSION:3.0\nFN:B\nEND:VCARD\n\nbegin:vcard\nVERSION:3.0\nFN:C"
    entries = list(read(text))
    assert [(entry.line, entry.card["name"]["full"], entry.ended) for entry in entries] == [
        (1, "A", False),
        (3, "B", True),
        (8, "C", False),
    ]
    assert entries[0].notes == ["The card has no END:VCARD.", "The card has no VERSION and was read as 3.0."]


def test_lines_outside_of_any_card_are_noted_with_the_card_next_to_them():
    first, second = read("hello\n" + card("TEL:1", end="\n") + "between\n\n" + card("TEL:2", end="\n") + "after\n")
    assert first.notes == ["Line 1 belongs to no card and was left out.", "Line 7 belongs to no card and was left out."]
    assert second.notes == ["Line 14 belongs to no card and was left out."]
    assert list(read("no card at all")) == []
    assert list(read(b"")) == []


def test_files_that_were_put_together_keep_their_cards():
    data = b"".join(b"\xef\xbb\xbf" + card(f"UID:{number}").encode() for number in range(3))
    assert [entry.card["uid"] for entry in read(data)] == ["0", "1", "2"]
    assert [entry.notes for entry in read(data)] == [[], [], []]


@pytest.mark.parametrize("agent", ["AGENT:\r\n", "AGENT;TYPE=x:\r\n\r\n", "AGENT:BEGIN:VCARD\r\n"])
def test_agents_are_nested_to_a_depth(agent):
    begin = "" if "BEGIN" in agent else "BEGIN:VCARD\r\n"
    inner = f"{agent}{begin}FN:B\r\n{agent}{begin}FN:C\r\nEND:VCARD\r\nEND:VCARD"
    entry = one(card(inner, "TEL:1"))
    assert entry.card["name"]["full"] == "A"
    assert entry.card["phones"]["p1"]["number"] == "1"
    assert entry.card["vCardProps"][0][3].count("END:VCARD") == 2
    assert one(card(inner, "TEL:1"), limits=Limits(nesting=2)).notes == ["Line 4 is too long and was left out."]


def test_nul_and_surrogates_are_no_part_of_a_card():
    entry = one(card("NOTE:a\0b"))
    assert entry.card["notes"]["n1"]["note"] == "ab"
    assert entry.notes == ["NUL characters were left out."]
    assert note("NOTE:a\ud800b") == "a\ufffdb"
    assert note("NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-16LE:=00=D8a=00=00=00", version="2.1") == "\ufffda"


@pytest.mark.parametrize(
    "line, text",
    [
        ("NOTE;CHARSET=UTF-7:M+APw-ller a+ADs-b", "Müller a;b"),
        ("NOTE;CHARSET=UTF-7:+49 221", "+49 221"),
        ("NOTE;CHARSET=UTF-8:M+APw-ller", "M+APw-ller"),
        ("NOTE;ENCODING=BASE64:w7xiZXIKZQ==", "über\ne"),
    ],
)
def test_text_in_utf_7_and_in_base64_is_decoded(line, text):
    assert note(line, version="2.1") == text


def test_base64_that_is_no_text_is_kept_as_it_came():
    assert one(card("NOTE;ENCODING=b:/w==")).card["vCardProps"] == [["note", {"encoding": "b"}, "unknown", "/w=="]]


@pytest.mark.parametrize(
    "line, found",
    [
        ("NOTE;ENCODING=QUOTED-PRINTABLE:M=FCller", "Bytes that are not UTF-8 were read as Windows-1252."),
        (
            "NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=SHIFT_JIS:a=81",
            "Bytes that are no characters in the file's encoding are shown as U+FFFD.",
        ),
        ("item1.CATEGORIES;PREF=1;LANGUAGE=de:a", "CATEGORIES was read without language, pref, its group."),
        ("UID;X-A=b:a", "UID was read without x-a."),
        ("UID;VALUE=text:a", None),
    ],
)
def test_a_note_says_what_was_read_otherwise(line, found):
    assert one(card(line, version="2.1")).notes == ([found] if found else [])


def test_a_name_without_a_visible_character_is_none():
    entry = one("BEGIN:VCARD\nVERSION:3.0\nFN:\u200f\nEMAIL:a@x.org\nEND:VCARD\n")
    assert entry.card["name"]["full"] == "a@x.org"
    assert entry.notes == ["The card has no FN; the name was made of EMAIL."]


@pytest.mark.parametrize(
    "value, kinds",
    [
        (";;12 High St;;;;;;;;12;High St;;;;;;", {"number": "12", "name": "High St"}),
        (";Rear;High St;;;;;12 High St", {"room": "12 High St", "apartment": "Rear"}),
        (";Rear;High St;;;;;;;;;;X", {"apartment": "Rear", "name": "High St", "building": "X"}),
    ],
)
def test_an_address_loses_nothing_that_its_later_components_do_not_repeat(value, kinds):
    address = one(card(f"ADR:{value}", version="4.0")).card["addresses"]["a1"]
    assert {part["kind"]: part["value"] for part in address["components"]} == kinds
