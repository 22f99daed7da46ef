"""Cells that a spreadsheet would run as formulas, defused with an apostrophe, and as they were again."""

import re

RUN = "=+-@\t\r"
NUMBER = re.compile(r"[+-][0-9 ()./-]*")  # a spreadsheet shows it, and runs nothing
DEFUSED = tuple("'" + character for character in RUN + "'")


def defused(cell: str, numbers: bool) -> str:
    """The cell with an apostrophe before what would be run. `numbers`: whether a plain number stays as it is."""
    if cell[:1] not in ("'", *RUN) or not cell or (numbers and NUMBER.fullmatch(cell)):
        return cell
    return "'" + cell


def restored(cell: str) -> str:
    return cell[1:] if cell.startswith(DEFUSED) else cell
