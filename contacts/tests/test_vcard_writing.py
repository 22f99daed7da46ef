"""vCards that are written: folding, escaping, parameters, and what 3.0 gets instead of what it does not know."""

import ast
import base64
import re
from pathlib import Path

import pytest

from contacts.cards import vcard
from contacts.cards.vcard import read, write
from contacts.cards.vcard.tables import ONLY_IN_4

pytestmark = pytest.mark.one_stack

ENGINE = Path(vcard.__file__).parent


def lines(card, version):
    return write({"name": {"full": "A"}, **card}, version).replace("\r\n ", "").split("\r\n")


def test_lines_are_folded_at_75_octets_between_characters():
    for character in "xß漢😀":
        for length in range(60, 90):
            text = write({"name": {"full": character * length}})
            assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
            assert next(read(text)).card["name"]["full"] == character * length
            assert max(len(line.encode()) for line in text.split("\r\n")) > 70 or len(character.encode()) * length < 72


def test_every_line_ends_in_crlf_and_no_value_breaks_one():
    text = write(
        {
            "name": {"full": "a\r\nb\nc\rd"},
            "links": {"l1": {"uri": "x:\nEND:VCARD"}},
            "vCardProps": [["x-a", {"b": "c\nd:e"}, "unknown", "f\ng"]],
        }
    )
    assert "\n" not in text.replace("\r\n", "") and "\r" not in text.replace("\r\n", "")
    assert text.count("\r\nEND:VCARD\r\n") == 1
    assert next(read(text)).card["name"]["full"] == "a\r\nb\nc\rd"


def test_3_0_has_no_parameter_of_4_0_alone():
    card = {
        "emails": {
            "work": {"address": "a@x.org", "pref": 1, "vCardParams": {"altid": "1", "pid": "1.1", "x-a": 'b"c\nd'}}
        },
        "addresses": {
            "a1": {
                "components": [{"kind": "name", "value": "b"}],
                "isOrdered": True,
                "full": "c",
                "countryCode": "de",
                "timeZone": "Europe/Rome",
            }
        },
        "notes": {"n1": {"note": "x", "author": {"name": "y"}, "created": "2020-01-01T00:00:00Z"}},
        "personalInfo": {"i1": {"kind": "hobby", "value": "x", "level": "high", "listAs": 1}},
    }
    found = lines(card, "3.0")
    for line in found:
        names = re.findall(r";([A-Za-z-]+)=", line.partition(":")[0])
        assert not {name.lower() for name in names} & ONLY_IN_4
    assert "EMAIL;X-A=b'c d;TYPE=INTERNET,PREF:a@x.org" in found
    assert "LABEL:c" in found


def test_3_0_says_what_is_best_and_4_0_how_good_each_is():
    card = {"phones": {"p1": {"number": "1", "pref": 3}, "p2": {"number": "2", "pref": 2}, "p3": {"number": "3"}}}
    assert [line for line in lines(card, "3.0") if "TEL" in line] == ["TEL:1", "TEL;TYPE=PREF:2", "TEL:3"]
    assert [line for line in lines(card, "4.0") if "TEL" in line] == ["TEL;PREF=3:1", "TEL;PREF=2:2", "TEL:3"]


def test_3_0_always_has_an_n():
    assert "N:;A;;;" in lines({}, "3.0")
    assert next(read(write({"name": {"full": "A B"}}, "3.0"))).card == {"name": {"full": "A B"}}


def test_3_0_joins_later_components_to_the_older_ones():
    address = [
        {"kind": "name", "value": "Main"},
        {"kind": "number", "value": "5"},
        {"kind": "floor", "value": "2"},
        {"kind": "locality", "value": "Town"},
    ]
    name = {
        "full": "A",
        "components": [
            {"kind": "surname", "value": "B"},
            {"kind": "surname2", "value": "C"},
            {"kind": "generation", "value": "III"},
        ],
    }
    found = lines({"addresses": {"a1": {"components": address}}, "name": name}, "3.0")
    assert "ADR:;2;Main 5;Town;;;" in found
    assert "N:B,C;;;;III" in found


def test_apple_s_forms_are_written_where_3_0_has_none():
    card = {
        "kind": "group",
        "members": {"urn:uuid:1": True},
        "anniversaries": {"w1": {"kind": "wedding", "date": {"year": 2001, "month": 2, "day": 3}}},
        "relatedTo": {"Jane": {"relation": {"spouse": True}}},
        "onlineServices": {
            "s1": {"service": "Mastodon", "uri": "https://m.org/@a", "user": "a"},
            "s2": {"service": "icq", "user": "1"},
        },
        "nicknames": {"k1": {"name": "a"}, "k2": {"name": "b,c"}},
    }
    found = lines(card, "3.0")
    for line in (
        "X-ADDRESSBOOKSERVER-KIND:group",
        "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:1",
        "labelw1.X-ABDATE:2001-02-03",
        "labelw1.X-ABLabel:_$!<Anniversary>!$_",
        "labelr1.X-ABRELATEDNAMES:Jane",
        "labelr1.X-ABLabel:_$!<Spouse>!$_",
        "X-SOCIALPROFILE;X-USER=a;TYPE=MASTODON:https://m.org/@a",
        "X-ICQ:1",
        "NICKNAME:a,b\\,c",
    ):
        assert line in found


def test_a_version_that_is_not_written_is_an_error():
    with pytest.raises(ValueError, match="2.1"):
        write({"name": {"full": "A"}}, "2.1")


def test_a_card_is_not_changed_by_being_written():
    card = {
        "name": {"full": "A", "components": [{"kind": "surname2", "value": "B"}], "isOrdered": True},
        "emails": {"e1": {"address": "a", "vCardParams": {"type": "x"}}},
    }
    before = repr(card)
    write(card, "4.0")
    write(card, "3.0")
    assert repr(card) == before


@pytest.mark.parametrize("path", sorted(ENGINE.glob("*.py")), ids=lambda path: path.name)
def test_the_engine_imports_nothing_but_the_library_and_the_cards(path):
    tree = ast.parse(path.read_text())
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    others = {name for name in names if name.split(".")[0] not in __import__("sys").stdlib_module_names}
    assert all(name.startswith("contacts.cards") for name in others)


def test_a_relation_under_a_label_that_somebody_chose_keeps_it_in_3_0():
    labelled = {"relation": {}, "vCardName": "x-abrelatednames", "vCardParams": {"x-ablabel": "Partner(in)"}}
    card = {"name": {"full": "A"}, "relatedTo": {"Sue": labelled, "Bob": {"relation": {"co-worker": True}}}}
    (again,) = read(write(card, "3.0"))
    assert again.card == card


def test_a_nickname_under_another_name_is_no_part_of_a_list():
    card = {"nicknames": {"k1": {"name": "Jo"}, "k2": {"name": "Joe", "vCardName": "x-epocsecondname"}}}
    assert [line for line in lines(card, "3.0") if "Jo" in line] == ["NICKNAME:Jo", "X-EPOCSECONDNAME:Joe"]


def test_a_second_relation_of_a_person_stays_in_3_0():
    (entry,) = read("BEGIN:VCARD\nVERSION:4.0\nFN:A\nRELATED;TYPE=spouse,emergency;VALUE=text:Sue\nEND:VCARD")
    (again,) = read(write(entry.card, "3.0"))
    assert again.card == entry.card


LONG = "QUJD" * 800


@pytest.mark.parametrize(
    ("version", "line"),
    [
        ("2.1", f"KEY;PGP;ENCODING=BASE64:{LONG}"),
        ("3.0", f"KEY;TYPE=PGP;ENCODING=B:{LONG}"),
        ("4.0", f"KEY:data:application/pgp-keys;base64,{LONG}"),
    ],
)
def test_a_long_key_is_bytes_in_every_version(version, line):
    (entry,) = read(f"BEGIN:VCARD\nVERSION:{version}\nFN:A\n{line}\n\nEND:VCARD")
    assert f"KEY;ENCODING=b;TYPE=PGP:{LONG}" in lines(entry.card, "3.0")
    assert f"KEY:data:application/pgp-keys;base64,{LONG}" in lines(entry.card, "4.0")
    assert [again.card == entry.card for version in ("3.0", "4.0") for again in read(write(entry.card, version))] == [
        True,
        True,
    ]


def test_apple_s_other_birthday_keeps_its_calendar_in_3_0():
    (entry,) = read("BEGIN:VCARD\nVERSION:3.0\nFN:A\nX-ALTBDAY;CALSCALE=chinese:19850412\nEND:VCARD")
    assert "X-ALTBDAY;CALSCALE=chinese:19850412" in lines(entry.card, "3.0")


def test_an_armoured_key_is_bytes_in_3_0():
    armoured = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQGi\n-----END PGP PUBLIC KEY BLOCK-----"
    text = armoured.replace("\n", "\\n")
    (entry,) = read(f"BEGIN:VCARD\nVERSION:3.0\nFN:A\nKEY;TYPE=PGP:{text}\nEND:VCARD")
    encoded = base64.b64encode(armoured.encode()).decode()
    assert entry.card["cryptoKeys"] == {"c1": {"uri": f"data:application/pgp-keys;base64,{encoded}"}}
    assert f"KEY;ENCODING=b;TYPE=PGP:{encoded}" in lines(entry.card, "3.0")


LABELLED = (
    *("TEL:+49 221 1", "EMAIL:a@x.org", "URL:http://x.org", "ADR:;;street;city;;1;land", "LABEL:street", "GEO:1.5;2.5"),
    *("TZ:-05:00", "BDAY:1990-01-01", "X-ABDATE:2000-01-03", "DEATHDATE:2000-01-03", "NOTE:hello", "ORG:a;b"),
    *("TITLE:a", "ROLE:a", "NICKNAME:a", "NICKNAME:a,b", "IMPP;X-SERVICE-TYPE=Jabber:xmpp:a@x.org", "X-AIM:a"),
    *("X-SOCIALPROFILE;TYPE=twitter:http://x.org", "X-ABRELATEDNAMES:Ann", "X-SPOUSE:Ann", "CATEGORIES:a,b"),
    *("KEY:http://x.org/k", "PHOTO;VALUE=uri:http://x.org/p", "LOGO;VALUE=uri:http://x.org/p", "FBURL:http://x.org"),
    *("CALURI:http://x.org", "LANG:de", "GENDER:F", "HOBBY:a", "X-OTHER:a", "CLASS:PRIVATE", "N:b;a;;;"),
)


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_every_property_stays_in_one_group_with_its_label(version):
    for prop in LABELLED:
        for label in ("Summer", "_$!<Home>!$_"):
            entry = next(read(f"BEGIN:VCARD\nVERSION:3.0\nFN:A\nitem1.{prop}\nitem1.X-ABLABEL:{label}\nEND:VCARD\n"))
            groups = {
                line.split(":")[0].split(";")[0] for line in lines(entry.card, version) if "." in line.split(":")[0]
            }
            labels = [line for line in lines(entry.card, version) if "ABLabel" in line or "x-ablabel" in line]
            assert labels == [f"item1.X-ABLabel:{label}"], prop
            assert len(groups) >= 2 and all(name.startswith("item1.") for name in groups), prop


def test_names_of_different_labels_are_not_joined_in_3_0():
    entry = next(read("BEGIN:VCARD\nVERSION:3.0\nFN:A\na.NICKNAME:b\na.X-ABLABEL:c\nNICKNAME:d\nEND:VCARD\n"))
    assert [line for line in lines(entry.card, "3.0") if "ICKNAME" in line or "ABL" in line] == [
        "a.NICKNAME:b",
        "a.X-ABLabel:c",
        "NICKNAME:d",
    ]
