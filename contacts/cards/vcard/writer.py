"""A JSContact card as a vCard 3.0 or 4.0 (RFC 9555 §3, RFC 6350, RFC 2426)."""

from contacts.cards.jscontact import SERVER_SET, Card
from contacts.cards.vcard import entries, jsprop, media, serializer
from contacts.cards.vcard.lines import Limits
from contacts.cards.vcard.mapping import TIMES, card_of
from contacts.cards.vcard.media import Lookup
from contacts.cards.vcard.tokenizer import Property

VERSIONS = ("3.0", "4.0")
EVERYTHING = Limits(properties=1 << 30, full_name=1 << 30)
# A VERSION is of the vCard; the times go out as REV and CREATED, in seconds.
NOT_COMPARED = SERVER_SET - {"uid"}


def write(card: Card, version: str = "4.0", pictures: Lookup = lambda uri: None) -> str:
    """The vCard of a card, with CRLF after each line.

    `pictures` gives the picture that a `uri` in `media` stands for, None where it stands for nothing but itself.
    In 4.0 the vCard holds the whole card: what no property of its own can hold goes out as JSPROP. In 3.0 it does not.
    """
    if version not in VERSIONS:
        raise ValueError(f"vCard {version} is not written.")
    found = entries.properties(card, version)
    if version == "4.0":
        found += left_over(card, found)
    return serializer.vcard((with_bytes(prop, version, pictures) for prop in found), version)


def left_over(card: Card, found: list[Property]) -> list[Property]:
    """What a reader of these properties would not see, told by reading them."""
    seen = compared(card_of((prop for prop in found if prop.name not in TIMES), "4.0", EVERYTHING).card)
    wanted = compared(card)
    return [] if seen == wanted else jsprop.write(seen, wanted)


def compared(card: Card) -> Card:
    return {name: value for name, value in card.items() if name not in NOT_COMPARED}


def with_bytes(prop: Property, version: str, pictures: Lookup) -> Property:
    if prop.name not in ("PHOTO", "LOGO", "SOUND", "KEY") or prop.binary:
        return prop
    picture = pictures(prop.value) if prop.name != "KEY" else None
    return media.write(prop.name, prop.params, prop.value, version, picture)._replace(group=prop.group)
