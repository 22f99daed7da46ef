"""The contacts that can pass a filter, by indexed queries on FN, EMAIL, TEL and UID; filters.py then tests each."""

import functools
import operator
import re
from collections.abc import Callable

from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import GreaterThanOrEqual

from contacts.carddav.filters import PROP_FILTER, TEXT_MATCH
from contacts.carddav.xml import Element
from contacts.cards import keys, phones
from contacts.cards.folding import fold
from contacts.cards.jscontact import FULL_NAME
from contacts.models import ContactKey

JOINS = {"anyof": operator.or_, "allof": operator.and_}
# Digits and what people write between them, but nothing that begins an extension.
NUMBER = re.compile(r"[0-9 +()./-]+")
FEWEST_DIGITS = 6  # an extension, which the keys leave out, has fewer


def candidates(user_id: int, element: Element | None) -> Q:
    """Return a condition of all contacts that can pass the filter, and maybe others; none for the whole book."""
    if element is None:
        return Q()
    return joined(element, [of_property(user_id, child) for child in element.iterfind(PROP_FILTER)]) or Q()


def joined(element: Element, conditions: list[Q | None]) -> Q | None:
    """Join the conditions: one that is unknown makes `anyof` unknown, and leaves the others of `allof`."""
    test = element.get("test", "anyof")
    known = [each for each in conditions if each is not None]
    if not known or (test == "anyof" and len(known) < len(conditions)):
        return None
    return functools.reduce(JOINS[test], known)


def of_property(user_id: int, element: Element) -> Q | None:
    find = FINDERS.get(element.get("name", "").upper().rpartition(".")[2])
    return joined(element, [of_text(user_id, child, find) for child in element]) if find else None


def of_text(user_id: int, element: Element, find: Callable[[int, str], Q | None]) -> Q | None:
    wanted = element.text or ""
    if element.tag != TEXT_MATCH or element.get("negate-condition") == "yes" or not wanted.strip():
        return None
    return find(user_id, wanted)


def named(user_id: int, wanted: str) -> Q | None:
    """The column of names has the first 255 characters of the first FN."""
    folded = fold(wanted)
    may_be_longer = Q(GreaterThanOrEqual(Length(F("fullname")), FULL_NAME))
    has_second = with_key(user_id, Q(kind=keys.OTHER, value="fn"))
    return Q(fullname_folded__contains=folded) | may_be_longer | has_second if folded else None


def with_email(user_id: int, wanted: str) -> Q | None:
    folded = wanted.casefold()
    if folded != folded.strip() or ":" in folded:
        return None
    return with_key(user_id, Q(kind=keys.EMAIL, value__contains=folded) | Q(kind=keys.OTHER, value="email"))


def with_number(user_id: int, wanted: str) -> Q | None:
    digits = phones.digits(wanted)
    if not NUMBER.fullmatch(wanted) or not FEWEST_DIGITS <= len(digits) <= keys.MOST_DIGITS:
        return None
    return with_key(user_id, Q(kind=keys.PHONE, value__contains=digits[::-1]) | Q(kind=keys.OTHER, value="tel"))


def with_key(user_id: int, condition: Q) -> Q:
    return Q(pk__in=ContactKey.objects.for_user(user_id).filter(condition).values("contact"))


def with_uid(user_id: int, wanted: str) -> Q | None:
    return Q(uid__icontains=wanted) if wanted.isascii() else None


FINDERS = {"FN": named, "EMAIL": with_email, "TEL": with_number, "UID": with_uid}
