"""XML in and out: a bounded parser, and elements as text. Names are in Clark's notation, `{namespace}name`."""

import html
import re
from collections.abc import Iterable
from typing import Any

from lxml import etree

from contacts.carddav.errors import DavError

DAV = "DAV:"
CARDDAV = "urn:ietf:params:xml:ns:carddav"
CALENDARSERVER = "http://calendarserver.org/ns/"
DECLARED = {DAV: "D", CARDDAV: "C", CALENDARSERVER: "S"}
NAMESPACES = "".join(f' xmlns:{prefix}="{uri}"' for uri, prefix in DECLARED.items())
# The namespace of xml: cannot be a default one, and its prefix is declared by XML itself.
PREFIXES = {**DECLARED, "http://www.w3.org/XML/1998/namespace": "xml"}
XMLNS = "http://www.w3.org/2000/xmlns/"  # no element can be in it
DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
CONTENT_TYPE = "application/xml; charset=utf-8"

MAX_BYTES = 4 * 1024 * 1024  # of a body; it holds some 57,000 hrefs
MAX_DEPTH = 50
MAX_ELEMENTS = 100_000  # a million would fit in 4 MB, and take 130 MB of memory
MAX_ATTRIBUTES = 50  # of one element: lxml takes time by the square of their number
# Named by one body. An answer repeats them for each card: 1,000 took 24 s for 20,000 cards.
MAX_PROPERTIES, MAX_NAMES = 100, 16 * 1024  # characters of all names
# What XML 1.0 cannot hold (§2.2), which a card may.
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
CLARK = re.compile(r"\{([^}]*)\}(.*)", re.DOTALL)

Element = Any  # lxml has no types


class BoundedBuilder:
    """Builds the tree, and refuses a DOCTYPE before anything in it is read, so that there are no entities."""

    def __init__(self) -> None:
        self.builder, self.depth, self.elements = etree.TreeBuilder(), 0, 0
        self.fault: DavError | None = None

    def refuse(self, sentence: str) -> None:
        """End the parsing. lxml calls `close` even so, which would hide the fault behind another."""
        self.fault = DavError(400, sentence)
        raise self.fault

    def doctype(self, *args: Any) -> None:
        self.refuse("XML with a DOCTYPE is refused.")

    def start(self, tag: str, attributes: Any, nsmap: Any = None) -> None:
        self.depth, self.elements = self.depth + 1, self.elements + 1
        if self.elements > MAX_ELEMENTS:
            self.refuse(f"The XML has more than {MAX_ELEMENTS} elements.")
        if self.depth > MAX_DEPTH:
            self.refuse(f"The XML has more than {MAX_DEPTH} levels.")
        if len(attributes) > MAX_ATTRIBUTES:
            self.refuse(f"An element has more than {MAX_ATTRIBUTES} attributes.")
        self.builder.start(tag, attributes)

    def end(self, tag: str) -> None:
        self.depth -= 1
        self.builder.end(tag)

    def data(self, text: str) -> None:
        self.builder.data(text)

    def close(self) -> Element:
        if self.fault:
            raise self.fault
        return self.builder.close()


def parse(body: bytes) -> Element:
    """Return the root element; DavError 400 for what is not well-formed."""
    parser = etree.XMLParser(target=BoundedBuilder(), resolve_entities=False, no_network=True)
    try:
        return etree.fromstring(body, parser)
    except (etree.LxmlError, ValueError, LookupError) as error:
        raise DavError(400, "The body is not well-formed XML.") from error


def bounded_names(elements: Iterable[Element]) -> list[str]:
    """Return the names of the elements, each once; DavError for more than an answer should repeat."""
    names = list(dict.fromkeys(each.tag for each in elements))
    if len(names) > MAX_PROPERTIES or sum(map(len, names)) > MAX_NAMES:
        raise DavError(400, f"A body names at most {MAX_PROPERTIES} properties, in {MAX_NAMES} characters.")
    return names


def qualified(namespace: str, local: str) -> str:
    """Return a name in Clark's notation; DavError for what no element can be named."""
    try:
        name: str = etree.Element(f"{{{namespace}}}{local}").tag
    except ValueError:
        name = ""
    if not name or namespace == XMLNS:
        raise DavError(400, "A property is named by what can be the name of an element.")
    return name


def escape(text: str) -> str:
    """Return the text for an element. A carriage return would else be read as a line feed (XML 1.0 §2.11)."""
    return html.escape(UNWRITABLE.sub("", text), quote=False).replace("\r", "&#13;")


def element(name: str, *children: str) -> str:
    """Return an element of the name, in Clark's notation, with these children as they are."""
    match = CLARK.fullmatch(name)
    namespace, local = (match[1], match[2]) if match else ("", name)
    prefix = PREFIXES.get(namespace)
    if prefix:
        tag = start = f"{prefix}:{local}"
    else:
        tag, start = local, f'{local} xmlns="{html.escape(namespace)}"'
    inner = "".join(children)
    return f"<{start}>{inner}</{tag}>" if inner else f"<{start}/>"


def dav(name: str, *children: str) -> str:
    return element(f"{{{DAV}}}{name}", *children)


def href(path: str) -> str:
    return f"<D:href>{escape(path)}</D:href>"


def document(name: str, *children: str) -> bytes:
    """Return a whole document, whose root is in the namespace DAV:."""
    return f"{DECLARATION}<D:{name}{NAMESPACES}>{''.join(children)}</D:{name}>".encode()
