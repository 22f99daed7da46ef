"""Filters of addressbook-query (RFC 6352 §10.5), as tests of the properties of a card."""

from collections.abc import Callable, Iterable
from typing import Any

from contacts.carddav.errors import DavError
from contacts.carddav.properties import COLLATIONS
from contacts.carddav.xml import CARDDAV, Element
from contacts.cards.vcard.tokenizer import Property
from contacts.cards.vcard.values import unescape

Test = Callable[[Any], bool]
Properties = list[Property]

FILTER, PROP_FILTER, PARAM_FILTER, TEXT_MATCH, IS_NOT_DEFINED = (
    f"{{{CARDDAV}}}{name}" for name in ("filter", "prop-filter", "param-filter", "text-match", "is-not-defined")
)
JOINS: dict[str, Callable[[Iterable[bool]], bool]] = {"anyof": any, "allof": all}
MATCHES: dict[str, Callable[[str, str], bool]] = {
    "equals": lambda text, wanted: text == wanted,
    "contains": lambda text, wanted: wanted in text,
    "starts-with": lambda text, wanted: text.startswith(wanted),
    "ends-with": lambda text, wanted: text.endswith(wanted),
}
MAX_TESTS = 200  # elements of one filter, each of which is tested on the whole book
ASCII_LOWER = {ord(upper): ord(upper) + 32 for upper in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
DEFAULT_COLLATION = "i;unicode-casemap"
FOLDS: dict[str, Callable[[str], str]] = {
    COLLATIONS[0]: lambda text: text.translate(ASCII_LOWER),
    COLLATIONS[1]: str.casefold,
}


def unsupported() -> DavError:
    return DavError(403, precondition="<C:supported-filter/>")


def filter_of(element: Element | None) -> Test:
    """Return the test of a card's properties that a filter element is; no filter, or an empty one, finds all."""
    if element is None or not len(element):
        return lambda found: True
    if sum(1 for _ in element.iter()) > MAX_TESTS:
        raise DavError(403, precondition="<C:valid-filter/>")
    tests = [prop_filter(child) for child in children(element, PROP_FILTER)]
    return joined(element, tests)


def children(element: Element, *allowed: str) -> list[Element]:
    found = list(element)
    if any(child.tag not in allowed for child in found):
        raise unsupported()
    return found


def joined(element: Element, tests: list[Test]) -> Test:
    join = JOINS.get(element.get("test", "anyof"))
    if join is None:
        raise unsupported()
    return lambda subject: join(test(subject) for test in tests)


def prop_filter(element: Element) -> Test:
    """§10.5.1: whether the card has a property of the name for which the tests inside hold."""
    *group, name = required_name(element).upper().rsplit(".", 1)
    inside = children(element, TEXT_MATCH, PARAM_FILTER, IS_NOT_DEFINED)

    def named(found: Properties) -> Properties:
        return [each for each in found if each.name == name and (not group or (each.group or "").upper() == group[0])]

    if any(child.tag == IS_NOT_DEFINED for child in inside):
        return lambda found: not named(found)
    test = joined(element, [text_test(child) if child.tag == TEXT_MATCH else param_filter(child) for child in inside])
    return lambda found: any(test(each) or not inside for each in named(found))


def text_test(element: Element) -> Test:
    match = text_match(element)
    return lambda each: match(unescape(each.value))


def param_filter(element: Element) -> Test:
    """§10.5.2: whether the property has the parameter, with a value that matches."""
    name = required_name(element).lower()
    inside = children(element, TEXT_MATCH, IS_NOT_DEFINED)
    if any(child.tag == IS_NOT_DEFINED for child in inside):
        return lambda each: name not in each.params
    if not inside:
        return lambda each: name in each.params
    match = text_match(inside[0])
    return lambda each: any(match(value) for value in each.params.get(name, ()))


def required_name(element: Element) -> str:
    name: str = element.get("name", "")
    if not name:
        raise DavError(403, precondition="<C:valid-filter/>")
    return name


def text_match(element: Element) -> Callable[[str], bool]:
    """§10.5.4: a comparison in a collation, by default i;unicode-casemap."""
    collation = element.get("collation", DEFAULT_COLLATION)
    fold = FOLDS.get(DEFAULT_COLLATION if collation == "default" else collation)
    if fold is None:
        raise DavError(403, precondition="<C:supported-collation/>")
    compare, negate = MATCHES.get(element.get("match-type", "contains")), element.get("negate-condition", "no")
    if compare is None or negate not in ("yes", "no"):
        raise unsupported()
    wanted = fold(element.text or "")
    return lambda text: compare(fold(text), wanted) != (negate == "yes")
