"""Statements of the hottest requests, which are written once a process and not once a request.

To build, clone and compile a queryset takes longer than to run its statement and read the rows; to save a
row, longer than the database takes for it.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField, Field, Func, Model, QuerySet
from django.db.models.sql import Query
from django.db.transaction import get_connection

PLAIN = {str, int, bool, type(None)}  # values which every driver takes as they are
AT_ONCE = 25  # rows that a process holds of an answer that has many

Row = dict[str, Any]
Statement = tuple[str, list[Any]]  # and its parameters


class Select(NamedTuple):
    """The statement of a `values()` queryset."""

    sql: str
    names: tuple[str, ...]  # of the columns
    converters: list[tuple[int, Any, Any]]  # place, the field's functions, its expression

    @classmethod
    def of(cls, query: Query) -> tuple["Select", tuple[Any, ...]]:
        """And its parameters."""
        compiler = query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        converters = compiler.get_converters([column for column, *_ in compiler.select])
        listed = [(place, functions, expression) for place, (functions, expression) in converters.items()]
        return cls(sql, tuple(query.selected or ()), listed), tuple(parameters)

    def tuples(self, parameters: Sequence[Any]) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(self.sql, parameters)
            return self.converted(cursor.fetchall())

    def each(self, parameters: Sequence[Any]) -> Iterator[Row]:
        """As they are wanted: a row is many times larger than what the client keeps of it."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql, parameters)
            found = cursor.fetchmany(AT_ONCE)
            while found:
                yield from self.named(self.converted(found))
                found = cursor.fetchmany(AT_ONCE) if len(found) == AT_ONCE else []

    def named(self, found: list[Any]) -> list[Row]:
        return [dict(zip(self.names, row, strict=True)) for row in found]

    def converted(self, found: list[Any]) -> list[Any]:
        return [self.converted_row(row) for row in found] if self.converters else found

    def converted_row(self, row: tuple[Any, ...]) -> list[Any]:
        values = list(row)
        for place, functions, expression in self.converters:
            for convert in functions:
                values[place] = convert(values[place], expression, connection)
        return values


def attributes(model: type[Model]) -> list[str]:
    """What `values()` must bring for `Compiled.first`."""
    return [field.attname for field in model._meta.concrete_fields]


class Compiled:
    """The statement of a `values()` queryset, run with other values.

    `build` makes the queryset, without a slice, from any values of the right types; it must always take the
    same conditions. `rows` gives the real ones, in the order in which the conditions stand: one `filter()` with two
    keywords sorts them by name.
    """

    def __init__(self, build: Callable[[], QuerySet[Any, Any]]) -> None:
        self.build = build

    @functools.cached_property
    def statement(self) -> Select:
        select, _ = Select.of(self.build().query)
        return select._replace(sql=f"{select.sql} LIMIT %s OFFSET %s")

    def rows(self, *values: Any, limit: int, skip: int = 0) -> list[Row]:
        return self.statement.named(self.tuples(*values, limit=limit, skip=skip))

    def each(self, *values: Any, limit: int, skip: int = 0) -> Iterator[Row]:
        return self.statement.each([*values, limit, skip])

    def first(self, model: type[Any], *values: Any) -> Any:
        """The first row as an instance of the model, or None."""
        found = self.tuples(*values, limit=1)
        return model.from_db(connection.alias, self.statement.names, found[0]) if found else None

    def tuples(self, *values: Any, limit: int, skip: int = 0) -> list[Any]:
        return self.statement.tuples([*values, limit, skip])


def each(rows: QuerySet[Any, Any]) -> Iterator[Row]:
    """Of a `values()` queryset; its own `iterator()` holds all of them where the server keeps no cursors."""
    try:
        select, parameters = Select.of(rows.query)
    except EmptyResultSet:
        return
    yield from select.each(parameters)


def containing(text: str) -> str:
    """The value of a `__contains` condition (LIKE, with its own signs escaped)."""
    return f"%{connection.ops.prep_for_like_query(text)}%"


class Plain(Func):
    """A text column which no index of its inside serves, nor, to sort by, one of its order.

    PostgreSQL takes what is looked for to be evenly spread over all owners and over the order, and walks through
    a whole book where the few that match stand at its end; or it takes an index of all for a book of 200.
    """

    template = "(%(expressions)s || '')"


class PlainNumber(Func):
    """The same of a number."""

    template = "(%(expressions)s + 0)"
    output_field = BigIntegerField()


def prepared(value: Any, field: "Field[Any, Any]", here: BaseDatabaseWrapper) -> Any:
    """As the driver takes it. Our times have a zone, which their field need not look for."""
    if type(value) in PLAIN:
        return value
    if type(value) is datetime and value.tzinfo:
        return here.ops.adapt_datetimefield_value(value)
    return field.get_db_prep_save(value, here)


class Writes:
    """What inserts or updates one row of a model with all its values as they are: `save()` without its signals."""

    def __init__(self, model: type[Model]) -> None:
        self.model = model

    @functools.cached_property
    def fields(self) -> "list[Field[Any, Any]]":
        return [field for field in self.model._meta.local_concrete_fields if not field.primary_key]

    @property
    def key(self) -> str:
        return cast(str, self.model._meta.pk.column)

    @functools.cached_property
    def inserting(self) -> str:
        quote, table = connection.ops.quote_name, self.model._meta
        columns = ", ".join(quote(str(field.column)) for field in self.fields)
        places = ", ".join(["%s"] * len(self.fields))
        returned = quote(self.key)
        return f"INSERT INTO {quote(table.db_table)} ({columns}) VALUES ({places}) RETURNING {returned}"  # noqa: S608 # nosec B608

    @functools.cached_property
    def updating(self) -> str:
        quote, table = connection.ops.quote_name, self.model._meta
        columns = ", ".join(f"{quote(str(field.column))} = %s" for field in self.fields)
        return f"UPDATE {quote(table.db_table)} SET {columns} WHERE {quote(self.key)} = %s"  # noqa: S608 # nosec B608

    def values(self, row: Model) -> list[Any]:
        here = get_connection()  # `connection` looks it up at each of its attributes
        return [prepared(getattr(row, field.attname), field, here) for field in self.fields]

    def insert(self, row: Model) -> None:
        with connection.cursor() as cursor:
            cursor.execute(*self.insertion(row))
            row.pk = cursor.fetchone()[0]
        row._state.adding = False

    def insertion(self, row: Model) -> Statement:
        return self.inserting, self.values(row)

    def alteration(self, row: Model) -> Statement:
        return self.updating, [*self.values(row), row.pk]


def run(*statements: Statement) -> None:
    """In one packet, where the database takes more than one statement at once."""
    if connection.vendor == "postgresql":
        statements = (("; ".join(sql for sql, _ in statements), [each for _, given in statements for each in given]),)
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(*statement)
