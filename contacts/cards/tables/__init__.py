"""Tables of contacts (CSV) ⇄ JSContact (RFC 9553): bytes in, cards and notes out; cards in, lines of text out.

`read_table` understands the headings of a file, and its `entries` are the rows; `header` and `rows` write.
`docs/csv.md` lists the headings that are known.
"""

from contacts.cards.tables.dates import ORDERS
from contacts.cards.tables.reader import Entry, Table, read_table
from contacts.cards.tables.rows import Limits
from contacts.cards.tables.sheets import FORMATS
from contacts.cards.tables.sniffing import codec_of, looks_like
from contacts.cards.tables.targets import PUBLIC, UnknownTargetError, is_target
from contacts.cards.tables.writer import header, rows
from contacts.cards.vcard.decoding import UnknownEncodingError

__all__ = [
    "FORMATS",
    "ORDERS",
    "PUBLIC",
    "Entry",
    "Limits",
    "Table",
    "UnknownEncodingError",
    "UnknownTargetError",
    "codec_of",
    "header",
    "is_target",
    "looks_like",
    "read_table",
    "rows",
]
