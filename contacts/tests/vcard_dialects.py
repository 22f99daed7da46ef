"""vCards as real programs write them, for the tests of the vCard engine.

Written from the programs' documentation and from exports that people have published; names and numbers are made up.
"""

import base64

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + bytes(range(256)) + b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(100))
BASE64 = base64.b64encode(JPEG).decode()


def folded(text: str, width: int = 74, first: int = 40) -> str:
    lines = [text[:first], *(text[start : start + width] for start in range(first, len(text), width))]
    return "\r\n ".join(lines)


def unindented(text: str, width: int = 76) -> str:
    return "\r\n".join(text[start : start + width] for start in range(0, len(text), width))


IOS = f"""BEGIN:VCARD
VERSION:3.0
PRODID:-//Apple Inc.//iPhone OS 17.4//EN
N:Müller;Zoë;Anna;Dr.;MD
FN:Dr. Zoë Anna Müller MD
NICKNAME:Zo
X-PHONETIC-FIRST-NAME:tso-eh
X-PHONETIC-LAST-NAME:müler
ORG:Acme\\, Inc.;Research;
TITLE:Head
item1.EMAIL;type=INTERNET;type=pref:zoe@example.org
item1.X-ABLabel:Newsletter
EMAIL;type=INTERNET;type=HOME:zoe@home.example
TEL;type=CELL;type=VOICE;type=pref:+49 170 1234567
TEL;type=IPHONE;type=CELL;type=VOICE:+49 171 7654321
TEL;type=HOME;type=FAX:0221 1234567
item2.TEL:0800 111 222
item2.X-ABLabel:_$!<HomeFAX>!$_
item3.ADR;type=HOME;type=pref:;;Hauptstr. 5\\nHinterhaus;Köln;NRW;50667;Deutschland
item3.X-ABADR:de
item4.URL;type=pref:https\\://example.org/zoe
item4.X-ABLabel:_$!<HomePage>!$_
BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29
item5.X-ABDATE;type=pref:2010-05-01
item5.X-ABLabel:_$!<Anniversary>!$_
item6.X-ABDATE:2001-09-11
item6.X-ABLabel:First met
item7.X-ABRELATEDNAMES;type=pref:Max Müller
item7.X-ABLabel:_$!<Spouse>!$_
item8.X-ABRELATEDNAMES:Rex
item8.X-ABLabel:Dog
X-SOCIALPROFILE;type=twitter;x-user=zoe:http://twitter.com/zoe
IMPP;X-SERVICE-TYPE=Skype;type=HOME;type=pref:skype:zoe.m
NOTE:First line\\nSecond\\, line\\; with “quotes”
PHOTO;ENCODING=b;TYPE=JPEG;X-ABCROP-RECTANGLE=ABClipRect_1&0&0&200&200&abc==:{folded(BASE64)}
UID:5B1E5F3C-1111-2222-3333-444455556666
REV:2024-03-01T10:20:30Z
X-ABUID:5B1E5F3C\\:ABPerson
END:VCARD
"""

MACOS_GROUP = """BEGIN:VCARD
VERSION:3.0
PRODID:-//Apple Inc.//macOS 13.0//EN
N:Friends
FN:Friends
X-ADDRESSBOOKSERVER-KIND:group
X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:5b1e5f3c-1111-2222-3333-444455556666
X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:5b1e5f3c-7777-2222-3333-444455556666
UID:99999999-1111-2222-3333-444455556666
END:VCARD
"""

GOOGLE_OLD = """BEGIN:VCARD
VERSION:3.0
FN:Bert Brecht
N:Brecht;Bert;;;
EMAIL;TYPE=INTERNET;TYPE=HOME:bert@example.org
EMAIL;TYPE=INTERNET;TYPE=WORK:b.brecht@work.example
TEL;TYPE=CELL:+1 (202) 555-0101
TEL;TYPE=WORK;TYPE=FAX:+1 202 555 0102
ADR;TYPE=HOME:;;1600 Amphitheatre Pkwy;Mountain View;CA;94043;US;1600 Amphitheatre Pkwy\\nMountain View\\, CA 94043
item1.ORG:Berliner Ensemble
item1.TITLE:Director
item2.URL:http\\://www.google.com/profiles/1234
item2.X-ABLabel:PROFILE
BDAY:1898-02-10
X-PHONETIC-FIRST-NAME:bert
NOTE:One\\nTwo
CATEGORIES:myContacts,Poets
END:VCARD
"""

GOOGLE_NEW = """BEGIN:VCARD
VERSION:3.0
FN:Clara Zetkin
N:Zetkin;Clara;Josephine;;
NICKNAME:Cla
EMAIL;TYPE=INTERNET:clara@example.org
item1.EMAIL;TYPE=INTERNET:z@example.org
item1.X-ABLabel:Second home
TEL:+49 30 1234
ORG:Rote Fahne;Redaktion
TITLE:Editor
BDAY;VALUE=text:in summer
item2.X-ABDATE:1891-06-20
item2.X-ABLabel:Moved
item3.X-ABRELATEDNAMES:Maxim
item3.X-ABLabel:_$!<Child>!$_
X-FILE-AS:Zetkin
PHOTO:https://lh3.googleusercontent.com/contacts/abc
CATEGORIES:myContacts,starred
END:VCARD
"""

ANDROID_21 = f"""BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=4D=C3=BC=6C=6C=65=72;=4A=C3=BC=72=67=65=6E;;;
FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=4A=C3=BC=72=67=65=6E=20=4D=C3=BC=6C=6C=65=72
TEL;CELL;PREF:0170-1234567
TEL;HOME;VOICE:0221123456
TEL;X-Durchwahl:99
EMAIL;HOME:juergen@example.org
ADR;HOME;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:;;=48=61=75=70=74=73=74=72=61=C3=9F=65=20=35;=4B=C3=B6=6C=6E;;50667;
NOTE;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=5A=65=69=6C=65=20=31=0D=0A=5A=65=69=6C=65=20=32=
=20=64=61=6E=61=63=68
BDAY:1970-01-31
X-ANDROID-CUSTOM:vnd.android.cursor.item/nickname;Jupp;1;;;;;;;;;;;;;
PHOTO;ENCODING=BASE64;JPEG:{folded(BASE64)}

END:VCARD
"""

OUTLOOK_21 = f"""BEGIN:VCARD
VERSION:2.1
N;LANGUAGE=de:Schäfer;Dörte;;Frau
FN:Dörte Schäfer
ORG:Muster GmbH;Einkauf
TITLE:Leiterin
NOTE;ENCODING=QUOTED-PRINTABLE:Zeile 1=0D=0A=
Zeile 2=0D=0A=
=0D=0A
TEL;WORK;VOICE:+49 (221) 1234-0
TEL;CELL;VOICE:+49 170 99
TEL;WORK;FAX:+49 (221) 1234-99
ADR;WORK;PREF:;R. 12;Domstraße 1;Köln;;50668;Deutschland
LABEL;WORK;PREF;ENCODING=QUOTED-PRINTABLE:Domstra=DFe 1=0D=0A=
50668 K=F6ln
X-MS-OL-DEFAULT-POSTAL-ADDRESS:2
URL;WORK:http://www.example.org
ROLE:Einkauf
BDAY:19630908
KEY;X509;ENCODING=BASE64:
 {BASE64[:70]}
 {BASE64[70:140]}

EMAIL;PREF;INTERNET:doerte@example.org
X-MS-TEL;VOICE;COMPANY:+49 221 1
X-MS-SPOUSE;N:Klaus
PHOTO;TYPE=JPEG;ENCODING=BASE64:
 {folded(BASE64, 72, 72)}

X-MS-OL-DESIGN;CHARSET=utf-8:<card xmlns="http://schemas.microsoft.com/office/outlook/12/electronicbusinesscards" ver="1.0" layout="left"></card>
REV:20080416T113512Z
END:VCARD
"""

NOKIA_21 = """BEGIN:VCARD
VERSION:2.1
REV:20060101T120000Z
UID:0123456789
N;ENCODING=8BIT;CHARSET=UTF-8:Virtanen;Päivi;;;
TEL;CELL:+358401234567
TEL;HOME;CELL:+358407654321
TEL;VIDEO:+3581
X-CLASS:private
EMAIL:paivi@example.org
URL;WORK:www.example.org
BDAY:19800229
AGENT:
BEGIN:VCARD
VERSION:2.1
N:Boss;Big
TEL:1
END:VCARD
X-SIP:sip:paivi@example.org
END:VCARD
"""

THUNDERBIRD = """BEGIN:VCARD
VERSION:4.0
N:Doe;Jane;;;
FN:Jane Doe
EMAIL;PREF=1:jane@example.org
EMAIL;TYPE=work:jane@work.example
TEL;VALUE=TEXT;TYPE=cell:+1 555 0100
TEL;VALUE=URI;TYPE=home:tel:+1-555-0101
TITLE;ALTID=1;LANGUAGE=fr:Patronne
TITLE;ALTID=1;LANGUAGE=en:Boss
BDAY;VALUE=DATE:--0412
ANNIVERSARY;VALUE=DATE:20090808
NOTE:Plain note
X-CUSTOM1;VALUE=TEXT:one
X-MOZILLA-HTML;VALUE=BOOLEAN:FALSE
UID:7b4d7a6e-0000-4000-8000-000000000001
END:VCARD
"""

EVOLUTION = """BEGIN:VCARD
VERSION:3.0
EMAIL;TYPE=HOME;X-EVOLUTION-UI-SLOT=1:ed@example.org
TEL;X-EVOLUTION-UI-SLOT=1;TYPE=WORK,VOICE:+1 555 0200
X-AIM;X-EVOLUTION-UI-SLOT=1;TYPE=HOME:edaim
X-JABBER;X-EVOLUTION-UI-SLOT=2;TYPE=WORK:ed@jabber.example
X-EVOLUTION-BLOG-URL:http://blog.example.org
X-EVOLUTION-VIDEO-URL:http://video.example.org
X-EVOLUTION-FILE-AS:Example\\, Ed
X-EVOLUTION-SPOUSE:Edna
X-EVOLUTION-MANAGER:The Boss
X-EVOLUTION-ASSISTANT:Al
X-EVOLUTION-ANNIVERSARY:1999-12-31
X-MOZILLA-HTML:FALSE
CALURI:http://cal.example.org
FBURL:http://fb.example.org
ROLE:Clerk
BDAY:1960-07-04
LABEL;TYPE=WORK:1 Road\\nTown
ADR;TYPE=WORK:;;1 Road;Town;;1000;UK
N:Example;Ed;;;
FN:Ed Example
UID:pas-id-4A
REV:2015-05-05T05:05:05Z(12)
END:VCARD
"""

KDE = """BEGIN:VCARD
VERSION:4.0
N:Konqi;Katie;;;
FN:Katie Konqi
EMAIL;TYPE="work,home";PREF=1:katie@kde.example
TEL;TYPE="cell,voice":+41 1
GEO:geo:46.2,6.1
TZ:Europe/Zurich
X-KADDRESSBOOK-BlogFeed:http://feed.example.org
X-KADDRESSBOOK-X-Anniversary:2005-05-05
X-KADDRESSBOOK-X-SpousesName:Konqi
X-KADDRESSBOOK-X-Profession:Dragon
X-messaging/matrix-All:@katie:kde.example
CATEGORIES:KDE,Dragons\\, green
GENDER:F
REV:20230101T000000Z
UID:kde-1
END:VCARD
"""

DAVX5 = """BEGIN:VCARD
VERSION:4.0
PRODID:+//IDN bitfire.at//DAVx5/4.3-ose ez-vcard/0.12.1
UID:a1b2c3d4-0000-4000-8000-000000000002
FN:Nora Next
N:Next;Nora;;;
TEL;PREF=1;TYPE=cell:+43 1
group1.TEL:+43 2
group1.X-ABLABEL:Ferienhaus
EMAIL;TYPE=home:nora@example.org
ANNIVERSARY:20200202
RELATED;TYPE=spouse;VALUE=text:Nils
NICKNAME:No,Nono
CATEGORIES:Family
PHOTO:data:image/png;base64,{png}
REV:20240101T000000Z
END:VCARD
""".replace("{png}", base64.b64encode(PNG).decode())

NEXTCLOUD = """BEGIN:VCARD
VERSION:3.0
PRODID:-//Nextcloud Contacts v5.5.0
UID:n-1
FN:Nick Cloud
ADR;TYPE=HOME:;;;;;;Germany
EMAIL;TYPE=HOME:nick@example.org
TEL;TYPE=HOME,VOICE:+49 1
X-SOCIALPROFILE;TYPE=MASTODON:https://mastodon.example/@nick
GENDER:M
LANG:de
ANNIVERSARY:20010101
DEATHDATE:20200101
BDAY;VALUE=DATE:--09-04
IMPP;TYPE=JABBER:xmpp:nick@example.org
TZ:Europe/Berlin
RELATED;TYPE=CONTACT:Karl
REV;VALUE=DATE-AND-OR-TIME:20240303T030303Z
END:VCARD
"""

SYNCEVOLUTION = """BEGIN:VCARD
VERSION:3.0
UID:s-1
FN:Sy Nc
N:Nc;Sy;;;
ORG:;;;
TITLE:
BDAY:
PHOTO:
TEL;TYPE=CELL:
TEL;TYPE=WORK:1
X-EVOLUTION-FILE-AS:Nc\\, Sy
NOTE:
END:VCARD
"""

LOTUS = """BEGIN:VCARD
VERSION:3.0
PRODID:-//IBM Lotus Notes//EN
FN:Lo Tus
N:Tus;Lo;;;
ORG:IBM
TEL;TYPE=WORK,PREF:1
NOTE:A note that is folded the way of 3.0 in the middle of a wo
 rd and goes on
CLASS:PUBLIC
MAILER:Lotus
SORT-STRING:Tuss
GEO:-2.6;3.4
TZ:-05:00
AGENT:BEGIN:VCARD\\nFN:Susan\\nEND:VCARD\\n
SOUND;VALUE=uri:http://example.org/a.ogg
LOGO;ENCODING=b;TYPE=PNG:{png}
END:VCARD
""".replace("{png}", base64.b64encode(PNG).decode())

DIALECTS = {
    "ios": IOS,
    "macos_group": MACOS_GROUP,
    "google_old": GOOGLE_OLD,
    "google_new": GOOGLE_NEW,
    "android_21": ANDROID_21,
    "outlook_21": OUTLOOK_21,
    "nokia_21": NOKIA_21,
    "thunderbird": THUNDERBIRD,
    "evolution": EVOLUTION,
    "kde": KDE,
    "davx5": DAVX5,
    "nextcloud": NEXTCLOUD,
    "syncevolution": SYNCEVOLUTION,
    "lotus": LOTUS,
}
