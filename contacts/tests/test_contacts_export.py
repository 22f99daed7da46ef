"""GET /api/contacts/export, and manage.py export_contacts"""

import io
import json
from datetime import date

import pytest
from django.core.management import CommandError, call_command

from contacts.avatars.references import is_reference
from contacts.cards import vcard
from contacts.cards.tables import read_table
from contacts.cards.vcard import Picture as CardPicture
from contacts.exporting import card_with_pictures
from contacts.management.commands import export_contacts
from contacts.models import Book, Contact, Picture
from contacts.streaming import reserved_slot
from contacts.tests.cast import add, path
from contacts.tests.test_contact_avatar import picture

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]

URL = "/api/contacts/export"
CARD = {
    "name": {
        "full": "Zoë Weiß",
        "components": [{"kind": "given", "value": "Zoë"}, {"kind": "surname", "value": "Weiß"}],
    },
    "emails": {"e1": {"address": "zoe@example.org", "contexts": {"work": True}}},
    "phones": {"p1": {"number": "+49 221 1", "features": {"mobile": True}}, "p2": {"number": "0221 2"}},
    "anniversaries": {"b1": {"kind": "birth", "date": {"@type": "PartialDate", "month": 2, "day": 29}}},
    "keywords": {"Friends": True},
    "example.org:unknown": {"a": [1, None]},
}
NOISE = b"\x00no picture at all"


def text(answer):
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()  # the test client closes the response at its end


def stored_picture(user, data, **media):
    """Add a contact of the owner with this picture inside its card; return it."""
    prepared = Picture.objects.prepare(user.pk, [CardPicture("sha256-x", data, "image/png")])
    with Book.objects.writing(user.pk, "import") as book:
        uri = book.add_pictures(prepared)["sha256-x"]
        return book.create({"name": {"full": "Pia"}, "media": {"m1": {"kind": "photo", "uri": uri, **media}}})


def cards_without_times(found):
    return [{name: value for name, value in card.items() if name not in ("created", "updated")} for card in found]


@pytest.mark.parametrize(
    ("query", "content_type", "extension", "begins"),
    [
        ("", "text/vcard; charset=utf-8; version=4.0", "vcf", "BEGIN:VCARD\r\nVERSION:4.0\r\n"),
        ("?format=vcard4", "text/vcard; charset=utf-8; version=4.0", "vcf", "BEGIN:VCARD\r\nVERSION:4.0\r\n"),
        ("?format=vcard3", "text/vcard; charset=utf-8; version=3.0", "vcf", "BEGIN:VCARD\r\nVERSION:3.0\r\n"),
        ("?format=csv", "text/csv; charset=utf-8", "csv", "\ufeff"),
        ("?format=csv-google", "text/csv; charset=utf-8", "csv", "\ufeff"),
        ("?format=csv-outlook", "text/csv; charset=utf-8", "csv", "\ufeff"),
        ("?format=jscontact", "application/json", "json", '[\n{"@type":"Card","version":"1.0","uid":"'),
    ],
)
def test_each_format_is_a_file_of_its_type(as_alice, query, content_type, extension, begins):
    add(as_alice, "Ann")
    answer = as_alice.get(URL + query)
    assert text(answer).startswith(begins)
    assert answer["Content-Type"] == content_type
    assert answer["Content-Disposition"].startswith('attachment; filename="contacts-')
    assert answer["Content-Disposition"].endswith(f'.{extension}"')


def test_an_empty_book_is_an_empty_file(as_alice):
    assert text(as_alice.get(URL)) == ""
    assert text(as_alice.get(f"{URL}?format=jscontact")) == "[]\n"


@pytest.mark.parametrize("format", ["vcard4", "jscontact"])
def test_vcard4_and_jscontact_hold_the_whole_card(as_alice, format):
    contact = as_alice.post("/api/contacts/", {"fullname": "Zoë Weiß", "card": CARD}, format="json").json()
    exported = text(as_alice.get(f"{URL}?format={format}"))
    cards = json.loads(exported) if format == "jscontact" else [entry.card for entry in vcard.read(exported)]
    expected = {**CARD, "uid": contact["card"]["uid"]}
    if format == "jscontact":
        expected |= {"@type": "Card", "version": "1.0"}
    assert cards_without_times(cards) == [expected]


def test_a_year_less_birthday_is_apples_form_in_3_0(as_alice):
    as_alice.post("/api/contacts/", {"fullname": "Zoë Weiß", "card": CARD}, format="json")
    exported = text(as_alice.get(f"{URL}?format=vcard3"))
    assert "BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29" in exported and "\nCREATED" not in exported


def test_an_uploaded_avatar_is_inside(as_alice):
    contact = add(as_alice)
    as_alice.patch(f"{path(contact)}/avatar", {"file": picture()}, format="multipart")
    (entry,) = vcard.read(text(as_alice.get(URL)))
    assert entry.pictures[0].data.startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize("format", ["vcard4", "vcard3"])
@pytest.mark.parametrize("is_picture", [True, False])
def test_a_picture_of_a_card_goes_out_byte_for_byte(as_alice, alice, format, is_picture):
    data = picture("PNG").read() if is_picture else NOISE
    stored_picture(alice, data)
    (entry,) = vcard.read(text(as_alice.get(f"{URL}?format={format}")))
    assert entry.pictures[0].data == data


def test_a_picture_is_shown_as_a_jpeg_and_one_that_is_none_is_no_avatar(as_alice, alice, client):
    shown, noise = stored_picture(alice, picture("PNG").read()), stored_picture(alice, NOISE)
    url = as_alice.get(path({"id": shown.pk})).json()["avatar"]
    assert client.get(url.removeprefix("http://127.0.0.1:8000")).content.startswith(b"\xff\xd8\xff")
    answer = as_alice.get(path({"id": noise.pk})).json()
    assert answer["avatar"] is None
    found = client.get(noise.card["media"]["m1"]["uri"])
    assert found.content == NOISE and found["Content-Disposition"] == "attachment"
    assert found["Content-Type"] == "application/octet-stream"


def test_a_picture_counts_once_for_the_quota_and_is_deleted_when_no_card_names_it(alice, settings):
    one, other = stored_picture(alice, NOISE), stored_picture(alice, NOISE)
    assert one.card == other.card and is_reference(one.avatar or one.card["media"]["m1"]["uri"])
    size = Picture.objects.get().size
    assert Book.objects.get(pk=alice.pk).bytes == one.size + other.size + size == one.size * 2 + len(NOISE)
    Picture.objects.update(created_at="2020-01-01T00:00Z")
    call_command("purge_history")
    assert Picture.objects.count() == 1
    with Book.objects.writing(alice.pk, "rest") as book:
        for contact in (one, other):
            book.delete(contact)
            book.purge(contact)
    call_command("purge_history")
    assert not Picture.objects.exists() and Book.objects.get(pk=alice.pk).bytes == 0


def test_another_accounts_picture_is_not_exported(as_bob, alice, bob):
    uri = stored_picture(alice, NOISE).card["media"]["m1"]["uri"]
    with Book.objects.writing(bob.pk, "rest") as book:
        book.create({"name": {"full": "Spy"}, "media": {"m1": {"kind": "photo", "uri": uri}}})
    (entry,) = vcard.read(text(as_bob.get(URL)))
    assert entry.pictures == [] and entry.card["media"]["m1"]["uri"].endswith(uri)


def test_our_own_csv_holds_the_card_and_pictures_by_their_url(as_alice, alice):
    as_alice.post("/api/contacts/", {"fullname": "Zoë Weiß", "card": CARD}, format="json")
    stored_picture(alice, picture("PNG").read())
    exported = b"".join(as_alice.get(f"{URL}?format=csv").streaming_content)
    zoe, pia = (entry.card for entry in read_table(lambda: io.BytesIO(exported), today=date(2026, 1, 1)).entries())
    assert {name: zoe[name] for name in CARD} == CARD
    assert pia["media"]["m1"]["uri"].startswith("http://127.0.0.1:8000/media/avatars/")


def test_ids_group_and_q_select(as_alice, as_bob):
    ann, ben = add(as_alice, "Ann", email="ann@example.org"), add(as_alice, "Ben", card={"keywords": {"Team": True}})
    strange = add(as_bob, "Strange")
    names = lambda query: [e.card["name"]["full"] for e in vcard.read(text(as_alice.get(URL + query)))]  # noqa: E731
    assert names("") == ["Ann", "Ben"]
    assert names(f"?ids={ben['id']},{strange['id']}") == ["Ben"]
    assert names("?group=Team") == ["Ben"]
    assert names("?q=ann@") == ["Ann"]
    assert names(f"?ids={ben['id']}&q=ann") == []
    assert ann["id"]


@pytest.mark.parametrize("query", ["format=pdf", "ids=a", "ids=1,,2", "ids=-1", "q=" + "x" * 321])
def test_an_invalid_query_is_422(as_alice, query):
    assert as_alice.get(f"{URL}?{query}").status_code == 422


def test_the_trash_is_not_exported(as_alice):
    as_alice.delete(path(add(as_alice)))
    assert text(as_alice.get(URL)) == ""


def test_half_of_the_threads_may_export_at_once(as_alice, settings):
    slots = [reserved_slot() for _ in range(settings.THREADS // 2)]
    assert as_alice.get(URL).status_code == 503
    slots.pop().close()
    assert text(as_alice.get(URL)) == ""
    assert text(as_alice.get(URL)) == "", "the slot was not released"
    for slot in slots:
        slot.close()


def test_the_command_writes_a_file_and_never_over_one(alice, as_alice, tmp_path, capsys):
    add(as_alice, "Ann")
    file = tmp_path / "book.vcf"
    call_command("export_contacts", str(file), owner="ALICE@example.org")
    assert [entry.card["name"]["full"] for entry in vcard.read(file.read_bytes())] == ["Ann"]
    with pytest.raises(CommandError, match="was not written"):
        call_command("export_contacts", str(file), owner=alice.email)
    call_command("export_contacts", owner=alice.email, format="jscontact")
    assert json.loads(capsys.readouterr().out)[0]["name"]["full"] == "Ann"
    with pytest.raises(CommandError, match="no account"):
        call_command("export_contacts", owner="nobody@example.org")
    assert Contact.objects.count() == 1


def test_an_export_that_fails_leaves_no_file(alice, as_alice, tmp_path, monkeypatch):
    def no_space(*args):
        yield "BEGIN:VCARD"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export_contacts, "export", no_space)
    with pytest.raises(CommandError, match="was not written: No space left on device"):
        call_command("export_contacts", str(tmp_path / "book.vcf"), owner=alice.email)
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_a_card_names_too_often_stays_a_url(alice, monkeypatch):
    contact = stored_picture(alice, NOISE)
    entry = contact.card["media"]["m1"]
    monkeypatch.setattr("contacts.exporting.PICTURES", 2 * len(NOISE))
    for times, inside in ((1, True), (2, True), (3, False)):
        card = {**contact.card, "media": {f"m{n}": entry for n in range(times)}}
        shown, found = card_with_pictures(alice.pk, card)
        assert (found(entry["uri"]) is not None) == inside
        assert shown["media"]["m0"]["uri"].startswith("/media/" if inside else "http")


def test_pictures_after_the_given_time_are_not_decoded(alice):
    given = CardPicture("sha256-x", picture("PNG").read(), "image/png")
    assert Picture.objects.prepare(alice.pk, [given], 0)[0].thumbnail is None
    assert Picture.objects.prepare(alice.pk, [given], 60)[0].thumbnail is not None
