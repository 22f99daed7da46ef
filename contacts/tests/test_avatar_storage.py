"""contacts/avatars/storage.py: pictures on disk and at Cloudinary."""

import errno
from pathlib import Path

import cloudinary
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, storages
from PIL import Image
from urllib3 import Timeout

from contacts.avatars import cloudinary as cloudinary_storage
from contacts.avatars import storage as avatars
from contacts.tests.cloudinary_server import CloudinaryServer, Handler
from contacts.tests.test_avatar_pixels import file_of

pytestmark = pytest.mark.one_stack

BASE_URL = "/media/avatars/"
JPEG = file_of(Image.new("RGB", (250, 250), "red"), "JPEG")


@pytest.fixture
def disk(settings, tmp_path):
    storage = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": tmp_path / "media" / "avatars", "base_url": BASE_URL},
    }
    settings.STORAGES = {**settings.STORAGES, "avatars": storage}
    return tmp_path / "media" / "avatars"


@pytest.fixture
def far_end(settings):
    with CloudinaryServer() as server:
        use_cloudinary(settings, server.url)
        yield server


def use_cloudinary(settings, url):
    storage = {"BACKEND": "contacts.avatars.cloudinary.CloudinaryStorage", "OPTIONS": {"url": url}}
    settings.STORAGES = {**settings.STORAGES, "avatars": storage}


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(cloudinary_storage, "UPLOAD_TIMEOUT", Timeout(connect=0.3, read=0.3))
    monkeypatch.setattr(cloudinary_storage, "DELETE_TIMEOUT", Timeout(connect=0.3, read=0.3))


def test_a_picture_is_stored_on_disk_and_deleted(disk):
    url = avatars.store(JPEG)
    name = url.removeprefix(BASE_URL)
    assert avatars.NAME.fullmatch(name)
    assert (disk / name).read_bytes() == JPEG
    avatars.delete(url)
    assert not list(disk.iterdir())


def test_every_name_is_new(disk):
    assert len({avatars.store(JPEG) for _ in range(20)}) == 20


def test_a_full_disk_leaves_no_partial_file(disk, monkeypatch):
    class TooLongForTheDisk(ContentFile):
        def chunks(self, chunk_size=None):
            yield self.read(100)
            assert len(list(disk.iterdir())) == 1
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(avatars, "ContentFile", TooLongForTheDisk)
    with pytest.raises(avatars.StorageUnavailable):
        avatars.store(JPEG)
    assert not list(disk.iterdir())


def test_a_folder_that_cannot_be_created_is_storage_unavailable(disk):
    disk.parent.parent.mkdir(exist_ok=True)
    disk.parent.write_text("a file where the folder should be")
    with pytest.raises(avatars.StorageUnavailable):
        avatars.store(JPEG)


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "https://elsewhere.example/media/avatars/{name}",
        "//contacts.example/media/avatars/{name}",
        "http://testserver/media/avatars/{name}",
        "media/avatars/{name}",
        "{name}",
        BASE_URL + "x/{name}",
        BASE_URL + "../avatars/{name}",
        BASE_URL + "{name}?x",
        BASE_URL + "{name}\n",
        BASE_URL + "../../precious.txt",
        BASE_URL + "%2e%2e/%2e%2e/precious.txt",
        BASE_URL + "..\\..\\precious.txt",
        BASE_URL + "/etc/passwd",
        BASE_URL + "\0",
    ],
)
def test_what_is_no_reference_of_this_storage_deletes_nothing(disk, url):
    stored = avatars.store(JPEG)
    precious = disk.parent.parent / "precious.txt"
    precious.write_text("precious")
    avatars.delete(url and url.format(name=stored.removeprefix(BASE_URL)))
    assert precious.exists() and len(list(disk.iterdir())) == 1


def test_deleting_twice_or_on_a_broken_disk_raises_nothing(disk, monkeypatch, caplog):
    url = avatars.store(JPEG)
    avatars.delete(url)
    avatars.delete(url)

    def broken(storage, name):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(FileSystemStorage, "delete", broken)
    avatars.delete(url)
    assert "may be left over" in caplog.text


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_picture_is_stored_at_cloudinary_and_deleted(far_end, settings, algorithm):
    use_cloudinary(settings, far_end.url_with(far_end.secret, signature_algorithm=algorithm))
    url = avatars.store(JPEG)
    assert url.startswith("https://res.cloudinary.com/testcloud/image/upload/avatars/")
    assert far_end.image(url) == JPEG
    fields = far_end.requests[0].fields
    assert fields["overwrite"] == "0" and len(fields["signature"]) == {"sha1": 40, "sha256": 64}[algorithm]
    avatars.delete(url)
    assert far_end.images == {} and far_end.requests[-1].fields["invalidate"] == "1"


def test_the_environment_of_the_library_is_not_used(far_end, monkeypatch):
    wrong = {
        "cloud_name": "wrong",
        "api_key": "wrong",
        "api_secret": "wrong",
        "oauth_token": "wrong",
        "secure": False,
    }
    for name, value in wrong.items():
        monkeypatch.setitem(cloudinary.config().__dict__, name, value)
    url = avatars.store(JPEG)
    assert far_end.image(url) == JPEG and url.startswith("https://")


def test_a_wrong_secret_is_refused_and_never_logged(far_end, settings, caplog):
    use_cloudinary(settings, far_end.url_with("the-wrong-secret"))
    with pytest.raises(avatars.StorageUnavailable):
        avatars.store(JPEG)
    assert far_end.images == {}
    assert "Invalid Signature" in caplog.text and "wrong-secret" not in caplog.text


@pytest.mark.parametrize("mode", ["refuse", "hang", "drop"])
def test_an_upload_that_fails_leaves_no_picture(far_end, impatient, mode):
    far_end.upload_mode = mode
    with pytest.raises(avatars.StorageUnavailable):
        avatars.store(JPEG)
    assert far_end.images == {}
    assert [request.action for request in far_end.requests] == ["upload", "destroy"]


@pytest.mark.parametrize("mode", ["refuse", "hang", "drop"])
def test_a_failed_deletion_at_cloudinary_is_logged_without_the_secret(far_end, impatient, mode, caplog):
    url = avatars.store(JPEG)
    far_end.destroy_mode = mode
    avatars.delete(url)
    assert "may be left over" in caplog.text and far_end.secret not in caplog.text


def test_a_server_that_refuses_connections_gets_no_deletion(settings, caplog):
    with CloudinaryServer() as gone:
        url = gone.url
    use_cloudinary(settings, url)
    with pytest.raises(avatars.StorageUnavailable):
        avatars.store(JPEG)
    assert "may be left over" not in caplog.text


@pytest.mark.parametrize(
    "answer", [b"<html>no</html>", b"[]", b'"error"', b"7", b"null", b"{}", b'{"error": 1}', b"\xff"]
)
def test_an_answer_that_is_not_understood_is_storage_unavailable(far_end, monkeypatch, answer):
    reply = Handler.reply
    monkeypatch.setattr(Handler, "reply", lambda handler, status, body: reply(handler, 200, answer))
    with pytest.raises(avatars.StorageUnavailable):
        avatars.store(JPEG)


def test_urls_of_another_cloudinary_account_delete_nothing(far_end):
    url = avatars.store(JPEG)
    for other in (
        url.replace("testcloud", "othercloud"),
        url.replace("https:", "http:"),
        url + "?",
        url.upper(),
    ):
        avatars.delete(other)
    assert len(far_end.images) == 1 and len(far_end.requests) == 1


def test_an_upload_is_never_taken_for_a_file_name_or_url(far_end):
    with pytest.raises(OSError, match="Invalid image file"):
        storages["avatars"].save("a.jpg", ContentFile(b"/etc/passwd"))
    assert far_end.requests[0].file == b"/etc/passwd"
    with pytest.raises(TypeError):
        storages["avatars"].save("a.jpg", ContentFile("/etc/passwd"))
    assert len(far_end.requests) == 1


@pytest.mark.parametrize("url", ["", "https://key:secret@cloud", "cloudinary://cloud", "cloudinary://key:@cloud"])
def test_an_invalid_cloudinary_url_is_reported_without_its_secret(url):
    with pytest.raises(ImproperlyConfigured) as caught:
        cloudinary_storage.CloudinaryStorage(url)
    assert "key:secret@cloud." in str(caught.value) and (not url or url not in str(caught.value))


def test_a_delivery_host_is_used():
    storage = cloudinary_storage.CloudinaryStorage("cloudinary://key:secret@cloud?secure_distribution=images.example")
    assert storage.url("a.jpg") == "https://images.example/cloud/image/upload/avatars/a.jpg"


def test_the_storage_imports_neither_models_nor_accounts():
    source = Path(avatars.__file__).read_text() + Path(cloudinary_storage.__file__).read_text()
    assert "accounts" not in source and "models" not in source
