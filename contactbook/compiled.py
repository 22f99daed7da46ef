"""Queries of the hottest reads, which the ORM writes once a process and not once a request.

To build, clone and compile a queryset takes longer than to run its statement and read the rows.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet


class Statement(NamedTuple):
    sql: str
    names: tuple[str, ...]  # of the columns
    converters: list[tuple[int, Any, Any]]  # place, the field's functions, its expression


class Compiled:
    """The statement of a `values()` queryset, run with other values.

    `build` makes the queryset, without a slice, from any values of the right types; it must always take the
    same conditions. `rows` gives the real ones, in the order in which the conditions stand.
    """

    def __init__(self, build: Callable[[], QuerySet[Any, dict[str, Any]]]) -> None:
        self.build = build

    @functools.cached_property
    def statement(self) -> Statement:
        query = self.build().query
        compiler = query.get_compiler(connection=connection)
        sql, _ = compiler.as_sql()
        converters = compiler.get_converters([column for column, *_ in compiler.select])
        listed = [(place, functions, expression) for place, (functions, expression) in converters.items()]
        return Statement(f"{sql} LIMIT %s OFFSET %s", query.values_select, listed)

    def rows(self, *values: Any, limit: int, skip: int = 0) -> list[dict[str, Any]]:
        sql, names, converters = self.statement
        with connection.cursor() as cursor:
            cursor.execute(sql, [*values, limit, skip])
            found = cursor.fetchall()
        if converters:
            found = [self.converted(row, converters) for row in found]
        return [dict(zip(names, row, strict=True)) for row in found]

    @staticmethod
    def converted(row: tuple[Any, ...], converters: list[tuple[int, Any, Any]]) -> list[Any]:
        values = list(row)
        for place, functions, expression in converters:
            for convert in functions:
                values[place] = convert(values[place], expression, connection)
        return values


def containing(text: str) -> str:
    """The value of a `__contains` condition (LIKE, with its own signs escaped)."""
    return f"%{connection.ops.prep_for_like_query(text)}%"
