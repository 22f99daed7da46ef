"""vCard values: escaping (RFC 6350 §3.4), lists and structures, and the encoding of parameters (RFC 6868)."""

import re

ESCAPED = re.compile(r"\\(.)", re.DOTALL)
# `\:` is no escape of any version, but Google and Apple write it.
UNESCAPED = {"n": "\n", "N": "\n", ",": ",", ";": ";", ":": ":", "\\": "\\"}
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S*\Z")
CARET = re.compile(r"\^([n'^])")
CARETS = {"n": "\n", "'": '"', "^": "^"}


def unescape(value: str) -> str:
    """The text that a value stands for. A backslash before any other character is a backslash."""
    if "\\" not in value:
        return value
    return ESCAPED.sub(lambda match: UNESCAPED.get(match[1], match[0]), value)


def escape(text: str) -> str:
    return escape_newlines(text.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;"))


def escape_newlines(text: str) -> str:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\n", "\\n") if "\n" in text else text


def split(value: str, separator: str) -> list[str]:
    """The parts between separators that no backslash escapes. The parts are still escaped."""
    pieces = value.split(separator)
    if "\\" not in value:
        return pieces
    parts: list[str] = []
    joined: list[str] = []
    for piece in pieces:
        joined.append(piece)
        if (len(piece) - len(piece.rstrip("\\"))) % 2 == 0:
            parts.append(separator.join(joined))
            joined = []
    return [*parts, separator.join(joined)] if joined else parts


def texts(value: str, separator: str = ",") -> list[str]:
    """A list of texts, without those that are blank."""
    return [text for part in split(value, separator) if (text := unescape(part)).strip()]


def structure(value: str, lists: bool = True) -> list[list[str]]:
    """A structured value (RFC 6350 §6.2.2) as a list of texts for each component; vCard 2.1 has no lists in it."""
    if lists:
        return [texts(part) if part else [] for part in split(value, ";")]
    return [[text] if (text := unescape(part)).strip() else [] for part in split(value, ";")]


def structured(components: list[list[str]]) -> str:
    return ";".join(",".join(map(escape, values)) for values in components)


def decode_carets(text: str) -> str:
    """RFC 6868 §3.2."""
    return CARET.sub(lambda match: CARETS[match[1]], text) if "^" in text else text


def encode_carets(text: str) -> str:
    """RFC 6868 §3.1."""
    return text.replace("^", "^^").replace("\n", "^n").replace('"', "^'")


def is_uri(text: str) -> bool:
    """Whether a text begins with a scheme (RFC 3986 §3.1) and holds no space."""
    return URI.match(text) is not None
