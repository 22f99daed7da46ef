"""PATCH /api/contacts/{contact_id}/avatar"""

import contextlib
import io
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.http import Http404
from PIL import Image

from contactbook.api.exceptions import PreconditionFailed
from contacts.api.base import ContactBookViewSet
from contacts.avatars import image as avatars
from contacts.models import Contact
from contacts.tests.cast import (
    NOT_FOUND,
    UNKNOWN,
    add,
    faults,
    flat,
    path,
)
from contacts.tests.cloudinary_server import CloudinaryServer
from contacts.tests.test_contact_update import NO_IDS

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits", "folder")]


@pytest.fixture
def folder(settings, tmp_path):
    """The folder of pictures, as it is without CLOUDINARY_URL."""
    options = {"location": tmp_path, "base_url": "/media/avatars/"}
    local = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "avatars": local}
    return tmp_path


@pytest.fixture
def far_end(settings):
    """Cloudinary in place of the folder."""
    with CloudinaryServer() as server:
        cloud = {"BACKEND": "contacts.avatars.cloudinary.CloudinaryStorage", "OPTIONS": {"url": server.url}}
        settings.STORAGES = {**settings.STORAGES, "avatars": cloud}
        yield server


def picture(kind="PNG", size=(300, 200)):
    data = io.BytesIO()
    Image.new("RGB", size, "red").save(data, kind)
    return SimpleUploadedFile("me.bin", data.getvalue(), "application/octet-stream")


def upload(client, url, file=None, **headers):
    return client.patch(f"{url}/avatar", {"file": file or picture()}, format="multipart", headers=headers)


def test_an_upload_is_stored_as_a_jpeg_of_250_pixels_and_shown(as_alice, folder, settings):
    contact = add(as_alice, "Ann", phone="+1", avatar="https://x/old")
    answer = upload(as_alice, path(contact))
    changed = flat(answer)
    assert changed == {**contact, "avatar": changed["avatar"]}
    assert re.fullmatch(re.escape(settings.PUBLIC_URL) + r"/media/avatars/[0-9a-f]{32}\.jpg", changed["avatar"])
    (stored,) = folder.iterdir()
    image = Image.open(io.BytesIO(stored.read_bytes()))
    assert (image.format, image.size) == ("JPEG", (250, 250))
    read = as_alice.get(path(contact))
    assert flat(read) == changed and read["ETag"] == answer["ETag"]
    assert as_alice.get("/api/contacts/").json() == [changed]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_four_kinds_of_picture_are_taken(as_alice, kind):
    assert flat(upload(as_alice, path(add(as_alice)), picture(kind)))["avatar"]


def test_each_upload_has_a_new_url(as_alice):
    contact = add(as_alice)
    first, second = (flat(upload(as_alice, path(contact)))["avatar"] for _ in range(2))
    assert first != second


def test_a_put_without_an_avatar_leaves_the_picture(as_alice):
    contact = flat(upload(as_alice, path(add(as_alice))))
    assert flat(as_alice.put(path(contact), {"fullname": "Bea"}, format="json"))["avatar"] == contact["avatar"]


FILES = {
    "a picture": lambda: {"file": picture()},
    "no picture": lambda: {"file": SimpleUploadedFile("a.png", b"nothing")},
    "no file": lambda: {"x": "y"},
    "a text": lambda: {"file": "text"},
    "too much": lambda: {"file": SimpleUploadedFile("a.png", bytes(avatars.MAX_BYTES + 1))},
}


@pytest.mark.parametrize("kind", FILES)
def test_another_accounts_contact_is_404_like_one_that_does_not_exist(as_alice, as_bob, folder, kind):
    contact = add(as_alice)
    answers = [as_bob.patch(f"{url}/avatar", FILES[kind](), format="multipart") for url in (path(contact), UNKNOWN)]
    assert answers[0].status_code == 404 and answers[0].json() == NOT_FOUND
    assert answers[0].content == answers[1].content
    assert flat(as_alice.get(path(contact))) == contact
    assert not list(folder.iterdir())


@pytest.mark.parametrize("word", NO_IDS)
def test_what_is_no_id_is_a_fault_of_the_path(as_alice, word, folder):
    assert faults(upload(as_alice, f"/api/contacts/{word}")) == [["path", "contact_id"]]
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nothing",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"<svg xmlns='x'/>",
        b"BM" + bytes(60),
    ],
)
def test_what_is_no_picture_is_a_fault_of_the_file(as_alice, content, folder):
    contact = add(as_alice)
    file = SimpleUploadedFile("a.png", content, "image/png")
    assert faults(upload(as_alice, path(contact), file)) == [["body", "file"]]
    assert flat(as_alice.get(path(contact))) == contact and not list(folder.iterdir())


def test_too_many_pixels_are_a_fault_of_the_file(as_alice):
    data = io.BytesIO()
    Image.new("1", (4000, 4001)).save(data, "PNG")
    file = SimpleUploadedFile("a.png", data.getvalue(), "image/png")
    assert faults(upload(as_alice, path(add(as_alice)), file)) == [["body", "file"]]


@pytest.mark.parametrize("form", [{}, {"picture": "x"}, {"file": "text"}, {"file": ""}])
def test_a_missing_file_is_a_fault_of_the_file(as_alice, form):
    answer = as_alice.patch(f"{path(add(as_alice))}/avatar", form, format="multipart")
    assert faults(answer) == [["body", "file"]]


def test_over_10_megabytes_is_413(as_alice, folder):
    contact = add(as_alice)
    for size, status in [
        (avatars.MAX_BYTES, 422),
        (avatars.MAX_BYTES + 1, 413),
        (avatars.MAX_BYTES + 2**20, 413),
    ]:
        answer = upload(as_alice, path(contact), SimpleUploadedFile("a.png", bytes(size)))
        assert answer.status_code == status
    assert answer.json().keys() == {"detail"} and isinstance(answer.json()["detail"], str)
    assert flat(as_alice.get(path(contact))) == contact and not list(folder.iterdir())


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded", "image/png"])
def test_another_type_of_body_is_415(as_alice, content_type):
    url = f"{path(add(as_alice))}/avatar"
    assert as_alice.generic("PATCH", url, b'{"file": "x"}', content_type).status_code == 415


@pytest.mark.parametrize("body", [b"", b"--x", b"--x\r\n\r\n", b"junk", b"\x00" * 100])
@pytest.mark.parametrize("boundary", ["; boundary=x", "", "; boundary=", "; boundary=" + "x" * 500])
def test_a_broken_form_is_a_422(as_alice, body, boundary):
    answer = as_alice.generic("PATCH", f"{path(add(as_alice))}/avatar", body, f"multipart/form-data{boundary}")
    assert all(loc[0] == "body" for loc in faults(answer))


def test_if_match_refuses_another_state_and_takes_a_weak_tag(as_alice, folder):
    contact = add(as_alice)
    old = as_alice.get(path(contact))["ETag"]
    new = upload(as_alice, path(contact), **{"if-match": old})["ETag"]
    assert new != old and len(list(folder.iterdir())) == 1
    for header in (old, f"W/{old}", '"x"', "junk"):
        answer = upload(as_alice, path(contact), **{"if-match": header})
        assert answer.status_code == 412 and answer.json().keys() == {"detail"}
    assert len(list(folder.iterdir())) == 1
    for header in (f"W/{new}", "*"):
        assert upload(as_alice, path(contact), **{"if-match": header}).status_code == 200


def test_the_file_stays_after_a_commit_without_an_answer(as_alice, folder, monkeypatch):
    contact, writing = add(as_alice, "Ann"), ContactBookViewSet.writing

    @contextlib.contextmanager
    def unanswered(view, **options):
        with writing(view, **options) as book:
            yield book
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(ContactBookViewSet, "writing", unanswered)
    assert upload(as_alice, path(contact)).status_code == 503
    (stored,) = folder.iterdir()
    assert as_alice.get(path(contact)).json()["avatar"].endswith(stored.name)


@pytest.mark.parametrize(("refusal", "status"), [(Http404, 404), (PreconditionFailed, 412)])
def test_an_upload_refused_after_storing_leaves_no_file(as_alice, folder, monkeypatch, refusal, status):
    """The contact was deleted or changed while the picture was decoded."""
    contact = add(as_alice, "Ann")

    def refuse(view, book):
        raise refusal

    monkeypatch.setattr(ContactBookViewSet, "get_contact_for_update", refuse)
    assert upload(as_alice, path(contact)).status_code == status
    assert list(folder.iterdir()) == []


def test_the_file_is_served_at_its_url(server):
    _, token = server.sign_up()
    made = server.ask("POST", "/api/contacts", {"fullname": "Ann"}, token).json()
    form = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        + picture().read()
        + b"\r\n--x--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    changed = server.ask("PATCH", f"/api/contacts/{made['id']}/avatar", form, token, headers)
    assert changed.status == 200
    answer = server.ask("GET", urlsplit(changed.json()["avatar"]).path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/jpeg")
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.body.startswith(b"\xff\xd8")
    for wrong in (
        "/media/avatars/" + "0" * 32 + ".jpg",
        "/media/avatars/",
        "/media/avatars/../../secret_key",
    ):
        assert server.ask("GET", wrong).status == 404


# Cloudinary


def test_with_cloudinary_the_picture_is_stored_there_alone(as_alice, far_end, folder):
    changed = flat(upload(as_alice, path(add(as_alice))))
    assert Image.open(io.BytesIO(far_end.image(changed["avatar"]))).size == (250, 250)
    assert not list(Path(folder).iterdir())


@pytest.mark.parametrize("mode", ["refuse", "drop"])
def test_when_cloudinary_fails_the_old_avatar_stays_and_nothing_is_left_behind(as_alice, far_end, mode):
    contact = flat(upload(as_alice, path(add(as_alice))))
    etag, images = as_alice.get(path(contact))["ETag"], dict(far_end.images)
    far_end.upload_mode = mode
    unavailable(upload(as_alice, path(contact)))
    assert flat(read := as_alice.get(path(contact))) == contact and read["ETag"] == etag
    assert far_end.images == images and far_end.image(contact["avatar"])


def test_when_cloudinary_cannot_be_reached_the_old_avatar_stays(as_alice, settings):
    contact = add(as_alice, avatar="https://x/old")
    with CloudinaryServer() as gone:
        cloud = {"BACKEND": "contacts.avatars.cloudinary.CloudinaryStorage", "OPTIONS": {"url": gone.url}}
    settings.STORAGES = {**settings.STORAGES, "avatars": cloud}
    unavailable(upload(as_alice, path(contact)))
    assert flat(as_alice.get(path(contact))) == contact


def unavailable(answer):
    assert answer.status_code == 503 and int(answer["Retry-After"]) > 0
    assert answer.json().keys() == {"detail"} and isinstance(answer.json()["detail"], str)


def test_a_refused_upload_sends_nothing_to_cloudinary(as_alice, as_bob, far_end):
    contact = add(as_alice)
    assert upload(as_bob, path(contact)).status_code == 404
    assert upload(as_alice, path(contact), **{"if-match": '"x"'}).status_code == 412
    assert far_end.requests == [] and Contact.objects.get().avatar is None
