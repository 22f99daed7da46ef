"""Targets: what a column holds, as `place.part:type#number`, such as `phone:work:fax` or `address.street:home`.

Columns with the same place, types and number are one entry. `PUBLIC` has the targets that the API names.
"""

import re
from typing import NamedTuple

PARTS: dict[str, frozenset[str]] = {
    "fullname": frozenset([""]),
    "name": frozenset(
        [
            *("prefix", "given", "middle", "surname", "suffix"),
            *("phonetic-given", "phonetic-middle", "phonetic-surname"),
        ]
    ),
    "nickname": frozenset([""]),
    "email": frozenset(["", "label", "shown"]),
    "phone": frozenset(["", "label"]),
    "url": frozenset(["", "label"]),
    "im": frozenset(["", "label", "service"]),
    "address": frozenset(
        [
            *("", "label", "box", "extended", "street", "street2", "street3", "number"),
            *("locality", "region", "postcode", "country"),
        ]
    ),
    "organization": frozenset(["", "unit"]),
    "title": frozenset([""]),
    "role": frozenset([""]),
    "birthday": frozenset(["", "year", "month", "day"]),
    "anniversary": frozenset(["", "year", "month", "day"]),
    "event": frozenset(["", "label"]),
    "relation": frozenset(["", "label"]),
    "hobby": frozenset([""]),
    "picture": frozenset([""]),
    "group": frozenset([""]),
    "additional": frozenset([""]),
    "custom": frozenset(["", "label"]),
    "uid": frozenset([""]),
    "more": frozenset([""]),
}
DATED = frozenset(["birthday", "anniversary", "event"])

CONTEXTS = {"home": "private", "work": "work"}
FEATURES = {"cell": "mobile", "fax": "fax", "pager": "pager", "main": "main-number", "tty": "textphone"}
PREFERRED = "pref"
# Types that RFC 9553 has no context and no feature for: the label that they become.
LABELS = {
    "other": "Other",
    "car": "Car",
    "callback": "Callback",
    "assistant": "Assistant",
    "isdn": "ISDN",
    "radio": "Radio",
    "telex": "Telex",
}
SERVICES = {"aim": "AIM", "icq": "ICQ", "jabber": "Jabber", "skype": "Skype", "twitter": "Twitter"}
RELATIONS = {"spouse": "spouse", "child": "child", "manager": "", "assistant": ""}
TYPES: dict[str, frozenset[str]] = {
    "phone": frozenset([*CONTEXTS, *FEATURES, *LABELS, PREFERRED]),
    "im": frozenset([*CONTEXTS, *SERVICES]),
    "relation": frozenset(RELATIONS),
    **{place: frozenset([*CONTEXTS, "other"]) for place in ("email", "url", "address")},
}

SPELLING = re.compile(r"([a-z]+)(?:\.([a-z0-9-]+))?((?::[a-z]+)*)(?:#([1-9]\d{0,2}))?", re.ASCII)
PUBLIC = (
    *("fullname", "name.given", "name.surname"),
    *(
        place + kind
        for place in ("email", "phone", "address", "url")
        for kind in ("", ":home", ":work", *([":cell"] if place == "phone" else []))
    ),
    *("birthday", "additional", "organization", "title", "group"),
)


class UnknownTargetError(ValueError):
    """A mapping names a target that is none."""


class Target(NamedTuple):
    place: str
    part: str = ""  # "" is the value itself
    types: tuple[str, ...] = ()
    number: str = ""

    def __str__(self) -> str:
        part, number = self.part and f".{self.part}", self.number and f"#{self.number}"
        return f"{self.place}{part}{''.join(f':{word}' for word in self.types)}{number}"


def parse(spelling: str) -> Target:
    """The target of a spelling. UnknownTargetError."""
    match = SPELLING.fullmatch(spelling)
    if match is None:
        raise UnknownTargetError(spelling)
    place, part, types, number = match.groups(default="")
    target = Target(place, part, tuple(types.split(":")[1:]), number)
    if part not in PARTS.get(place, ()) or not TYPES.get(place, frozenset()).issuperset(target.types):
        raise UnknownTargetError(spelling)
    return target


def is_target(spelling: str) -> bool:
    try:
        parse(spelling)
    except UnknownTargetError:
        return False
    return True
