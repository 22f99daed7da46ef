"""Pages whose tables name, for each row, the tests that hold it: each row has one, and they are there."""

import ast
import functools
import re

import pytest

from contactbook.tests.live import ROOT

pytestmark = pytest.mark.one_stack

# A page, how many rows it has at least, and whether a row may instead say in words why it has no test.
PAGES = {
    "contract.md": (80, False),
    "security.md": (150, True),
    "operations/promises.md": (30, False),
}
EACH = pytest.mark.parametrize("page", [name for name in PAGES if (ROOT / "docs" / name).exists()])
HEADS = {"held by", "test"}


def rows(page: str) -> list[list[str]]:
    """The cells of the rows of every table whose last column names tests, without its head."""
    found, inside = [], False
    for line in (ROOT / "docs" / page).read_text().splitlines():
        if not line.startswith("| "):
            inside = False
            continue
        cells = re.split(r"(?<!\\) \| ", line.removeprefix("| ").removesuffix(" |"))
        if not inside and cells[-1].lower() in HEADS:
            inside = True
        elif inside and not set(cells[0]) <= {"-"}:
            found.append(cells)
    return found


def held_by(row: list[str]) -> list[str]:
    return re.findall(r"`([\w/]+\.py::\w+)`", row[-1])


@functools.cache
def names_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return {function.name for function in functions if function.name.startswith("test_")}


@EACH
def test_every_row_is_held_by_a_test(page: str) -> None:
    least, words = PAGES[page]
    assert len(rows(page)) >= least
    assert [row[0] for row in rows(page) if not (held_by(row) or (words and row[-1].strip("- ")))] == []


@EACH
def test_every_test_it_names_is_there(page: str) -> None:
    named = {name for row in rows(page) for name in held_by(row)}
    missing = [
        name
        for name in named
        if not (ROOT / name.split("::")[0]).exists() or name.split("::")[1] not in names_in(name.split("::")[0])
    ]
    assert sorted(missing) == []
    assert named
