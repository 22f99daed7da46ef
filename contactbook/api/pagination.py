"""Pages of a list, by skip and limit or by cursor, and the headers that lead through it."""

import base64
import functools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, cast
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import QueryDict
from rest_framework.request import Request

from contactbook.compiled import Row, each

DEEP = 500  # rows to skip, from which on they are skipped in the index alone where it holds the order

Fetch = Callable[[int, int], Iterator[Row]]


class Position(NamedTuple):
    """A place between two rows of an order: just after, or `back` just before, the row with that value and id."""

    order: str
    value: str | int
    id: int
    back: bool


def encoded(position: Position) -> str:
    return base64.urlsafe_b64encode(json.dumps(position, ensure_ascii=False).encode()).decode().rstrip("=")


def decoded(text: str) -> Position:
    """ValueError for what `encoded` did not make."""
    try:
        order, value, row, back = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
    except (TypeError, RecursionError):
        raise ValueError from None
    right = isinstance(order, str) and isinstance(back, bool) and type(row) is int and abs(row) < 2**63
    if isinstance(value, str):
        right &= "\0" not in value and value.encode() is not None  # no lone surrogates
    else:
        right &= type(value) is int and abs(value) < 2**63
    if not right:
        raise ValueError
    return Position(order, value, row, back)


@functools.lru_cache(maxsize=1000)
def parameters(query: str) -> dict[str, str]:
    """Of a query as it was sent; many ask alike. Not to be changed."""
    return QueryDict(query.encode("latin-1")).dict()


class Page:
    """Rows of a list in an order: `column` is the model's, with `-` for descending; ties are broken by id.

    By `skip`, whose cost grows with its depth, or by `cursor`, whose cost does not. They come out of a queryset,
    or, where there is no cursor, from a function of limit and skip.
    """

    def __init__(self, source: QuerySet[Any] | Fetch, column: str, asked: Mapping[str, Any]) -> None:
        self.source, self.asked = source, asked
        self.column, self.descending = column.removeprefix("-"), column.startswith("-")
        self.skip: int | None = asked.get("skip")
        self.limit: int = asked["limit"]
        self.cursor: Position | None = asked.get("cursor")
        self.earlier = self.later = False  # whether there are rows on either side
        self.edges: list[Row] = []  # the first row and the last

    def rows(self, columns: tuple[str, ...]) -> Iterator[Row]:
        """As they are wanted; what lies around them is known after the last."""
        start = 0 if self.cursor else self.skip or 0
        self.earlier = start > 0 or self.cursor is not None
        for number, row in enumerate(self.fetched(start, columns) if self.limit else ()):
            if number == self.limit:
                self.later = True
            else:
                self.edges = [(self.edges or [row])[0], row]
                yield row

    def fetched(self, start: int, columns: tuple[str, ...]) -> Iterator[Row]:
        """One row more than the page holds, to see whether there are any."""
        if not isinstance(self.source, QuerySet):
            return self.source(self.limit + 1, start)
        if self.cursor and self.cursor.back:
            ordered = self.ordered(self.these(self.keys_before()))
        elif start >= DEEP:
            keys = self.ordered(self.source).values("pk")[start : start + self.limit + 1]
            ordered, start = self.ordered(self.these(keys)), 0
        else:
            ordered = self.ordered(self.beyond(self.source))
        return each(ordered.values(*{*columns, self.column})[start : start + self.limit + 1])

    def keys_before(self) -> list[int]:
        """Of the page that ends at the cursor."""
        before = self.ordered(self.beyond(cast(QuerySet[Any], self.source), back=True), back=True)
        keys = list(before.values_list("pk", flat=True)[: self.limit + 1])
        self.earlier, self.later = len(keys) > self.limit, True
        return keys[: self.limit]

    def these(self, keys: Any) -> QuerySet[Any]:
        return cast(QuerySet[Any], self.source).model._default_manager.filter(pk__in=keys)

    def beyond(self, rows: QuerySet[Any], back: bool = False) -> QuerySet[Any]:
        """Those on that side of the cursor."""
        if not self.cursor:
            return rows
        side, value, row = "lt" if self.descending != back else "gt", self.cursor.value, self.cursor.id
        # The first condition bounds the index; the second leaves out the ties already seen.
        ties = Q(**{f"{self.column}__{side}": value}) | Q(**{f"id__{side}": row})
        return rows.filter(Q(**{f"{self.column}__{side}e": value}), ties)

    def ordered(self, rows: QuerySet[Any], back: bool = False) -> QuerySet[Any]:
        sign = "-" if self.descending != back else ""
        return rows.order_by(f"{sign}{self.column}", f"{sign}id")

    def headers(self, request: Request, total: int) -> dict[str, str]:
        """X-Total-Count, and Link (RFC 8288) to the next and previous page where there is one."""
        links = []
        if self.later:
            links.append(self.link(request, "next", self.edges[-1:], (self.skip or 0) + self.limit))
        if self.earlier and self.limit:
            links.append(self.link(request, "prev", self.edges[:1], max(0, (self.skip or 0) - self.limit)))
        counted = {"X-Total-Count": str(total)}
        return {**counted, "Link": ", ".join(filter(None, links))} if any(links) else counted

    def link(self, request: Request, relation: str, edge: list[Row], skip: int) -> str:
        query = parameters(request.META["QUERY_STRING"]) | {"limit": str(self.limit)}
        if self.skip is not None and self.cursor is None:
            query["skip"] = str(skip)
        elif edge:
            position = Position(self.asked["order"], edge[0][self.column], edge[0]["id"], relation == "prev")
            query = {**query, "cursor": encoded(position)}
            query.pop("skip", None)
        else:
            return ""
        return f'<{settings.PUBLIC_URL}{request.path}?{urlencode(query)}>; rel="{relation}"'
