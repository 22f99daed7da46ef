"""Which vCard property is which entry of a JSContact card (RFC 9555 §2), read and written by the same rows."""

import functools
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Flag = tuple[str, str]  # a member that holds names set to true, and the name

CONTEXTS: dict[str, Flag] = {"home": ("contexts", "private"), "work": ("contexts", "work")}
ADDRESS_TYPES: dict[str, Flag] = {
    **CONTEXTS,
    "billing": ("contexts", "billing"),
    "delivery": ("contexts", "delivery"),
}
PHONE_TYPES: dict[str, Flag] = {
    **CONTEXTS,
    "mobile": ("features", "mobile"),  # of no RFC; the later word is the one that is written
    "cell": ("features", "mobile"),
    **{name: ("features", name) for name in ("voice", "fax", "pager", "text", "textphone", "video", "main-number")},
}


class Member(NamedTuple):
    """A member of an entry that a parameter holds."""

    name: str
    number: bool = False
    words: dict[str, str] = {}  # the parameter's words for the member's, where they differ


MEDIATYPE = {"mediatype": Member("mediaType")}
INDEX = {"index": Member("listAs", number=True)}
SERVICE_NAME = {"service-type": Member("service"), "x-service-type": Member("service")}
SERVICE = {**SERVICE_NAME, "username": Member("user"), "x-user": Member("user")}
LEVELS = {"beginner": "low", "average": "medium", "expert": "high"}
EXPERTISE = {**INDEX, "level": Member("level", words=LEVELS)}
INTERESTS = {**INDEX, "level": Member("level")}


@dataclass(frozen=True)
class Rule:
    """A property that becomes an entry of a collection, its value in one member."""

    collection: str
    member: str
    prefix: str  # of the ids that are made
    section: str  # of RFC 9555
    fixed: dict[str, Any] = field(default_factory=dict)
    types: dict[str, Flag] = field(default_factory=lambda: CONTEXTS)
    members: dict[str, Member] = field(default_factory=dict)
    uri: bool = False  # the value is no text: nothing in it is escaped
    named: bool = False  # the entry says in vCardName which property it came from
    labelled: bool = True  # RFC 9553 gives the entry a `label`
    pref: bool = True

    @functools.cached_property
    def words(self) -> dict[Flag, str]:
        """The words of TYPE by what they stand for."""
        return {flag: word for word, flag in self.types.items()}


def link(kind: str | None, section: str) -> Rule:
    return Rule("links", "uri", "l", section, {"kind": kind} if kind else {}, members=MEDIATYPE, uri=True)


def medium(kind: str) -> Rule:
    return Rule("media", "uri", "m", "2.5.7" if kind == "photo" else "2.9", {"kind": kind}, members=MEDIATYPE, uri=True)


def personal(kind: str, members: dict[str, Member]) -> Rule:
    return Rule("personalInfo", "value", "i", "2.10", {"kind": kind}, members=members, pref=False)


def directory(kind: str) -> Rule:
    members = {**MEDIATYPE, **INDEX}
    return Rule(
        "directories", "uri", "d", "2.4" if kind == "entry" else "2.10", {"kind": kind}, members=members, uri=True
    )


def service(name: str) -> Rule:
    """A chat account that a property of its own names."""
    return Rule("onlineServices", "user", "s", "2.7", {"service": name}, named=True)


RULES: dict[str, Rule] = {
    "EMAIL": Rule("emails", "address", "e", "2.7.1"),
    "TEL": Rule("phones", "number", "p", "2.7.6", types=PHONE_TYPES),
    "X-MS-TEL": Rule("phones", "number", "p", "2.14", types=PHONE_TYPES, named=True),
    "X-ASSISTANT-TEL": Rule("phones", "number", "p", "2.14", types=PHONE_TYPES, named=True),
    "X-EPOCSECONDNAME": Rule("nicknames", "name", "k", "2.14", labelled=False, named=True),
    "NICKNAME": Rule("nicknames", "name", "k", "2.5.6", labelled=False),
    "TITLE": Rule("titles", "name", "t", "2.9.6", labelled=False, pref=False),
    "ROLE": Rule("titles", "name", "t", "2.9.6", {"kind": "role"}, labelled=False, pref=False),
    "URL": link(None, "2.11.9"),
    "CONTACT-URI": link("contact", "2.9.1"),
    "X-EVOLUTION-BLOG-URL": Rule("links", "uri", "l", "2.14", uri=True, named=True),
    "X-EVOLUTION-VIDEO-URL": Rule("links", "uri", "l", "2.14", uri=True, named=True),
    "PHOTO": medium("photo"),
    "LOGO": medium("logo"),
    "SOUND": medium("sound"),
    "KEY": Rule("cryptoKeys", "uri", "c", "2.12.1", members=MEDIATYPE, uri=True),
    "SOURCE": directory("entry"),
    "ORG-DIRECTORY": directory("directory"),
    "CALURI": Rule("calendars", "uri", "c", "2.13", {"kind": "calendar"}, members=MEDIATYPE, uri=True),
    "FBURL": Rule("calendars", "uri", "c", "2.13", {"kind": "freeBusy"}, members=MEDIATYPE, uri=True),
    "CALADRURI": Rule("schedulingAddresses", "uri", "s", "2.13", uri=True),
    "LANG": Rule("preferredLanguages", "language", "l", "2.7.3", labelled=False),
    "EXPERTISE": personal("expertise", EXPERTISE),
    "HOBBY": personal("hobby", INTERESTS),
    "INTEREST": personal("interest", INTERESTS),
    "X-MS-INTERESTS": Rule("personalInfo", "value", "i", "2.14", {"kind": "hobby"}, named=True, pref=False),
    "IMPP": Rule("onlineServices", "uri", "s", "2.7.2", members=SERVICE, uri=True, named=True),
    "SOCIALPROFILE": Rule("onlineServices", "uri", "s", "2.7.5", members=SERVICE, uri=True),
    "X-SOCIALPROFILE": Rule(
        "onlineServices", "uri", "s", "2.7", members={"x-user": Member("user")}, uri=True, named=True
    ),
    "X-MS-IMADDRESS": Rule("onlineServices", "user", "s", "2.14", named=True),
    "X-KADDRESSBOOK-X-IMADDRESS": Rule("onlineServices", "user", "s", "2.14", named=True),
    "X-SIP": service("SIP"),
    "X-AIM": service("AIM"),
    "X-ICQ": service("ICQ"),
    "X-JABBER": service("Jabber"),
    "X-XMPP": service("XMPP"),
    "X-MSN": service("MSN"),
    "X-YAHOO": service("Yahoo"),
    "X-SKYPE": service("Skype"),
    "X-SKYPE-USERNAME": service("Skype"),
    "X-GTALK": service("Google Talk"),
    "X-GOOGLE-TALK": service("Google Talk"),
    "X-GADUGADU": service("Gadu-Gadu"),
    "X-GROUPWISE": service("GroupWise"),
    "X-QQ": service("QQ"),
    "X-TWITTER": service("Twitter"),
    "X-MATRIX": service("Matrix"),
}

# The property by which an entry goes out that names none: by its collection, then by its kind.
WRITTEN_AS: dict[str, dict[str | None, str]] = {
    "emails": {None: "EMAIL"},
    "phones": {None: "TEL"},
    "nicknames": {None: "NICKNAME"},
    "titles": {None: "TITLE", "role": "ROLE"},
    "links": {None: "URL", "contact": "CONTACT-URI"},
    "media": {None: "PHOTO", "photo": "PHOTO", "logo": "LOGO", "sound": "SOUND"},
    "cryptoKeys": {None: "KEY"},
    "directories": {None: "SOURCE", "entry": "SOURCE", "directory": "ORG-DIRECTORY"},
    "calendars": {None: "CALURI", "calendar": "CALURI", "freeBusy": "FBURL"},
    "schedulingAddresses": {None: "CALADRURI"},
    "preferredLanguages": {None: "LANG"},
    "personalInfo": {None: "INTEREST", "expertise": "EXPERTISE", "hobby": "HOBBY", "interest": "INTEREST"},
    "onlineServices": {None: "SOCIALPROFILE"},
}

OTHER_DATE = "apple.com:date"  # RFC 9553 has no kind for a date that only has a label

# Dates of a life: the kind of anniversary, and whether the entry must name its property to be written by it again.
DATES: dict[str, tuple[str, bool]] = {
    "BDAY": ("birth", False),
    "DEATHDATE": ("death", False),
    "ANNIVERSARY": ("wedding", False),
    "X-ANNIVERSARY": ("wedding", True),
    "X-EVOLUTION-ANNIVERSARY": ("wedding", True),
    "X-KADDRESSBOOK-X-ANNIVERSARY": ("wedding", True),
    "X-MS-ANNIVERSARY": ("wedding", True),
    "X-ABDATE": (OTHER_DATE, True),
}
DATE_PREFIXES = {"birth": "b", "death": "d", "wedding": "w"}
PLACES = {"BIRTHPLACE": "birth", "DEATHPLACE": "death"}

# People: the relation (RFC 9553 §2.1.8) that a property of its own stands for; "" where there is no such relation.
RELATIONS: dict[str, str] = {
    "X-SPOUSE": "spouse",
    "X-EVOLUTION-SPOUSE": "spouse",
    "X-KADDRESSBOOK-X-SPOUSESNAME": "spouse",
    "X-KADDRESSBOOK-X-SPOUSENAME": "spouse",
    "X-MS-SPOUSE": "spouse",
    "X-CHILD": "child",
    "X-CHILDREN": "child",
    "X-MS-CHILD": "child",
    "X-MANAGER": "",
    "X-MS-MANAGER": "",
    "X-EVOLUTION-MANAGER": "",
    "X-KADDRESSBOOK-X-MANAGERSNAME": "",
    "X-ASSISTANT": "",
    "X-MS-ASSISTANT": "",
    "X-EVOLUTION-ASSISTANT": "",
    "X-KADDRESSBOOK-X-ASSISTANTSNAME": "",
    "X-ABRELATEDNAMES": "",
}
APPLE_RELATIONS = {
    "spouse": "spouse",
    "partner": "spouse",
    "child": "child",
    "son": "child",
    "daughter": "child",
    "mother": "parent",
    "father": "parent",
    "parent": "parent",
    "brother": "sibling",
    "sister": "sibling",
    "friend": "friend",
}

# Parameters that vCard 3.0 does not know (RFC 6350 §5, RFC 9554 §4, RFC 9555 §3.3, RFC 6715).
ONLY_IN_4 = frozenset(
    [
        *("altid", "author", "author-name", "calscale", "cc", "created", "derived", "geo", "index", "jscomps", "jsptr"),
        *("label", "level", "mediatype", "phonetic", "pid", "pref", "prop-id", "script", "service-type", "sort-as"),
        *("tz", "username"),
    ]
)


@functools.cache
def date_rule(prefix: str, named: bool = False) -> Rule:
    return Rule("anniversaries", "date", prefix, "2.5.1", labelled=False, named=named, pref=False)
