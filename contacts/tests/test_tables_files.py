"""Files of tables: encodings, delimiters, quotes, line numbers, and what is no table."""

import io
import zipfile
from datetime import date

import pytest

from contacts.cards.tables import Limits, looks_like, read_table
from contacts.tests.tables_of_programs import TABLES
from contacts.tests.vcard_dialects import DIALECTS

pytestmark = pytest.mark.one_stack

TODAY = date(2026, 3, 1)
GERMAN = TABLES["outlook German"]
UKRAINIAN = TABLES["outlook Ukrainian"]
FRENCH = TABLES["outlook French"]


def names(data, **options):
    table = read_table(data, today=TODAY, **options)
    return table.encoding, [entry.card["name"]["full"] for entry in table.entries()]


@pytest.mark.parametrize(
    ("text", "codec", "encoding"),
    [
        (GERMAN, "utf-8", "utf-8"),
        (GERMAN, "utf-8-sig", "utf-8"),
        (GERMAN, "utf-16", "utf-16le"),
        (GERMAN, "utf-16-le", "utf-16le"),
        (GERMAN, "utf-16-be", "utf-16be"),
        (GERMAN, "cp1252", "windows-1252"),
        (UKRAINIAN, "utf-8", "utf-8"),
        (UKRAINIAN, "cp1251", "windows-1251"),
        (FRENCH, "cp1252", "windows-1252"),
        (FRENCH, "mac_roman", "macintosh"),
    ],
)
def test_the_encoding_is_found(text, codec, encoding):
    assert names(text.encode(codec)) == (encoding, names(text.encode())[1])


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        *(("latin1", "cp1252"), ("ISO-8859-1", "cp1252"), ("x-cp1252", "cp1252"), ("ascii", "cp1252")),
        *(("utf8", "utf-8"), (" UTF-8 ", "utf-8"), ("utf-16", "utf-16-le"), ("iso-8859-15", "iso8859-15")),
        *(("macintosh", "mac_roman"), ("windows-1250", "cp1250")),
    ],
)
def test_the_caller_can_name_an_encoding_by_its_web_label(label, codec):
    assert names(GERMAN.encode(codec), encoding=label)[1] == ["Herr Jörg Müller"]


@pytest.mark.parametrize(
    ("label", "codec", "name"),
    [
        ("koi8-u", "koi8-u", "Леся"),
        ("windows-1251", "cp1251", "Леся"),
        ("ibm866", "cp866", "Лес"),
        ("shift_jis", "cp932", "山田①"),
        ("gbk", "gbk", "王"),
        ("gb18030", "gb18030", "王"),
        ("big5", "big5", "王"),
        ("euc-kr", "cp949", "김"),
        ("euc-jp", "euc-jp", "山田"),
        ("windows-874", "cp874", "สมชาย"),
    ],
)
def test_encodings_of_other_scripts_are_read(label, codec, name):
    assert names(f"Name\n{name}\n".encode(codec), encoding=label)[1] == [name]


def test_a_byte_order_mark_beats_the_encoding_that_the_caller_names():
    assert names(b"\xef\xbb\xbf" + "Name\nJörg\n".encode(), encoding="windows-1251") == ("utf-8", ["Jörg"])


def test_single_bytes_that_are_not_utf8_cost_no_other_row():
    data = "Name,Email\nJörg,a@x.org\n".encode() + "Zoé,b@x.org\n".encode("cp1252")
    jorg, zoe = read_table(data, today=TODAY).entries()
    assert (jorg.card["name"]["full"], jorg.notes) == ("Jörg", [])
    assert (zoe.card["name"]["full"], zoe.notes) == (
        "Zoé",
        ["Bytes that are not UTF-8 were read as Windows-1252."],
    )


def test_windows_1252_is_told_by_each_line_where_the_beginning_is_ascii():
    data = b"Name,Email\n" + b"Ann,a@x.org\n" * 10_000 + "Zoé,b@x.org\n".encode("cp1252")
    assert names(data)[1][-1] == "Zoé"


def test_nuls_are_left_out_with_a_note():
    (entry,) = read_table(b"Name,Email\nA\0nn,a@x.org\n", today=TODAY).entries()
    assert (entry.card["name"]["full"], entry.notes) == ("Ann", ["NUL characters were left out."])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_the_delimiter_and_the_line_ends_are_found(delimiter, newline):
    rows = [["Name", "Email", "Notes"], ["Ann", "a@x.org", '"a,b;c\td|e' + newline + 'f"']]
    text = newline.join(map(delimiter.join, rows)) + newline
    (entry,) = read_table(text.encode(), today=TODAY).entries()
    assert entry.card["notes"]["n1"]["note"] == "a,b;c\td|e\nf"


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;", "\n\nsep=;"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_excels_first_line_says_the_delimiter(first, codec):
    text = f"{first}\nName;Email,x\nAnn;a@x.org\n"
    table = read_table(text.encode(codec), today=TODAY)
    assert [column["name"] for column in table.described()] == ["Name", "Email,x"]
    (entry,) = table.entries()
    assert (entry.card["name"]["full"], entry.line) == ("Ann", 3 + first.count("\n"))


def test_an_entry_is_every_row_that_is_not_blank_by_its_physical_line():
    text = 'Name,Notes\n\nAnn,"one\ntwo\n"\n,\n  ,\t\n"",""\nBob,\n'
    table = read_table(text.encode(), today=TODAY)
    assert [(entry.line, entry.card["name"]["full"]) for entry in table.entries()] == [(3, "Ann"), (9, "Bob")]


def test_entries_are_the_same_each_time_and_for_chunks_of_any_size():
    data = GERMAN.encode("utf-16")
    table = read_table(lambda: (data[at : at + 1] for at in range(len(data))), today=TODAY)
    assert list(table.entries()) == list(table.entries()) == list(read_table(data, today=TODAY).entries())


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ('Ann "the" Lee,a', ['Ann "the" Lee', "a"]),
        ('"Ann ""the"" Lee",a', ['Ann "the" Lee', "a"]),
        ('"Ann" Lee,a', ["Ann Lee", "a"]),
        ('"Ann, Lee",a', ["Ann, Lee", "a"]),
    ],
)
def test_quotes_in_cells(text, cells):
    (entry,) = read_table(f"Name,Notes\n{text}\n".encode(), today=TODAY).entries()
    assert [entry.card["name"]["full"], entry.card["notes"]["n1"]["note"]] == cells


def test_a_row_cut_off_in_quotes_is_read_with_a_note():
    (entry,) = read_table(b'Name,Notes\nAnn,"one\ntwo', today=TODAY).entries()
    assert entry.card["notes"]["n1"]["note"] == "one\ntwo"
    assert entry.notes == ["The quotes of this row are damaged; it was read line by line."]


def test_the_bounds_can_be_set():
    table = read_table(b"Name,a,b\nA,1,2\n" + b"x" * 99, today=TODAY, limits=Limits(row_bytes=50, columns=2))
    assert len(table.columns) == 2
    assert [entry.reason for entry in table.entries()] == [None, "This row is over 50 bytes."]


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("contacts.csv", TABLES["google new"] * 50)
    return file.getvalue()


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_tables_are_told_to_be_tables(name, codec):
    assert looks_like(TABLES[name].encode(codec)[: 64 * 1024])


@pytest.mark.parametrize(
    "data",
    [b"a,b\n1,2\n3,4\n", b"email\na@x.org\n", b"a;b;c\n1;2;3\n", "ä;ö\n1;2\n".encode("cp1252"), b"Name\n"],
)
def test_other_tables_are_told_to_be_tables(data):
    assert looks_like(data)


NO_TABLES = {
    "empty": b"",
    "blank": b" \n\n",
    "zip": zipped(),
    "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0",
    "jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01" + b"a,b\n" * 9,
    "json": b'[{"name": {"full": "Ann"}},\n {"name": {"full": "Bob"}}]',
    "one card of json": b'{"name": {"full": "Ann"},\n "emails": {}}',
    "html": b"<html><body>a, b\nc, d</body></html>",
    "a letter": b"Dear Ann,\n\nhow are you? I am well, thanks, and so is Bob.\n\nYours,\nEve\n",
    "one word": b"hello\nworld\n",
    "nuls": b"\0" * 500,
    "endless": b"x" * 65_536,
}


@pytest.mark.parametrize("name", NO_TABLES)
def test_what_is_no_table_is_told(name):
    assert not looks_like(NO_TABLES[name])


def test_a_vcard_is_no_table():
    assert not any(looks_like(text.encode()) for text in DIALECTS.values())


def test_a_second_column_of_a_name_is_kept_under_its_heading():
    text = b"Name,Contact,First Name,Firstname,Surname\nAnn Lee,Office,Ann,Anna,Lee\nBea,Bea,Bea,Bea,\n"
    first, second = read_table(text, today=date(2026, 3, 1)).entries()
    parts = [{"kind": "given", "value": "Ann"}, {"kind": "surname", "value": "Lee"}]
    assert first.card["name"] == {"full": "Ann Lee", "components": parts}
    assert [prop[3] for prop in first.card["vCardProps"]] == ["Office", "Anna"]
    assert second.card == {"name": {"full": "Bea", "components": [{"kind": "given", "value": "Bea"}]}}
