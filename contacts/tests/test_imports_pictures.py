"""Pictures inside cards of an import: kept byte for byte, shown, and compared by what they are."""

import base64
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from contacts.cards.vcard import write
from contacts.models import Change, Contact, Picture
from contacts.tests.importing import apply, entries, read, undo, vcard
from contacts.tests.test_contact_avatar import picture

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    local = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": tmp_path, "base_url": "/media/avatars/"},
    }
    settings.STORAGES = {**settings.STORAGES, "avatars": local}


@pytest.fixture(scope="module")
def photo():
    return picture().read()


def line(data, kind="JPEG"):
    return f"PHOTO;ENCODING=b;TYPE={kind}:{base64.b64encode(data).decode()}"


@pytest.mark.parametrize("decodable", [True, False])
def test_a_picture_is_kept_byte_for_byte_and_shown_if_it_decodes(as_alice, alice, photo, decodable):
    data = photo if decodable else b"\xff\xd8\xff no picture"
    text = vcard("Ann", line(data))
    apply(as_alice, read(as_alice, text)["id"])
    contact = Contact.objects.get()
    (entry,) = contact.card["media"].values()
    assert Picture.objects.original(alice.pk, entry["uri"]).data == data
    shown = as_alice.get(f"/api/contacts/{contact.pk}").json()["avatar"]
    assert (shown is not None) is decodable


@pytest.mark.parametrize("policy", ["skip", "fill", "replace", "keep_both"])
def test_a_file_with_pictures_that_was_imported_is_all_same(as_alice, photo, policy):
    text = "".join(vcard(f"Card {index}", line(photo + bytes(index))) for index in range(3))
    apply(as_alice, read(as_alice, text)["id"])
    changes = Change.objects.count()
    again = read(as_alice, text)
    assert again["counts"] == {"new": 0, "same": 3, "changes": 0, "failed": 0}
    apply(as_alice, again["id"], policy)
    assert (Change.objects.count(), Picture.objects.count()) == (changes, 3)


def test_an_uploaded_avatar_that_went_out_and_comes_in_is_the_same(as_alice, alice, photo):
    contact = as_alice.post("/api/contacts/", {"fullname": "Ann"}, format="json").json()
    file = SimpleUploadedFile("a.jpg", photo)
    assert (
        as_alice.patch(f"/api/contacts/{contact['id']}/avatar", {"file": file}, format="multipart").status_code == 200
    )
    stored = Contact.objects.get()
    card = {**stored.card, "uid": stored.uid}
    out = write(card, "3.0", lambda uri: Picture.objects.original(alice.pk, uri))
    found = read(as_alice, out)
    assert found["counts"]["same"] == 1, entries(as_alice, found["id"])
    with_phone = out.replace("END:VCARD", "TEL:110\r\nEND:VCARD")
    apply(as_alice, read(as_alice, with_phone)["id"], "replace")
    assert Contact.objects.get().avatar == stored.avatar and Contact.objects.get().phone == "110"


def test_another_picture_is_a_change_and_comes_back_by_undo(as_alice, photo):
    text = vcard("Ann", line(photo), uid="u1")
    apply(as_alice, read(as_alice, text)["id"])
    before = Contact.objects.get().card
    found = read(as_alice, vcard("Ann", line(photo + b"x"), uid="u1"))
    assert found["counts"]["changes"] == 1
    apply(as_alice, found["id"], "replace")
    assert Contact.objects.get().card != before
    undo(as_alice, found["id"])
    assert Contact.objects.get().card == before


def test_fill_leaves_the_picture_that_is_there(as_alice, photo):
    apply(as_alice, read(as_alice, vcard("Ann", line(photo), uid="u1"))["id"])
    avatar = Contact.objects.get().avatar
    apply(as_alice, read(as_alice, vcard("Ann", line(photo + b"x"), uid="u1"))["id"], "fill")
    assert Contact.objects.get().avatar == avatar and len(Contact.objects.get().card["media"]) == 2


def test_a_url_stays_one_and_is_not_fetched(as_alice):
    url = "https://example.org/a.jpg"
    apply(as_alice, read(as_alice, vcard("Ann", f"PHOTO;VALUE=uri:{url}"))["id"])
    assert Contact.objects.get().avatar == url and not Picture.objects.exists()


def test_a_picture_in_a_jscontact_card(as_alice, alice, photo):
    uri = f"data:image/jpeg;base64,{base64.b64encode(photo).decode()}"
    text = json.dumps([{"uid": "u1", "name": {"full": "Ann"}, "media": {"m1": {"kind": "photo", "uri": uri}}}])
    apply(as_alice, read(as_alice, text, "x.json")["id"])
    assert Picture.objects.original(alice.pk, Contact.objects.get().avatar).data == photo
    assert read(as_alice, text, "x.json")["counts"]["same"] == 1


def test_a_picture_over_5_megabytes_is_left_out_with_a_note(as_alice):
    found = read(as_alice, vcard("Ann", line(bytes(5 * 1024 * 1024 + 1))))
    (entry,) = entries(as_alice, found["id"])
    assert "left out" in entry["notes"][0] and entry["status"] == "new"
