"""docs/contract.md: every row names the tests that hold it, and they are there."""

import ast
import functools
import re

from contactbook.tests.live import ROOT

TABLE = ROOT / "docs" / "contract.md"


def rows() -> list[list[str]]:
    """The cells of every table's rows, without its head."""
    lines = [line for line in TABLE.read_text().splitlines() if line.startswith("| ")]
    cells = [re.split(r"(?<!\\) \| ", line.removeprefix("| ").removesuffix(" |")) for line in lines]
    return [row for row in cells if row[-1] != "held by" and not set(row[0]) <= {"-"}]


def held_by(row: list[str]) -> list[str]:
    return re.findall(r"`([\w/]+\.py::\w+)`", row[-1])


@functools.cache
def names_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return {function.name for function in functions if function.name.startswith("test_")}


def test_every_row_is_held_by_a_test() -> None:
    assert len(rows()) > 80
    assert [row[0] for row in rows() if len(row) != 2 or not held_by(row)] == []


def test_every_test_it_names_is_there() -> None:
    named = {name for row in rows() for name in held_by(row)}
    missing = [name for name in named if name.split("::")[1] not in names_in(name.split("::")[0])]
    assert sorted(missing) == []
