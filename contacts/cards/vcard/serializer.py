"""Properties as lines of a vCard: parameters quoted and encoded, lines folded at 75 octets (RFC 6350 §3.2, §3.3)."""

import re
from collections.abc import Iterable, Iterator

from contacts.cards.vcard.tables import ONLY_IN_4
from contacts.cards.vcard.tokenizer import Property
from contacts.cards.vcard.values import encode_carets, escape_newlines

OCTETS = 75
QUOTED = re.compile(r"[:;,]")
# Names that their programs look for in one spelling, although names are of no case (RFC 6350 §3.3).
SPELLINGS = {
    name.upper(): name
    for name in (
        *("X-ABLabel", "X-ABShowAs"),
        *("X-KADDRESSBOOK-BlogFeed", "X-KADDRESSBOOK-X-Anniversary", "X-KADDRESSBOOK-X-AssistantsName"),
        *("X-KADDRESSBOOK-X-IMAddress", "X-KADDRESSBOOK-X-ManagersName", "X-KADDRESSBOOK-X-Office"),
        *("X-KADDRESSBOOK-X-Profession", "X-KADDRESSBOOK-X-SpousesName"),
    )
}


def vcard(found: Iterable[Property], version: str) -> str:
    lines = ["BEGIN:VCARD", f"VERSION:{version}"]
    for prop in found:
        line = line_of(prop, version)
        if len(line) <= OCTETS and line.isascii():
            lines.append(line)
        else:
            lines += folded(line)
    lines.append("END:VCARD\r\n")
    return "\r\n".join(lines)


def line_of(prop: Property, version: str) -> str:
    name = SPELLINGS.get(prop.name) or spelled(prop.name)
    if prop.group:
        name = f"{prop.group}.{name}"
    if prop.binary:
        name += ";ENCODING=b"
    value = escape_newlines(prop.value)  # a raw line break would begin another property
    if not prop.params:
        return f"{name}:{value}"
    extension = prop.name.startswith("X-")
    params = "".join(parameter(*pair, version) for pair in prop.params.items() if known(pair[0], version, extension))
    return f"{name}{params}:{value}"


def spelled(name: str) -> str:
    """KDE's chat accounts: `X-messaging/matrix-All`."""
    if not (name.startswith("X-MESSAGING/") and name.endswith("-ALL")):
        return name
    return f"X-messaging/{name[12:-4].lower()}-All"


def known(name: str, version: str, extension: bool) -> bool:
    """Whether a property may have the parameter. An extension may have any, such as CALSCALE of Apple's X-ALTBDAY."""
    return version != "3.0" or name not in ONLY_IN_4 or extension


def parameter(name: str, values: list[str], version: str) -> str:
    name = name.upper()
    encode = encode_carets if version == "4.0" else encoded_3
    texts = [encode(value) for value in values]
    if name == "TYPE":
        if version == "3.0":
            texts = [text.upper() for text in texts]
        return f";TYPE={','.join(map(quoted, texts))}"
    if name in ("SORT-AS", "JSCOMPS", "LABEL"):  # one text, commas and all
        between = "," if name == "SORT-AS" else '","'
        return f';{name}="{between.join(texts)}"'
    return f";{name}={','.join(map(quoted, texts))}" if texts else ""


def encoded_3(text: str) -> str:
    """RFC 2426 has no way to write a quote or a line break in a parameter."""
    return text.replace("\n", " ").replace('"', "'")


def quoted(text: str) -> str:
    return f'"{text}"' if QUOTED.search(text) or text != text.strip() or not text else text


def folded(line: str) -> Iterator[str]:
    """Lines of at most 75 octets, each after the first with a space before it, cut between characters."""
    if line.isascii():
        yield line[:OCTETS]
        yield from (f" {line[start : start + OCTETS - 1]}" for start in range(OCTETS, len(line), OCTETS - 1))
        return
    data = line.encode()
    start, width = 0, OCTETS
    while start < len(data):
        end = start + width
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        yield (" " if start else "") + data[start:end].decode()
        start, width = end, OCTETS - 1
