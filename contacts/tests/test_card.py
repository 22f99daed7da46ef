"""The card of a contact: what is stored of it, through every kind of write, and what is refused."""

import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from contacts.models import Book, Change, Group
from contacts.tests.cast import add, faults, flat, path

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]

# 40 properties: 20 of RFC 9553 and 20 unknown ones.
KNOWN = {
    "name": {"full": "Ann B", "components": [{"kind": "given", "value": "Ann"}, {"kind": "surname", "value": "B"}]},
    "kind": "individual",
    "language": "en",
    "prodId": "-//x//y",
    "nicknames": {"k1": {"name": "Annie"}},
    "organizations": {"o1": {"name": "Acme", "units": [{"name": "Sales"}]}},
    "titles": {"t1": {"name": "Dr"}, "t2": {"kind": "role", "name": "Boss"}},
    "speakToAs": {"grammaticalGender": "feminine"},
    "emails": {"e1": {"address": "a@x.org", "contexts": {"work": True}, "x:y": 1}, "e2": {"address": "b@x.org"}},
    "onlineServices": {"s1": {"service": "Matrix", "user": "@ann:x.org"}},
    "phones": {
        "p1": {"number": "+44 20 7946 0018", "features": {"voice": True}, "pref": 1},
        "p2": {"number": "2", "pref": 100},
    },
    "preferredLanguages": {"l1": {"language": "fr", "pref": 1}},
    "addresses": {"a1": {"components": [{"kind": "locality", "value": "Rome"}], "timeZone": "Europe/Rome"}},
    "links": {"l1": {"uri": "https://x.org"}},
    "media": {
        "m1": {"kind": "photo", "uri": "https://x.org/1.png", "label": "old"},
        "m2": {"kind": "sound", "uri": "/a.ogg"},
    },
    "anniversaries": {
        "b": {"kind": "birth", "date": {"@type": "PartialDate", "month": 2, "day": 29}, "place": {"full": "Rome"}},
        "w": {"kind": "wedding", "date": {"year": 2010}},
    },
    "keywords": {"Work": True, "favourite": True, 'say "hi"': True},
    "notes": {"n1": {"note": "one\ntwo", "created": "2020-01-01T00:00:00Z"}},
    "personalInfo": {"h1": {"kind": "hobby", "value": "chess"}},
    "relatedTo": {"urn:uuid:x y": {"relation": {"friend": True}}},
}
VALUES = [True, False, 0, 1, 1.0, -1.5, "", "x", "😀\u2028", '"\\', [], {}, [[]], [None, {"a": None}], {"a": {"b": [1]}}, 2**53 - 1,
          -(2**53 - 1), 1e-7, {"__proto__": {"constructor": 1}}, "\\u0000"]  # fmt: skip
UNKNOWN = dict(zip(
    ["x", "example.org:a", "__proto__", "a.b", 'q"q', "ba\\ck", "$ref", "é", "😀", " ", "0", "favouriteFood", "card", "id",
     "user_id", "constructor", "fullname", "toString", "%s", "{}"], VALUES, strict=True))  # fmt: skip
CARD = {**KNOWN, **UNKNOWN}
SERVERS = ("@type", "version", "uid", "created", "updated")


def own(answer):
    """Return the card without what the server sets."""
    assert answer.status_code in (200, 201), answer.content
    return {name: value for name, value in answer.json()["card"].items() if name not in SERVERS}


def whole(client):
    return add(client, "Ann B", card=CARD)


def gif():
    file = io.BytesIO()
    Image.new("RGB", (2, 2)).save(file, "GIF")
    return SimpleUploadedFile("a.gif", file.getvalue())


def test_a_card_of_40_properties_comes_back_as_it_was(as_alice):
    assert len(CARD) == 40
    contact = whole(as_alice)
    answer = as_alice.get(path(contact))
    assert own(answer) == CARD and json.dumps(own(answer), sort_keys=True) == json.dumps(CARD, sort_keys=True)
    again = as_alice.patch(path(contact), {"card": {"x": True}}, format="json")
    assert again.content == answer.content
    assert {name: answer.json()["card"][name] for name in SERVERS[:2]} == {"@type": "Card", "version": "1.0"}
    assert contact | {"id": 0, "user_id": 0} == {
        "id": 0, "user_id": 0, "fullname": "Ann B", "email": "a@x.org", "phone": "+44 20 7946 0018",
        "phone_number": 442079460018, "birthday": None, "additional": "one\ntwo", "avatar": "https://x.org/1.png",
    }  # fmt: skip
    assert as_alice.get("/api/contacts?fields=card").json() == [answer.json()]
    assert set(Group.objects.values_list("name", flat=True)) == {"Work", 'say "hi"'}


def changed(card, *steps, to):
    """The card with one value in it replaced."""
    card = json.loads(json.dumps(card))
    inner = card
    for step in steps[:-1]:
        inner = inner[step]
    inner[steps[-1]] = to
    return card


def test_every_kind_of_write_leaves_the_rest_of_the_card(as_alice, alice, staff, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    contact = whole(as_alice)
    url, row = path(contact), as_alice.get("/api/contacts").json()[0]
    card = changed(CARD, "emails", "e1", "address", to="c@x.org")
    assert own(as_alice.put(url, {**row, "email": "c@x.org"}, format="json")) == card
    card = changed(card, "phones", "p1", "number", to="3")
    assert own(as_alice.patch(url, {"phone": "3"}, format="json")) == card
    card = changed(card, "titles", "t1", "name", to="Prof")
    assert own(as_alice.patch(url, {"card": {"titles": {"t1": {"name": "Prof"}}}}, format="json")) == card
    answer = as_alice.patch(f"{url}/avatar", {"file": gif()}, format="multipart")
    card = changed(card, "media", "m1", "uri", to=answer.json()["avatar"])
    assert own(answer) == card
    item = {"op": "update", "id": contact["id"], "contact": {**flat(answer), "additional": "three"}}
    as_alice.post("/api/contacts/batch", {"items": [item]}, format="json")
    card = changed(card, "notes", "n1", "note", to="three")
    assert own(as_alice.get(url)) == card
    card = changed(card, "phones", "p1", "number", to="+44 20 7946 0018")
    assert own(as_alice.post(f"{url}/restore", {"to": 1, "fields": ["phone"]}, format="json")) == card
    as_alice.delete(url)
    assert own(as_alice.post(f"/api/contacts/trash/{contact['id']}/restore")) == card
    group = Group.objects.get(name="Work")
    as_alice.patch(f"/api/groups/{group.pk}", {"name": "Office"}, format="json")
    card = {**card, "keywords": {'say "hi"': True, "favourite": True, "Office": True}}
    assert own(as_alice.get(url)) == card
    with Book.objects.writing(alice.pk, "command") as book:
        book.change(book.get(contact["id"]), {"fullname": "Ann C"})
    card = {**card, "name": {"full": "Ann C"}}  # the components do not spell that
    assert own(as_alice.get(url)) == card
    form = {name: value for name, value in flat(as_alice.get(url)).items() if value is not None}
    admin = Client()
    admin.force_login(staff)
    saved = admin.post(f"/admin/contacts/contact/{contact['id']}/change/", {**form, "fullname": "Ann D"})
    assert saved.status_code == 302, saved.content
    assert own(as_alice.get(url)) == changed(card, "name", "full", to="Ann D")
    as_alice.post("/api/undo", {"since": 1}, format="json")
    assert own(as_alice.get(url)) == CARD


@pytest.mark.parametrize("padded", [False, True])
def test_writing_back_what_was_read_changes_nothing(as_alice, padded):
    card = changed(CARD, "name", "full", to=" Ann B ") if padded else CARD
    contact = add(as_alice, "Ann B", card=card)
    if padded:
        as_alice.patch(path(contact), {"card": card}, format="json")
    url, changes = path(contact), Change.objects.count()
    read, row = as_alice.get(url), as_alice.get("/api/contacts").json()[0]
    assert row["fullname"] == card["name"]["full"] or not padded
    for answer in (
        as_alice.put(url, row, format="json"),
        as_alice.put(url, read.json(), format="json"),
        as_alice.patch(url, row, format="json"),
        as_alice.patch(url, read.json(), format="json"),
        as_alice.patch(url, {"card": read.json()["card"]}, format="json"),
        as_alice.patch(url, {}, format="json"),
    ):
        assert answer["ETag"] == read["ETag"] and answer.json() == read.json()
    assert Change.objects.count() == changes


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_fullname_that_the_components_do_not_spell_drops_them(as_alice, method):
    rest = {"sortAs": {"surname": "B"}, "isOrdered": True, "x:y": 1}
    components = [{"kind": "given", "value": "Ann"}, {"kind": "surname", "value": "B"}]
    contact = add(as_alice, "Dr Ann B", card={"name": {"components": components, **rest, "full": "x"}})
    assert contact["fullname"] == "Dr Ann B"
    as_alice.patch(path(contact), {"card": {"name": {"components": components, **rest}}}, format="json")
    write = getattr(as_alice, method)
    assert own(write(path(contact), {"fullname": "Ann B"}, format="json"))["name"] == {
        "full": "Ann B",
        "components": components,
        **rest,
    }
    assert own(write(path(contact), {"fullname": "Ann C"}, format="json"))["name"] == {"full": "Ann C", "x:y": 1}


BAD = [
    ([], []),
    ("x", []),
    (1, []),
    ({"name": {"full": ""}}, ["name", "full"]),
    ({"name": {"full": "x" * 256}}, ["name", "full"]),
    ({"name": []}, ["name", "full"]),
    ({"keywords": {"a": 1}}, ["keywords"]),
    ({"keywords": {"": True}}, ["keywords"]),
    ({"keywords": {"x" * 256: True}}, ["keywords"]),
    ({"emails": []}, ["emails"]),
    ({"emails": {"e 1": {"address": "a"}}}, ["emails", "e 1"]),
    ({"emails": {"e1": []}}, ["emails", "e1"]),
    ({"emails": {"e1": {}}}, ["emails", "e1", "address"]),
    ({"emails": {"e1": {"address": "x" * 321}}}, ["emails", "e1", "address"]),
    ({"phones": {"p1": {"number": 5}}}, ["phones", "p1", "number"]),
    ({"phones": {"p1": {"number": "5", "pref": 0}}}, ["phones", "p1", "pref"]),
    ({"media": {"m1": {"kind": "photo", "uri": "javascript:alert(1)"}}}, ["media", "m1", "uri"]),
    ({"media": {"m1": {"kind": "photo", "uri": "java\tscript:alert(1)"}}}, ["media", "m1", "uri"]),
    ({"anniversaries": {"b": {"kind": "birth", "date": {"month": 2, "day": 30}}}}, ["anniversaries", "b", "date"]),
    (
        {"anniversaries": {"b": {"kind": "birth", "date": {"year": 2023, "month": 2, "day": 29}}}},
        ["anniversaries", "b", "date"],
    ),
    ({"anniversaries": {"b": {"kind": "birth", "date": {"day": 1}}}}, ["anniversaries", "b", "date"]),
    (
        {"anniversaries": {"b": {"kind": "birth", "date": {"year": 10**9, "month": 1, "day": 1}}}},
        ["anniversaries", "b", "date"],
    ),
    (
        {"anniversaries": {"b": {"kind": "birth", "date": {"year": 0, "month": 1, "day": 1}}}},
        ["anniversaries", "b", "date"],
    ),
    (
        {"anniversaries": {"b": {"kind": "birth", "date": {"utc": "2020-02-30T00:00:00Z"}}}},
        ["anniversaries", "b", "date"],
    ),
    ({"anniversaries": {"b": {"kind": "birth", "date": "2020-02-28"}}}, ["anniversaries", "b", "date"]),
    ({"x": 10**30}, []),
    ({"x": 2**53}, []),
    ({"x": 1e300}, []),
    ({"x": "a\0"}, []),
    ({"x\0": 1}, []),
    ({"x": [{"\ud800": 1}]}, []),
    ({"x": "x" * 262_144}, []),
    ({"emails": {f"e{i}": {"address": "a"} for i in range(501)}}, ["emails"]),
]


@pytest.mark.one_stack
@pytest.mark.parametrize("card, where", BAD, ids=range(len(BAD)))
def test_an_invalid_card_is_422(as_alice, card, where):
    contact = add(as_alice)
    body, kind = json.dumps({"fullname": "Ann", "card": card}), "application/json"
    assert faults(as_alice.post("/api/contacts", body, content_type=kind)) == [["body", "card", *where]]
    assert faults(as_alice.patch(path(contact), body, content_type=kind)) == [["body", "card", *where]]
    assert Change.objects.count() == 1


@pytest.mark.one_stack
@pytest.mark.parametrize("depth", [17, 300, 500])
@pytest.mark.parametrize("opening, closing", [("[", "]"), ('{"a":', "}")])
def test_a_card_that_is_too_deep_is_422(as_alice, opening, closing, depth):
    body = '{"fullname": "A", "card": {"x": ' + opening * depth + "1" + closing * depth + "}}"
    assert faults(as_alice.post("/api/contacts", body, content_type="application/json")) == [["body", "card"]]


@pytest.mark.one_stack
@pytest.mark.parametrize(
    "uri",
    ["/a.png", "a", "http://x.org/ä?b#c", "HTTPS://x", "//x/y", "?a:b", "#", "a/b:c", "data:image/png;base64,xx", "a:b",
     "http://[", "ftp://x", " a", "a b", "\x7f", ":", "http:", "javascript:1", "1a:b", "ä:b"],
)  # fmt: skip
def test_the_same_avatars_are_valid_in_the_card_and_in_the_flat_field(as_alice, uri):
    beside = as_alice.post("/api/contacts", {"fullname": "Ann", "avatar": uri}, format="json")
    card = {"media": {"m1": {"kind": "photo", "uri": uri}}}
    inside = as_alice.post("/api/contacts", {"fullname": "Ann", "card": card}, format="json")
    assert beside.status_code == inside.status_code
    if beside.status_code == 201:
        assert own(beside) == own(inside)
