"""contacts/avatars/image.py: which pictures are taken, and what is made of them."""

import io
import random
import struct
import threading
import zlib
from contextlib import suppress

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageCms, ImageFile

from contacts.avatars import image as avatars

pytestmark = pytest.mark.one_stack

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def file_of(image, kind, **options):
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def rendered(data, name="picture.bin"):
    jpeg = avatars.render(SimpleUploadedFile(name, data, "application/octet-stream"))
    image = Image.open(io.BytesIO(jpeg))
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (250, 250))
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    image.load()
    return image


def refusal(data, name="picture.jpg"):
    with pytest.raises(avatars.NotAnImage) as caught:
        avatars.render(SimpleUploadedFile(name, data, "image/jpeg"))
    return str(caught.value)


def close_to(pixel, colour, by=12):
    return all(abs(one - other) <= by for one, other in zip(pixel, colour, strict=True))


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width, height, bits=1, colour=0):
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)


# Pixels in, 250×250 out


def test_a_jpeg_keeps_its_colour():
    image = rendered(file_of(Image.new("RGB", (400, 300), RED), "JPEG"))
    assert close_to(image.getpixel((125, 125)), RED)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_each_format_is_taken(kind):
    assert close_to(rendered(file_of(Image.new("RGB", (90, 60), BLUE), kind)).getpixel((9, 9)), BLUE)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_each_kind_of_png_is_taken(mode):
    rendered(file_of(Image.new(mode, (300, 400)), "PNG"))


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (250, 250), (249, 251), (3001, 2003)])
def test_any_size_is_taken(size):
    assert close_to(rendered(file_of(Image.new("RGB", size, RED), "PNG")).getpixel((0, 249)), RED)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_middle_square_is_cut_out(kind):
    image = Image.new("RGB", (3000, 1000), RED)
    image.paste(BLUE, (1000, 0, 2000, 1000))
    picture = rendered(file_of(image, kind))
    assert all(close_to(picture.getpixel(at), BLUE) for at in [(3, 3), (246, 3), (3, 246), (246, 246)])


def test_a_cmyk_jpeg_keeps_its_colours():
    image = rendered(file_of(Image.new("CMYK", (300, 300), (0, 255, 255, 0)), "JPEG"))
    assert close_to(image.getpixel((9, 9)), RED, by=30)


def test_sixteen_bits_of_grey_are_scaled_and_not_clipped():
    assert close_to(rendered(file_of(Image.new("I;16", (300, 300), 0x8000), "PNG")).getpixel((9, 9)), (128, 128, 128))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_is_transparent_becomes_white(kind):
    image = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 150, 300))
    picture = rendered(file_of(image, kind, lossless=True))
    assert close_to(picture.getpixel((200, 9)), WHITE) and close_to(picture.getpixel((50, 9)), BLUE)


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_palette_with_transparency_becomes_white(kind):
    image = Image.new("P", (300, 300), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.paste(1, (0, 0, 150, 300))
    picture = rendered(file_of(image, kind, transparency=0))
    assert close_to(picture.getpixel((200, 9)), WHITE) and close_to(picture.getpixel((50, 9)), BLUE)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_a_photo_is_applied(orientation):
    upright = Image.new("RGB", (300, 400), WHITE)
    upright.paste(RED, (0, 50, 150, 200))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose's numbers; 6 and 8 undo each other
    stored = upright if orientation == 1 else upright.transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = rendered(file_of(stored, "JPEG", exif=exif, quality=95))
    assert close_to(picture.getpixel((60, 60)), RED)
    assert all(close_to(picture.getpixel(at), WHITE) for at in [(190, 60), (60, 190), (190, 190)])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_is_removed(kind):
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825).update({1: "N", 2: (50.0, 27.0, 1.0)})
    data = file_of(Image.new("RGB", (300, 300), RED), kind, exif=exif)
    assert b"SecretCamera" in data
    jpeg = avatars.render(SimpleUploadedFile("photo", data))
    assert b"SecretCamera" not in jpeg and b"Exif" not in jpeg
    assert not Image.open(io.BytesIO(jpeg)).getexif()


def test_comments_are_removed():
    data = file_of(Image.new("RGB", (300, 300)), "JPEG", comment=b"<script>secret</script>")
    rendered(data)
    assert b"secret" in data and b"secret" not in avatars.render(SimpleUploadedFile("photo.jpg", data))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF"])
def test_what_is_appended_to_a_picture_is_removed(kind):
    data = file_of(Image.new("RGB", (300, 300)), kind) + b"PK\x03\x04<script>alert(1)</script>"
    assert b"<script>" not in avatars.render(SimpleUploadedFile("photo", data))


def test_broken_exif_and_colour_profiles_are_ignored():
    data = file_of(Image.new("RGB", (300, 300), RED), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff", icc_profile=b"no profile")
    assert close_to(rendered(data).getpixel((9, 9)), RED)


def test_a_colour_profile_is_applied_and_dropped():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = rendered(file_of(Image.new("RGB", (300, 300), RED), "PNG", icc_profile=profile))
    assert close_to(picture.getpixel((9, 9)), RED)
    swapped = swapped_profile(profile)
    picture = rendered(file_of(Image.new("RGB", (300, 300), RED), "PNG", icc_profile=swapped))
    assert close_to(picture.getpixel((9, 9)), BLUE, by=30)


def swapped_profile(profile):
    """One whose red is sRGB's blue and the other way round."""
    head, tags = profile[:128], profile[128:]
    return head + tags.replace(b"rXYZ", b"????", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"????", b"bXYZ", 1)


def test_only_the_first_frame_of_ten_thousand_is_decoded(monkeypatch):
    first = file_of(Image.new("P", (20, 20), 0), "GIF")
    frame = first[first.index(b",", 13) : -1]
    monkeypatch.setattr("PIL.GifImagePlugin.GifImageFile.seek", forbidden)
    rendered(first[:-1] + frame * 10_000 + b";")


def test_only_the_first_frame_of_a_moving_webp_is_shown():
    frames = [Image.new("RGB", (40, 40), BLUE)] * 3
    data = file_of(Image.new("RGB", (40, 40), RED), "WEBP", save_all=True, append_images=frames, lossless=True)
    assert close_to(rendered(data).getpixel((9, 9)), RED)


def forbidden(*args, **options):
    raise AssertionError("this must not be called")


# What is refused


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello, I am no picture",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"RIFF\x10\0\0\0WEBPVP8 ",
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n",
        b"P6 1 1 255\n\0\0\0",
    ],
    ids=["empty", "text", "jpeg", "png", "gif", "webp", "svg", "eps", "ppm"],
)
def test_what_is_no_picture_is_refused(data):
    assert refusal(data) == "The file must be a JPEG, PNG, WebP or GIF picture, and undamaged."


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "ICO", "EPS", "JPEG2000", "PPM", "TGA", "PDF", "AVIF"])
def test_other_formats_are_refused_under_any_name(kind):
    refusal(file_of(Image.new("RGB", (32, 32)), kind), "renamed.jpg")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_picture_cut_short_is_refused(kind):
    data = file_of(Image.effect_noise((300, 300), 90).convert("RGB"), kind)
    for length in (20, 100, len(data) // 3, len(data) // 2, len(data) * 3 // 4):
        refusal(data[:length])


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_any_damage_is_a_refusal_or_a_picture_and_never_an_error(kind):
    randomness = random.Random(7)
    data = file_of(Image.effect_noise((40, 40), 90).convert("RGB"), kind, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0")
    for _ in range(150):
        broken = bytearray(data)
        for _ in range(randomness.randint(1, 6)):
            broken[randomness.randrange(len(broken))] = randomness.choice([0, 1, 0x7F, 0x80, 0xFF])
        with suppress(avatars.NotAnImage):
            avatars.render(SimpleUploadedFile("photo", bytes(broken)))


@pytest.mark.parametrize(
    "data",
    [
        png_header(30_000, 30_000) + chunk(b"IDAT", zlib.compress(bytes(9999))) + chunk(b"IEND", b""),
        png_header(10_000, 10_000) + chunk(b"IDAT", zlib.compress(bytes(9999))) + chunk(b"IEND", b""),
        png_header(4000, 4001) + chunk(b"IDAT", zlib.compress(bytes(9999))) + chunk(b"IEND", b""),
        b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b"," + struct.pack("<HHHHBB", 0, 0, 9, 9, 0, 8),
        b"GIF89a" + struct.pack("<HHBBB", 9, 9, 0, 0, 0) + b"," + struct.pack("<HHHHBB", 0, 0, 9000, 9000, 0, 8),
    ],
    ids=["900 Mpx", "100 Mpx", "16.004 Mpx", "GIF screen", "GIF frame"],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_too_many_pixels_are_refused_before_they_are_decoded(data, monkeypatch):
    monkeypatch.setattr(ImageFile.ImageFile, "load", forbidden)
    assert refusal(data) == avatars.TOO_LARGE


@pytest.mark.filterwarnings("error::PIL.Image.DecompressionBombWarning")
def test_the_limit_is_the_same_where_warnings_are_errors():
    assert refusal(png_header(10_000, 10_000) + chunk(b"IDAT", b"")) == avatars.TOO_LARGE


def test_more_than_ten_megabytes_are_refused():
    data = file_of(Image.new("RGB", (30, 30)), "PNG")
    rendered(data + bytes(avatars.MAX_BYTES - len(data)))
    assert refusal(data + bytes(avatars.MAX_BYTES - len(data) + 1)) == "The picture must be at most 10 MB."


def test_a_jpeg_of_too_many_scans_is_refused_before_it_is_decoded(monkeypatch):
    data = file_of(Image.new("RGB", (800, 800)), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    rendered(data[:-2] + last * 20 + b"\xff\xd9")
    monkeypatch.setattr(ImageFile.ImageFile, "load", forbidden)
    refusal(data[:-2] + last * 10_000 + b"\xff\xd9")


def test_scans_in_comments_and_after_the_end_are_not_counted():
    note = b"\xff\xfe" + struct.pack(">H", 802) + b"\xff\xda" * 400
    data = file_of(Image.new("RGB", (300, 300), RED), "JPEG")
    film = b"\xff\xda" * 400
    assert close_to(rendered(data[:2] + note + data[2:] + film).getpixel((9, 9)), RED)


def test_a_png_of_too_many_profiles_is_refused():
    bomb = chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(1_000_000)))
    data = file_of(Image.new("RGB", (30, 30)), "PNG")
    refusal(data[:33] + bomb * 5000 + data[33:])


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
def test_a_png_whose_texts_inflate_is_refused(kind):
    text = b"x\0\0" if kind == b"zTXt" else b"x\0\1\0\0\0"
    bomb = chunk(kind, text + zlib.compress(bytes(1_000_000)))
    data = file_of(Image.new("RGB", (30, 30)), "PNG")
    refusal(data[:33] + bomb * 5000 + data[33:])


def test_no_more_than_two_pictures_are_decoded_at_once(monkeypatch):
    running, most, lock, sampled = 0, 0, threading.Lock(), avatars._sampled

    def counted(image):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.02)
        with lock:
            running -= 1
        return sampled(image)

    monkeypatch.setattr(avatars, "_sampled", counted)
    data = file_of(Image.new("RGB", (30, 30)), "PNG")
    threads = [threading.Thread(target=rendered, args=(data,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2
