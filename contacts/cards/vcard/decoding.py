"""Bytes of any encoding that address books come in, as lines of UTF-8 and as text.

A file in UTF-16 or in an encoding that the caller names becomes UTF-8 as it is read. What is not UTF-8 after
that is decoded card by card: by a line's CHARSET (vCard 2.1), else as Windows-1252, or Windows-1251 if Cyrillic.
"""

import codecs
import itertools
import re
from collections.abc import Iterable, Iterator

WINDOW = 1 << 16
HEAD = 4096  # bytes by which the encoding and the line ends are told
BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
SURROGATES = re.compile("[\ud800-\udfff]")
CHARSET = re.compile(rb";\s*CHARSET\s*=\s*\"?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
# Charsets of vCard 2.1 that are decoded; Python knows more, some of which take quadratic time (punycode).
CHARSETS = re.compile(
    r"utf-?(7|8|16(-?[lb]e)?)|latin-?1|iso[-_]?8859-\d\d?|iso-2022-(jp|kr)|(windows-|cp)\d{3,4}"
    r"|(x-)?sjis|shift[_-]jis|euc-(jp|kr)|ks_c_5601-1987|gb(2312|k|18030)|big5(-hkscs)?|koi8-[ru]|tis-620"
    r"|windows-31j|macintosh|x-mac-(roman|cyrillic|ukrainian)",
    re.IGNORECASE,
)
# WHATWG labels that are not Python's names, or mean something else there (https://encoding.spec.whatwg.org, §4.2).
LABELS = {
    **dict.fromkeys(("ascii", "us-ascii", "latin1", "l1", "iso-8859-1", "iso8859-1", "iso_8859-1"), "windows-1252"),
    **dict.fromkeys(("ansi_x3.4-1968", "cp819", "ibm819", "x-cp1252"), "windows-1252"),
    **{f"x-cp{number}": f"windows-{number}" for number in ("1250", "1251", "1253", "1254", "1255", "1256")},
    **dict.fromkeys(("mac", "x-mac-roman"), "macintosh"),
    **dict.fromkeys(("koi8", "koi", "koi8_r"), "koi8-r"),
    **dict.fromkeys(("x-gbk", "chinese"), "gbk"),
    **dict.fromkeys(("unicode-1-1-utf-8", "utf8", "unicode11utf8"), "utf-8"),
    **dict.fromkeys(("utf-16", "unicode", "ucs-2", "csunicode"), "utf-16le"),
    **dict.fromkeys(("iso-8859-9", "latin5", "l5"), "windows-1254"),
    **dict.fromkeys(("iso-8859-11", "tis-620", "windows-874", "dos-874"), "cp874"),
    **dict.fromkeys(("ks_c_5601-1987", "korean", "windows-949", "euc-kr"), "cp949"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j", "ms932"), "cp932"),
    **dict.fromkeys(("ibm866", "866", "csibm866"), "cp866"),
    **dict.fromkeys(("gb2312", "gb_2312", "iso-ir-58"), "gbk"),
    "big5": "big5-hkscs",
    "iso-8859-8-i": "iso-8859-8",
    "x-euc-jp": "euc-jp",
    "x-mac-cyrillic": "mac_cyrillic",
    "x-mac-ukrainian": "mac_cyrillic",
}
AS_WINDOWS_1252 = "Bytes that are not UTF-8 were read as Windows-1252."
AS_WINDOWS_1251 = "Bytes that are not UTF-8 were read as Windows-1251."
HIGH, HIGH_RUN = re.compile(rb"[\xc0-\xff]"), re.compile(rb"[\xc0-\xff]{3,}")
UNDECODED = "Bytes that are no characters in the file's encoding are shown as U+FFFD."


class UnknownEncodingError(ValueError):
    """The caller named an encoding that is none."""


def utf8(source: str | bytes | Iterable[bytes], encoding: str | None = None) -> Iterator[bytes]:
    """The source as windows of UTF-8 without a byte order mark. UnknownEncodingError."""
    windows = in_windows(source)
    head = beginning(windows)
    mark, found = next((pair for pair in BOMS if head.startswith(pair[0])), (b"", None))
    name = found or ("utf-8" if isinstance(source, str) else encoding) or guessed(head)
    windows = itertools.chain([head[len(mark) :]], windows)
    try:
        "".encode(name)  # refuses what is a codec, but of no text
    except (LookupError, ValueError) as error:
        raise UnknownEncodingError(name) from error
    return windows if codecs.lookup(name).name == "utf-8" else transcoded(windows, name)


def in_windows(source: str | bytes | Iterable[bytes]) -> Iterator[bytes]:
    """Chunks of at most 64 KiB, so that no long list of lines is made of a long chunk."""
    if isinstance(source, str):
        source = without_surrogates(source).encode()
    for chunk in [source] if isinstance(source, bytes) else source:
        for start in range(0, len(chunk), WINDOW):
            yield chunk[start : start + WINDOW]


def beginning(windows: Iterator[bytes]) -> bytes:
    parts, size = [], 0
    for window in windows:
        parts.append(window)
        size += len(window)
        if size >= HEAD:
            break
    return b"".join(parts)


def guessed(head: bytes) -> str:
    """UTF-16 without a mark shows by the zero byte of its first, ASCII, character."""
    if len(head) >= 2 and (head[0] == 0) != (head[1] == 0):
        return "utf-16-be" if head[0] == 0 else "utf-16-le"
    return "utf-8"


def transcoded(windows: Iterable[bytes], name: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(name)(errors="replace")
    for window in windows:
        yield without_surrogates(decoder.decode(window)).encode()
    yield without_surrogates(decoder.decode(b"", final=True)).encode()


def without_surrogates(text: str) -> str:
    return text if text.isascii() else SURROGATES.sub("\ufffd", text)


def text_of(lines: bytes, notes: list[str]) -> str:
    """Unfolded lines of a card as text. Where they are not UTF-8, each line is decoded for itself."""
    try:
        text = lines.decode()
    except UnicodeDecodeError:
        cyrillic = is_cyrillic(lines)
        decoded = [line_text(line, cyrillic) for line in lines.split(b"\n")]
        if not all(known for _, known in decoded):
            notes.append(AS_WINDOWS_1251 if cyrillic else AS_WINDOWS_1252)
        text = "\n".join(text for text, _ in decoded)
    note_undecoded(text, notes)
    return text


def note_undecoded(text: str, notes: list[str]) -> None:
    if "\ufffd" in text and UNDECODED not in notes:
        notes.append(UNDECODED)


def line_text(line: bytes, cyrillic: bool) -> tuple[str, bool]:
    """The text of a line, and whether its encoding is known."""
    try:
        return line.decode(), True
    except UnicodeDecodeError:
        charset = CHARSET.search(line.partition(b":")[0])
    codec = codec_of(charset[1].decode()) if charset else None
    if codec and codec != "utf-8":
        return without_surrogates(line.decode(codec, "replace")), True
    text = damaged_utf8(line)
    if text is not None:
        return text, True
    return windows_1251(line) if cyrillic else windows_1252(line), False


def is_cyrillic(data: bytes) -> bool:
    """Whether most of what is beyond ASCII stands in runs, as it does in no language of Windows-1252."""
    return sum(map(len, HIGH_RUN.findall(data))) * 2 > len(HIGH.findall(data))


def codec_of(charset: str) -> str | None:
    """Python's name of the codec for a charset, if it is one of those that are decoded.

    A label means what it means in browsers: ISO-8859-1 is Windows-1252, GB2312 is GBK, Shift_JIS is Windows-31J.
    Programs write characters of the larger set under the name of the smaller one.
    """
    if not CHARSETS.fullmatch(charset):
        return None
    name = charset.lower()
    if not name.startswith("utf-16"):  # which may have a byte order mark here
        name = LABELS.get(name, name)
    try:
        return codecs.lookup(name.replace("windows-", "cp")).name
    except LookupError:
        return None


def without_shifts(text: str, charset: str) -> str:
    """The text of a charset whose bytes are all ASCII (ISO-2022, UTF-7); as it stands where it is none of that."""
    codec = codec_of(charset) if text.isascii() and ("\x1b" in text or "+" in text) else None
    if codec is None or not codec.startswith(("iso2022", "utf-7")):
        return text
    try:
        return without_surrogates(text.encode().decode(codec))
    except UnicodeDecodeError:
        return text


def decode_charset(data: bytes, charset: str | None, notes: list[str]) -> str:
    """Bytes of the charset that a CHARSET parameter names; where it names none that is known, UTF-8 or Windows-1252."""
    codec = codec_of(charset) if charset else None
    if codec not in (None, "utf-8", "cp1252"):
        text = without_surrogates(data.decode(codec, "replace"))
        note_undecoded(text, notes)
        return text
    try:
        return data.decode()  # no text of Windows-1252 beyond ASCII is UTF-8 by chance
    except UnicodeDecodeError:
        return windows_1252(data) if codec == "cp1252" else undeclared(data, notes)


def undeclared(data: bytes, notes: list[str]) -> str:
    """Bytes that are no UTF-8, although nothing else is said of them."""
    text = damaged_utf8(data)
    if text is not None:
        note_undecoded(text, notes)
        return text
    cyrillic = is_cyrillic(data)
    note = AS_WINDOWS_1251 if cyrillic else AS_WINDOWS_1252
    notes += [note] if note not in notes else []
    return windows_1251(data) if cyrillic else windows_1252(data)


def damaged_utf8(data: bytes) -> str | None:
    """The text of UTF-8 that a phone has cut off inside a character, or whose emoji are surrogates (CESU-8).

    None for other bytes: fewer of them than of the characters beyond ASCII may be damaged.
    """
    try:
        text = data.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    except UnicodeDecodeError:
        text = data.decode(errors="replace")
    bad = text.count("\ufffd")
    return text if sum(character > "\x7f" for character in text) > 2 * bad else None


def windows_1251(data: bytes) -> str:
    return data.decode("cp1251", "undefined_as_control")


def windows_1252(data: bytes) -> str:
    """As browsers decode it: the five bytes that have no character are control characters."""
    return data.decode("cp1252", "undefined_as_control")


def undefined_as_control(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("undefined_as_control", undefined_as_control)
