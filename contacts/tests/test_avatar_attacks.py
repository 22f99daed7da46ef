"""PATCH /api/contacts/{contact_id}/avatar on the running product: files and forms that are made to do harm."""

import io
import socket
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from PIL import Image

from contactbook.tests.faults import account, parent_of
from contactbook.tests.hostile import in_the_contracts_shape
from contacts.tests.test_avatar_pixels import chunk, file_of, png_header

pytestmark = pytest.mark.one_stack

SCRIPT = b"<html><script>alert(document.domain)</script></html>"
FORM = "multipart/form-data; boundary=b"


@pytest.fixture(scope="module")
def token(server):
    return account(server)[1]


@pytest.fixture(scope="module")
def contact(server, token):
    return server.ask("POST", "/api/contacts", {"fullname": "Ann"}, token).json()["id"]


@pytest.fixture
def send(server, token, contact):
    """Send a body of that type; every answer must have the shape of the contract."""

    def ask(body, media=FORM):
        answer = server.ask("PATCH", f"/api/contacts/{contact}/avatar", body, token, {"Content-Type": media})
        in_the_contracts_shape(answer.status, answer.headers["Content-Type"], answer.body)
        return answer

    return ask


@pytest.fixture
def upload(send):
    return lambda data, name=b"a.png", kind=b"image/png": send(form(part(data, name, kind)))


def part(data, name=b"a.png", kind=b"image/png", field=b"file"):
    """One file of a multipart form, from these bytes."""
    head = b'Content-Disposition: form-data; name="' + field + b'"; filename="' + name + b'"\r\n'
    return b"--b\r\n" + head + b"Content-Type: " + kind + b"\r\n\r\n" + data + b"\r\n"


def form(*parts):
    return b"".join(parts) + b"--b--\r\n"


def picture(kind="PNG", **options):
    return file_of(Image.new("RGB", (300, 200), "red"), kind, **options)


def refused(answer):
    assert answer.status == 422, answer.body
    assert answer.json()["detail"][0]["loc"] == ["body", "file"]


def memory(server):
    """The sum of the peak memory of the processes of the server, in MB."""
    pids = [
        int(stat.parent.name) for stat in Path("/proc").glob("[0-9]*/stat") if parent_of(stat) == server.process.pid
    ]
    peaks = [line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmHWM" in line]
    return sum(int(line.split()[1]) for line in peaks) / 1024


def test_a_picture_is_served_as_a_jpeg_of_250_pixels(upload, server):
    answer = upload(picture())
    assert answer.status == 200
    shown = served(server, answer)
    assert Image.open(io.BytesIO(shown.body)).size == (250, 250)


def served(server, answer):
    """Return the answer at the URL of the contact's picture."""
    shown = server.ask(
        "GET", answer.json()["avatar"].partition("/media")[1] + answer.json()["avatar"].partition("/media")[2]
    )
    assert shown.status == 200
    assert shown.headers["Content-Type"] == "image/jpeg"
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
    return shown


def jpeg_header(width, height):
    return b"\xff\xd8\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + b"\1\x11\0\2\x11\1\3\x11\1"


def webp_header(width, height):
    canvas = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return b"RIFF" + struct.pack("<I", 1_000_000) + b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + canvas


def whole_png_of_black(side):
    """A real picture of that many pixels a side, each a bit: 110 KB for 30,000."""
    pack = zlib.compressobj(9)
    rows = b"".join(pack.compress(bytes(1 + side // 8)) for _ in range(side)) + pack.flush()
    return png_header(side, side) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


BOMBS = {
    "PNG": lambda: png_header(30_000, 30_000, 8, 6) + chunk(b"IDAT", zlib.compress(bytes(900_000))),
    "whole PNG": lambda: whole_png_of_black(30_000),
    "GIF": lambda: b"GIF89a" + struct.pack("<HHBBB", 30_000, 30_000, 0, 0, 0) + b"," + bytes(900_000),
    "JPEG": lambda: jpeg_header(30_000, 30_000) + bytes(900_000),
    "WebP": lambda: webp_header(30_000, 30_000) + bytes(900_000),
    "PNG of 2^31": lambda: png_header(2**31 - 1, 2**31 - 1) + bytes(1000),
    "PNG of 0": lambda: png_header(0, 0) + bytes(1000),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_and_takes_no_memory(server, upload, kind):
    upload(picture())
    before = memory(server)
    bomb = BOMBS[kind]()
    assert len(bomb) < 1024 * 1024
    refused(upload(bomb))
    assert before > 30 and memory(server) - before < 120


def zipped():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.html", SCRIPT.decode())
    return archive.getvalue()


POLYGLOTS = {
    "GIF and HTML": lambda: picture("GIF") + SCRIPT,
    "GIF with HTML in its comment": lambda: file_of(Image.new("P", (30, 30)), "GIF", comment=SCRIPT),
    "PNG and ZIP": lambda: picture() + zipped(),
    "JPEG and JavaScript": lambda: picture("JPEG", comment=b"*/=1;alert(1);/*" + SCRIPT),
    "JPEG and PHP": lambda: picture("JPEG") + b"<?php system($_GET[0]); ?>",
    "WebP and HTML": lambda: picture("WEBP", exif=b"Exif\0\0" + SCRIPT),
}


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")
@pytest.mark.parametrize("kind", POLYGLOTS)
def test_only_the_picture_of_a_polyglot_is_served(server, upload, kind):
    answer = upload(POLYGLOTS[kind](), b"x.html", b"text/html")
    assert answer.status == 200, answer.body
    shown = served(server, answer)
    assert not any(word in shown.body for word in (b"<script", b"PK\3\4", b"alert", b"<?php"))


@pytest.mark.parametrize("kind", [b"image/png", b"image/svg+xml", b"text/html"])
@pytest.mark.parametrize(
    "data",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        b'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
        SCRIPT,
        b"GIF89a=1;alert(1)",
        b"%PDF-1.7 ",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n",
        b"push graphic-context\nimage over 0,0 0,0 'https://127.0.0.1/x.jpg'\npop graphic-context",
        b"\x7fELF\2\1\1",
    ],
    ids=["SVG", "XXE", "HTML", "GIF that is a script", "PDF", "EPS", "MVG", "ELF"],
)
def test_what_is_no_picture_is_refused_under_any_name_and_type(upload, data, kind):
    refused(upload(data, b"picture.png", kind))


def ten_thousand_frames(kind):
    first = file_of(Image.new("P", (20, 20), 0), "GIF")
    frame = first[first.index(b",", 13) : -1]
    if kind == "GIF":
        return first[:-1] + frame * 10_000 + b";"
    head, data, end = png_header(20, 20), zlib.compress(bytes(20 * 4)), chunk(b"IEND", b"")
    control = lambda n: chunk(b"fcTL", struct.pack(">IIIIIHHBB", n, 20, 20, 0, 0, 1, 1, 0, 0))  # noqa: E731
    frames = (control(2 * n) + chunk(b"fdAT", struct.pack(">I", 2 * n + 1) + data) for n in range(1, 10_000))
    return head + chunk(b"acTL", struct.pack(">II", 10_000, 0)) + chunk(b"IDAT", data) + b"".join(frames) + end


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_ten_thousand_frames_cost_no_more_than_one(server, upload, kind):
    upload(picture())
    before = memory(server)
    assert upload(ten_thousand_frames(kind)).status == 200
    assert memory(server) - before < 120


NAMES = {
    "none": b"",
    "parents": b"../../../../../../tmp/owned.png",
    "parents, encoded": b"..%2f..%2fowned.png",
    "parents, of Windows": rb"..\\..\\owned.png",
    "absolute": b"/etc/cron.d/owned",
    "of a device": b"con.png",
    "NUL": b"a.php\0.png",
    "right to left": "a\u202egnp.exe".encode(),
    "no UTF-8": b"\xff\xfe\x80.png",
    "an entity": b"&#46;&#46;&#47;owned",
    "a script": b"<img src=x onerror=alert(1)>.png",
    "a command": b"$(touch owned);`id`|.png",
    "10,000 characters": b"a" * 10_000 + b".png",
    "a header": b'a.png"\r\nX-Owned: 1\r\nContent-Type: text/html',
    "a dot": b".",
    "two dots": b"..",
    "a Python file": b"owned.py",
}


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_file_is_never_used(server, upload, name):
    outside = files_of(server) - avatars_of(server)
    answer = upload(picture(), NAMES[name])
    assert answer.status in (200, 422)
    assert files_of(server) - avatars_of(server) == outside
    assert all(path.suffix == ".jpg" and len(path.stem) == 32 for path in avatars_of(server))


def files_of(server):
    return {
        path for path in server.folder.rglob("*") if path.is_file() and not path.name.startswith("contactbook.sqlite3")
    }


def avatars_of(server):
    return set((server.folder / "media" / "avatars").glob("*"))


FORMS = {
    "no file": form(),
    "another field": form(part(picture(), field=b"picture")),
    "no file name": b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + picture() + b"\r\n--b--\r\n",
    "an empty file": form(part(b"")),
    "a text": b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n/etc/passwd\r\n--b--\r\n',
    "a URL": b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nhttp://127.0.0.1/x\r\n--b--\r\n',
    "a field named twice": form(part(b"no picture"), part(b"nor this")),
    "nested": form(part(part(picture()).replace(b"--b", b"--c") + b"--c--", kind=b"multipart/mixed; boundary=c")),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_without_its_picture_is_a_fault_of_the_file(send, name):
    refused(send(FORMS[name]))


def test_the_last_of_two_files_is_taken(send):
    assert send(form(part(b"no picture"), part(picture()))).status == 200


def header(line):
    return b"--b\r\n" + line + b"\r\n\r\nx\r\n--b--\r\n"


ODD_FORMS = {
    "10,000 files": form(*(part(b"x", field=b"f%d" % n) for n in range(10_000))),
    "10,000 fields": form(
        *(b'--b\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nx\r\n' % n for n in range(10_000))
    ),
    "6 files": form(*(part(picture()) for _ in range(6))),
    "no end": part(picture()),
    "cut in a head": b'--b\r\nContent-Disposition: form-data; name="fi',
    "no head": b"--b\r\n\r\nx\r\n--b--\r\n",
    "nothing": b"",
    "only an end": b"--b--\r\n",
    "no form at all": b"\0" * 100_000,
    "a preamble of a megabyte": b"x" * 1_000_000 + b"\r\n" + form(part(picture())),
    "a head of a megabyte": header(b'Content-Disposition: form-data; name="file"; x="' + b"y" * 1_000_000 + b'"'),
    "10,000 heads": header(b"\r\n".join(b"X-%d: y" % n for n in range(10_000))),
    "10,000 parameters": header(b"Content-Disposition: form-data" + b"; a=b" * 10_000),
    "10,000 quotes": header(b"Content-Disposition: form-data; name=" + b'"\\' * 10_000),
    "an encoded name": header(b"Content-Disposition: form-data; name*=utf-8''%66%69%6c%65"),
    "an odd charset of a name": header(b"Content-Disposition: form-data; name=file; filename*=idna''%ff%fe"),
    "base64 that is none": header(
        b'Content-Disposition: form-data; name="file"; filename="x"\r\nContent-Transfer-Encoding: base64'
    ),
    "an encoding that is none": header(
        b'Content-Disposition: form-data; name="file"; filename="x"\r\nContent-Transfer-Encoding: x-\xff'
    ),
    "an odd type": form(part(picture(), kind=b"text/plain; charset=idna")),
    "bare line feeds": form(part(picture())).replace(b"\r\n", b"\n"),
    "NUL in a head": header(b'Content-Disposition: form-data; name="file\0"; filename="\0"'),
}


@pytest.mark.parametrize("name", ODD_FORMS)
def test_an_odd_form_is_no_5xx(send, name):
    assert send(ODD_FORMS[name]).status in (200, 400, 413, 422)


@pytest.mark.parametrize(
    "media",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "b" * 300,
        'multipart/form-data; boundary="b',
        "multipart/form-data; boundary=b; boundary=c",
        "multipart/form-data; boundary=\xff",
        "multipart/form-data; charset=idna; boundary=b",
        "multipart/mixed; boundary=b",
        "multipart/form-data, multipart/form-data; boundary=b",
        "application/x-www-form-urlencoded",
        "application/json",
        "image/png",
        "text/xml",
        "x" * 5000,
        "/",
    ],
)
def test_an_odd_type_is_no_5xx(send, media):
    assert send(form(part(picture())), media).status in (200, 400, 415, 422)


def test_a_body_announced_too_large_is_refused_unread(server, token, contact):
    """Nothing is sent but the head: the refusal must not wait for 11 MB."""
    headers = {"Content-Type": FORM, "Content-Length": str(11 * 1024 * 1024)}
    answer = server.ask("PATCH", f"/api/contacts/{contact}/avatar", b"x", token, headers)
    assert answer.status == 413


@pytest.mark.parametrize(
    "path",
    [
        "/media/avatars/../../secret_key",
        "/media/avatars/..%2f..%2fsecret_key",
        "/media/avatars/%2e%2e/%2e%2e/secret_key",
        "/media/avatars/....//....//secret_key",
        "/media/avatars/..%5c..%5csecret_key",
        "/media/avatars//etc/passwd",
        "/media/avatars/",
        "/media/",
        "/media/secret_key",
        "/media/avatars/" + "0" * 32 + ".jpg%00.html",
        "/media/avatars/" + "0" * 32 + ".jpg/",
        "/static/../contactbook/settings.py",
        "/static/%2e%2e/%2e%2e/contactbook/settings.py",
        "/manual/../../../contactbook/settings.py",
        "/manual/%2e%2e/%2e%2e/%2e%2e/README.md",
        "/manual//etc/passwd",
        "/.git/config",
        "/.env",
        "/var/secret_key",
    ],
)
def test_nothing_but_pictures_is_served(server, path):
    (server.folder / "secret_key").write_text("this is secret")
    answer = server.ask("GET", path)
    assert answer.status in (400, 404)
    assert b"secret" not in answer.body and b"root:" not in answer.body and b"DATABASES" not in answer.body


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_picture_is_only_read(server, upload, method):
    where = "/media" + upload(picture()).json()["avatar"].partition("/media")[2]
    assert server.ask(method, where, b"x").status in (403, 405)
    assert server.ask("GET", where).status == 200


def test_a_url_as_an_avatar_is_never_fetched(server, token):
    """Server-side request forgery (API7): a listener at that address hears nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.5)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/x.jpg"
        media = {"m": {"kind": "photo", "uri": url}}
        created = server.ask("POST", "/api/contacts", {"fullname": "Eve", "avatar": url, "card": {
            "name": {"full": "Eve"}, "media": media, "links": {"l": {"uri": url}}}}, token)  # fmt: skip
        assert created.status == 201
        for path in (f"/api/contacts/{created.json()['id']}", "/api/me/export"):
            assert server.ask("GET", path, token=token).status == 200
        with pytest.raises(TimeoutError):
            listener.accept()
