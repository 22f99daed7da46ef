"""PHOTO, LOGO, SOUND and KEY: bytes inside a card, or a URI (RFC 6350 §6.2.4, RFC 2426 §3.1.4, RFC 2397)."""

import binascii
import hashlib
import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from contacts.cards.validation import LENGTHS
from contacts.cards.vcard.draft import Draft, Picture
from contacts.cards.vcard.tables import RULES
from contacts.cards.vcard.tokenizer import Property
from contacts.cards.vcard.values import is_uri, unescape

DATA = re.compile(r"data:([^;,]*)((?:;[^;,]*)*),", re.IGNORECASE)
NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]+")
DAMAGED = re.compile(r"[^A-Za-z0-9+/=\s\\]|=[^=\s]")
BARE_BASE64 = re.compile(r"[A-Za-z0-9+/\s]{200,}+(?:={1,2}\s*)?\Z")
ARMOUR = re.compile(r"\s*-----BEGIN [A-Z0-9 ]+-----")  # of a key as text (RFC 9580 §6.2, RFC 7468)
SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
)
# The words of TYPE (RFC 2426) and of vCard 2.1 for formats.
FORMATS = {
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "tiff": "image/tiff",
    "webp": "image/webp",
    "heic": "image/heic",
    "wave": "audio/wav",
    "wav": "audio/wav",
    "ogg": "audio/ogg",
    "basic": "audio/basic",
    "aiff": "audio/aiff",
    "pcm": "audio/l16",
    "mp3": "audio/mpeg",
    "pgp": "application/pgp-keys",
    "x509": "application/pkix-cert",
}
FORMAT_OF = {media_type: word for word, media_type in reversed(FORMATS.items())}
DEFAULT_TYPES = {"PHOTO": "image/jpeg", "LOGO": "image/jpeg", "SOUND": "audio/basic", "KEY": "application/pgp-keys"}

# A key may be text (RFC 2426 §3.7.2, RFC 6350 §6.8.1); of SOUND some programs make how the name is spoken.
TEXT_TOO = ("KEY", "SOUND")

Lookup = Callable[[str], Picture | None]


def read(draft: Draft, prop: Property) -> None:
    """Bytes go apart from the card, a reference to them into it; a URI stays one and is never fetched."""
    if any(word.startswith("x-irmc-") for word in prop.params.get("type", ())):  # text: how something is spoken
        if prop.value.strip():
            draft.keep(prop)
        return
    found = embedded(prop)
    prop, media_type = without_format(prop)
    if found is None:
        if prop.value.strip():
            add_uri(draft, prop, media_type)
        return
    data, given = found
    if not data:
        return
    if len(data) > draft.limits.picture_bytes:
        draft.notes.append(f"{prop.name} has {len(data)} bytes, more than are stored, and was left out.")
        return
    if is_damaged(prop.value):
        draft.notes.append(f"{prop.name} is no whole base64 and was read without what is none of it.")
    known = sniffed(data) or given or media_type or DEFAULT_TYPES[prop.name]
    reference = f"sha256-{hashlib.sha256(data).hexdigest()}"
    prop = without(prop, "mediatype", "value")
    if draft.add(prop, RULES[prop.name], reference, mediaType=known):
        draft.pictures.append(Picture(reference, data, known))


def add_uri(draft: Draft, prop: Property, media_type: str | None) -> None:
    value = unescape(prop.value).strip()
    if is_text(prop, value):
        draft.keep(prop)
        return
    prop = without(prop, "value")
    if draft.add(prop, RULES[prop.name], value, **({"mediaType": media_type} if media_type else {})) is None:
        draft.notes[-1] = f"{prop.name} has no content and no http or https URL; it was kept as it came."


def is_text(prop: Property, value: str) -> bool:
    return prop.name in TEXT_TOO and not is_uri(value) and prop.params.get("value") != ["uri"]


def read_key(draft: Draft, prop: Property) -> None:
    """KEY: a URI, or bytes or an armoured text, which become a data: URI; a long one goes to `vCardProps`."""
    text = unescape(prop.value)
    found = (text.encode(), None) if ARMOUR.match(text) else embedded(prop)
    bare, media_type = without_format(prop)
    if found:
        data, given = found
        encoded = binascii.b2a_base64(data, newline=False).decode()
        value = f"data:{given or media_type or DEFAULT_TYPES['KEY']};base64,{encoded}"
        bare, media_type = without(bare, "value", "mediatype"), None
    else:
        value = text.strip()
    if not value:
        return
    if len(value) > LENGTHS["uri"] or is_text(prop, value):
        draft.keep(bare._replace(value=value, binary=False) if found else prop)
        return
    draft.add(bare, RULES["KEY"], value, **({"mediaType": media_type} if media_type else {}))


def embedded(prop: Property) -> tuple[bytes, str | None] | None:
    """The bytes inside a property and the media type given with them; None for a URI."""
    value = prop.value
    match = DATA.match(value)
    if match:
        given = match[1].lower() or None
        data = value[match.end() :]
        if "base64" in match[2].lower():
            return decode(data), given
        return unquote_to_bytes(unescape(data)), given
    if prop.binary or BARE_BASE64.match(value):
        given = prop.params.get("mediatype", [None])[0]
        return decode(value), given if given and "/" in given else None
    return None


def is_damaged(value: str) -> bool:
    match = DATA.match(value)
    if match and "base64" not in match[2].lower():
        return False
    return bool(DAMAGED.search(value, match.end() if match else 0))


def decode(text: str) -> bytes:
    """Base64, whatever else stands between its characters; a damaged end loses at most two bytes."""
    if len(text) % 4 == 0:
        try:
            return binascii.a2b_base64(text, strict_mode=True)
        except (binascii.Error, ValueError):
            pass
    text = NOT_BASE64.sub("", text)
    return binascii.a2b_base64(text[: len(text) - (len(text) % 4 == 1)] + "=" * (-len(text) % 4))


def sniffed(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((media_type for signature, media_type in SIGNATURES if data.startswith(signature)), None)


def without_format(prop: Property) -> tuple[Property, str | None]:
    """The property without the words of TYPE that say its format, and the media type that they say."""
    words = prop.params.get("type")
    if not words:
        return prop, None
    known = [word for word in words if word in FORMATS or "/" in word]
    if not known:
        return prop, None
    rest = [word for word in words if word not in known]
    params = {**prop.params, "type": rest}
    if not rest:
        del params["type"]
    return prop._replace(params=params), FORMATS.get(known[0], known[0])


def without(prop: Property, *names: str) -> Property:
    if not prop.params.keys() & set(names):
        return prop
    return prop._replace(params={name: values for name, values in prop.params.items() if name not in names})


def write(name: str, params: dict[str, list[str]], uri: str, version: str, picture: Picture | None) -> Property:
    """A property for a picture, its bytes inside, or for a URI."""
    if picture is None:
        if version == "3.0" and uri.lower().startswith("data:"):
            return write_data_3(name, params, uri)
        return write_uri_3(name, params, uri) if version == "3.0" else Property(name, params, uri)
    encoded = binascii.b2a_base64(picture.data, newline=False).decode()
    if version == "4.0":
        return Property(name, without_mediatype(params), f"data:{picture.media_type};base64,{encoded}")
    return binary(name, params, picture.media_type, encoded)


def write_uri_3(name: str, params: dict[str, list[str]], uri: str) -> Property:
    if name in TEXT_TOO and not is_uri(uri):
        return Property(name, params, uri)
    return Property(name, {**with_format(params), "value": ["uri"]}, uri)


def without_mediatype(params: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: values for name, values in params.items() if name != "mediatype"}


def with_format(params: dict[str, list[str]]) -> dict[str, list[str]]:
    """3.0 says the format of a picture in TYPE, whose words are known for some."""
    word = FORMAT_OF.get(params.get("mediatype", [""])[0])
    types = {"type": [word, *params.get("type", [])]} if word else {}
    return {**without_mediatype(params), **types}


def binary(name: str, params: dict[str, list[str]], media_type: str, encoded: str) -> Property:
    """RFC 2426 §3.1.4: base64, its format in TYPE."""
    word = FORMAT_OF.get(media_type) or media_type.rpartition("/")[2]
    types = [word, *params.get("type", [])]
    return Property(name, {**without_mediatype(params), "type": types}, encoded, binary=True)


def write_data_3(name: str, params: dict[str, list[str]], uri: str) -> Property:
    """vCard 3.0 has no data: URIs."""
    data, media_type = embedded(Property(name, {}, uri)) or (b"", None)
    encoded = binascii.b2a_base64(data, newline=False).decode()
    return binary(name, params, media_type or DEFAULT_TYPES[name], encoded)
