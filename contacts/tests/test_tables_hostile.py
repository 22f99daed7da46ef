"""Hostile tables: no exception but the reader's own, valid cards, bounded work."""

import csv
from datetime import date

import hypothesis
import pytest
from hypothesis import strategies as st

from contacts.cards.tables import Limits, UnknownEncodingError, draft, header, labels, looks_like, places, read_table
from contacts.cards.tables.rows import lines, rows
from contacts.cards.validation import faults
from contacts.cards.vcard import bounds
from contacts.tests.tables_of_programs import TABLES
from contacts.tests.work import lines_run

pytestmark = pytest.mark.one_stack

TODAY = date(2026, 3, 1)
PIECES = [
    *(b"\r\n", b"\n", b"\r", b'"', b'""', b'"\n', b",", b";", b"\t", b"|", b" ::: ", b"* ", b"'", b"'=", b"''"),
    *(b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"sep=;\n", b"\x1a", b"\x85", b"\xe2\x80\xa8"),
    *(b"0/0/00", b"5/12/85", b"31.12.", b"--02-30", b"9999999999", b"--04-12", b"1985-04-12T10:00", b"00"),
    *(b'{"name":null}', b'"{""emails"":{""e1"":null}}"', b"[[[[", b'{""a"":NaN}', b"more", b"uid", b"Titre"),
    *(b"E-mail 999 - Value", b"Phone 0 - Value", b"birthday", b"x" * 300, b"a,b;c\td"),
]
CHANGE = st.tuples(st.integers(0, 1 << 16), st.integers(0, 60), st.sampled_from(PIECES) | st.binary(max_size=4))


def checked(data, **options):
    """The entries, each of them a valid card, or a failure with a reason."""
    table = read_table(data, today=TODAY, **options)
    entries = list(table.entries())
    for entry in entries:
        assert (entry.card is None) == (entry.reason is not None)
        assert entry.question in (None, "mapping", "date_order")
        if entry.card is not None:
            full = entry.card["name"]["full"]
            assert full.strip()
            assert len(full) <= Limits.full_name
            assert list(faults({**entry.card, "name": {**entry.card["name"], "full": "named"}})) == []
    assert len(table.described()) == len(table.columns) <= Limits.columns
    return entries


@hypothesis.given(st.binary(max_size=300), st.integers(1, 100))
def test_any_bytes_are_read(data, size):
    entries = checked(data)
    checked(b"fullname,email,birthday\n" + data)
    chunks = read_table(lambda: (data[at : at + size] for at in range(0, len(data), size)), today=TODAY)
    assert list(chunks.entries()) == entries
    looks_like(data)


@hypothesis.given(
    st.sampled_from([text.encode() for text in TABLES.values()]), st.lists(CHANGE, min_size=1, max_size=6)
)
def test_any_mutation_of_a_real_table_is_read(data, changes):
    for place, removed, piece in changes:
        place %= len(data) + 1
        data = data[:place] + piece + data[place + removed :]
    checked(data)


@hypothesis.given(
    st.lists(st.lists(st.text(max_size=8), min_size=1, max_size=5), max_size=4),
    st.sampled_from(["", "utf-8", "utf-16le", "utf-16be", "windows-1252", "windows-1251", "shift_jis", "big5"]),
)
def test_any_text_in_any_encoding_is_read(cells, encoding):
    text = "Name,E-mail,Birthday,Group,x\n" + "\n".join(",".join(row) for row in cells)
    checked(text.encode(encoding or "utf-8", "ignore"), encoding=encoding or None)
    checked(text.encode("utf-8", "surrogatepass"), encoding=encoding or None)


@pytest.mark.parametrize("encoding", ["nonsense", "punycode", "rot13", "utf-7", "base64", "idna", "unicode_escape"])
def test_an_encoding_of_no_web_label_is_refused(encoding):
    with pytest.raises(UnknownEncodingError):
        read_table(b"Name\nA", today=TODAY, encoding=encoding)


def test_an_endless_line_costs_that_row():
    entries = checked(b"Name,Email\nA,a@x.org\n" + b"x" * 3_000_000 + b"\nB,b@x.org\n")
    assert [(entry.line, entry.reason) for entry in entries] == [
        (2, None),
        (3, "This row is over 1048576 bytes."),
        (4, None),
    ]


def test_an_endless_line_of_headings_is_read():
    assert checked(b"x" * 3_000_000) == []
    assert checked(b"x," * 3_000_000 + b"\nA,B\n")[0].question == "mapping"


def test_a_quote_that_nothing_closes_costs_its_row_alone():
    rows = b"".join(b'"%d",%d@x.org\n' % (number, number) for number in range(1000))
    entries = checked(b'Name,Email\n"A,a@x.org\n' + rows)
    assert len(entries) >= 1000
    assert [entry.card["name"]["full"] for entry in entries[-998:]] == [str(number) for number in range(2, 1000)]


def test_ten_thousand_columns_are_read_to_the_bound():
    headings = b",".join(b"E-mail %d - Value" % number for number in range(1, 10_001))
    (entry,) = checked(headings + b"\n" + b",".join(b"%d@x.org" % number for number in range(10_000)))
    assert len(entry.card["emails"]) == 500
    assert entry.notes[-1].startswith("There are ")


LONG_CELL = b'Name,Notes\nA,"' + b"x" * 200_000 + b'"\nB,\n'


def test_a_cell_longer_than_the_csv_module_usually_allows_is_read():
    first, second = checked(LONG_CELL)
    assert first.notes == ["Notes is longer than 65535 characters; it was kept as it came."]
    assert second.card == {"name": {"full": "B"}}


def test_a_lower_bound_of_the_csv_module_costs_that_row():
    limit = csv.field_size_limit(1000)
    try:
        first, second = checked(LONG_CELL)
    finally:
        csv.field_size_limit(limit)
    assert first.reason == "A cell of this row is over 1000 characters."
    assert second.card == {"name": {"full": "B"}}


def test_a_long_name_is_whole_up_to_its_bound():
    names = ["x" * 300, "\x01" * 40_001]
    first, second = checked(f"Name\n{names[0]}\n{names[1]}\n".encode())
    assert (first.card["name"]["full"], first.notes) == (names[0], [])
    assert (len(second.card["name"]["full"]), second.notes) == (40_000, ["The name was cut after 40000 characters."])


@pytest.mark.parametrize(
    "patch",
    [
        *("[1]", "7", "{", '{"uid":5}', '{"uid":"' + "x" * 256 + '"}', '{"kind":{}}', '{"created":1}', '{"name":null}'),
        *('{"name":{"full":null}}', '{"name":5}', '{"emails":{"e1":{}}}', '{"x":NaN}', '{"x":"\\ud800"}'),
        *('{"a":' * 500 + "1" + "}" * 500, '{"x":1e999}'),
    ],
)
def test_a_patch_that_makes_no_valid_card_is_kept_as_it_came(patch):
    cell = patch.replace('"', '""')
    (entry,) = checked(f'fullname,uid,more\nAnn,1,"{cell}"\n'.encode())
    assert entry.card["name"] == {"full": "Ann"}
    assert entry.card["uid"] == "1"
    assert entry.notes == ["more does not fit the other columns; it was kept as it came."]


def steps(data):
    labels.short_kind.cache_clear()
    return lines_run(lambda: list(read_table(data, today=TODAY).entries()))


NAMED = b"Name,Email,Birthday,Group,x\n"
HOSTILE = {
    "rows": lambda n: NAMED + b"A,a@x.org,,,\n" * n,
    "one cell": lambda n: NAMED + b"A," + b"x" * n,
    "cells": lambda n: NAMED + b"A," * n,
    "headings": lambda n: b"Name," + b"x," * n + b"\n" + b"A," * n,
    "known headings": lambda n: b"Email," * n + b"\n" + b"A," * n,
    "numbered headings": lambda n: b",".join(b"E-mail %d - Value" % i for i in range(1, n)) + b"\n" + b"A," * n,
    "quotes": lambda n: NAMED + b'"' * (2 * n + 1),
    "open quotes": lambda n: NAMED + b'"A\n' * n,
    "open quotes in rows": lambda n: NAMED + b'A,"a@x.org,,,\n' * n,
    "quoted line breaks": lambda n: NAMED + b'A,"' + b"\n" * n + b'"\n',
    "blank lines": lambda n: b"\n" * n + NAMED + b"\n" * n,
    "blank cells": lambda n: NAMED + b",,,,\n" * n,
    "groups": lambda n: NAMED + b"A,,," + b";".join(b"%d" % i for i in range(n)),
    "several": lambda n: b"Name,E-mail 1 - Value,E-mail 1 - Type\nA," + b" ::: ".join(b"%d" % i for i in range(n)),
    "people": lambda n: b"Name,Relation 1 - Value,Relation 1 - Type\nA," + b" ::: ".join(b"%d" % i for i in range(n)),
    "digits": lambda n: NAMED + b"A,," + b"1" * n + b"\nB,," + b"1/" * n + b"\n",
    "times": lambda n: NAMED + b"A,,1985-04-12 " + b"0:" * n + b"!\n",
    "brackets": lambda n: b"fullname,uid,more\nA,1," + b"[" * n,
    "patch": lambda n: b'fullname,uid,more\nA,1,"{' + b",".join(b'""%d"":1' % i for i in range(n)) + b'}"',
    "nuls": lambda n: NAMED + b"\0" * n,
    "not utf-8": lambda n: NAMED + b"A," + b"\xff" * n,
    "returns": lambda n: NAMED + b"A\r" * n,
    "separators": lambda n: b"sep=" + b";" * n,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_the_work_grows_no_faster_than_the_input(name, monkeypatch):
    # Above its bounds more is done with a card, once: these are above them, small and large.
    monkeypatch.setattr(bounds, "SMALL", 0)
    for module in (draft, places):
        monkeypatch.setattr(module, "MAX_ENTRIES", 20)
    steps(HOSTILE[name](10))  # fills the caches
    small, large = steps(HOSTILE[name](400)), steps(HOSTILE[name](800))
    assert large < small * 2.2 + 2000


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_tables_are_read(name):
    checked(HOSTILE[name](3000))


@pytest.mark.parametrize("format", ["csv", "csv-google", "csv-outlook"])
def test_a_table_of_headings_alone_has_no_entries(format):
    assert checked(header(format).encode()) == []


@pytest.mark.parametrize("line", [b"a\n", b"\n", b'"\n'])
def test_an_open_quote_before_many_short_lines_costs_no_memory(line):
    found = lines([b'"x' + line * 200_000], None, Limits())
    for row in rows(found, ",", Limits()):
        assert sum(map(len, row.cells)) <= Limits().row_bytes
