"""Pagination by skip and limit or by cursor. The body is a bare array; totals and links are in headers."""

import base64
import json
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Q, QuerySet
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from contactbook.db.fields import is_bigint
from contactbook.exceptions import TooLargeError

MAX_BYTES = 8 * 1024 * 1024  # of a page, by the `size` of its rows
SAFE_LIMIT = 20  # rows, which are never more than MAX_BYTES
DEEP = 500  # rows to skip, from which on only the index is read for them

Row = dict[str, Any]


class Position(NamedTuple):
    """A place between two rows of an order: just after, or if `back` just before, the row with that value and id."""

    order: str
    value: str | int
    id: int
    back: bool

    def encode(self) -> str:
        return base64.urlsafe_b64encode(json.dumps(self, ensure_ascii=False).encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> "Position":
        """Return what `encode` made; ValueError for any other text."""
        try:
            order, value, row, back = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
        except (TypeError, RecursionError):
            raise ValueError from None
        if not (isinstance(order, str) and isinstance(back, bool) and is_bigint(row)):
            raise ValueError
        if isinstance(value, str):
            value.encode()  # UnicodeEncodeError, a ValueError, for a lone surrogate
        if "\0" in value if isinstance(value, str) else not is_bigint(value):
            raise ValueError
        return cls(order, value, row, back)


def rows_that_fit(rows: QuerySet[Any, Any], size: Any, total: int = 0) -> int | None:
    """Return how many of the rows fit into MAX_BYTES by the expression `size`, beside a total; None if all do."""
    for number, (bytes,) in enumerate(rows.values_list(size)):
        total += bytes or 0
        if total > MAX_BYTES:
            return max(number, 1)
    return None


class SkipLimitPagination(BasePagination):
    """A page by `skip` and `limit`, which the view has validated.

    A page whose rows have more than MAX_BYTES by the expression `size` is a TooLargeError that names a limit.
    """

    may_end_early = False
    # The query parameters that a link repeats: those that the route knows, since a cached response serves all others.
    parameters: Collection[str] = ()

    def __init__(self, skip: int, limit: int, size: Any = None) -> None:
        self.skip, self.limit, self.size = skip, limit, size
        self.has_next = False
        self.has_previous = skip > 0
        self.total: int | None = None

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Return the page's rows of a queryset or a list."""
        self.request = request
        return self.read(queryset, self.skip)

    def read(self, rows: Any, start: int) -> list[Any]:
        """Read one row more than the page holds, to see whether there are any."""
        limit = self.limit
        if self.size is not None and limit > SAFE_LIMIT:
            fitting = rows_that_fit(rows[start : start + limit], self.size)
            if fitting and not self.may_end_early:
                raise TooLargeError(f"These contacts are too large for one page. Use limit={fitting}.")
            limit = fitting or limit
        found = list(rows[start : start + limit + 1]) if limit else []
        self.has_next = len(found) > limit
        return found[:limit]

    def get_paginated_response(self, data: Any) -> Response:
        links = [self.next_link() if self.has_next else "", self.previous_link() if self.has_previous else ""]
        headers = {} if self.total is None else {"X-Total-Count": str(self.total)}
        if any(links) and self.limit:
            headers["Link"] = ", ".join(filter(None, links))
        return Response(data, headers=headers)

    def next_link(self) -> str:
        return self.link("next", skip=self.skip + self.limit)

    def previous_link(self) -> str:
        return self.link("prev", skip=max(0, self.skip - self.limit))

    def link(self, relation: str, **parameters: Any) -> str:
        """Return an RFC 8288 link to this list with some query parameters changed; None removes one."""
        known = {name: value for name, value in self.request.query_params.items() if name in self.parameters}
        query = {**known, "limit": self.limit, **parameters}
        given = {name: value for name, value in query.items() if value is not None}
        return f'<{settings.PUBLIC_URL}{self.request.path}?{urlencode(given)}>; rel="{relation}"'


class KeyPagination(SkipLimitPagination):
    """A page by `cursor`, at a cost that does not grow with its depth; by `skip` where that is given.

    `column` is the model's, with `-` for descending; ties are broken by id. Rows are dicts with `id` and the column.
    """

    def __init__(self, order: str, column: str, query: Mapping[str, Any]) -> None:
        super().__init__(query.get("skip") or 0, query["limit"])
        self.order, self.column, self.descending = order, column.removeprefix("-"), column.startswith("-")
        self.cursor: Position | None = query.get("cursor")
        self.by_cursor = self.may_end_early = self.cursor is not None or "skip" not in query
        self.edges: list[Row] = []  # the first row and the last

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request = request
        if not self.cursor:
            rows = self.rows_after_skip(queryset)
        elif self.cursor.back:
            rows = self.rows_before(queryset)
        else:
            self.has_previous = True
            rows = self.read(self.sorted(self.beyond(queryset)), 0)
        self.edges = [rows[0], rows[-1]] if rows else []
        return rows

    def rows_after_skip(self, queryset: QuerySet[Any, Row]) -> list[Row]:
        rows = self.sorted(queryset)
        if self.skip < DEEP:
            return self.read(rows, self.skip)
        keys = rows.values("pk")[self.skip : self.skip + self.limit + 1]  # skipped rows are read from the index only
        return self.read(self.sorted(queryset.filter(pk__in=keys)), 0)

    def rows_before(self, queryset: QuerySet[Any, Row]) -> list[Row]:
        """Return the page that ends at the cursor. It is read in reverse order."""
        rows = self.read(self.sorted(self.beyond(queryset, back=True), back=True), 0)
        self.has_previous, self.has_next = self.has_next, True
        return rows[::-1]

    def beyond(self, queryset: QuerySet[Any, Row], back: bool = False) -> QuerySet[Any, Row]:
        """Return the rows on that side of the cursor."""
        assert self.cursor
        side = "lt" if self.descending != back else "gt"
        ties = Q(**{f"{self.column}__{side}": self.cursor.value}) | Q(**{f"id__{side}": self.cursor.id})
        # The first condition bounds the index scan; the second leaves out the ties that were read before.
        return queryset.filter(Q(**{f"{self.column}__{side}e": self.cursor.value}), ties)

    def sorted(self, queryset: QuerySet[Any, Row], back: bool = False) -> QuerySet[Any, Row]:
        sign = "-" if self.descending != back else ""
        return queryset.order_by(f"{sign}{self.column}", f"{sign}id")

    def next_link(self) -> str:
        return self.cursor_link("next", self.edges[-1:]) if self.by_cursor else super().next_link()

    def previous_link(self) -> str:
        return self.cursor_link("prev", self.edges[:1]) if self.by_cursor else super().previous_link()

    def cursor_link(self, relation: str, edge: list[Row]) -> str:
        if not edge:
            return ""
        position = Position(self.order, edge[0][self.column], edge[0]["id"], relation == "prev")
        return self.link(relation, cursor=position.encode(), skip=None)
