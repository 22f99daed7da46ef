"""GET, PUT and DELETE of a card: names, ETags, preconditions, and what survives"""

import base64
import io

import pytest
from PIL import Image

from contacts.carddav import merging
from contacts.cards.vcard import read
from contacts.models import Book, Change, Contact, Picture
from contacts.tests.cast import add
from contacts.tests.dav import C, D, Dav, precondition, responses, vcard

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]


@pytest.fixture
def phone(alice):
    return Dav(alice)


def unfolded(text):
    return text.replace("\r\n ", "").split("\r\n")


def png(color="red", size=(300, 200)):
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, "PNG")
    return file.getvalue()


def photo(data, kind="PNG"):
    return f"PHOTO;ENCODING=b;TYPE={kind}:{base64.b64encode(data).decode()}\r\n"


# Names and UIDs


@pytest.mark.parametrize(
    "name", ["a.vcf", "ä ö.vcf", "a@b%c?d#e;f.vcf", "no-suffix", "x" * 255, "ü" * 127, "a+b&c<d>.vcf", "..."]
)
def test_a_card_keeps_the_name_by_which_it_was_put(phone, name):
    from urllib.parse import quote

    path = phone.book + quote(name, safe="")
    assert phone.put(path, vcard()).status_code == 201
    assert list(phone.etags()) == [name]
    (href,) = set(responses(phone.propfind(phone.book, "<getetag/>", depth="1"))) - {phone.book}
    assert href == path and "FN:Ann" in phone.get(path).text_body
    assert phone.put(path, vcard("Bea")).status_code == 204
    assert responses(phone.multiget(path))[path][f"{D}getetag"] == phone.get(path)["ETag"]
    assert phone.delete(path).status_code == 204


@pytest.mark.parametrize("name", ["x" * 256, "%C3%BC" * 128, "a%00b", "a%0Ab", "%7F", "a%2Fb", "%2E%2E%2Fx.vcf"])
def test_a_name_that_is_too_long_or_has_control_characters_or_a_slash_is_refused(phone, name):
    answer = phone.put(phone.book + name, vcard())
    assert answer.status_code in (403, 404)
    assert phone.get(phone.book + name).status_code == 404 and not Contact.objects.exists()


def test_a_contact_made_elsewhere_is_named_by_its_uid_or_its_id(phone, alice, as_alice):
    add(as_alice, "Ann")
    with Book.objects.writing(alice.pk, "test") as book:
        odd = book.create({"name": {"full": "Odd"}}, uid="urn:uuid:1/2")
        plain = book.create({"name": {"full": "Plain"}}, uid="A-b_c.9")
    names = {contact.fullname: contact.uid for contact in Contact.objects.all()}
    assert set(phone.etags()) == {f"{names['Ann']}.vcf", f"{odd.pk}.vcf", f"{plain.uid}.vcf"}
    assert "UID:urn:uuid:1/2" in unfolded(phone.get(f"{odd.pk}.vcf").text_body)


def test_a_card_that_is_named_by_the_longest_uid_can_be_changed(phone, alice):
    with Book.objects.writing(alice.pk, "test") as book:
        book.create({"name": {"full": "Ann"}}, uid="u" * 255)
    (name,) = phone.etags()
    assert len(name) == 259
    assert phone.put(name, vcard("Anna", "u" * 255)).status_code == 204
    assert phone.put("w" + name[1:], vcard("Bea", "u2")).status_code == 403


def test_names_made_of_uids_and_ids_do_not_collide(phone, alice):
    with Book.objects.writing(alice.pk, "test") as book:
        first = book.create({"name": {"full": "Odd"}}, uid="a/b")
        second = book.create({"name": {"full": "Number"}}, uid=str(first.pk))
    phone.put("taken.vcf", vcard(uid="other"))
    phone.put("more.vcf", vcard(uid="another"))
    with Book.objects.writing(alice.pk, "test") as book:
        third = book.create({"name": {"full": "Taken"}}, uid="taken")
        fourth, fifth = book.create_many([{"name": {"full": "x"}}] * 2, ["c/d", ""])
        sixth, seventh = book.create_many([{"name": {"full": "y"}}] * 2, [str(fourth.pk), "more"])
    made = (first, second, third, fourth, fifth, sixth, seventh)
    names = {contact.resource_name for contact in made} | {"taken.vcf", "more.vcf"}
    assert len(names) == 9 and set(phone.etags()) == names


def test_a_uid_is_in_one_card_and_a_card_keeps_its_uid(phone):
    phone.put("a.vcf", vcard("Ann", "u1"))
    phone.put("b.vcf", vcard("Bea", "u2"))
    for name, uid, holder in (("c.vcf", "u1", "a.vcf"), ("b.vcf", "u1", "a.vcf"), ("a.vcf", "u3", "a.vcf")):
        answer = phone.put(name, vcard("Cleo", uid))
        assert answer.status_code == 403 and precondition(answer) == f"{C}no-uid-conflict"
        assert answer.text_body.count(f"<D:href>{phone.book}{holder}</D:href>") == 1
    assert set(phone.etags()) == {"a.vcf", "b.vcf"} and Change.objects.count() == 2


def test_another_account_may_have_the_same_name_and_uid(phone, bob):
    phone.put("a.vcf", vcard())
    assert Dav(bob).put("a.vcf", vcard("Bob")).status_code == 201
    assert "FN:Ann" in phone.get("a.vcf").text_body


def test_a_missing_uid_or_name_is_made(phone):
    assert phone.put("a.vcf", "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Lovelace;Ada;;;\r\nEND:VCARD\r\n").status_code == 201
    assert phone.put("b.vcf", "BEGIN:VCARD\r\nVERSION:3.0\r\nNOTE:x\r\nEND:VCARD\r\n").status_code == 201
    ada, unnamed = Contact.objects.order_by("id")
    assert (ada.fullname, unnamed.fullname) == ("Ada Lovelace", "Unnamed") and ada.uid and ada.uid != unnamed.uid
    assert phone.put("a.vcf", "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Countess\r\nEND:VCARD\r\n").status_code == 204
    assert Contact.objects.get(pk=ada.pk).uid == ada.uid


def test_a_name_of_over_255_characters_stays_whole(phone, as_alice):
    name = "Ä" * 700
    phone.put("a.vcf", vcard(name))
    contact = as_alice.get("/api/contacts").json()[0]
    assert contact["fullname"] == name[:255] and f"FN:{name}" in unfolded(phone.get("a.vcf").text_body)
    body = {key: contact[key] for key in ("fullname", "email", "phone")}
    etag = phone.get("a.vcf")["ETag"]
    as_alice.patch(f"/api/contacts/{contact['id']}", body, format="json")
    assert phone.get("a.vcf")["ETag"] == etag


# The trash


def test_a_deleted_card_is_in_the_trash_and_gone_for_dav(phone, as_alice):
    phone.put("a.vcf", vcard())
    assert phone.delete("a.vcf").status_code == 204
    assert phone.get("a.vcf").status_code == phone.delete("a.vcf").status_code == 404
    assert phone.etags() == {} and responses(phone.multiget("a.vcf"))[phone.path("a.vcf")] == {"status": "404"}
    (trashed,) = as_alice.get("/api/contacts/trash").json()
    as_alice.post(f"/api/contacts/trash/{trashed['id']}/restore")
    assert list(phone.etags()) == ["a.vcf"]


@pytest.mark.parametrize("name", ["a.vcf", "b.vcf"])
def test_a_uid_that_only_the_trash_has_brings_its_contact_back_with_the_new_content(phone, as_alice, name):
    phone.put("a.vcf", vcard("Ann", more="NOTE:old\r\n"))
    phone.delete("a.vcf")
    contact = Contact.objects.get()
    assert phone.put(name, vcard("Bea")).status_code == 201
    assert list(phone.etags()) == [name]
    (shown,) = as_alice.get("/api/contacts").json()
    assert (shown["id"], shown["fullname"], shown["additional"]) == (contact.pk, "Bea", None)
    kinds = [entry["kind"] for entry in as_alice.get(f"/api/contacts/{contact.pk}/history").json()]
    assert kinds == ["restored", "deleted", "created"]


def test_a_name_that_only_the_trash_has_comes_back_without_a_uid_and_is_given_up_for_another_one(phone, as_alice):
    phone.put("a.vcf", vcard("Ann"))
    phone.delete("a.vcf")
    assert phone.put("a.vcf", "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Bea\r\nEND:VCARD\r\n").status_code == 201
    assert Contact.objects.get().uid == "u1" and Contact.objects.get().fullname == "Bea"
    phone.delete("a.vcf")
    assert phone.put("a.vcf", vcard("Cleo", "u2")).status_code == 201
    old = Contact.objects.get(uid="u1")
    as_alice.post(f"/api/contacts/trash/{old.pk}/restore")
    names = phone.etags()
    assert len(names) == 2 and "FN:Cleo" in phone.get("a.vcf").text_body
    (other,) = names.keys() - {"a.vcf"}
    assert "FN:Bea" in phone.get(other).text_body


def test_both_a_uid_and_a_name_that_only_the_trash_has(phone):
    phone.put("a.vcf", vcard("Ann", "u1"))
    phone.put("b.vcf", vcard("Bea", "u2"))
    phone.delete("a.vcf")
    phone.delete("b.vcf")
    assert phone.put("a.vcf", vcard("Bea again", "u2")).status_code == 201
    assert Contact.objects.get(uid="u2").resource_name == "a.vcf"
    assert Contact.objects.get(uid="u1").resource_name not in ("a.vcf", "b.vcf")


# Conditions and tags


def test_the_tag_is_that_of_rest(phone, as_alice):
    phone.put("a.vcf", vcard())
    contact = Contact.objects.get()
    tags = {phone.get("a.vcf")["ETag"], as_alice.get(f"/api/contacts/{contact.pk}")["ETag"], phone.etags()["a.vcf"]}
    assert tags == {f'"{contact.pk}-{contact.revision}"'}
    answer = phone.get("a.vcf", if_none_match=contact.etag)
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", contact.etag)


LONG_AGO = "Wed, 01 Jan 2020 00:00:00 GMT"
CONDITIONS = [  # method, whether the card is there, headers, the status
    ("PUT", False, {"if_none_match": "*"}, 201),
    ("PUT", True, {"if_none_match": "*"}, 412),
    ("PUT", False, {"if_match": "*"}, 412),
    ("PUT", True, {"if_match": "*"}, 204),
    ("PUT", True, {"if_match": "{etag}"}, 204),
    ("PUT", True, {"if_match": "W/{etag}"}, 204),
    ("PUT", True, {"if_match": '"x", {etag}'}, 204),
    ("PUT", True, {"if_match": '"1-999"'}, 412),
    ("PUT", False, {"if_match": '"1-1"'}, 412),
    ("PUT", True, {"if_none_match": "{etag}"}, 412),
    ("PUT", True, {"if_none_match": '"x"'}, 204),
    ("DELETE", True, {"if_match": '"1-999"'}, 412),
    ("DELETE", True, {"if_match": "{etag}"}, 204),
    ("DELETE", True, {"if_match": "*"}, 204),
    ("DELETE", False, {"if_match": "*"}, 404),
    ("DELETE", True, {"if_none_match": "*"}, 412),
    ("DELETE", True, {"if_none_match": '"x"'}, 204),
    ("GET", True, {"if_match": '"1-999"'}, 412),
    ("GET", True, {"if_match": "{etag}"}, 200),
    ("PUT", True, {"if_match": '"{bare}-gzip"'}, 204),
    ("PUT", True, {"if_match": '"1-999-gzip"'}, 412),
    ("PUT", True, {"if_unmodified_since": LONG_AGO}, 412),
    ("DELETE", True, {"if_unmodified_since": LONG_AGO}, 412),
    ("GET", True, {"if_unmodified_since": LONG_AGO}, 412),
    ("PUT", True, {"if_unmodified_since": "{modified}"}, 204),
    ("PUT", True, {"if_unmodified_since": "yesterday"}, 204),
    ("PUT", True, {"if_unmodified_since": LONG_AGO, "if_match": "{etag}"}, 204),
    ("PUT", False, {"if_unmodified_since": LONG_AGO}, 201),
    ("GET", True, {"if_modified_since": "{modified}"}, 200),
]


@pytest.mark.parametrize(("method", "is_there", "headers", "status"), CONDITIONS)
def test_conditions(phone, method, is_there, headers, status):
    etag = modified = ""
    if is_there:
        phone.put("a.vcf", vcard())
        etag, modified = (phone.get("a.vcf")[name] for name in ("ETag", "Last-Modified"))
    values = {"etag": etag, "bare": etag.strip('"'), "modified": modified}
    given = {name: value.format(**values) for name, value in headers.items()}
    answer = phone.ask(method, phone.path("a.vcf"), vcard("Bea") if method == "PUT" else "", **given)
    assert answer.status_code == status
    if status in (404, 412):
        assert phone.etags() == ({"a.vcf": etag} if is_there else {})


@pytest.mark.parametrize(
    ("body", "as_sent"),
    [
        (vcard(), True),
        (vcard().replace("\r\n", "\n"), False),
        (vcard().replace("N:;Ann;;;\r\n", ""), False),
        (vcard(more="REV:20260101T000000Z\r\n"), False),
        (vcard(more="NOTE:ä\r\n"), False),
        (vcard("Ann").replace("END:VCARD", "NOTE:ä\r\nEND:VCARD"), True),
        (vcard().replace("VERSION:3.0", "VERSION:4.0"), False),
    ],
)
def test_a_put_is_answered_with_its_tag_exactly_where_a_get_gives_the_bytes_that_were_sent(phone, body, as_sent):
    for _ in range(2):
        answer = phone.put("a.vcf", body)
        back = phone.get("a.vcf")
        assert (answer.get("ETag") == back["ETag"]) == (back.content == body.encode()) == as_sent
        assert as_sent or "ETag" not in answer


def test_a_put_equal_in_all_but_rev_and_prodid_changes_nothing(phone, as_alice):
    phone.put("a.vcf", vcard(more="PRODID:-//A//1\r\nREV:20260101T000000Z\r\nTEL;TYPE=CELL:+1 23\r\n"))
    etag = phone.get("a.vcf")["ETag"]
    same = [
        vcard(more="PRODID:-//B//2\r\nREV:20270101T000000Z\r\nTEL;TYPE=CELL:+1 23\r\n"),
        vcard(more="TEL;TYPE=cell:+1 23\r\n"),
        vcard(more="TEL;TYPE=cell:+1 23\r\n").replace("\r\n", "\n"),
        vcard(more="TEL;TYPE=cell:+1 23\r\n").replace("3.0", "4.0"),
        phone.get("a.vcf").text_body,
        phone.get("a.vcf", accept="text/vcard; version=4.0").text_body,
    ]
    for body in same:
        assert phone.put("a.vcf", body).status_code == 204
        assert phone.get("a.vcf")["ETag"] == etag, body
    assert Change.objects.count() == 1


# What survives

APPLE = (
    "ORG:Analytical Engines;\r\n"
    "item1.TEL;TYPE=PREF:+1 555 0100\r\nitem1.X-ABLabel:Boat\r\n"
    "item2.ADR;TYPE=HOME:;;1 Street;Town;;;Land\r\nitem2.X-ABADR:us\r\n"
    "item3.X-ABDATE;TYPE=PREF:2001-02-03\r\nitem3.X-ABLabel:_$!<Anniversary>!$_\r\n"
    "BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29\r\n"
    "X-PHONETIC-FIRST-NAME:An\r\nX-CUSTOM;X-P=1:kept\r\nEMAIL;TYPE=WORK;X-ODD=y:a@x.org\r\n"
)


def properties(text):
    """The lines of a card in any order, names and types of no case."""
    return sorted(line.upper() for line in unfolded(text) if line)


def test_what_a_client_wrote_comes_back_property_by_property(phone):
    phone.put("a.vcf", vcard(more=APPLE))
    back, sent = phone.get("a.vcf").text_body, vcard(more=APPLE)
    assert merging.combined({}, {"3.0": next(read(back)).card}, [next(read(sent)).card]) == {}
    for line in ("item1.X-ABLabel:Boat", "X-CUSTOM;X-P=1:kept", "item2.X-ABADR:us"):
        assert line in unfolded(back)


LONG = "QUJD" * 700  # more than a URI of the model may have


@pytest.mark.parametrize("name", [";;;;", ";Acme;;;", "Acme;;;;"])
@pytest.mark.parametrize("line", ["ORG:Acme", "ORG:Acme;Sales", "EMAIL;TYPE=INTERNET:Acme", "TEL:Acme"])
def test_a_card_without_a_persons_name_gets_none_and_one_with_it_keeps_it(phone, name, line):
    body = (
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u1\r\nFN:Acme\r\nN:{name}\r\n{line}\r\nX-ABShowAs:COMPANY\r\nEND:VCARD\r\n"
    )
    phone.put("a.vcf", body)
    assert phone.get("a.vcf").text_body == body
    phone.put("a.vcf", body)
    assert Change.objects.count() == 1


AS_IT_WAS = {  # lines of one property, which come back in the same version letter for letter
    "3.0": [
        "ANNIVERSARY:2001-02-03",
        "CATEGORIES;X-P=1:Climbers,Work\\, old",
        "item1.CATEGORIES:Climbers",
        "CATEGORIES;LANGUAGE=en:b\r\nCATEGORIES:a",
        "EMAIL;TYPE=X400:G=Ann",
        "PHOTO;TYPE=JPEG;VALUE=uri:https://x.org/a.jpg",
        "TZ:+01:00",
        "TZ:+00:00",
        "TZ;VALUE=text:Europe/Berlin",
        "X-ALTBDAY;CALSCALE=chinese:x4100229",
        "X-FOO;PREF=1;ALTID=2;LEVEL=5:v",
        "KEY:no URI",
        "KEY;VALUE=text:abc",
        f"KEY;ENCODING=b;TYPE=PGP:{LONG}",
        f"item1.KEY;ENCODING=b;TYPE=X509:{LONG}",
        "SOUND:how it sounds",
    ],
    "4.0": [
        "ANNIVERSARY:20010203",
        "CATEGORIES;PREF=1;TYPE=work:Climbers",
        "PHOTO;MEDIATYPE=image/jpeg:https://x.org/a.jpg",
        "TZ;VALUE=utc-offset:-0500",
        f"KEY:data:application/pgp-keys;base64,{LONG}",
        "KEY;VALUE=text:abc",
        "X-ALTBDAY;CALSCALE=chinese:x4100229",
        "TZ:Europe/Berlin",
    ],
}


@pytest.mark.parametrize(("version", "line"), [(version, line) for version in AS_IT_WAS for line in AS_IT_WAS[version]])
def test_a_property_comes_back_as_it_was_and_a_repeat_changes_nothing(phone, version, line):
    body = vcard(more=f"{line}\r\n").replace("VERSION:3.0", f"VERSION:{version}")
    phone.put("a.vcf", body)
    back = phone.get("a.vcf", accept=f"text/vcard; version={version}")
    assert set(line.split("\r\n")) <= set(unfolded(back.text_body))
    for again in (body, back.text_body, phone.get("a.vcf").text_body):
        phone.put("a.vcf", again)
        assert phone.get("a.vcf")["ETag"] == back["ETag"]


def test_two_anniversaries_of_3_0_are_one_of_4_0_and_neither_is_lost(phone):
    phone.put("a.vcf", vcard(more="ANNIVERSARY:2001-02-03\r\nANNIVERSARY:2004-05-06\r\n"))
    newer = phone.get("a.vcf", accept="text/vcard; version=4.0").text_body
    assert newer.count("\nANNIVERSARY:") == 1 and "2004" in newer
    older = phone.get("a.vcf").text_body
    assert "ANNIVERSARY:2001-02-03" in older and "X-ABDATE:2004-05-06" in older


def test_parameters_of_categories_stay_until_the_group_is_renamed_or_left(phone, as_alice):
    phone.put("a.vcf", vcard(more="CATEGORIES;X-P=1:Climbers,Work\r\nCATEGORIES:Others\r\n"))
    groups = {group["name"]: f"/api/groups/{group['id']}" for group in as_alice.get("/api/groups").json()}
    assert groups.keys() == {"Climbers", "Others", "Work"}
    as_alice.patch(groups["Climbers"], {"name": "Hikers"}, format="json")
    as_alice.delete(groups["Others"])
    found = [line for line in unfolded(phone.get("a.vcf").text_body) if line.startswith("CATEGORIES")]
    assert found == ["CATEGORIES;X-P=1:Work", "CATEGORIES:Hikers"]


def test_an_edit_by_rest_touches_that_property_alone(phone, as_alice):
    phone.put("a.vcf", vcard(more=APPLE))
    before = properties(phone.get("a.vcf").text_body)
    contact = Contact.objects.get()
    as_alice.patch(f"/api/contacts/{contact.pk}", {"email": "new@x.org"}, format="json")
    after = properties(phone.get("a.vcf").text_body)
    assert sorted(set(before) ^ set(after)) == [
        "EMAIL;X-ODD=Y;TYPE=INTERNET,WORK:A@X.ORG",
        "EMAIL;X-ODD=Y;TYPE=INTERNET,WORK:NEW@X.ORG",
    ]


def test_a_number_that_is_no_uri_goes_out_as_text(phone, as_alice):
    phone.put("a.vcf", vcard(more="TEL;VALUE=uri;TYPE=cell:tel:+1-23\r\n").replace("3.0", "4.0"))
    as_alice.patch(f"/api/contacts/{Contact.objects.get().pk}", {"phone": "+49 221 777"}, format="json")
    assert "TEL;TYPE=cell:+49 221 777" in unfolded(phone.get("a.vcf", accept="text/vcard; version=4.0").text_body)


def test_what_3_0_cannot_show_is_left_as_it_is_by_a_put(phone, as_alice):
    card = {
        "localizations": {"uk": {"name/full": "Анна"}},
        "emails": {"work": {"address": "a@x.org", "contexts": {"work": True}}},
        "anniversaries": {"b": {"kind": "birth", "date": {"@type": "PartialDate", "year": 1985, "month": 4}}},
        "x.example:odd": {"a": [1, None]},
    }
    contact = add(as_alice, "Ann", card=card)
    name = f"{Contact.objects.get().uid}.vcf"
    shown = phone.get(name).text_body
    assert phone.put(name, shown).status_code == 204 and Change.objects.count() == 1
    phone.put(name, shown.replace("END:VCARD", "TEL:+1 23\r\nEND:VCARD"))
    after = as_alice.get(f"/api/contacts/{contact['id']}").json()["card"]
    assert {key: after[key] for key in card} == card and after["phones"]["p1"]["number"] == "+1 23"


STREET = [{"kind": "name", "value": "Main Street"}, {"kind": "number", "value": "5"}]
UNSHOWN = {  # of each collection an entry of which 3.0 cannot show all, and the line of another one
    "addresses": ({"components": STREET, "countryCode": "DE", "coordinates": "geo:1,2"}, "ADR:;;Other;Town;;;"),
    "emails": ({"address": "a@x.org", "pref": 7}, "EMAIL:b@x.org"),
    "phones": ({"number": "+1 23", "vCardParams": {"pid": "1.1"}}, "TEL;TYPE=CELL:+1 24"),
    "notes": ({"note": "x", "author": {"name": "Me"}}, "NOTE:y"),
    "organizations": ({"name": "Acme", "sortAs": "acme"}, "ORG:Other"),
    "personalInfo": ({"kind": "hobby", "value": "chess", "level": "high", "listAs": 1}, "HOBBY:go"),
    "links": ({"uri": "https://x.org/a", "mediaType": "text/html"}, "URL:https://x.org/b"),
}


@pytest.mark.parametrize("name", UNSHOWN)
def test_an_entry_of_which_3_0_cannot_show_all_stays_while_another_comes_and_goes(phone, as_alice, name):
    entry, line = UNSHOWN[name]
    contact = add(as_alice, "Ann", card={name: {"x": entry}})

    def entries():
        return list(as_alice.get(f"/api/contacts/{contact['id']}").json()["card"][name].values())

    path = f"{Contact.objects.get().uid}.vcf"
    shown = phone.get(path).text_body
    assert phone.put(path, shown.replace("END:VCARD", f"{line}\r\nEND:VCARD")).status_code == 204
    assert entry in entries() and len(entries()) == 2
    assert phone.put(path, shown).status_code == 204
    assert entries() == [entry]


HIDDEN = {  # what 3.0 does not show at all, and a line whose coming and going changes the same member
    "a month of birth": ("BDAY:1985-04", "X-ABDATE:2001-02-03"),
    "a phonetic name without a name": ("X-PHONETIC-FIRST-NAME:An", "X-NEW:1"),
}


@pytest.mark.parametrize("case", HIDDEN)
def test_what_3_0_does_not_show_stays_while_another_entry_comes_and_goes(phone, case):
    hidden, line = HIDDEN[case]
    phone.put("a.vcf", f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u1\r\nFN:Ann\r\n{hidden}\r\nEND:VCARD\r\n")
    before, shown = (
        phone.get("a.vcf", accept=f"text/vcard; version={version}").text_body for version in ("4.0", "3.0")
    )
    assert phone.put("a.vcf", shown.replace("END:VCARD", f"{line}\r\nEND:VCARD")).status_code == 204
    assert line.split(":")[0] in phone.get("a.vcf").text_body
    assert phone.put("a.vcf", shown).status_code == 204
    assert phone.get("a.vcf", accept="text/vcard; version=4.0").text_body == before
    assert phone.get("a.vcf").text_body == shown


def test_what_a_card_has_twice_or_with_parameters_is_not_doubled_by_changes(phone):
    more = "BDAY:2000-01-01\r\nBDAY:2001-01-01\r\nCATEGORIES;X-P=1:Climbers\r\nX-A:\r\nX-A:\r\n"
    phone.put("a.vcf", vcard(more=more))
    shown = phone.get("a.vcf").text_body
    for number in range(3):
        changed = shown.replace("END:VCARD", f"X-NEW:{number}\r\nEND:VCARD")
        phone.put("a.vcf", changed)
        assert properties(phone.get("a.vcf").text_body) == properties(changed)
    assert len(Contact.objects.get().card["vCardProps"]) == 5


def test_a_key_or_sound_that_is_no_uri_in_rest_is_not_doubled_by_changes(phone, as_alice):
    card = {"cryptoKeys": {"k": {"uri": "abc"}}, "media": {"s": {"kind": "sound", "uri": "foo"}}}
    contact = add(as_alice, "Ann", card=card)
    path = f"{Contact.objects.get().uid}.vcf"
    for number in range(3):
        for version in ("3.0", "4.0"):
            shown = phone.get(path, accept=f"text/vcard; version={version}").text_body
            phone.put(path, shown.replace("END:VCARD", f"X-NEW{number}:{version}\r\nEND:VCARD"))
    after = as_alice.get(f"/api/contacts/{contact['id']}").json()["card"]
    assert {name: after[name] for name in card} == card and len(after["vCardProps"]) == 6


@pytest.mark.parametrize("props", [5, "x", {"a": 1}, [], [5, None, [], ["x"], ["x-a", 1, 2, 3], {"a": 1}]])
def test_a_put_takes_a_card_whose_vcardprops_have_any_form(phone, as_alice, props):
    add(as_alice, "Ann", card={"vCardProps": props})
    path = f"{Contact.objects.get().uid}.vcf"
    changed = phone.get(path).text_body.replace("END:VCARD", "X-NEW:1\r\nEND:VCARD")
    assert phone.put(path, changed).status_code == 204 and "X-NEW:1" in phone.get(path).text_body
    for other in ("vCardProps", "phones", "anniversaries"):
        odd = f"JSPROP;JSPTR={other}:5\r\nJSPROP;JSPTR=emails/e1:[]\r\nEND:VCARD"
        assert phone.put(path, changed.replace("3.0", "4.0").replace("END:VCARD", odd)).status_code in (204, 403)


def test_two_addresses_one_of_which_is_only_a_label_are_not_mixed_up(phone, as_alice):
    addresses = {"a1": {"full": "Label 1"}, "a2": {"components": STREET, "full": "Main Street 5"}}
    contact = add(as_alice, "Ann", card={"addresses": addresses})
    path = f"{Contact.objects.get().uid}.vcf"
    phone.put(path, "".join(line for line in phone.get(path).text_body.splitlines(True) if "LABEL:Main" not in line))
    left = as_alice.get(f"/api/contacts/{contact['id']}").json()["card"]["addresses"]
    assert [part["value"] for each in left.values() for part in each.get("components", ())] == ["Main Street 5"]


@pytest.mark.parametrize(
    ("accept", "version"),
    [
        ("", "3.0"),
        ("*/*", "3.0"),
        ("text/vcard", "3.0"),
        ("text/html", "3.0"),
        ("text/vcard; version=3.0", "3.0"),
        ("text/vcard; version=4.0", "4.0"),
        ('text/vcard;charset=utf-8;version="4.0"', "4.0"),
        ("text/vcard; version=4.0; q=0.5, text/vcard; version=3.0", "3.0"),
        ("text/vcard; version=3.0; q=0.5, text/vcard; version=4.0", "4.0"),
        ("text/vcard; version=2.1", "3.0"),
        ("text/vcard;version=4.0;q=x, , ;;=", "4.0"),
    ],
)
def test_get_gives_4_0_where_it_is_asked_for_and_is_never_406(phone, accept, version):
    phone.put("a.vcf", vcard())
    answer = phone.get("a.vcf", accept=accept)
    assert answer.status_code == 200 and f"VERSION:{version}" in answer.text_body
    assert answer["Content-Type"].startswith("text/vcard; charset=utf-8")
    head = phone.ask("HEAD", phone.path("a.vcf"))
    assert (head.status_code, head["ETag"], head.content) == (200, answer["ETag"], b"")


# Pictures


def test_a_picture_comes_back_byte_for_byte_and_avatar_shows_it(phone, as_alice):
    data = png()
    phone.put("a.vcf", vcard(more=photo(data)))
    for accept in ("", "text/vcard; version=4.0"):
        (picture,) = next(read(phone.get("a.vcf", accept=accept).text_body)).pictures
        assert picture.data == data
    (contact,) = as_alice.get("/api/contacts").json()
    jpeg = as_alice.get(contact["avatar"].removeprefix("http://localhost:8000").removeprefix("http://127.0.0.1:8000"))
    assert Image.open(io.BytesIO(jpeg.content)).size == (250, 250)
    phone.put("a.vcf", vcard("Bea", more=photo(data)))
    assert Picture.objects.count() == 1 and as_alice.get("/api/contacts").json()[0]["avatar"] == contact["avatar"]


def test_a_picture_that_does_not_decode_stays_as_it_came_and_avatar_is_null(phone, as_alice):
    data = b"no picture at all" * 50
    assert phone.put("a.vcf", vcard(more=photo(data, "JPEG"))).status_code == 201
    (picture,) = next(read(phone.get("a.vcf").text_body)).pictures
    assert picture.data == data and as_alice.get("/api/contacts").json()[0]["avatar"] is None


def test_a_put_without_photo_takes_the_avatar_away(phone, as_alice):
    phone.put("a.vcf", vcard(more=photo(png())))
    phone.put("a.vcf", vcard())
    assert as_alice.get("/api/contacts").json()[0]["avatar"] is None
    assert "PHOTO" not in phone.get("a.vcf").text_body


def test_an_uploaded_avatar_is_inside_the_card(phone, as_alice):
    from django.core.files.uploadedfile import SimpleUploadedFile

    contact = add(as_alice)
    as_alice.patch(
        f"/api/contacts/{contact['id']}/avatar", {"file": SimpleUploadedFile("a.png", png())}, format="multipart"
    )
    name = f"{Contact.objects.get().uid}.vcf"
    (picture,) = next(read(phone.get(name).text_body)).pictures
    assert Image.open(io.BytesIO(picture.data)).size == (250, 250)
    changes = Change.objects.count()
    phone.put(name, phone.get(name).text_body)
    assert Change.objects.count() == changes


def test_a_url_stays_one_and_another_accounts_picture_is_not_read(phone, bob, as_bob):
    theirs = Dav(bob)
    theirs.put("a.vcf", vcard(more=photo(b"secret" * 100)))
    name = Picture.objects.get().reference
    for url in ("https://example.org/a.png", f"http://127.0.0.1:8000{name}"):
        phone.put("a.vcf", vcard(more=f"PHOTO;VALUE=uri:{url}\r\n"))
        back = phone.get("a.vcf").text_body
        assert next(read(back)).pictures == [] and "PHOTO;VALUE=uri" in back


# Group cards and categories

GROUP = "X-ADDRESSBOOKSERVER-KIND:group\r\nX-ADDRESSBOOKSERVER-MEMBER:urn:uuid:u1\r\n"


def test_a_group_card_is_synced_as_it_is_and_no_contact_in_rest(phone, as_alice):
    phone.put("a.vcf", vcard())
    phone.put("g.vcf", vcard("Friends", "g1", GROUP))
    assert set(phone.etags()) == {"a.vcf", "g.vcf"}
    back = unfolded(phone.get("g.vcf").text_body)
    assert "X-ADDRESSBOOKSERVER-KIND:group" in back and "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:u1" in back
    assert [each["fullname"] for each in as_alice.get("/api/contacts").json()] == ["Ann"]
    groups = as_alice.get("/api/contacts?kind=group")
    assert [each["fullname"] for each in groups.json()] == ["Friends"] and groups["X-Total-Count"] == "1"
    assert as_alice.get("/api/contacts?kind=individual").json() == as_alice.get("/api/contacts").json()
    changes = as_alice.get("/api/contacts/changes").json()["changes"]
    assert [(each["contact"]["fullname"], each["card_kind"]) for each in changes] == [
        ("Ann", "individual"),
        ("Friends", "group"),
    ]
    assert Book.objects.get().live == 1


def test_a_card_that_becomes_a_group_is_no_contact_any_more(phone, as_alice):
    phone.put("g.vcf", vcard("Friends", "g1"))
    assert Book.objects.get().live == 1
    phone.put("g.vcf", vcard("Friends", "g1", GROUP))
    assert Book.objects.get().live == 0 and as_alice.get("/api/contacts").json() == []
    phone.put("g.vcf", vcard("Friends", "g1"))
    assert Book.objects.get().live == 1 and len(as_alice.get("/api/contacts").json()) == 1


def test_a_body_of_rest_of_kind_group_is_422(as_alice):
    contact = add(as_alice)
    for answer in (
        as_alice.post("/api/contacts/", {"fullname": "x", "card": {"kind": "group"}}, format="json"),
        as_alice.patch(f"/api/contacts/{contact['id']}", {"card": {"kind": "group"}}, format="json"),
    ):
        assert answer.status_code == 422 and answer.json()["detail"][0]["loc"] == ["body", "card", "kind"]


def test_categories_are_the_groups_of_rest_both_ways(phone, as_alice):
    phone.put("a.vcf", vcard(more="CATEGORIES:Climbers,Work\\, old\r\n"))
    assert [group["name"] for group in as_alice.get("/api/groups").json()] == ["Climbers", "Work, old"]
    assert len(as_alice.get("/api/contacts?group=Climbers").json()) == 1
    (group, _) = as_alice.get("/api/groups").json()
    as_alice.patch(f"/api/groups/{group['id']}", {"name": "Hikers"}, format="json")
    assert "CATEGORIES:Hikers,Work\\, old" in unfolded(phone.get("a.vcf").text_body) or (
        "CATEGORIES:Work\\, old,Hikers" in unfolded(phone.get("a.vcf").text_body)
    )
