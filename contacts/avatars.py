"""Pictures of contacts: an upload in, a small square JPEG out, kept where STORAGES["avatars"] says.

JPEG because every browser and every vCard 3.0 reader shows it. Of the upload nothing survives but pixels.
"""

import io
import logging
import re
import secrets
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import urllib3
from cloudinary import api, uploader
from cloudinary.exceptions import Error as CloudinaryError
from cloudinary.utils import cloudinary_url
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage, storages
from django.core.files.uploadedfile import UploadedFile
from PIL import ExifTags, Image, ImageCms
from urllib3 import Timeout
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

logger = logging.getLogger(__name__)

SIDE = 250
MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 50_000_000
FORMATS = ["JPEG", "PNG", "WEBP", "GIF"]

# A WebP takes 16 bytes a pixel while it is decoded, so decoding waits its turn, and the large wait for each
# other: 800 MB is the most that one of 50 megapixels was seen to take.
DECODING = threading.BoundedSemaphore(2)
DECODING_LARGE = threading.BoundedSemaphore(1)
LARGE_PIXELS = MAX_PIXELS // 4

# Sampled to this first, without averaging, so that no second full-size copy of the picture is ever made.
WORKING_SIDE = 4 * SIDE

# A few bytes each, but every scan of a JPEG is a pass over all its pixels, and every profile of a PNG is
# inflated: 10 MB of either would take minutes to an hour, and Pillow sets no bound.
MAX_JPEG_SCANS = 50
MAX_PNG_PROFILES = 8
JPEG_MARKER = re.compile(rb"\xff([^\x00\x01\xff\xd0-\xd7])")

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# What Pillow's readers may let through where a file is broken; none of it is a fault of the server.
DAMAGE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    Warning,  # where the interpreter is told to raise them
    struct.error,
    zlib.error,
)

# Seconds. The library has no timeout of its own and tries a connection four times; an upload that
# hangs, and the removal after it, end within 15.
UPLOAD_TIMEOUT = Timeout(connect=2, read=9)
DELETE_TIMEOUT = Timeout(connect=1, read=3)
# So many threads of a process may wait for a far end that hangs: half of them are left for everybody else.
KEEPING = threading.BoundedSemaphore(4)
TURN = 0.5  # seconds to wait for one's turn
FOLDER = "avatars"
NAME = re.compile(r"[0-9a-f]{32}\.jpg")


class NotAnImage(ValueError):
    """The upload is no picture that we take; the text is for people."""


class StorageUnavailable(Exception):
    """The picture could not be kept, and nothing has changed; worth another try later."""


def render(upload: UploadedFile) -> bytes:
    """The middle of the picture as a JPEG of 250×250 pixels; raises NotAnImage."""
    upload.seek(0)
    data = upload.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise NotAnImage("The picture must be at most 10 MB.")
    with DECODING:
        try:
            return _encoded(_decoded(data))
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise NotAnImage("The picture must have at most 50 megapixels.") from None
        except DAMAGE as error:
            if isinstance(error, NotAnImage):
                raise
            raise NotAnImage("The file must be a JPEG, PNG, WebP or GIF picture, and undamaged.") from None


def _decoded(data: bytes) -> Image.Image:
    if _is_bomb(data):
        raise ValueError
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        pixels = image.width * image.height
        if pixels > MAX_PIXELS:
            raise Image.DecompressionBombError
        with DECODING_LARGE if pixels > LARGE_PIXELS else nullcontext():
            sample = _sampled(image)
        turn, profile = _turn(image), image.info.get("icc_profile")
    square = _in_srgb(_flat(sample), profile).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return square if turn is None else square.transpose(turn)


def _is_bomb(data: bytes) -> bool:
    """Whether it holds more scans or profiles than any camera or editor writes."""
    if data.startswith(b"\xff\xd8"):
        return _jpeg_scans(data) > MAX_JPEG_SCANS
    return data.startswith(b"\x89PNG") and data.count(b"iCCP") > MAX_PNG_PROFILES


def _jpeg_scans(data: bytes) -> int:
    """ITU-T T.81 B.1.1: a segment gives its length; in a scan's data 0xFF before 0 or RST is no marker."""
    scans, at = 0, 2
    while (marker := JPEG_MARKER.search(data, at)) and marker[1] != b"\xd9":
        scans += marker[1] == b"\xda"
        at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])
    return scans


def _sampled(image: Image.Image) -> Image.Image:
    """The first frame's middle square, at most WORKING_SIDE wide; a JPEG is decoded no larger than needed."""
    image.draft(image.mode, (WORKING_SIDE, WORKING_SIDE))
    image.load()
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    size = min(side, WORKING_SIDE)
    return image.resize((size, size), Image.Resampling.NEAREST, box=(left, top, left + side, top + side))


def _turn(image: Image.Image) -> Image.Transpose | None:
    try:
        return TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except DAMAGE:
        return None  # broken notes beside good pixels


def _flat(image: Image.Image) -> Image.Image:
    """RGB, on white where it was transparent."""
    if image.mode.startswith("I"):  # 16 bits of grey, which convert() would clip at 255
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A phone's wide colours as a browser would show them; a profile that does not fit is ignored."""
    if not profile:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB") or image
    except (ImageCms.PyCMSError, *DAMAGE):
        return image


def _encoded(image: Image.Image) -> bytes:
    bare = Image.new("RGB", image.size)  # without the info that save() would write out again, comments for one
    bare.paste(image)
    jpeg = io.BytesIO()
    bare.save(jpeg, "JPEG", quality=85, optimize=True)
    return jpeg.getvalue()


def keep(jpeg: bytes) -> str:
    """The URL it has from now on; raises StorageUnavailable. May take 15 seconds: in no transaction."""
    if not KEEPING.acquire(timeout=TURN):
        raise StorageUnavailable("Too many pictures are waiting to be kept.")
    try:
        return _kept(jpeg)
    finally:
        KEEPING.release()


def _kept(jpeg: bytes) -> str:
    storage = storages["avatars"]
    name = f"{secrets.token_hex(16)}.jpg"
    try:
        return storage.url(storage.save(name, ContentFile(jpeg)))
    except OSError as error:
        logger.warning("Avatar %s was not kept: %.300r", name, error)
        if not isinstance(error, ConnectionError):
            _remove(storage, name)  # half a file on a full disk, or stored though the answer was lost
        raise StorageUnavailable("Pictures cannot be kept at the moment.") from error


def discard(url: str | None) -> None:
    """Deletes the picture if it is one that keep() made here; never raises.

    A contact's avatar is whatever its owner wrote, so ask first that no other contact has this URL.
    """
    storage = storages["avatars"]
    name = (url or "").rpartition("/")[2]
    if NAME.fullmatch(name) and storage.url(name) == url:
        _remove(storage, name)


def kept_before(moment: datetime) -> Iterator[str]:
    """The names of the pictures that keep() made before then; OSError where they cannot be listed."""
    storage = storages["avatars"]
    if isinstance(storage, CloudinaryStorage):
        yield from storage.kept_before(moment)
        return
    try:
        names = storage.listdir("")[1]
    except FileNotFoundError:
        return
    for name in names:
        if NAME.fullmatch(name) and storage.get_modified_time(name) < moment:
            yield name


def read(url: str | None) -> bytes | None:
    """The picture behind a URL that keep() gave; None for any other, or where it cannot be had now."""
    storage = storages["avatars"]
    name = (url or "").rpartition("/")[2]
    if not NAME.fullmatch(name) or storage.url(name) != url:
        return None
    try:
        with storage.open(name) as file:
            return file.read(MAX_BYTES)
    except OSError as error:
        logger.warning("Avatar %s could not be read: %.300r", name, error)
        return None


def _remove(storage: Storage, name: str) -> None:
    try:
        storage.delete(name)
    except OSError as error:
        logger.warning("Avatar %s may be left over: %.300r", name, error)


class CloudinaryStorage(Storage):
    """Every failure of the far end is an OSError, as on a disk; a ConnectionError if nothing reached it.

    `url` is cloudinary://key:secret@cloud, and in its query may stand `upload_prefix`, `signature_algorithm`
    and `secure_distribution`. All is passed with each call: else the library would read its environment.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "cloudinary" or not (parts.username and parts.password and parts.hostname):
            raise ImproperlyConfigured("CLOUDINARY_URL must look like cloudinary://key:secret@cloud.")
        options = dict(parse_qsl(parts.query))
        self._account = {
            "cloud_name": parts.hostname,
            "api_key": parts.username,
            "api_secret": parts.password,
            "oauth_token": None,
            "upload_prefix": options.get("upload_prefix", "https://api.cloudinary.com").rstrip("/"),
            "signature_algorithm": options.get("signature_algorithm", "sha1"),
        }
        self._delivery = {
            "cloud_name": parts.hostname,
            "private_cdn": False,
            "secure_distribution": options.get("secure_distribution"),
        }

    def exists(self, name: str) -> bool:
        return False  # names are random, and an upload never overwrites

    def url(self, name: str | None) -> str:
        return cloudinary_url(
            f"{FOLDER}/{name}",
            secure=True,
            force_version=False,
            sign_url=False,
            auth_token=False,
            **self._delivery,
        )[0]

    def _open(self, name: str, mode: str = "rb") -> File:
        try:
            answer = urllib3.request("GET", self.url(name), timeout=UPLOAD_TIMEOUT, retries=False, redirect=False)
        except HTTPError as error:
            raise OSError(str(error)) from error
        if answer.status != 200:
            raise OSError(f"Cloudinary answered {answer.status}")
        return ContentFile(answer.data)

    def delete(self, name: str) -> None:
        answer = self._ask(uploader.destroy, _public_id(name), invalidate=True, timeout=DELETE_TIMEOUT)
        if answer.get("result") not in ("ok", "not found"):
            raise OSError("Cloudinary did not delete it")

    def kept_before(self, moment: datetime) -> Iterator[str]:
        """Our names among all that the account holds, a page after the other (the Admin API's resources)."""
        cursor = None
        while True:
            page = self._ask(
                lambda prefix, **options: api.resources(prefix=prefix, **options),
                f"{FOLDER}/",
                type="upload",
                max_results=500,
                next_cursor=cursor,
                timeout=UPLOAD_TIMEOUT,
            )
            for image in page["resources"]:
                name = f"{image['public_id'].removeprefix(f'{FOLDER}/')}.jpg"
                if NAME.fullmatch(name) and datetime.fromisoformat(image["created_at"]) < moment:
                    yield name
            cursor = page.get("next_cursor")
            if not cursor:
                return

    def _save(self, name: str, content: File) -> str:
        # Bytes, never a name: the library opens a str as a local file, or has its far end fetch it.
        answer = self._ask(
            uploader.upload,
            bytes(content.read()),
            public_id=_public_id(name),
            overwrite=False,
            filename="avatar.jpg",
            timeout=UPLOAD_TIMEOUT,
        )
        if answer.get("public_id") != _public_id(name):
            raise OSError("Cloudinary did not keep it")
        return name

    def _ask(self, call: Callable[..., Any], subject: str | bytes, **options: Any) -> dict[str, Any]:
        try:
            answer = call(subject, resource_type="image", **self._account, **options)
        except (CloudinaryError, HTTPError, LookupError, TypeError, ValueError) as error:
            cause = getattr(error.__context__, "reason", None)
            never_sent = isinstance(cause, NewConnectionError | ConnectTimeoutError)
            raise (ConnectionError if never_sent else OSError)(str(error)) from error
        if not isinstance(answer, dict):
            raise OSError("Cloudinary's answer was not understood")
        return answer


def _public_id(name: str) -> str:
    """With its folder, which an account in either of Cloudinary's folder modes keeps as it is."""
    return f"{FOLDER}/{name.removesuffix('.jpg')}"
