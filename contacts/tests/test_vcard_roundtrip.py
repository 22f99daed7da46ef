"""Cards to vCards and back: what comes back is what went out, property by property."""

import hypothesis
import pytest

from contacts.cards.jscontact import same
from contacts.cards.validation import faults
from contacts.cards.vcard import Picture, read, write
from contacts.cards.vcard.writer import compared
from contacts.tests.vcard_cards import CARDS

pytestmark = pytest.mark.one_stack

# One line of each property and parameter as the writer puts it; read and written again it is the same line.
LINES = [
    "UID:urn:uuid:1",
    "PRODID:-//x//y",
    "LANGUAGE:de",
    "KIND:org",
    "MEMBER:urn:uuid:2",
    "N:Doe;John;Q.,R.;Dr.;Jr.,M.D.",
    "N:Doe,Roe;Ann;;;III;Roe;III",
    'N;JSCOMPS=";1;2;0":Stevenson;John;Philip;;',
    'N;JSCOMPS="s,\\, ;0;s,-;1":Doe;Ann;;;',
    'N;SORT-AS="Harten,Rene":van der Harten;Rene;;;',
    "N;LANGUAGE=de;X-A=b:Doe;Ann;;;",
    "NICKNAME;TYPE=work:Boss",
    "NICKNAME;PREF=1;PROP-ID=x:a\\,b\\;c\\\\d\\ne",
    "ORG:Acme\\; Inc;Sales;North",
    'ORG;SORT-AS="acme,x":Acme;Sales',
    "TITLE:Head",
    "TITLE;LANGUAGE=en:Head",
    "ROLE:Boss",
    "EMAIL;TYPE=work,home;PREF=2:a@x.org",
    "EMAIL;TYPE=x-new:a@x.org",
    "item1.EMAIL:a@x.org",
    "TEL;TYPE=home,cell,voice,fax,pager,text,textphone,video,main-number:+1",
    "TEL;VALUE=uri:tel:+1-2",
    "TEL;VALUE=uri:tel:+1;ext=2",
    "TEL;TYPE=car,isdn:1",
    "IMPP;TYPE=home;SERVICE-TYPE=Skype;USERNAME=a:skype:a",
    "SOCIALPROFILE;SERVICE-TYPE=Mastodon:https://m.org/@a",
    "SOCIALPROFILE;SERVICE-TYPE=Matrix;VALUE=text:@a:x.org",
    "X-SOCIALPROFILE;X-USER=a;TYPE=twitter:http://twitter.com/a",
    "X-AIM;TYPE=home:a",
    "X-JABBER:a@x.org",
    "LANG;TYPE=work;PREF=1:fr",
    "ADR;TYPE=home,billing;PREF=1:PO 1;Apt 2;Main St 5;Town;Region;123;Country",
    'ADR;CC=us;GEO="geo:1,2";TZ=Europe/Rome;LABEL="a^nb":;;Main;;;;',
    "ADR:;F 2;5 Main;Town;;;;;;F 2;5;Main;;;;;;",
    'ADR;JSCOMPS="s,\\, ;10;s, ;11;3":;;5 Main;Town;;;;;;;5;Main;;;;;;',
    "GEO:geo:1.5,-2.5",
    "TZ:Europe/Rome",
    "PHOTO:https://x.org/a.jpg",
    "PHOTO;PREF=1;MEDIATYPE=image/png:https://x.org/a",
    "LOGO:https://x.org/l.png",
    "SOUND;LANGUAGE=en:https://x.org/a.ogg",
    "KEY;MEDIATYPE=application/pgp-keys:ftp://example.com/keys/a",
    "KEY:data:application/pgp-keys;base64,QUJD",
    "SOURCE:ldap://x.org",
    "ORG-DIRECTORY;INDEX=1:ldap://x.org/o",
    "CALURI;PREF=1:https://x.org/c",
    "FBURL;MEDIATYPE=text/calendar:https://x.org/f",
    "CALADRURI:mailto:a@x.org",
    "URL;TYPE=home;MEDIATYPE=text/html:https://x.org/?a;b,c",
    "CONTACT-URI;PREF=1:mailto:a@x.org",
    "EXPERTISE;INDEX=2;LEVEL=expert:chess",
    "HOBBY;INDEX=1;LEVEL=high:reading",
    "INTEREST;LEVEL=medium:rock",
    "BDAY:19960415",
    "BDAY:--0415",
    "BDAY;CALSCALE=gregorian:1996",
    "ANNIVERSARY:199604",
    "DEATHDATE:20200101",
    "X-ANNIVERSARY:2010-05-01",
    "X-EVOLUTION-ANNIVERSARY:2010-05-01",
    "X-SPOUSE:Jane",
    "X-MANAGER:Bob",
    "RELATED;TYPE=friend,colleague:urn:uuid:1",
    "RELATED;TYPE=spouse;VALUE=text:Jane\\, the first",
    'NOTE;AUTHOR-NAME=Me;AUTHOR="mailto:a@x.org";CREATED=20200101T000000Z:hi',
    "NOTE;LANGUAGE=en;ALTID=1:hi",
    "GRAMGENDER:feminine",
    "PRONOUNS;LANGUAGE=en;PREF=1:they/them",
    "CATEGORIES:a,b\\,c",
    "GENDER:M;Fellow",
    "CLIENTPIDMAP:1;urn:uuid:53e374d9",
    "EMAIL;PID=1.1:a@x.org",
    'XML:<a xmlns="x">b</a>',
    "BDAY;VALUE=text:circa 1800",
    "BIRTHPLACE:Rome",
    "X-PHONETIC-ORG:x",
    "X-EVOLUTION-FILE-AS:Doe\\, J",
    "X-ABShowAs:COMPANY",
    'X-FOO;BAR="a;b",c;BAZ=^^^n^\':d;e\\;f,g',
    "AGENT:BEGIN:VCARD\\nFN:x\\nEND:VCARD",
    "CLASS:PUBLIC",
    "CREATED:20220705T093412Z",
    "REV:20220705T093412Z",
]


def vcard(*lines, version="4.0"):
    return "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""])


def unfolded(text):
    return text.replace("\r\n ", "").split("\r\n")


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_4_0_comes_out_as_it_went_in(line):
    (entry,) = read(vcard("FN:A", line))
    out = unfolded(write(entry.card))
    assert sorted(out) == sorted(unfolded(vcard("FN:A", line)))
    assert list(faults(entry.card)) == []


def test_all_lines_together_come_out_as_they_went_in():
    """Bar those of which there is one, and names in the model for the same thing."""
    once = {line.partition(":")[0].partition(";")[0]: line for line in LINES}
    once.pop("BIRTHPLACE")
    (entry,) = read(vcard("FN:A", *once.values()))
    assert sorted(unfolded(write(entry.card))) == sorted(unfolded(vcard("FN:A", *once.values())))


@hypothesis.settings(suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(CARDS)
def test_any_card_is_the_same_after_4_0(card):
    hypothesis.assume(not list(faults(card)))
    text = write(card)
    (entry,) = read(text)
    assert same(compared(entry.card), compared(card))
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))


@hypothesis.settings(suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(CARDS)
def test_any_card_is_a_valid_card_after_3_0_and_settles_there(card):
    hypothesis.assume(not list(faults(card)))
    (entry,) = read(write(card, "3.0"))
    assert list(faults(entry.card)) == []
    assert entry.card["name"]["full"]


def test_pictures_go_out_byte_for_byte():
    picture = Picture("/media/pictures/1", bytes(range(256)) * 40, "image/png")
    card = {
        "name": {"full": "A"},
        "media": {"m1": {"kind": "photo", "uri": picture.reference, "mediaType": "image/png"}},
    }
    for version, line in (("4.0", "PHOTO:data:image/png;base64,AAEC"), ("3.0", "PHOTO;ENCODING=b;TYPE=PNG:AAEC")):
        text = write(card, version, {picture.reference: picture}.get)
        assert line in unfolded(text)[3 + (version == "3.0")]
        (entry,) = read(text)
        assert entry.pictures[0].data == picture.data
        assert entry.card["media"]["m1"]["uri"] == entry.pictures[0].reference


def test_a_localization_goes_out_with_altid_and_language():
    card = {
        "name": {"full": "Ann", "components": [{"kind": "given", "value": "Ann"}]},
        "titles": {"t1": {"name": "Boss"}},
        "localizations": {"jp": {"name/full": "アン", "titles/t1/name": "上司", "phones": None}},
    }
    text = write(card)
    assert "TITLE;ALTID=ti1;LANGUAGE=jp:上司" in text
    assert "FN;ALTID=name;LANGUAGE=jp:アン" in text
    assert next(read(text)).card == card


def test_phonetic_names_go_out_by_the_standard_or_by_apple_s_names():
    parts = [
        {"kind": "surname", "value": "孫", "phonetic": "syun1"},
        {"kind": "given", "value": "中山", "phonetic": "zung1saan1"},
    ]
    card = {"name": {"full": "孫中山", "components": parts, "phoneticSystem": "jyut", "phoneticScript": "Latn"}}
    text = write(card)
    assert "N;ALTID=phonetic:孫;中山;;;" in text
    assert "N;ALTID=phonetic;PHONETIC=jyut;SCRIPT=Latn:syun1;zung1saan1" in text
    assert next(read(text)).card == card
    assert "X-PHONETIC-FIRST-NAME:zung1saan1" in write(card, "3.0")


def test_what_nobody_knows_goes_out_as_jsprop():
    card = {
        "name": {"full": "A"},
        "emails": {"e1": {"address": "a@x.org", "@type": "EmailAddress", "x:y": [1, {"a/b": None}]}},
        "a/b~c": "d",
    }
    text = write(card)
    assert 'JSPROP;JSPTR=emails/e1/@type:"EmailAddress"' in unfolded(text)
    assert 'JSPROP;JSPTR=a~1b~0c:"d"' in unfolded(text)
    assert next(read(text)).card == card
    assert "JSPROP" not in write(card, "3.0")


def test_a_parameter_that_is_repeated_comes_out_as_often():
    text = 'BEGIN:VCARD\nVERSION:4.0\nFN:A\nX-A;LABEL="a,b";LABEL=c:x\nEND:VCARD\n'
    (entry,) = read(text)
    (again,) = read(write(entry.card, "4.0"))
    assert again.card == entry.card and entry.card["vCardProps"][0][1] == {"label": ["a,b", "c"]}
