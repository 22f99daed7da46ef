"""docs/contract.md and docs/operations/promises.md: every row names the tests that hold it, and they are there."""

import ast
import functools
import itertools
import re

import pytest

from contactbook.tests.live import ROOT

PAGES = {"docs/contract.md": (80, 2), "docs/operations/promises.md": (30, 4)}  # the least rows, and their cells


def cells(line: str) -> list[str]:
    return re.split(r"(?<!\\) \| ", line.removeprefix("| ").removesuffix(" |"))


def rows(page: str) -> list[list[str]]:
    """Of every table whose last column says by what a row is held."""
    lines = (ROOT / page).read_text().splitlines()
    found = []
    for is_table, table in itertools.groupby(lines, lambda line: line.startswith("| ")):
        head, _, *rest = map(cells, table) if is_table else ([""], [])
        found += rest if head[-1] == "held by" else []
    return found


def held_by(row: list[str]) -> list[str]:
    return re.findall(r"`([\w/]+\.py::\w+)`", row[-1])


@functools.cache
def names_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return {function.name for function in functions if function.name.startswith("test_")}


@pytest.mark.parametrize("page", PAGES)
def test_every_row_is_held_by_a_test(page: str) -> None:
    least, width = PAGES[page]
    assert len(rows(page)) > least
    assert [row[0] for row in rows(page) if len(row) != width or not held_by(row)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_test_it_names_is_there(page: str) -> None:
    named = {name for row in rows(page) for name in held_by(row)}
    missing = [name for name in named if name.split("::")[1] not in names_in(name.split("::")[0])]
    assert sorted(missing) == []
