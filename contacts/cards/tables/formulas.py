"""Cells that a spreadsheet would run as formulas, defused with an apostrophe, and as they were again."""

import re

RUN = "=+-@\t\r"
NUMBER = re.compile(r"[+-][0-9 ()./-]*")  # a spreadsheet shows it, and runs nothing
TEXT = re.compile(r'="([^"]*)"')  # by which a spreadsheet is told that a number is a text
DEFUSED = tuple("'" + character for character in RUN + "'")


def defused(cell: str, numbers: bool) -> str:
    """The cell with an apostrophe before what would be run. `numbers`: whether a plain number stays as it is."""
    if cell[:1] not in ("'", *RUN) or not cell or (numbers and NUMBER.fullmatch(cell)):
        return cell
    return "'" + cell


def restored(cell: str) -> str:
    return cell[1:] if cell.startswith(DEFUSED) else cell


def unmarked(cell: str, notes: list[str]) -> str:
    """The text of a cell of another program's table that is marked as one for a spreadsheet."""
    if cell[:1] not in ("'", "="):
        return cell
    text = TEXT.fullmatch(cell.strip())
    plain = text[1] if text else cell if cell[1:2] == "'" else restored(cell)
    if plain != cell:
        notes.append(f"A spreadsheet's mark of a text was left out: {cell[:60]!r}")
    return plain
