"""Pictures are stored as references and shown under today's PUBLIC_URL."""

import io
import json
import os
import zipfile

import pytest
from django.core.files.storage import storages
from django.core.management import call_command

from contacts.avatars import storage
from contacts.avatars.references import public_url, with_public_urls, without_public_url, without_public_urls
from contacts.models import Change, Contact
from contacts.tests.cast import add, path
from contacts.tests.test_contact_avatar import picture

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]

OLD, NEW = "http://127.0.0.1:18110", "https://contacts.example.org"
NAME = "0123456789abcdef0123456789abcdef.jpg"
REFERENCE = f"/media/avatars/{NAME}"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.PUBLIC_URL = OLD
    settings.MEDIA_ROOT = tmp_path
    local = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": tmp_path / "avatars", "base_url": "/media/avatars/"},
    }
    settings.STORAGES = {**settings.STORAGES, "avatars": local}
    return tmp_path / "avatars"


@pytest.fixture
def shown(as_alice):
    """A contact with an uploaded picture, as it was shown under the old address."""
    answer = as_alice.patch(f"{path(add(as_alice))}/avatar", {"file": picture()}, format="multipart")
    assert answer.status_code == 200
    return answer.json()


@pytest.fixture
def moved(shown, settings):
    """The URL of the picture after the installation moved to the new address."""
    settings.PUBLIC_URL = NEW
    assert shown["avatar"].startswith(f"{OLD}/media/avatars/")
    return shown["avatar"].replace(OLD, NEW)


def export(client):
    return zipfile.ZipFile(io.BytesIO(b"".join(client.get("/api/me/export").streaming_content)))


def uris(contact):
    return [contact["avatar"], *(entry["uri"] for entry in contact["card"]["media"].values())]


def test_the_card_stores_a_reference(shown):
    stored = Contact.objects.get()
    assert stored.avatar == shown["avatar"].removeprefix(OLD) == stored.card["media"]["m1"]["uri"]
    assert storages["avatars"].exists(stored.avatar.rpartition("/")[2])


def test_every_read_shows_the_new_address(as_alice, shown, moved):
    for url in (path(shown), f"/api/contacts/{shown['fullname']}"):
        assert uris(as_alice.get(url).json()) == [moved, moved]
    assert [contact["avatar"] for contact in as_alice.get("/api/contacts").json()] == [moved]
    assert uris(as_alice.get("/api/contacts?fields=card").json()[0]) == [moved, moved]
    assert [change["contact"]["avatar"] for change in as_alice.get("/api/contacts/changes").json()["changes"]] == [
        moved
    ]


def test_a_cached_answer_is_not_shown_after_the_move(as_alice, shown, settings):
    urls = ["/api/contacts", "/api/contacts/bd?days_range=366", path(shown)]
    as_alice.patch(path(shown), {"birthday": "2000-01-01"}, format="json")
    assert all(OLD in as_alice.get(url).text or url.startswith("/api/contacts/bd") for url in urls)
    settings.PUBLIC_URL = NEW
    assert not any(OLD in as_alice.get(url).text for url in urls)


def test_the_trash_shows_the_new_address(as_alice, shown, moved):
    as_alice.delete(path(shown))
    assert uris(as_alice.get("/api/contacts/trash").json()[0]) == [moved, moved]
    assert as_alice.post(f"/api/contacts/trash/{shown['id']}/restore").json()["avatar"] == moved


def test_the_history_shows_the_new_address(as_alice, shown, moved):
    as_alice.patch(path(shown), {"avatar": "https://x.org/1.png"}, format="json")
    newest, uploaded, _ = as_alice.get(f"{path(shown)}/history").json()
    assert newest["fields"] == {"avatar": [moved, "https://x.org/1.png"]}
    assert uploaded["fields"] == {"avatar": [None, moved]}


def test_an_undo_and_a_restore_bring_the_picture_back(as_alice, shown, moved):
    for body, url in (({"since": 2}, "/api/undo"), ({"to": 2}, f"{path(shown)}/restore")):
        as_alice.patch(path(shown), {"avatar": None}, format="json")
        assert as_alice.get(path(shown)).json()["avatar"] is None
        assert as_alice.post(url, body, format="json").status_code == 200
        assert as_alice.get(path(shown)).json()["avatar"] == moved


def test_the_export_contains_the_picture_and_the_new_address(as_alice, shown, moved, folder):
    as_alice.patch(path(shown), {"fullname": "Bea"}, format="json")
    archive = export(as_alice)
    (file,) = folder.iterdir()
    assert archive.read(f"photos/{shown['id']}.jpg") == file.read_bytes()
    assert uris(json.loads(archive.read("contacts.json"))[0]) == [moved, moved]
    befores = [change["before"] for change in json.loads(archive.read("changes.json"))]
    assert befores[2]["media"]["m1"]["uri"] == moved
    as_alice.delete(path(shown))
    archive = export(as_alice)
    assert uris(json.loads(archive.read("trash.json"))[0]) == [moved, moved]
    assert f"photos/{shown['id']}.jpg" in archive.namelist()


@pytest.mark.parametrize("method", ["put", "patch"])
def test_writing_back_the_shown_contact_changes_nothing(as_alice, shown, moved, method):
    body = as_alice.get(path(shown)).json()
    etag = as_alice.get(path(shown))["ETag"]
    assert body["avatar"] == moved
    answer = getattr(as_alice, method)(path(shown), body, format="json")
    assert answer.status_code == 200 and answer["ETag"] == etag
    assert Change.objects.count() == 2


def test_writing_back_the_shown_card_or_the_reference_changes_nothing(as_alice, shown, moved):
    card = as_alice.get(path(shown)).json()["card"]
    reference = Contact.objects.get().avatar
    for body in ({"card": card}, {"card": {"media": card["media"]}}, {"avatar": moved}, {"avatar": reference}):
        assert as_alice.patch(path(shown), body, format="json").status_code == 200
    assert Change.objects.count() == 2


def test_the_url_of_the_old_address_is_a_text_like_any_other(as_alice, shown, moved):
    answer = as_alice.patch(path(shown), {"avatar": shown["avatar"]}, format="json")
    assert answer.json()["avatar"] == Contact.objects.get().avatar == shown["avatar"]


def test_the_picture_shown_in_another_contact_of_the_account_is_the_same_reference(as_alice, shown, moved):
    other = add(as_alice, "Bea", avatar=moved)
    assert Contact.objects.get(pk=other["id"]).avatar == Contact.objects.get(pk=shown["id"]).avatar
    assert other["avatar"] == moved


def test_another_accounts_reference_is_a_mere_text(as_alice, as_bob, shown, moved, folder):
    """The picture of Alice's contact stays, whatever Bob does with its URL."""
    before = as_alice.get(path(shown)).content
    for text in (moved, moved.removeprefix(NEW)):
        contact = add(as_bob, "Bob's", avatar=text)
        upload = as_bob.patch(f"{path(contact)}/avatar", {"file": picture()}, format="multipart")
        assert upload.status_code == 200 and upload.json()["avatar"] != moved
        as_bob.delete(path(contact))
        as_bob.delete(f"/api/contacts/trash/{contact['id']}")
    for file in folder.iterdir():
        os.utime(file, (0, 0))
    call_command("purge_history")
    assert len(list(folder.iterdir())) == 1
    assert as_alice.get(path(shown)).content == before
    assert storage.read(Contact.objects.get(pk=shown["id"]).avatar)


NO_REFERENCES = [
    "/media/avatars/1.jpg",
    f"/media/avatars/x/{NAME}",
    f"/media/avatars/../avatars/{NAME}",
    f"/media/{NAME}",
    f"{REFERENCE}?x",
    f"{REFERENCE}#x",
    REFERENCE.upper(),
    REFERENCE.replace("a", "A"),
    f"//x.org{REFERENCE}",
    f"https://x.org{REFERENCE}",
    "https://x.org/1.png",
    "",
]


@pytest.mark.parametrize("text", NO_REFERENCES)
def test_another_text_is_shown_as_it_is(settings, text):
    settings.PUBLIC_URL = NEW
    assert public_url(text) == without_public_url(text) == text
    if text and not text.startswith("/"):
        return
    assert without_public_url(NEW + text) == NEW + text


def test_a_reference_and_its_url_are_converted_into_each_other(settings):
    settings.PUBLIC_URL = NEW
    assert public_url(REFERENCE) == NEW + REFERENCE and public_url(None) is None
    assert without_public_url(NEW + REFERENCE) == without_public_url(REFERENCE) == REFERENCE
    media = {"a": {"kind": "photo", "uri": REFERENCE}, "b": {"uri": "https://x.org/1.png"}, "c": {"x": 1}, "d": 5}
    card = {"name": {"full": "Ann"}, "media": media}
    assert with_public_urls(card)["media"] == {**media, "a": {"kind": "photo", "uri": NEW + REFERENCE}}
    assert without_public_urls(with_public_urls(card)) == card


@pytest.mark.parametrize("card", [None, 1, "x", [], {}, {"media": None}, {"media": []}, {"media": {"a": {"uri": 1}}}])
def test_a_card_without_pictures_is_converted_to_itself(card):
    assert without_public_urls(card) == card
