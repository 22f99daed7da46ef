"""GET /api/me/export"""

import io
import json
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from contacts.cards.vcard import Picture as CardPicture
from contacts.models import Book, Picture
from contacts.tests.cast import add, path
from contacts.tests.importing import upload, vcard

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/me/export"


def archive(client):
    answer = client.get(URL)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/zip" and answer["Cache-Control"] == "private, no-store"
    assert answer["Content-Disposition"] == 'attachment; filename="contacts.zip"'
    return zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))


def read(zipped, name):
    return json.loads(zipped.read(name))


def test_the_archive_contains_the_account_its_contacts_and_its_pictures(as_alice, alice):
    ann, bea = add(as_alice, "Ann", card={"keywords": {"Work": True}, "x": "😀"}), add(as_alice, "Bea")
    as_alice.delete(path(bea))
    file = io.BytesIO()
    Image.new("RGB", (2, 2)).save(file, "PNG")
    picture = SimpleUploadedFile("a.png", file.getvalue())
    as_alice.patch(f"{path(ann)}/avatar", {"file": picture}, format="multipart")
    zipped = archive(as_alice)
    assert zipped.testzip() is None
    photo = f"photos/{ann['id']}.jpg"
    assert set(zipped.namelist()) == {
        "account.json",
        "groups.json",
        "feeds.json",
        "app_passwords.json",
        "imports.json",
        "contacts.json",
        "trash.json",
        "changes.json",
        photo,
    }
    assert read(zipped, "account.json").items() >= {"id": alice.pk, "email": alice.email}.items()
    assert "password" not in zipped.read("account.json").decode()
    assert [group["name"] for group in read(zipped, "groups.json")] == ["Work"]
    assert read(zipped, "contacts.json") == [as_alice.get(path(ann)).json()]
    assert read(zipped, "trash.json") == as_alice.get("/api/contacts/trash").json()
    assert [change["number"] for change in read(zipped, "changes.json")] == [1, 2, 3, 4]
    assert Image.open(io.BytesIO(zipped.read(photo))).size == (250, 250)


def test_pictures_from_inside_cards_are_there_as_shown_and_as_they_came(as_alice, alice):
    file = io.BytesIO()
    Image.new("RGB", (300, 300)).save(file, "PNG")
    given = [CardPicture("a", file.getvalue(), "image/png"), CardPicture("b", b"noise", "audio/x-unknown")]
    with Book.objects.writing(alice.pk, "rest") as book:
        stored = book.add_pictures(Picture.objects.prepare(alice.pk, given))
        media = {key: {"kind": "photo", "uri": uri} for key, uri in stored.items()}
        contact = book.create({"name": {"full": "Ann"}, "media": media})
    zipped = archive(as_alice)
    names = {key: uri.rpartition("/")[2].removesuffix(".jpg") for key, uri in stored.items()}
    assert zipped.read(f"pictures/{names['a']}.png") == file.getvalue()
    assert zipped.read(f"pictures/{names['b']}") == b"noise"
    assert Image.open(io.BytesIO(zipped.read(f"photos/{contact.pk}.jpg"))).size == (250, 250)


def test_app_passwords_and_imports_are_there_without_secrets(as_alice, alice):
    issued = as_alice.post("/api/me/app_passwords", {"name": "My phone"}, format="json").json()
    job = upload(as_alice, vcard("Ann")).json()
    zipped = archive(as_alice)
    (password,), (found,) = read(zipped, "app_passwords.json"), read(zipped, "imports.json")
    assert (password["id"], password["name"], password["ended_at"]) == (issued["id"], "My phone", None)
    assert (found["id"], found["filename"]) == (job["id"], "cards.vcf")
    everything = b"".join(map(zipped.read, zipped.namelist())).decode(errors="ignore")
    assert issued["password"] not in everything and "secret" not in everything


def test_an_empty_account_is_a_complete_archive(as_alice):
    zipped = archive(as_alice)
    assert [read(zipped, name) for name in ("groups.json", "contacts.json", "trash.json", "changes.json")] == [[]] * 4


def test_the_archive_contains_nothing_of_another_account(as_alice, as_bob):
    add(as_bob, "Bob's")
    assert read(archive(as_alice), "contacts.json") == read(archive(as_alice), "changes.json") == []


def test_half_of_the_threads_export_and_more_is_a_503(as_alice, settings):
    answers = [as_alice.get(URL) for _ in range(settings.THREADS // 2)]
    assert {answer.status_code for answer in answers} == {200}
    busy = as_alice.get(URL)
    assert busy.status_code == 503 and busy["Retry-After"] and busy.json().keys() == {"detail"}
    b"".join(answers[0].streaming_content)
    answers[0].slot.close()  # a second time
    answers[0] = as_alice.get(URL)
    assert answers[0].status_code == 200 and as_alice.get(URL).status_code == 503
    for answer in answers:
        b"".join(answer.streaming_content)


def test_an_export_that_fails_leaves_its_thread_to_others(as_alice, settings, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("contacts.api.export.write_photos", None)
        for _ in range(settings.THREADS):
            assert as_alice.get(URL).status_code == 500
    archive(as_alice)
