"""vCards of real programs: what each becomes, and that it comes out again."""

import pytest

from contacts.cards.validation import faults
from contacts.cards.vcard import read, write
from contacts.tests.vcard_dialects import DIALECTS, JPEG, PNG

pytestmark = pytest.mark.one_stack


def one(text, **options):
    (entry,) = read(text, **options)
    assert entry.card is not None, entry.reason
    return entry


def dialect(name):
    return one(DIALECTS[name])


def kept(card):
    return {prop[0]: prop[3] for prop in card.get("vCardProps", ())}


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_dialect_is_one_valid_card_with_any_line_ends(name, line_end):
    entry = one(DIALECTS[name].replace("\r\n", "\n").replace("\n", line_end))
    assert list(faults(entry.card)) == []
    assert entry.ended


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_is_the_same_card_after_4_0(name):
    entry = dialect(name)
    again = one(write(entry.card, "4.0", {picture.reference: picture for picture in entry.pictures}.get))
    assert again.card == entry.card
    assert again.pictures == entry.pictures


@pytest.mark.parametrize("name", [name for name in DIALECTS if name != "thunderbird"])
def test_every_dialect_is_the_same_card_after_3_0(name):
    """Thunderbird's has a title in two languages, which 3.0 does not hold."""
    entry = dialect(name)
    again = one(write(entry.card, "3.0", {picture.reference: picture for picture in entry.pictures}.get))
    assert again.card == entry.card
    assert again.pictures == entry.pictures


def test_ios():
    entry = dialect("ios")
    card = entry.card
    assert entry.notes == []
    assert card["name"] == {
        "full": "Dr. Zoë Anna Müller MD",
        "components": [
            {"kind": "surname", "value": "Müller", "phonetic": "müler"},
            {"kind": "given", "value": "Zoë", "phonetic": "tso-eh"},
            {"kind": "given2", "value": "Anna"},
            {"kind": "title", "value": "Dr."},
            {"kind": "credential", "value": "MD"},
        ],
    }
    assert card["organizations"] == {"o1": {"name": "Acme, Inc.", "units": [{"name": "Research"}]}}
    assert card["emails"]["e1"] == {
        "address": "zoe@example.org",
        "pref": 1,
        "label": "Newsletter",
        "vCardParams": {"group": "item1"},
    }
    assert card["emails"]["e2"] == {"address": "zoe@home.example", "contexts": {"private": True}}
    assert card["phones"]["p2"] == {
        "number": "+49 171 7654321",
        "features": {"mobile": True, "voice": True},
        "vCardParams": {"type": "iphone"},
    }
    assert card["phones"]["p4"]["label"] == "HomeFAX"
    assert card["addresses"]["a1"]["components"][0] == {"kind": "name", "value": "Hauptstr. 5\nHinterhaus"}
    assert card["links"]["l1"]["uri"] == "https://example.org/zoe"
    birth, wedding, met = card["anniversaries"].values()
    assert birth == {"kind": "birth", "date": {"@type": "PartialDate", "month": 2, "day": 29}}
    assert (wedding["kind"], wedding["date"]["year"]) == ("wedding", 2010)
    assert met["vCardParams"]["x-ablabel"] == "First met"
    assert card["relatedTo"]["Max Müller"]["relation"] == {"spouse": True}
    assert card["relatedTo"]["Rex"]["relation"] == {}
    assert [service["service"] for service in card["onlineServices"].values()] == ["twitter", "Skype"]
    assert card["notes"]["n1"]["note"] == "First line\nSecond, line; with “quotes”"
    assert [(picture.data, picture.media_type) for picture in entry.pictures] == [(JPEG, "image/jpeg")]
    assert card["media"]["m1"]["uri"] == entry.pictures[0].reference
    assert kept(card) == {"x-abadr": "de", "x-abuid": "5B1E5F3C\\:ABPerson"}


def test_apple_s_groups_labels_and_year_come_out_as_they_came():
    lines = write(dialect("ios").card, "3.0").split("\r\n")
    for line in (
        "item1.EMAIL;TYPE=INTERNET,PREF:zoe@example.org",
        "item1.X-ABLabel:Newsletter",
        "item2.X-ABLabel:_$!<HomeFAX>!$_",
        "item3.X-ABADR:de",
        "item5.X-ABDATE;TYPE=PREF:2010-05-01",
        "item5.X-ABLabel:_$!<Anniversary>!$_",
        "item7.X-ABRELATEDNAMES;TYPE=PREF:Max Müller",
        "BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29",
        "X-PHONETIC-FIRST-NAME:tso-eh",
    ):
        assert line in lines


def test_a_group_names_its_members():
    entry = dialect("macos_group")
    assert entry.card["kind"] == "group"
    assert entry.members == [
        "urn:uuid:5b1e5f3c-1111-2222-3333-444455556666",
        "urn:uuid:5b1e5f3c-7777-2222-3333-444455556666",
    ]
    assert "X-ADDRESSBOOKSERVER-KIND:group" in write(entry.card, "3.0")
    assert "\r\nKIND:group\r\nMEMBER:urn:uuid:5b1e" in write(entry.card, "4.0")


def test_google():
    old, new = dialect("google_old").card, dialect("google_new").card
    assert old["addresses"]["a1"]["full"] == "1600 Amphitheatre Pkwy\nMountain View, CA 94043"
    assert old["titles"]["t1"]["organizationId"] == "o1"
    assert old["keywords"] == {"myContacts": True, "Poets": True}
    assert old["phones"]["p2"] == {"number": "+1 202 555 0102", "contexts": {"work": True}, "features": {"fax": True}}
    assert new["emails"]["e2"]["label"] == "Second home"
    assert kept(new) == {"bday": "in summer", "x-file-as": "Zetkin"}
    assert dialect("google_new").notes == ["BDAY is no date; it was kept as it came: 'in summer'"]
    assert new["media"]["m1"] == {"kind": "photo", "uri": "https://lh3.googleusercontent.com/contacts/abc"}


def test_android_2_1():
    entry = dialect("android_21")
    card = entry.card
    assert card["name"]["full"] == "Jürgen Müller"
    assert [(part["kind"], part["value"]) for part in card["name"]["components"]] == [
        ("surname", "Müller"),
        ("given", "Jürgen"),
    ]
    assert card["notes"]["n1"]["note"] == "Zeile 1\nZeile 2 danach"
    assert card["phones"]["p1"] == {"number": "0170-1234567", "features": {"mobile": True}, "pref": 1}
    assert card["phones"]["p3"]["vCardParams"] == {"type": "x-durchwahl"}
    assert card["addresses"]["a1"]["components"][0]["value"] == "Hauptstraße 5"
    assert entry.pictures[0].data == JPEG


def test_outlook_2_1():
    entry = dialect("outlook_21")
    card = entry.card
    assert card["name"]["full"] == "Dörte Schäfer"
    assert card["name"]["vCardParams"] == {"language": "de"}
    assert card["notes"]["n1"]["note"] == "Zeile 1\nZeile 2\n\n"
    assert card["addresses"]["a1"]["full"] == "Domstraße 1\n50668 Köln"
    assert card["addresses"]["a1"]["contexts"] == {"work": True}
    assert card["anniversaries"]["b1"]["date"] == {"@type": "PartialDate", "year": 1963, "month": 9, "day": 8}
    assert card["emails"]["e1"] == {"address": "doerte@example.org", "pref": 1}
    assert entry.pictures[0].data == JPEG
    assert card["cryptoKeys"]["c1"]["uri"].startswith("data:application/pkix-cert;base64,")
    assert "</card>" in kept(card)["x-ms-ol-design"]
    company = {"features": {"voice": True}, "vCardName": "x-ms-tel", "vCardParams": {"type": "company"}}
    assert card["phones"]["p4"] == {"number": "+49 221 1", **company}
    assert card["relatedTo"]["Klaus"]["relation"] == {"spouse": True}


def test_a_card_in_a_card_belongs_to_the_outer_one():
    entry = dialect("nokia_21")
    assert entry.notes == ["The card has no FN; the name was made of N."]
    assert entry.card["name"]["full"] == "Päivi Virtanen"
    assert kept(entry.card)["agent"] == "BEGIN:VCARD\\nVERSION:2.1\\nN:Boss\\;Big\\nTEL:1\\nEND:VCARD\\n"
    sip = {"service": "SIP", "user": "sip:paivi@example.org", "vCardName": "x-sip"}
    assert entry.card["onlineServices"] == {"s1": sip}
    assert kept(dialect("lotus").card)["agent"] == "BEGIN:VCARD\\nFN:Susan\\nEND:VCARD\\n"


def test_thunderbird():
    card = dialect("thunderbird").card
    assert card["phones"]["p1"] == {"number": "+1 555 0100", "features": {"mobile": True}}
    assert card["phones"]["p2"]["number"] == "+1-555-0101"
    assert card["localizations"] == {"en": {"titles/t1/name": "Boss"}}
    assert "TEL;TYPE=home;VALUE=uri:tel:+1-555-0101" in write(card, "4.0")


def test_evolution():
    card = dialect("evolution").card
    assert [(found["service"], found["user"]) for found in card["onlineServices"].values()] == [
        ("AIM", "edaim"),
        ("Jabber", "ed@jabber.example"),
    ]
    assert card["relatedTo"]["Edna"] == {"relation": {"spouse": True}, "vCardName": "x-evolution-spouse"}
    assert card["relatedTo"]["Al"] == {"relation": {}, "vCardName": "x-evolution-assistant"}
    assert card["addresses"]["a1"]["full"] == "1 Road\nTown"
    assert "X-EVOLUTION-ANNIVERSARY:1999-12-31" in write(card, "3.0")
    assert card["emails"]["e1"]["vCardParams"] == {"x-evolution-ui-slot": "1"}
    assert kept(card)["rev"] == "2015-05-05T05:05:05Z(12)"


def test_kde():
    card = dialect("kde").card
    assert card["emails"]["e1"]["contexts"] == {"work": True, "private": True}
    assert card["phones"]["p1"]["features"] == {"mobile": True, "voice": True}
    assert card["addresses"] == {"a1": {"coordinates": "geo:46.2,6.1"}, "a2": {"timeZone": "Europe/Zurich"}}
    assert card["keywords"] == {"KDE": True, "Dragons, green": True}
    assert kept(card)["x-messaging/matrix-all"] == "@katie:kde.example"
    assert "X-messaging/matrix-All:@katie:kde.example" in write(card, "3.0")
    assert "X-KADDRESSBOOK-X-SpousesName:Konqi" in write(card, "3.0")


def test_davx5_and_nextcloud():
    entry, cloud = dialect("davx5"), dialect("nextcloud").card
    assert entry.card["phones"]["p2"]["label"] == "Ferienhaus"
    assert [found["name"] for found in entry.card["nicknames"].values()] == ["No", "Nono"]
    assert entry.card["relatedTo"] == {"Nils": {"relation": {"spouse": True}}}
    assert (entry.pictures[0].data, entry.pictures[0].media_type) == (PNG, "image/png")
    assert cloud["onlineServices"]["s1"]["service"] == "mastodon"
    assert {found["kind"]: found["date"].get("year") for found in cloud["anniversaries"].values()} == {
        "wedding": 2001,
        "death": 2020,
        "birth": None,
    }
    assert "components" not in cloud["name"]


def test_empty_properties_say_nothing():
    entry = dialect("syncevolution")
    assert entry.notes == []
    assert entry.card == {
        "uid": "s-1",
        "name": {"full": "Sy Nc", "components": [{"kind": "surname", "value": "Nc"}, {"kind": "given", "value": "Sy"}]},
        "phones": {"p1": {"number": "1", "contexts": {"work": True}}},
        "vCardProps": [["x-evolution-file-as", {}, "unknown", "Nc\\, Sy"]],
    }


def test_lotus():
    card = dialect("lotus").card
    assert card["notes"]["n1"]["note"] == "A note that is folded the way of 3.0 in the middle of a word and goes on"
    assert card["name"]["sortAs"] == {"surname": "Tuss"}
    assert card["addresses"] == {"a1": {"coordinates": "geo:-2.6,3.4"}, "a2": {"timeZone": "Etc/GMT+5"}}
    assert [medium["kind"] for medium in card["media"].values()] == ["sound", "logo"]
