"""Conditions that Django has no lookup for."""

import json
from collections.abc import Iterable
from typing import Any

from django.db.models import BooleanField, F, Func, Value


class Condition(Func):
    """A condition whose SQL differs between the databases. A template has braces for each source expression."""

    output_field = BooleanField()

    def with_template(self, compiler: Any, template: str) -> tuple[str, list[Any]]:
        compiled = [compiler.compile(expression) for expression in self.get_source_expressions()]
        return template.format(*(sql for sql, _ in compiled)), [each for _, params in compiled for each in params]


class IsAmong(Condition):
    """Whether an integer column is one of many numbers, passed as one parameter: `__in` is slow for many."""

    def __init__(self, column: str, numbers: Iterable[int]) -> None:
        super().__init__(F(column), Value(json.dumps(list(numbers))))

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.with_template(compiler, "{} IN (SELECT value FROM json_each({}))")

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.with_template(compiler, "{} = ANY(translate({}, '[]', '{{}}')::bigint[])")
