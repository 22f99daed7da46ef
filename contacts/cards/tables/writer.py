"""Cards as CSV: our own columns, Google's and Outlook's."""

import csv
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from contacts.cards.jscontact import FAVOURITE, Card, new_key
from contacts.cards.tables import more, sheets
from contacts.cards.tables.draft import Draft, Settings
from contacts.cards.tables.formulas import defused
from contacts.cards.tables.pieces import Piece, is_url, pieces
from contacts.cards.tables.places import READERS
from contacts.cards.tables.sheets import Filling, Sheet
from contacts.cards.vcard.parameters import mapping
from contacts.cards.vcard.writer import compared

BOM = "\ufeff"
GROUPS = {"csv": " ::: ", "csv-google": " ::: ", "csv-outlook": ";"}
# How a value is named that goes to the notes, since no column is free for it.
NAMES = {
    "email": "E-mail",
    "phone": "Phone",
    "url": "Web page",
    "address": "Address",
    "organization": "Organization",
    "title": "Title",
    "nickname": "Nickname",
    "birthday": "Birthday",
    "anniversary": "Anniversary",
    "event": "Date",
    "relation": "Relation",
    "im": "Chat",
    "hobby": "Interest",
    "picture": "Picture",
}


class Line:
    """A file that gives back what is written to it, so that rows are made one by one."""

    def write(self, text: str) -> str:
        return text


def header(format: str) -> str:
    """The byte order mark and the line of headings. KeyError for an unknown format."""
    return BOM + line(sheets.sheet(format).headings)


def rows(cards: Iterable[Card], format: str) -> Iterator[str]:
    """A row for each card, with CRLF at its end; some hold line breaks in quotes."""
    sheet = sheets.sheet(format)
    slots = sheet.slots
    for card in cards:
        texts = own_row(sheet, slots, card) if format == "csv" else foreign_row(sheet, slots, card)
        yield line([defused(text, numbers=format != "csv") for text in texts])


def line(cells: list[str]) -> str:
    written: str = csv.writer(Line()).writerow(cells)
    return written


def cells_of(sheet: Sheet, filling: Filling) -> list[str]:
    texts = [filling.values.get(cell.group or 0, {}).get(cell.part, "") for cell in sheet.cells]
    return [text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text for text in texts]


def own_row(sheet: Sheet, slots: dict[str, list[int]], card: Card) -> list[str]:
    """Our own columns; the last one holds what a reader would not see in the others, told by reading them."""
    filling = Filling(sheet, slots)
    taken: dict[str, list[str]] = {}
    for piece in pieces(card):
        if says_something(piece) and filling.put(piece) and piece.ident:
            taken.setdefault(piece.ident[0], []).append(piece.ident[1])
    filling.put(Piece("group", {"": GROUPS["csv"].join(mapping(card.get("keywords")))}))
    texts = cells_of(sheet, filling)
    seen = as_read(sheet, texts)
    return [*texts[:-1], more.write(seen, aligned(without_bytes(compared(card)), seen, taken))]


def as_read(sheet: Sheet, texts: list[str]) -> Card:
    """The card that the reader makes of the cells."""
    draft = Draft(Settings(None, date.max.year, groups=GROUPS["csv"]))
    values: dict[int, dict[str, str]] = {}
    for cell, text in zip(sheet.cells, texts, strict=True):
        if text.strip() and cell.group is not None:
            values.setdefault(cell.group, {})[cell.part] = text.strip()
    for number in sorted(values):
        READERS[sheet.groups[number].place](draft, sheet.groups[number], values[number])
    return draft.card


def without_bytes(card: Card) -> Card:
    """The card without pictures whose bytes lie apart from it."""
    media = {ident: medium for ident, medium in mapping(card.get("media")).items() if is_url(medium)}
    rest = {name: value for name, value in card.items() if name != "media"}
    return {**rest, "media": media} if media else rest


def aligned(card: Card, seen: Card, taken: dict[str, list[str]]) -> Card:
    """The card with the ids that a reader gives its entries, unless something in it refers to ids."""
    if "localizations" in card or any("organizationId" in title for title in mapping(card.get("titles")).values()):
        return card
    collections = [name for name in taken if name in seen and name != "relatedTo"]
    return {**card, **{name: renamed(card[name], list(seen[name]), taken[name]) for name in collections}}


def renamed(entries: dict[str, Any], new: list[str], taken: list[str]) -> dict[str, Any]:
    """The entries that stand in columns under their new ids, and the others, whose ids may be taken by then."""
    found = {ident: entries[old] for ident, old in zip(new, taken, strict=False)}
    for ident, entry in entries.items():
        if ident not in taken:
            found[new_key(found, ident) if ident in found else ident] = entry
    return found


def foreign_row(sheet: Sheet, slots: dict[str, list[int]], card: Card) -> list[str]:
    """The columns of a program. What no column is free for goes to the notes, so that nobody loses it."""
    filling, format = Filling(sheet, slots), sheet.format
    notes, rest = [], []
    for piece in pieces(card):
        piece = adapted(piece, format, card)
        if piece.place == "additional":
            notes.append(piece.parts[""])
        elif says_something(piece) and not (is_held(piece, format) and filling.put(piece)):
            rest += named(piece)
    filling.put(Piece("group", {"": groups(card, sheet.format)}))
    filling.put(Piece("additional", {"": "\n\n".join([*notes, *(["\n".join(rest)] if rest else [])])}))
    return cells_of(sheet, filling)


def says_something(piece: Piece) -> bool:
    return any(text for part, text in piece.parts.items() if part != "label")


def adapted(piece: Piece, format: str, card: Card) -> Piece:
    """The piece as a program has it."""
    value = piece.parts.get("", "")
    if piece.place == "name" and not piece.parts:
        return Piece("name", {"given": mapping(card.get("name")).get("full", "")})
    if piece.place in ("birthday", "anniversary", "event"):
        return with_date(piece, format, value)
    if piece.place == "im" and format == "csv-google":  # its new headings have no column for it
        return Piece("custom", {"": value, "label": piece.parts["service"] or "Chat"})
    if piece.place == "address" and format == "csv-outlook":
        return piece._replace(parts=outlook_address(piece.parts))
    return piece


def outlook_address(parts: dict[str, str]) -> dict[str, str]:
    """The parts of an address in Outlook's columns, which are none for the whole of it and for a flat."""
    if not parts.keys() - {"", "label"}:
        return {"street": parts[""], "label": parts["label"]}
    return {**parts, "street2": parts.get("extended", "")}


def with_date(piece: Piece, format: str, value: str) -> Piece:
    if piece.place == "anniversary" and format == "csv-google":
        piece = piece._replace(place="event", parts={**piece.parts, "label": "Anniversary"})
    if value.startswith("--") and format == "csv-google":
        return piece._replace(parts={**piece.parts, "": f" {value}"})  # as Google writes it
    return piece


def is_held(piece: Piece, format: str) -> bool:
    """Whether the program has such values: Google no dates without a day, Outlook whole dates alone."""
    value = piece.parts.get("", "")
    if piece.place not in ("birthday", "anniversary", "event"):
        return True
    return len(value) == len("2000-01-01") or (format == "csv-google" and value.startswith(" --"))


def groups(card: Card, format: str) -> str:
    names = [name for name in mapping(card.get("keywords")) if name != FAVOURITE or format != "csv-google"]
    if format == "csv-google":
        names = ["* myContacts", *names, *(["* starred"] if FAVOURITE in mapping(card.get("keywords")) else [])]
    return GROUPS[format].join(names)


def named(piece: Piece) -> list[str]:
    """A line of the notes; nothing for what a program makes itself."""
    name = NAMES.get(piece.place)
    if piece.place == "custom":
        name, label = piece.parts["label"], ""
    else:
        label = piece.parts.get("label") or piece.parts.get("service", "")
    texts = [text for part, text in piece.parts.items() if text and part not in ("label", "service")]
    return [f"{name} ({label}): {', '.join(texts)}" if label else f"{name}: {', '.join(texts)}"] if name else []
