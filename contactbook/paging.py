"""Pages of a list, by skip and limit or by cursor, and the headers that lead through it."""

import base64
import json
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Q, QuerySet
from rest_framework.request import Request

DEEP = 500  # rows to skip, from which on they are skipped in the index alone where it holds the order

Fetch = Callable[[int, int], list[dict[str, Any]]]


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


class Page:
    """Rows of a list in an order: `column` is the model's, with `-` for descending; ties are broken by id.

    By `skip`, whose cost grows with its depth, or by `cursor`, whose cost does not. They come out of a queryset,
    or, where there is no cursor, from a function of limit and skip.
    """

    def __init__(self, source: QuerySet[Any] | Fetch, column: str, asked: dict[str, Any]) -> None:
        self.source, self.asked = source, asked
        self.column, self.descending = column.removeprefix("-"), column.startswith("-")
        self.skip: int | None = asked.get("skip")
        self.limit: int = asked["limit"]
        self.cursor: Position | None = asked.get("cursor")
        self.earlier = self.later = False  # whether there are rows on either side
        self.found: list[dict[str, Any]] = []

    def rows(self, columns: tuple[str, ...]) -> list[dict[str, Any]]:
        start = 0 if self.cursor else self.skip or 0
        back = bool(self.cursor and self.cursor.back)
        found = self.fetched(start, columns, back) if self.limit else []
        more, self.found = len(found) > self.limit, found[: self.limit]
        self.earlier, self.later = (more, True) if back else (start > 0 or self.cursor is not None, more)
        if back:
            self.found.reverse()
        return self.found

    def fetched(self, start: int, columns: tuple[str, ...], back: bool) -> list[dict[str, Any]]:
        """One row more than the page holds, to see whether there are any."""
        if not isinstance(self.source, QuerySet):
            return self.source(self.limit + 1, start)
        ordered = self.ordered(self.source, back)
        if start >= DEEP:
            keys = ordered.values("pk")[start : start + self.limit + 1]
            ordered, start = self.ordered(self.source.model._default_manager.filter(pk__in=keys), back), 0
        return list(ordered.values(*{*columns, self.column})[start : start + self.limit + 1])

    def ordered(self, rows: QuerySet[Any], back: bool) -> QuerySet[Any]:
        falling = self.descending != back
        if self.cursor:
            beyond = "lt" if falling else "gt"
            value, row = self.cursor.value, self.cursor.id
            # The first condition bounds the index; the second leaves out the ties already seen.
            rows = rows.filter(
                Q(**{f"{self.column}__{beyond}e": value}),
                Q(**{f"{self.column}__{beyond}": value}) | Q(**{f"id__{beyond}": row}),
            )
        sign = "-" if falling else ""
        return rows.order_by(f"{sign}{self.column}", f"{sign}id")

    def headers(self, request: Request, total: int) -> dict[str, str]:
        """X-Total-Count, and Link (RFC 8288) to the next and previous page where there is one."""
        links = []
        if self.later:
            links.append(self.link(request, "next", self.found[-1:], (self.skip or 0) + self.limit))
        if self.earlier and self.limit:
            links.append(self.link(request, "prev", self.found[:1], max(0, (self.skip or 0) - self.limit)))
        counted = {"X-Total-Count": str(total)}
        return {**counted, "Link": ", ".join(filter(None, links))} if any(links) else counted

    def link(self, request: Request, relation: str, edge: list[dict[str, Any]], skip: int) -> str:
        query = request.query_params.dict() | {"limit": str(self.limit)}
        if self.skip is not None and self.cursor is None:
            query["skip"] = str(skip)
        elif edge:
            position = Position(self.asked["order"], edge[0][self.column], edge[0]["id"], relation == "prev")
            query = {**query, "cursor": encoded(position)}
            query.pop("skip", None)
        else:
            return ""
        return f'<{settings.PUBLIC_URL}{request.path}?{urlencode(query)}>; rel="{relation}"'
