"""Cards and vCards made by Hypothesis for the tests of the vCard engine."""

from hypothesis import strategies as st

from contacts.cards.validation import is_date

# What breaks lines, quotes, escapes and encodings, often enough.
TRICKY = st.sampled_from(list("\n\r\t,;:\\\"'^=.-_ %~/ n$!<>äß漢😀\u2028\x85\x0b\x1b\x7f"))
CHARACTERS = st.characters(blacklist_categories=["Cs"], blacklist_characters="\0")
TEXT = st.text(TRICKY | st.sampled_from("abcXYZ019") | CHARACTERS, min_size=1, max_size=12)
LONG_TEXT = TEXT | st.text(CHARACTERS, min_size=70, max_size=200)
NAMES = st.text("ABCabc019-_", min_size=1, max_size=8)
URIS = st.builds("{}:{}".format, st.sampled_from(["http", "mailto", "urn:uuid", "tel", "data"]), NAMES) | TEXT
REFERENCES = st.builds("https://x.org/{}".format, NAMES) | st.builds("/media/{}".format, NAMES)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e9, 1e9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
VALUES = JSON.filter(lambda value: value is not None)
PARAMS = st.dictionaries(
    st.sampled_from(
        ["type", "group", "x-foo", "language", "altid", "value", "pref", "x-ablabel", "encoding", "charset"]
    )
    | NAMES.map(str.lower),
    TEXT | NAMES | st.lists(TEXT, max_size=3),
    max_size=3,
)


def flags(*names):
    return st.dictionaries(st.sampled_from(names) | TEXT, st.just(True), max_size=3)


def entries(required, **optional):
    """A collection: entries with what they must have, perhaps with the rest, perhaps with what nobody knows."""
    common = {
        "vCardParams": PARAMS,
        "pref": st.integers(1, 100),
        "contexts": flags("work", "private"),
        "label": TEXT,
        "vCardName": st.sampled_from(["impp", "x-aim", "x-abdate", "x-spouse", "email", "x-socialprofile", "nonsense"]),
        "@type": TEXT,
        "x:y": VALUES,
    }
    optional = {**common, **optional}
    entry = st.fixed_dictionaries(
        required, optional={name: optional[name] | VALUES for name in optional if name != "pref"}
    )
    plain = st.fixed_dictionaries(required, optional={name: optional[name] for name in optional if name not in common})
    pref = st.fixed_dictionaries(required, optional={"pref": common["pref"], "contexts": common["contexts"]})
    return st.dictionaries(NAMES | st.sampled_from(["e1", "p1", "n1", "a1", "b1"]), plain | pref | entry, max_size=3)


COMPONENTS = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(
                ["given", "surname", "surname2", "title", "separator", "name", "locality", "generation"]
            ),
            "value": TEXT,
        },
        optional={"phonetic": TEXT},
    ),
    min_size=1,
    max_size=5,
)
DATES = (
    st.fixed_dictionaries(
        {"@type": st.just("PartialDate")},
        optional={
            "year": st.integers(1, 9999),
            "month": st.integers(1, 12),
            "day": st.integers(1, 31),
            "calendarScale": TEXT,
        },
    )
    | st.fixed_dictionaries(
        {"year": st.integers(1, 9999)}, optional={"month": st.integers(1, 12), "day": st.integers(1, 28)}
    )
    | st.builds(
        lambda moment: {"@type": "Timestamp", "utc": f"{moment:%Y-%m-%dT%H:%M:%S}Z".rjust(20, "0")}, st.datetimes()
    )
).filter(is_date)
FULL = TEXT.filter(lambda text: text.strip())
CARDS = st.fixed_dictionaries(
    {
        "name": st.fixed_dictionaries(
            {"full": FULL},
            optional={
                "components": COMPONENTS | VALUES,
                "isOrdered": st.booleans(),
                "defaultSeparator": TEXT | VALUES,
                "sortAs": st.dictionaries(st.sampled_from(["given", "surname"]), TEXT) | VALUES,
                "phoneticSystem": TEXT | st.just("ipa"),
                "phoneticScript": TEXT | st.just("Latn"),
                "vCardParams": PARAMS | VALUES,
            },
        )
    },
    optional={
        "uid": TEXT,
        "kind": st.sampled_from(["individual", "group", "org"]) | TEXT,
        "language": TEXT,
        "prodId": TEXT,
        "members": st.dictionaries(TEXT, st.just(True), max_size=2),
        "keywords": st.dictionaries(TEXT, st.just(True), min_size=1, max_size=3),
        "nicknames": entries({"name": TEXT}),
        "organizations": entries(
            {}, name=TEXT, units=st.lists(st.fixed_dictionaries({"name": TEXT}, optional={"sortAs": TEXT})), sortAs=TEXT
        ),
        "speakToAs": st.fixed_dictionaries(
            {}, optional={"grammaticalGender": st.just("neuter") | TEXT, "pronouns": entries({"pronouns": TEXT})}
        ),
        "titles": entries({"name": TEXT}, kind=st.sampled_from(["title", "role"]), organizationId=NAMES),
        "emails": entries({"address": LONG_TEXT}),
        "onlineServices": entries({}, service=TEXT, uri=URIS, user=TEXT),
        "phones": entries({"number": TEXT | URIS}, features=flags("mobile", "voice", "fax")),
        "preferredLanguages": entries({"language": TEXT}),
        "calendars": entries({"uri": URIS}, kind=st.sampled_from(["calendar", "freeBusy"]), mediaType=TEXT),
        "schedulingAddresses": entries({"uri": URIS}),
        "addresses": entries(
            {},
            components=COMPONENTS,
            full=LONG_TEXT,
            countryCode=TEXT,
            coordinates=TEXT | st.just("geo:1,2"),
            timeZone=TEXT | st.just("Etc/UTC"),
            isOrdered=st.booleans(),
        ),
        "cryptoKeys": entries({"uri": URIS}, mediaType=TEXT),
        "directories": entries({"uri": URIS}, kind=st.sampled_from(["entry", "directory"]), listAs=st.integers(1, 9)),
        "links": entries({"uri": URIS}, kind=st.just("contact"), mediaType=TEXT),
        "media": entries({"uri": REFERENCES}, kind=st.sampled_from(["photo", "logo", "sound"]), mediaType=TEXT),
        "anniversaries": entries(
            {"date": DATES},
            kind=st.sampled_from(["birth", "death", "wedding", "other"]),
            place=st.fixed_dictionaries({}, optional={"full": TEXT, "coordinates": TEXT}),
        ),
        "notes": entries(
            {"note": LONG_TEXT},
            created=st.just("2020-01-01T00:00:00Z") | TEXT,
            author=st.fixed_dictionaries({}, optional={"name": TEXT, "uri": URIS}),
        ),
        "personalInfo": entries(
            {},
            kind=st.sampled_from(["expertise", "hobby", "interest"]),
            value=TEXT,
            level=st.sampled_from(["low", "medium", "high"]),
            listAs=st.integers(1, 9),
        ),
        "relatedTo": st.dictionaries(
            URIS,
            st.fixed_dictionaries(
                {},
                optional={
                    "relation": flags("spouse", "friend"),
                    "vCardName": st.just("x-spouse"),
                    "vCardParams": PARAMS,
                },
            ),
            max_size=3,
        ),
        "localizations": st.dictionaries(
            st.sampled_from(["de", "jp"]),
            st.dictionaries(
                st.sampled_from(["name/full", "name/components", "titles/t1/name", "titles/t1", "emails/e1/label"]),
                VALUES | TEXT,
                max_size=2,
            ),
            max_size=2,
        ),
        "vCardProps": st.lists(
            st.tuples(NAMES.map(str.lower), PARAMS, st.sampled_from(["unknown", "text", "uri", "integer"]), TEXT).map(
                list
            )
            | st.lists(VALUES, max_size=4),
            max_size=3,
        )
        | VALUES,
        "x:unknown": VALUES,
    },
)
