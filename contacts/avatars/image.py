"""Conversion of an uploaded picture to a small square JPEG.

Every browser and every vCard 3.0 reader shows JPEG. Only the pixels of the upload are used: its metadata, such as the
place of a photo, are removed.
"""

import io
import re
import struct
import threading
import zlib
from contextlib import nullcontext
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from PIL import ExifTags, Image, ImageCms, ImageMath

SIDE = 250
MAX_BYTES = 10 * 1024 * 1024
FORMATS = ["JPEG", "PNG", "WEBP", "GIF"]

# Decoding takes at most 150 MB. A baseline JPEG is decoded at a reduced size, unless it is narrow. Of a JPEG with
# several scans all coefficients are in memory, of two bytes each. Others take 4 bytes a pixel, a lossless WebP 16.
MAX_PIXELS = {"PNG": 16_000_000, "GIF": 16_000_000, "WEBP": 8_000_000}
MAX_JPEG_PIXELS = 50_000_000
MAX_DECODED_PIXELS = 16_000_000
MAX_COEFFICIENTS = 60_000_000  # 20 megapixels of three colours
TOO_LARGE = (
    "The picture has too many pixels: a JPEG may have 50 megapixels (20 if it is progressive), "
    "a PNG or GIF 16, a WebP 8."
)

# Large pictures are decoded one at a time.
DECODING = threading.BoundedSemaphore(2)
DECODING_LARGE = threading.BoundedSemaphore(1)
LARGE_PIXELS = 2_000_000

# A picture is first reduced to this size without averaging, so that no second full-size copy is made.
WORKING_SIDE = 4 * SIDE

# Every scan of a JPEG is a pass over all its pixels, and every profile of a PNG is decompressed. Both need few bytes:
# a file of 10 MB full of them takes minutes to an hour, and Pillow has no limit.
MAX_JPEG_SCANS = 50
MAX_PNG_PROFILES = 8
JPEG_MARKER = re.compile(rb"\xff([^\x00\x01\xff\xd0-\xd7])")

ROTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Exceptions that Pillow's readers raise for damaged files. None of them is an error of the server.
DECODING_ERRORS = (
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
    Warning,  # where Python is configured to raise warnings
    struct.error,
    zlib.error,
)


class NotAnImage(ValueError):
    """The upload cannot be used as a picture; the message is a sentence for people."""


def render(upload: UploadedFile) -> bytes:
    """Return the central square of the picture as a JPEG of 250×250 pixels; NotAnImage if it cannot be read."""
    upload.seek(0)
    return render_bytes(upload.read(MAX_BYTES + 1))


def render_bytes(data: bytes) -> bytes:
    if len(data) > MAX_BYTES:
        raise NotAnImage("The picture must be at most 10 MB.")
    with DECODING:
        try:
            return _encoded(_decoded(data))
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise NotAnImage(TOO_LARGE) from None
        except DECODING_ERRORS as error:
            if isinstance(error, NotAnImage):
                raise
            raise NotAnImage("The file must be a JPEG, PNG, WebP or GIF picture, and undamaged.") from None


def _decoded(data: bytes) -> Image.Image:
    scans = _jpeg_scans(data) if data.startswith(b"\xff\xd8") else []
    if len(scans) > MAX_JPEG_SCANS or _has_many_profiles(data):
        raise ValueError
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        is_large = image.width * image.height > LARGE_PIXELS
        if _is_too_large(image, scans):
            raise Image.DecompressionBombError
        with DECODING_LARGE if is_large else nullcontext():
            sample = _sampled(image)
        rotation, profile = _rotation(image), image.info.get("icc_profile")
    square = _in_srgb(_flat(sample), profile).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return square if rotation is None else square.transpose(rotation)


def _has_many_profiles(data: bytes) -> bool:
    return data.startswith(b"\x89PNG") and data.count(b"iCCP") > MAX_PNG_PROFILES


def _jpeg_scans(data: bytes) -> list[int]:
    """Return the number of colours in each scan of a JPEG.

    Each segment has its length; in a scan 0xFF before 0 or RST is no marker (ITU-T T.81 B.1.1).
    """
    scans: list[int] = []
    at = 2
    while (marker := JPEG_MARKER.search(data, at)) and marker[1] != b"\xd9":
        if marker[1] == b"\xda":
            scans += data[marker.end() + 2 : marker.end() + 3]
        at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])
    return scans


def _is_too_large(image: Image.Image, scans: list[int]) -> bool:
    """Return whether decoding would take too much memory. A JPEG is set to be decoded no larger than needed."""
    pixels, colours = image.width * image.height, len(image.getbands())
    if image.format in MAX_PIXELS:
        return pixels > MAX_PIXELS[image.format]
    in_one_scan = scans == [colours] and not image.info.get("progressive")
    image.draft(image.mode, (WORKING_SIDE, WORKING_SIDE))
    return (
        pixels > MAX_JPEG_PIXELS
        or image.width * image.height > MAX_DECODED_PIXELS
        or (not in_one_scan and pixels * colours > MAX_COEFFICIENTS)
    )


def _sampled(image: Image.Image) -> Image.Image:
    """Return the central square of the first frame, at most WORKING_SIDE wide."""
    image.load()
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    size = min(side, WORKING_SIDE)
    return image.resize((size, size), Image.Resampling.NEAREST, box=(left, top, left + side, top + side))


def _rotation(image: Image.Image) -> Image.Transpose | None:
    try:
        return ROTATIONS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except DECODING_ERRORS:
        return None  # damaged metadata; the pixels can be used


def _flat(image: Image.Image) -> Image.Image:
    """Return the picture in RGB, with a white background where it was transparent."""
    if image.mode.startswith("I"):  # 16 bits of grey, which convert() would clip at 255
        grey = image.convert("I")
        if (clear := image.info.get("transparency")) is not None:
            grey = ImageMath.lambda_eval(_with_white, grey=grey, clear=clear)
        return grey.point(lambda value: value * (1 / 256)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _with_white(given: dict[str, Any]) -> Any:
    """Return 16 bits of grey with white in place of the value that stands for transparent."""
    is_clear = given["equal"](given["grey"], given["clear"])
    return given["grey"] + is_clear * (0xFFFF - given["clear"])


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert the colours from the ICC profile to sRGB; a profile that does not fit is ignored."""
    if not profile:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB") or image
    except (ImageCms.PyCMSError, *DECODING_ERRORS):
        return image


def _encoded(image: Image.Image) -> bytes:
    bare = Image.new("RGB", image.size)  # without `info`, from which save() would write comments again
    bare.paste(image)
    jpeg = io.BytesIO()
    bare.save(jpeg, "JPEG", quality=85, optimize=True)
    return jpeg.getvalue()
