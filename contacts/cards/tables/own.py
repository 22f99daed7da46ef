"""The columns of our own CSV: headings and targets, in their order, for the reader and the writer."""

EMAILS, PHONES, ADDRESSES, URLS, TITLES = 5, 6, 3, 3, 2
ADDRESS_PARTS = ("street", "extended", "box", "postcode", "locality", "region", "country")


def numbered(name: str, most: int, *parts: str) -> list[tuple[str, str]]:
    """Columns for several entries, the first of them without a number: `email`, `email label`, `email 2`, …"""
    return [
        (name + (f" {number}" if number > 1 else "") + (part and f" {part}"), f"{name}{part and '.' + part}#{number}")
        for number in range(1, most + 1)
        for part in ("", *parts)
    ]


COLUMNS: list[tuple[str, str]] = [
    ("fullname", "fullname"),
    *((f"name {part}", f"name.{part}") for part in ("prefix", "given", "middle", "surname", "suffix")),
    ("nickname", "nickname"),
    *numbered("email", EMAILS, "label"),
    *numbered("phone", PHONES, "label"),
    ("birthday", "birthday"),
    ("anniversary", "anniversary"),
    ("organization", "organization"),
    ("department", "organization.unit"),
    *numbered("title", TITLES),
    *numbered("address", ADDRESSES, "label", *ADDRESS_PARTS),
    *numbered("url", URLS, "label"),
    ("group", "group"),
    ("additional", "additional"),
    ("uid", "uid"),
    ("more", "more"),
]
HEADINGS = [heading for heading, _ in COLUMNS]
MARKS = frozenset(["uid", "more"])  # one of them is in every table of our own
