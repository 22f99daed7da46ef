"""The properties of a card: names, groups, parameters and values (RFC 6350 §3.3, RFC 6868, vCard 2.1)."""

import binascii
import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

from contacts.cards.vcard import decoding
from contacts.cards.vcard.lines import Limits, RawCard
from contacts.cards.vcard.values import decode_carets, encode_carets, escape_newlines

Params = dict[str, list[str]]

NAME = re.compile(r"[A-Za-z0-9_/-]{1,100}")  # `_` and `/` are in no RFC, but in KDE's
COLON = re.compile(r'(?:[^":]++|"[^"]*+")*+:')  # the first one outside quotes
PARAMETER = re.compile(r';\s*([^=;"]*+)(?:=((?:"[^"]*+"|[^";]++|")*+))?')
VALUE = re.compile(r'(?:"[^"]*+"|[^",]++|")++')
VERSION = re.compile(rb"^VERSION[ \t]*:[ \t]*2\.1[ \t]*$", re.IGNORECASE | re.MULTILINE)
QUOTED_PRINTABLE = re.compile(rb"QUOTED-PRINTABLE", re.IGNORECASE)
BASE64_LINE = re.compile(r"[A-Za-z0-9+/]+={0,2}\s*\Z")
FOLDED = re.compile(rb"^([^\n:]*+):[^\n]*+(?:\n[ \t][^\n]*+)++", re.MULTILINE)
# A soft line break of quoted-printable that was folded as well, unless the fold lies within an escape.
FOLDED_BREAK = re.compile(rb"=\n[ \t](?![0-9A-F]{2})")
# A line that is no more of a text in quoted-printable, although the line before it ends in `=`.
PROPERTY = re.compile(
    r"(?:item\d+\.)?(?:N|FN|NICKNAME|PHOTO|BDAY|ADR|LABEL|TEL|EMAIL|ORG|TITLE|ROLE|NOTE|URL|CATEGORIES|REV|UID|X-[A-Z-]+)"
    r"(?:;[^:\s]*)?:(?! )"
)
SAMSUNG_LABEL = re.compile(r";\s*X-CUSTOM\(([^;:()]*)\)", re.IGNORECASE)
ENCODINGS = {"quoted-printable": "q", "q": "q", "base64": "b", "b": "b", "8bit": "", "7bit": "", "binary": ""}
BARE_VALUES = {"inline", "url", "uri", "cid", "content-id"}
CACHED_HEAD = 200  # characters; a longer one is rare and may be hostile
MAX_HEAD = 1 << 16


class Property(NamedTuple):
    """One property. `params` is shared between properties and never changed in place."""

    name: str  # in upper case
    params: Params  # names, and the values of TYPE, in lower case
    value: str  # still escaped
    group: str | None = None
    binary: bool = False  # the value is base64


class Head(NamedTuple):
    """What stands before a property's colon."""

    name: str
    params: Params
    group: str | None
    encoding: str
    charset: str | None


def properties(raw: RawCard, notes: list[str]) -> Iterator[Property]:
    """The properties of a card; a note for each line that is none."""
    lines = logical_lines(raw, notes)
    index, found = 0, 0
    numbers: list[int] = []  # of the lines in the file; only asked for where a line is no property
    while index < len(lines):
        line, start = lines[index], index
        index += 1
        if not line or line.isspace():
            continue
        head, value = parse_line(line, raw.limits)
        if head is None:
            numbers = numbers or line_numbers(raw)
            # Only the first notes are shown, the others counted.
            shown = len(notes) <= raw.limits.notes
            notes.append(f"Line {numbers[start]} is no property and was left out: {line[:60]!r}" if shown else "")
            continue
        found += 1
        if found > raw.limits.properties:
            notes.append(f"What comes after {raw.limits.properties} properties was left out.")
            return
        if head.encoding:
            value, index = continued(head, value, lines, index, notes)
        yield property_of(head, value, notes)


def logical_lines(raw: RawCard, notes: list[str]) -> list[str]:
    """The lines unfolded (RFC 6350 §3.2). In vCard 2.1 the space at which a line was folded belongs to the text."""
    joined = b"\n".join(raw.lines)
    if b"\0" in joined:
        joined = joined.replace(b"\0", b"")
        notes.append("NUL characters were left out.")
    if b"\n " not in joined and b"\n\t" not in joined:
        return decoding.text_of(joined, notes).split("\n")
    if VERSION.search(joined):
        if QUOTED_PRINTABLE.search(joined):
            # A soft line break before a space or a tab, not a folded line.
            joined = joined.replace(b"=\n ", b"=\n=20").replace(b"=\n\t", b"=\n=09")
        joined = joined.replace(b"\n ", b" ").replace(b"\n\t", b"\t")
    else:
        if QUOTED_PRINTABLE.search(joined):
            joined = FOLDED.sub(without_folded_breaks, joined)
        joined = joined.replace(b"\n ", b"").replace(b"\n\t", b"")
    return decoding.text_of(joined, notes).split("\n")


def without_folded_breaks(folded: re.Match[bytes]) -> bytes:
    is_quoted = QUOTED_PRINTABLE.search(folded[1])
    return FOLDED_BREAK.sub(b"", folded[0]) if is_quoted else folded[0]


def line_numbers(raw: RawCard) -> list[int]:
    """The number in the file of each logical line."""
    pairs = zip(raw.lines, raw.numbers, strict=True)
    return [number for index, (line, number) in enumerate(pairs) if index == 0 or line[:1] not in (b" ", b"\t")]


def parse_line(line: str, limits: Limits) -> tuple[Head | None, str]:
    head, colon, value = line.partition(":")
    if '"' in head:
        match = COLON.match(line)
        if match:
            head, value = line[: match.end() - 1], line[match.end() :]
    if not colon or len(head) > MAX_HEAD or head.count(";") > limits.parameters:
        return None, ""
    return (parse_head(head) if len(head) <= CACHED_HEAD else parse_head.__wrapped__(head)), value


@functools.lru_cache(maxsize=2048)
def parse_head(head: str) -> Head | None:
    """The parsed head, None where it has no valid name. Cached, since few heads make up most of a file."""
    label, semicolon, _ = head.partition(";")
    group, _, name = label.strip().rpartition(".")
    if not NAME.fullmatch(name):
        return None
    params: Params = {}
    if "(" in head:
        head = SAMSUNG_LABEL.sub(samsung_label, head)
    for match in PARAMETER.finditer(head, len(label)) if semicolon else ():
        add_parameter(params, match[1].strip().lower(), match[2])
    encoding = params.pop("encoding", [""])[-1].lower()
    charset = params.pop("charset", [None])[-1]
    return Head(name.upper(), params, group or None, ENCODINGS.get(encoding, ""), charset)


def samsung_label(match: re.Match[str]) -> str:
    """`X-CUSTOM(CHARSET=UTF-8,ENCODING=QUOTED-PRINTABLE,=C3=84mter)`, a label, as a parameter of its own."""
    words = match[1].split(",")
    encoded = any(word.upper() == "ENCODING=QUOTED-PRINTABLE" for word in words)
    label = ",".join(word for word in words if not word.upper().startswith(("CHARSET=", "ENCODING=")))
    if encoded:
        charset = next((word[8:] for word in words if word.upper().startswith("CHARSET=")), None)
        label = decoding.decode_charset(binascii.a2b_qp(label.encode()), charset, [])
    return ';X-ABLABEL="{}"'.format(encode_carets(label.replace("\0", "").replace('"', "'").strip()))


def add_parameter(params: Params, name: str, text: str | None) -> None:
    if text is None:
        bare = name.strip('"')
        if not bare:
            return
        name, values = kind_of_bare(bare), [bare]
    else:
        values = parameter_values(name, text.strip())
    if name and values:
        present = params.setdefault(name, [])
        present[:] = dict.fromkeys([*present, *values]) if name == "type" else [*present, *values]


def kind_of_bare(word: str) -> str:
    """The parameter that a word without a name belongs to (vCard 2.1)."""
    if word in ENCODINGS:
        return "encoding"
    return "value" if word in BARE_VALUES else "type"


def parameter_values(name: str, text: str) -> list[str]:
    if name == "value":
        return [text.replace('"', "").lower()]
    if name == "type":
        # RFC 6350 itself quotes whole lists: TYPE="voice,home".
        return [word for part in text.replace('"', "").split(",") if (word := decode_carets(part.strip().lower()))]
    if name == "sort-as":  # a list in quotes (RFC 6350 §5.9), of quoted texts, or without quotes
        return [decode_carets(word) for word in text.replace('"', "").split(",")]
    if '"' not in text and "," not in text:
        return [decode_carets(text)] if text else []
    return [decode_carets(part.strip().replace('"', "")) for part in VALUE.findall(text)]


def continued(head: Head, value: str, lines: list[str], index: int, notes: list[str]) -> tuple[str, int]:
    """The value with the lines that go on with it, and the index of the line after them.

    Quoted-printable goes on after a `=` at the end of a line, base64 (vCard 2.1) to a blank line or to one that is
    not base64.
    """
    parts = [value]
    if head.encoding == "q":
        while parts[-1].rstrip().endswith("=") and index < len(lines):
            parts[-1] = parts[-1].rstrip()[:-1]
            if PROPERTY.match(lines[index]) and not parts[-1].endswith(("=0A", "=0D")):
                notes.append(f"The text of {head.name} is cut off.")
                break
            parts.append(lines[index])
            index += 1
    else:
        while index < len(lines) and (BASE64_LINE.match(lines[index]) or begins_late(parts, lines[index])):
            parts.append(lines[index])
            index += 1
    return "".join(parts), index


def begins_late(parts: list[str], line: str) -> bool:
    """Whether base64 begins with this line or after it: some programs leave a blank line before its folded lines."""
    return len(parts) < 4 and not any(map(str.strip, parts)) and (not line.strip() or line[:1].isspace())


def property_of(head: Head, value: str, notes: list[str]) -> Property:
    if head.encoding == "q":
        value = unquoted(value, head.charset, notes)
    elif head.charset and head.encoding != "b":
        value = escape_newlines(decoding.without_shifts(value, head.charset))
    return Property(head.name, head.params, value, head.group, head.encoding == "b")


def unquoted(value: str, charset: str | None, notes: list[str]) -> str:
    """Quoted-printable text (RFC 2045 §6.7) in its charset, its line breaks as `\\n`."""
    text = decoding.decode_charset(binascii.a2b_qp(value.encode()), charset, notes)
    if "\0" in text:
        text = text.replace("\0", "")
        notes.append("NUL characters were left out.")
    return escape_newlines(text)
