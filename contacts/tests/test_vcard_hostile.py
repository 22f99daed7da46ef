"""Hostile vCards: no exception but the reader's own, bounded memory, work in proportion to the input."""

import tracemalloc

import hypothesis
import pytest
from hypothesis import strategies as st

from contacts.cards.validation import MAX_BYTES, faults
from contacts.cards.vcard import Limits, addresses, bounds, draft, names, read, tokenizer, write
from contacts.cards.vcard.lines import raw_cards
from contacts.tests.vcard_dialects import DIALECTS
from contacts.tests.work import lines_run

pytestmark = pytest.mark.one_stack

WHOLE = [text.replace("\r\n", "\n").replace("\n", "\r\n").encode() for text in DIALECTS.values()]
PIECES = [
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"\n ",
        b";",
        b":",
        b",",
        b"\\",
        b'"',
        b"=",
        b"\0",
        b"\xff",
        b"\xed\xa0\x80",
        b"^n",
        b".",
        b"\xef\xbb\xbf",
    ),
    *(
        b"BEGIN:VCARD\r\n",
        b"END:VCARD\r\n",
        b"VERSION:2.1\r\n",
        b"AGENT:\r\n",
        b"item1.",
        b"X-ABLabel:",
        b";TYPE=",
        b"ENCODING=b:",
    ),
    *(
        b";ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-16:=00=D8",
        b";ALTID=1;LANGUAGE=fr",
        b";PREF=99999999999999999999",
        b"BDAY:99999999\r\n",
    ),
    *(
        b"JSPROP;JSPTR=name:1\r\n",
        b'JSPROP;JSPTR="emails/e1":{"address":5}\r\n',
        b"JSPROP;JSPTR=vCardProps:5\r\n",
        b'JSPROP;JSPTR="":{}\r\n',
    ),
    *(
        b"N;PHONETIC=ipa;ALTID=1:x;y\r\n",
        b'ADR;JSCOMPS=";1;0":a;b\r\n',
        b'JSPROP;JSPTR=a:"\\\\ud800"\r\n',
        b"GEO:1;2\r\n",
        b"MEMBER:\r\n",
    ),
]
CHANGE = st.tuples(st.integers(0, 1 << 16), st.integers(0, 60), st.sampled_from(PIECES) | st.binary(max_size=4))


def checked(data, **options):
    """The entries, each of them a valid card that can be written again and is the same then, or a failure with a reason."""
    entries = list(read(data, **options))
    for entry in entries:
        assert (entry.card is None) == (entry.reason is not None)
        if entry.card is not None:
            assert list(faults(entry.card)) == []
            pictures = {picture.reference: picture for picture in entry.pictures}
            (again,) = read(write(entry.card, "4.0", pictures.get))
            assert again.card == entry.card
            assert next(read(write(entry.card, "3.0", pictures.get))).card is not None
    return entries


@hypothesis.given(st.binary(max_size=300), st.integers(1, 100))
def test_any_bytes_are_read(data, size):
    checked(data)
    checked(b"BEGIN:VCARD\nFN:A\n" + data)
    assert list(read(data[start : start + size] for start in range(0, len(data), size))) == list(read(data))


@hypothesis.given(st.sampled_from(WHOLE), st.lists(CHANGE, min_size=1, max_size=6))
def test_any_mutation_of_a_real_card_is_read(data, changes):
    for place, removed, piece in changes:
        place %= len(data) + 1
        data = data[:place] + piece + data[place + removed :]
    checked(data)


@hypothesis.given(st.text())
def test_any_text_is_read_even_with_lone_surrogates(text):
    checked("BEGIN:VCARD\nFN:A\nNOTE:" + text)


def steps(data):
    tokenizer.parse_head.cache_clear()
    return lines_run(lambda: list(read(data)))


HOSTILE = {
    "one line": lambda n: b"BEGIN:VCARD\nFN:A\nNOTE:" + b"x" * n + b"\nEND:VCARD\n",
    "begins": lambda n: b"BEGIN:VCARD\n" * n,
    "agents": lambda n: b"BEGIN:VCARD\nFN:A\n" + b"AGENT:\nBEGIN:VCARD\n" * n,
    "agents that end": lambda n: b"BEGIN:VCARD\nFN:A\n" + b"AGENT:\nBEGIN:VCARD\nEND:VCARD\n" * n,
    "parameters": lambda n: b"BEGIN:VCARD\nFN:A\nTEL" + b";X=1" * n + b":1\nEND:VCARD\n",
    "values of a parameter": lambda n: b"BEGIN:VCARD\nFN:A\nTEL;TYPE=" + b"a," * n + b":1\nEND:VCARD\n",
    "quotes": lambda n: b"BEGIN:VCARD\nFN:A\nTEL;X=" + b'"' * (2 * n + 1) + b":1\nEND:VCARD\n",
    "properties": lambda n: b"BEGIN:VCARD\nFN:A\n" + b"TEL:1\n" * n + b"END:VCARD\n",
    "folds": lambda n: b"BEGIN:VCARD\nFN:A\nNOTE:x" + b"\n x" * n + b"\nEND:VCARD\n",
    "soft breaks": lambda n: b"BEGIN:VCARD\nFN:A\nNOTE;QUOTED-PRINTABLE:x" + b"=\nx" * n + b"\nEND:VCARD\n",
    "backslashes": lambda n: b"BEGIN:VCARD\nFN:A\nN:" + b"\\;" * n + b"\nEND:VCARD\n",
    "components": lambda n: b"BEGIN:VCARD\nFN:A\nN:" + b"a," * n + b"\nEND:VCARD\n",
    "categories": lambda n: (
        b"BEGIN:VCARD\nFN:A\nCATEGORIES:" + b"".join(b"%d," % i for i in range(n)) + b"\nEND:VCARD\n"
    ),
    "nuls": lambda n: b"BEGIN:VCARD\nFN:A\nNOTE:" + b"\0" * n + b"\nEND:VCARD\n",
    "junk": lambda n: b"BEGIN:VCARD\nFN:A\n" + b"junk\n" * n + b"END:VCARD\n",
    "junk outside": lambda n: b"junk\n" * n,
    "ids": lambda n: (
        b"BEGIN:VCARD\nFN:A\n" + b"".join(b"TEL;PROP-ID=p%d:1\n" % i for i in range(n, 0, -1)) + b"TEL:1\n" * n
    ),
    "alternatives": lambda n: b"BEGIN:VCARD\nFN:A\n" + b"TITLE;ALTID=1;LANGUAGE=fr:x\n" * n,
    "labels": lambda n: b"BEGIN:VCARD\nFN:A\n" + b"LABEL:x\n" * n,
    "labels and addresses": lambda n: b"BEGIN:VCARD\nFN:A\n" + b"ADR:;;a;b;;;\n" * n + b"LABEL:x\n" * n,
    "places": lambda n: b"BEGIN:VCARD\nFN:A\n" + b"BDAY:2000\n" * n + b"BIRTHPLACE:x\n" * n,
    "people": lambda n: b"BEGIN:VCARD\nFN:A\n" + b"".join(b"X-SPOUSE:%d\n" % i for i in range(n)),
    "pointers": lambda n: b"BEGIN:VCARD\nFN:A\n" + b"JSPROP;JSPTR=" + b"a/" * n + b":1\n",
    "brackets": lambda n: b"BEGIN:VCARD\nFN:A\n" + b"JSPROP;JSPTR=a:" + b"[" * n + b"\n",
    "digits": lambda n: (
        b"BEGIN:VCARD\nFN:A\nTEL;PREF=" + b"9" * n + b":1\nGEO:" + b"1" * n + b"\nBDAY:" + b"1" * n + b"\n"
    ),
    "order": lambda n: b'BEGIN:VCARD\nFN:A\nN;JSCOMPS=";' + b"0;" * n + b'":a;b\n',
    "names": lambda n: b"BEGIN:VCARD\n" + b"NICKNAME:" + b"a," * n,
    "separators": lambda n: b"BEGIN:VCARD\nFN:A\n" + b":" * n + b"\n" + b";" * n + b"\n" + b"." * n,
    "types": lambda n: (
        b"BEGIN:VCARD\nFN:A\nTEL"
        + b"".join(b";TYPE=" + b",".join(b"%d" % i for i in range(n)) for _ in range(9))
        + b":1\n"
    ),
    "older components": lambda n: (
        b"BEGIN:VCARD\nFN:A\nN:" + b"a," * n + b";;;;;" + b"a," * n + b"\nX-PHONETIC-LAST-NAME:x" * 100
    ),
    "zone": lambda n: b"BEGIN:VCARD\nFN:A\nTZ:a" + b"_" * n + b"!\n",
    "almost base64": lambda n: b"BEGIN:VCARD\nFN:A\nPHOTO:" + b"a" * 200 + b" " * n + b"!\n",
    "almost data": lambda n: b"BEGIN:VCARD\nFN:A\nPHOTO:data:" + b";" * n + b"\n",
    "almost a label": lambda n: b"BEGIN:VCARD\nFN:A\na.TEL:1\na.X-ABLABEL:_$!<" + b">!$" * n + b"\n",
    "not utf-8": lambda n: b"BEGIN:VCARD\nFN:A\nNOTE:" + b"\xff" * n,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_the_work_grows_no_faster_than_the_input(name, monkeypatch):
    # Above its bounds more is done with a card, once: these are above them, small and large.
    monkeypatch.setattr(bounds, "SMALL", 0)
    monkeypatch.setattr(bounds, "MAX_VALUES", 10)
    for module in (bounds, draft, names, addresses):
        monkeypatch.setattr(module, "MAX_ENTRIES", 20)
    small, large = steps(HOSTILE[name](400)), steps(HOSTILE[name](800))
    assert large < 2.3 * small + 1000


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_read_to_valid_cards(name):
    checked(HOSTILE[name](1000))


@pytest.mark.long
@pytest.mark.parametrize("name", HOSTILE)
def test_huge_hostile_files_are_read(name):
    for entry in read(HOSTILE[name]({"begins": 10**6, "one line": 50_000_000}.get(name, 10**5))):
        assert entry.card is None or list(faults(entry.card)) == []


def test_a_line_and_a_card_have_their_bounds():
    limits = Limits(line_bytes=1000, card_bytes=5000)
    for line in (b"NOTE:" + b"x" * 2000, b"NOTE:" + b"x\n " * 1000):
        (entry,) = read(b"BEGIN:VCARD\nVERSION:3.0\nTEL:1\n" + line + b"\nFN:A\nEND:VCARD\n", limits=limits)
        assert entry.card == {"phones": {"p1": {"number": "1"}}, "name": {"full": "A"}}
        assert entry.notes == ["Line 4 is too long and was left out."]
    (entry, other) = read(
        b"BEGIN:VCARD\nFN:A\n" + b"NOTE:x\n" * 1000 + b"END:VCARD\nBEGIN:VCARD\nVERSION:4.0\nFN:B\nEND:VCARD\n",
        limits=limits,
    )
    assert (entry.card, entry.reason, entry.ended) == (None, "This card is over 5000 bytes or 350000 lines.", True)
    assert other.card == {"name": {"full": "B"}}


def test_a_card_over_its_bounds_loses_its_longest_parts():
    notes = [b"NOTE:" + b"%d" % size * 10_000 for size in (1, 22, 333, 4444, 55555, 22, 22, 22, 22)]
    (entry,) = read(
        b"\n".join([b"BEGIN:VCARD", b"VERSION:3.0", b"FN:A", *notes, b"X-LONG:" + b"x" * 200_000, b"END:VCARD"])
    )
    assert list(faults(entry.card)) == []
    assert entry.notes == ["vCardProps/0 was left out, since the card is too large."]
    assert len(entry.card["notes"]) == 9
    assert MAX_BYTES > 150_000


def test_too_many_of_anything_are_kept_or_noted():
    text = "BEGIN:VCARD\nVERSION:3.0\nFN:A\n" + "".join(f"TEL:{number}\n" for number in range(600)) + "END:VCARD"
    (entry,) = read(text)
    assert len(entry.card["phones"]) == 500
    assert len(entry.card["vCardProps"]) == 100
    assert len(entry.notes) == 100
    (entry,) = read("BEGIN:VCARD\nVERSION:3.0\nFN:A\nFN:" + "\nX:1" * 6000)
    assert "What comes after 5000 properties was left out." in entry.notes
    (entry,) = read("BEGIN:VCARD\nVERSION:3.0\nFN:A\n" + "junk\n" * 1000 + "END:VCARD")
    assert len(entry.notes) == 101
    assert entry.notes[-1] == "There are 900 more notes."


@pytest.mark.parametrize(
    "line, note",
    [
        ("EMAIL:" + "x" * 321, "EMAIL is longer than 320 characters; it was kept as it came."),
        ("TEL:" + "1" * 256, "TEL is longer than 255 characters; it was kept as it came."),
        ("URL:http://" + "x" * 2048, "URL is longer than 2048 characters; it was kept as it came."),
        ("NOTE:" + "x" * 65_536, "NOTE is longer than 65535 characters; it was kept as it came."),
        (
            "PHOTO;VALUE=uri:javascript:alert(1)",
            "PHOTO has no content and no http or https URL; it was kept as it came.",
        ),
        ("CATEGORIES:" + "x" * 256, f"1 categories were left out, the first of them {'x' * 60!r}"),
    ],
)
def test_what_is_too_long_or_unsafe_is_no_entry_and_noted(line, note):
    (entry,) = checked(f"BEGIN:VCARD\nVERSION:3.0\nFN:A\n{line}\nEND:VCARD")
    assert entry.notes == [note]


def test_a_long_name_is_whole_unless_the_caller_limits_it():
    text = "BEGIN:VCARD\nVERSION:3.0\nFN:" + "x" * 300 + "\nEND:VCARD"
    (entry,) = read(text)
    assert (len(entry.card["name"]["full"]), entry.notes) == (300, [])
    (entry,) = read(text, limits=Limits(full_name=255))
    assert len(entry.card["name"]["full"]) == 255
    assert entry.notes == ["The name was cut after 255 characters."]


def test_a_picture_has_its_bound_and_is_kept_whether_or_not_it_can_be_shown():
    text = "BEGIN:VCARD\nVERSION:3.0\nFN:A\nPHOTO;ENCODING=b:{}\nEND:VCARD"
    (entry,) = read(text.format("QUJD" * 100), limits=Limits(picture_bytes=100))
    assert entry.notes == ["PHOTO has 300 bytes, more than are stored, and was left out."]
    (entry,) = read(text.format("QUJD*R"))
    assert entry.pictures[0].data == b"ABC"
    (entry,) = read(text.format("QUJDRE"))
    assert entry.pictures[0].data == b"ABCD"


@pytest.mark.parametrize(
    "line",
    [
        "JSPROP;JSPTR=name:5",
        'JSPROP;JSPTR=name/full:["x"]',
        'JSPROP;JSPTR=emails:{"e 1":{"address":"x"}}',
        "JSPROP;JSPTR=a:" + "[" * 30 + "]" * 30,
        "JSPROP;JSPTR=a:" + "[" * 100_000,
        'JSPROP;JSPTR=a:"\\\\ud800"',
        "JSPROP;JSPTR=a:1e999",
        "JSPROP;JSPTR=a:NaN",
        "JSPROP;JSPTR=a:" + "9" * 5000,
        "JSPROP:1",
        'JSPROP;JSPTR=media:{"m1":{"uri":"javascript:x"}}',
    ],
)
def test_jsprop_cannot_make_a_card_invalid(line):
    (entry,) = checked(f"BEGIN:VCARD\nVERSION:4.0\nFN:A\n{line}\nEND:VCARD")
    assert entry.card["name"] == {"full": "A"}
    assert entry.card["vCardProps"][0][0] == "jsprop"
    assert entry.notes


DICTS = "{}\\," * 1_000_000
MANY_PARTS = {
    "JSPROP": f"JSPROP;JSPTR=a:[{DICTS}{{}}]",
    "JSPROP without escapes": "JSPROP;JSPTR=a:[" + "{}," * 1_500_000 + "{}]",
    "JSPROPs": "\n".join(f"JSPROP;JSPTR=a{number}:[{DICTS[:800_000]}{{}}]" for number in range(8)),
    "ORG": "ORG:" + ";" * 5_000_000,
    "N": "N:" + ";" * 5_000_000,
    "ADR": "ADR:" + "," * 5_000_000,
    "CATEGORIES": "CATEGORIES:" + "a," * 2_500_000,
    "NICKNAME": "NICKNAME:" + "a," * 2_500_000,
}


@pytest.mark.parametrize("name", MANY_PARTS)
def test_a_value_of_millions_of_parts_is_left_out_and_takes_little_memory(name):
    file = f"BEGIN:VCARD\nVERSION:4.0\nFN:Ann\n{MANY_PARTS[name]}\nEND:VCARD\n".encode()
    tracemalloc.start()
    try:
        (entry,) = read(file)
        assert tracemalloc.get_traced_memory()[1] < 12 * len(file)
    finally:
        tracemalloc.stop()
    assert entry.card["name"]["full"] == "Ann" and any("too large" in note for note in entry.notes)


@pytest.mark.parametrize("lines", [b"a\n" * 2000, b" a\n" * 2000, b" \n" * 2000, b"AGENT:BEGIN:VCARD\n" + b"\n" * 2000])
def test_a_card_of_too_many_lines_fails_and_the_next_one_is_read(lines):
    file = [b"BEGIN:VCARD\nVERSION:3.0\nFN:A\n", lines, b"END:VCARD\n" * 20, b"BEGIN:VCARD\nFN:B\nEND:VCARD\n"]
    first, second = read(file, limits=Limits(lines=1000))
    assert first.reason == "This card is over 25165824 bytes or 1000 lines."
    assert second.card["name"]["full"] == "B"


def test_blank_lines_take_no_memory():
    (raw,) = raw_cards([b"BEGIN:VCARD\nFN:A\n" + b"\n" * 100_000 + b"END:VCARD\n"], Limits())
    assert raw.lines == [b"FN:A", b""]
