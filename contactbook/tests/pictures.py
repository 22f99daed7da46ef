"""Pictures that take the most memory or time to decode, of each format that an avatar may have."""

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image

FORM = {"Content-Type": "multipart/form-data; boundary=between-parts"}
MAX_BYTES = 10 * 1024 * 1024


def file_of(image: Image.Image, kind: str, **options: Any) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Small noise enlarged, so that a file of many pixels has at most 10 MB."""
    small = Image.effect_noise((width // 4, height // 4), 90)
    return small.resize((width, height), Image.Resampling.BILINEAR).convert(mode)


def jpeg(width: int, height: int, mode: str = "RGB", **options: Any) -> bytes:
    return file_of(noise(width, height, mode), "JPEG", quality=40, **options)


def with_scans(data: bytes, number: int) -> bytes:
    """A progressive JPEG whose last scan stands there that often."""
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * number + b"\xff\xd9"


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, bits: int, colour: int, *chunks: bytes, rows: Sequence[bytes] = ()) -> bytes:
    """A PNG of these rows, or of zeros under Paeth's filter; Pillow writes no colours of 16 bits."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    zeros = b"\4" + bytes(width * {0: 1, 2: 3, 4: 2, 6: 4}[colour] * bits // 8)
    lines = b"".join(b"\0" + row for row in rows) if rows else zeros * height
    pixels = chunk(b"IDAT", zlib.compress(lines, 1))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + pixels + chunk(b"IEND", b"")


def animation(side: int) -> bytes:
    frames = [noise(side, side, "RGBA"), Image.new("RGBA", (side, side), "red")]
    return file_of(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True, method=0)


# None is refused.
LARGEST: dict[str, Callable[[], bytes]] = {
    "baseline JPEG of 50 megapixels": lambda: jpeg(7070, 7070, subsampling=0),
    "baseline JPEG, narrow": lambda: jpeg(1990, 8000),
    "baseline JPEG of four colours": lambda: jpeg(7070, 7070, "CMYK"),
    "progressive JPEG of 20 megapixels": lambda: jpeg(4472, 4472, progressive=True, subsampling=0),
    "progressive JPEG of 50 scans": lambda: with_scans(
        file_of(Image.new("RGB", (4472, 4472)), "JPEG", progressive=True), 39
    ),
    "progressive JPEG of four colours": lambda: jpeg(3870, 3870, "CMYK", progressive=True),
    "PNG of 16 megapixels": lambda: file_of(noise(4000, 4000).quantize(8).convert("RGBA"), "PNG"),
    "PNG of 16 bits a colour": lambda: png(4000, 4000, 16, 6),
    "GIF of 16 megapixels": lambda: file_of(noise(4000, 4000, "L").quantize(16), "GIF"),
    "lossless WebP of 8 megapixels": lambda: file_of(noise(2828, 2828), "WEBP", lossless=True, method=0),
    "lossless WebP of one colour": lambda: file_of(Image.new("RGB", (2828, 2828)), "WEBP", lossless=True, method=0),
    "WebP of 8 megapixels": lambda: file_of(noise(2828, 2828), "WEBP", quality=50, method=0),
    "moving WebP of 8 megapixels": lambda: animation(2828),
}


def as_form(picture: bytes) -> bytes:
    """A multipart body for the headers FORM."""
    assert len(picture) <= MAX_BYTES, len(picture)
    head = b'--between-parts\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    return head + picture + b"\r\n--between-parts--\r\n"
