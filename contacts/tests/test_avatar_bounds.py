"""How many pixels a picture of each format may have, and how many are decoded at once."""

import contextlib
import random
import struct
import threading

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageFile

from contactbook.tests.pictures import chunk, file_of, png, with_scans
from contacts.avatars import image as avatars
from contacts.tests.test_avatar_pixels import RED, WHITE, close_to, forbidden, refusal, rendered

pytestmark = pytest.mark.one_stack


def plain(width, height, kind, mode="L", **options):
    return file_of(Image.new(mode, (width, height)), kind, **options)


def scan_of_one_colour(width, height):
    """A JPEG of three colours, whose one scan holds the first."""
    data = plain(width, height, "JPEG", "RGB")
    at = data.index(b"\xff\xda")
    length = int.from_bytes(data[at + 2 : at + 4])
    scan = struct.pack(">HB", 8, 1) + data[at + 5 : at + 7] + b"\0\x3f\0"
    return data[: at + 2] + scan + data[at + 2 + length :]


WITHIN = {
    "JPEG": lambda: plain(5000, 10_000, "JPEG"),
    "narrow JPEG": lambda: plain(1000, 16_000, "JPEG"),
    "progressive JPEG": lambda: plain(4000, 5000, "JPEG", "RGB", progressive=True),
    "grey progressive JPEG": lambda: plain(5000, 10_000, "JPEG", progressive=True),
    "PNG": lambda: plain(4000, 4000, "PNG"),
    "GIF": lambda: plain(4000, 4000, "GIF"),
    "WebP": lambda: plain(4000, 2000, "WEBP", "RGB", method=0),
}
BEYOND = {
    "JPEG": lambda: plain(5000, 10_001, "JPEG"),
    "narrow JPEG": lambda: plain(1000, 16_001, "JPEG"),
    "progressive JPEG": lambda: plain(4000, 5001, "JPEG", "RGB", progressive=True),
    "progressive JPEG of four colours": lambda: plain(4000, 4000, "JPEG", "CMYK", progressive=True),
    "JPEG whose scan lacks colours": lambda: scan_of_one_colour(4000, 5001),
    "PNG": lambda: plain(4000, 4001, "PNG"),
    "GIF": lambda: plain(4000, 4001, "GIF"),
    "WebP": lambda: plain(4000, 2001, "WEBP", "RGB", method=0),
    "lossless WebP": lambda: plain(4000, 2001, "WEBP", "RGB", lossless=True, method=0),
}


@pytest.mark.long
@pytest.mark.parametrize("kind", WITHIN)
def test_the_most_pixels_of_a_format_are_taken(kind):
    rendered(WITHIN[kind]())


@pytest.mark.parametrize("kind", BEYOND)
def test_more_pixels_than_a_format_may_have_are_refused_before_they_are_decoded(kind, monkeypatch):
    data = BEYOND[kind]()
    monkeypatch.setattr(ImageFile.ImageFile, "load", forbidden)
    assert refusal(data) == avatars.TOO_LARGE


def test_scans_are_counted_by_their_colours():
    assert avatars._jpeg_scans(plain(30, 30, "JPEG", "CMYK")) == [4]
    assert avatars._jpeg_scans(plain(30, 30, "JPEG", "RGB")) == [3]
    assert len(avatars._jpeg_scans(with_scans(plain(30, 30, "JPEG", "RGB", progressive=True), 5))) == 15
    assert avatars._jpeg_scans(b"\xff\xd8\xff\xda") == []


def test_one_large_picture_is_decoded_at_a_time(monkeypatch):
    running, most, lock, sampled = 0, 0, threading.Lock(), avatars._sampled

    @contextlib.contextmanager
    def counted():
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.02)
        yield
        with lock:
            running -= 1

    def counting(image):
        with counted():
            return sampled(image)

    monkeypatch.setattr(avatars, "_sampled", counting)
    data = plain(1500, 1500, "JPEG")
    threads = [threading.Thread(target=rendered, args=(data,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


@pytest.mark.parametrize("clear", [0, 0x1234, 0xFFFF])
def test_the_transparent_value_of_sixteen_bits_of_grey_is_white(clear):
    side, grey = 300, 0x8000
    rows = [struct.pack(f">{side}H", *[clear] * (side // 2), *[grey] * (side // 2))] * side
    data = png(side, side, 16, 0, chunk(b"tRNS", struct.pack(">H", clear)), rows=rows)
    picture = rendered(data)
    assert close_to(picture.getpixel((50, 9)), WHITE) and close_to(picture.getpixel((200, 9)), (128, 128, 128))


def test_sixteen_bits_of_grey_without_a_transparent_value_stay_as_they_are():
    rows = [struct.pack(">300H", *range(0, 30_000, 100))] * 300
    assert close_to(rendered(png(300, 300, 16, 0, rows=rows)).getpixel((0, 9)), (0, 0, 0))


def test_damage_in_the_header_of_a_scan_is_a_refusal_or_a_picture():
    randomness, data = random.Random(3), file_of(Image.new("RGB", (40, 40), RED), "JPEG", progressive=True)
    for _ in range(100):
        broken = bytearray(data)
        at = data.index(b"\xff\xda") + randomness.randrange(2, 12)
        broken[at] = randomness.randrange(256)
        with contextlib.suppress(avatars.NotAnImage):
            avatars.render(SimpleUploadedFile("photo", bytes(broken)))
