"""skip and limit, and the headers that lead through a list."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from rest_framework.request import Request


def page_headers(request: Request, skip: int, limit: int, total: int) -> dict[str, str]:
    """X-Total-Count, and Link (RFC 8288) to the next and previous page where there is one."""
    links = []
    if limit and skip + limit < total:
        links.append(link(request, "next", skip=skip + limit, limit=limit))
    if limit and skip > 0:
        links.append(link(request, "prev", skip=max(0, skip - limit), limit=limit))
    return {"X-Total-Count": str(total), **({"Link": ", ".join(links)} if links else {})}


def link(request: Request, relation: str, **changes: Any) -> str:
    query = {**request.query_params.dict(), **changes}
    return f'<{settings.PUBLIC_URL}{request.path}?{urlencode(query)}>; rel="{relation}"'
