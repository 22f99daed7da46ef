"""vCard 2.1, 3.0 and 4.0 ⇄ JSContact (RFC 9553), after RFC 9555: text or bytes in, cards and notes out.

`read` gives an entry for each card of a file; `write` gives a card's vCard. `docs/vcard.md` lists what becomes what.
"""

from contacts.cards.vcard.decoding import UnknownEncodingError
from contacts.cards.vcard.draft import Picture
from contacts.cards.vcard.lines import Limits
from contacts.cards.vcard.reader import Entry, read
from contacts.cards.vcard.writer import write

__all__ = ["Entry", "Limits", "Picture", "UnknownEncodingError", "read", "write"]
