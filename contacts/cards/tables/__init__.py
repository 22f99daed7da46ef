"""Tables of contacts (CSV) ⇄ JSContact (RFC 9553): bytes in, cards and notes out; cards in, lines of text out.

`docs/csv.md` lists the headings of the programs that are known.
"""
