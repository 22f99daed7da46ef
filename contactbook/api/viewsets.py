"""What every API view does before its own work: who calls, how often, may they, is the body bearable."""

import functools
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.http import HttpRequest, QueryDict
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from contactbook.api import throttling
from contactbook.api.exceptions import Invalid, LengthRequired, TooLarge, database_is_away, lost_a_race
from contactbook.cache import responses as caching


class APIViewSet(ViewSet):
    """The base of all our API views.

    `limits` names the limit of each action. A refused caller is counted too (by address), so that every
    answer of a limited route carries the RateLimit headers.
    """

    http_method_names = [
        "get",
        "post",
        "put",
        "patch",
        "delete",
        "head",
    ]  # preflights are the CORS middleware's
    limits: dict[str, str] = {}
    cache_control = "no-store"
    RETRY_WITHIN = 1  # seconds
    max_body = settings.DATA_UPLOAD_MAX_MEMORY_SIZE  # bytes

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """A read that lost its connection, or a deadlock, is tried once more, unless it waited for long."""
        self.failure: Exception | None = None
        begun = time.monotonic()
        response = self.answered(request, *args, **kwargs)
        quick = time.monotonic() - begun < self.RETRY_WITHIN or lost_a_race(self.failure)
        if request.method in ("GET", "HEAD") and quick and database_is_away(self.failure):
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            response = self.answered(request, *args, **kwargs)
        # View and request know each other: the answer, which may be large, would wait for the garbage collector.
        del self.response
        return response

    def answered(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """REST framework's own way, or for a read the same without its Request: a tenth of the whole."""
        if request.method not in ("GET", "HEAD") or request.method.lower() not in self.action_map:
            return super().dispatch(request, *args, **kwargs)
        self.action = self.action_map[request.method.lower()]
        self.args, self.kwargs, self.headers = args, kwargs, self.default_response_headers
        try:
            if not self.is_admitted(request):
                return super().dispatch(request, *args, **kwargs)
            response = getattr(self, self.action)(request, *args, **kwargs)
        except Exception as exc:
            response = self.handle_exception(exc)
        self.response = self.finalize_response(cast(Request, request), response, *args, **kwargs)
        return self.response

    def is_admitted(self, request: HttpRequest) -> bool:
        """Whether `initial` would let it pass. Else that says why not; what was counted here is not counted again."""
        if request.META.get("CONTENT_LENGTH") or "HTTP_TRANSFER_ENCODING" in request.META:
            return False
        authentication: Any = next(iter(self.authentication_classes), None)
        caller = authentication.caller_at_once(request, self) if authentication else None
        verdict = getattr(request, "verdict", None)
        if caller is None or (verdict and not verdict.allowed):
            return False
        request.user = caller
        self.headers |= verdict.headers if verdict else {}
        return all(permission.has_permission(cast(Request, request), self) for permission in self.get_permissions())

    def handle_exception(self, exc: Exception) -> Response:
        self.failure = exc
        return super().handle_exception(exc)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # DRF counts a request last; ours is counted before it is refused.
        self.format_kwarg = None
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        request.version = request.versioning_scheme = None
        try:
            self.perform_authentication(request)
        except Exception:
            request.user = AnonymousUser()  # else the throttle would try it again
            self.check_throttles(request)
            raise
        self.check_throttles(request)
        self.check_permissions(request)
        self.check_body(request)

    @property
    def plain_request(self) -> Any:
        """Django's, on which is kept what was found out of it."""
        return getattr(self.request, "_request", self.request)

    def look_ahead(self, user_id: int, *keys: str) -> caching.Said:
        """Counts this request of that account, and asks for what will be needed of it, in one trip."""
        asked = self.plain_request
        if not hasattr(asked, "known"):
            name = self.limits.get(self.action or "") if self.is_counted() else None
            verdict, asked.known = throttling.look(name, f"user:{user_id}", (*keys, *self.remembered_keys(user_id)))
            if name:
                asked.verdict, asked.counted_as = verdict, name
        return asked.known

    def remembered_keys(self, user_id: int) -> tuple[str, ...]:
        """What the view will want to know, beside the account."""
        return ()

    def is_counted(self) -> bool:
        """Whether the limit counts this request before anything else is known of it."""
        return True

    def take_back_count(self, user_id: int) -> None:
        """It was not that account's after all."""
        asked = self.plain_request
        if hasattr(asked, "counted_as"):
            throttling.give_back(asked.counted_as, f"user:{user_id}", asked.verdict)
            del asked.verdict, asked.counted_as

    def check_body(self, request: Request) -> None:
        if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
            raise LengthRequired
        try:
            length = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            raise LengthRequired from None
        if length > self.max_body:
            raise TooLarge(f"The body is larger than {self.max_body} bytes.")

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        self.headers["Cache-Control"] = self.cache_control
        final = super().finalize_response(request, response, *args, **kwargs)
        if isinstance(final, Response):
            final.add_post_render_callback(let_go)
        return final


def let_go(response: Any) -> None:
    """A rendered answer knows itself by its renderer's context, and would wait for the garbage collector, too."""
    response.renderer_context.pop("response", None)


@functools.cache
def reader(serializer: type[serializers.Serializer]) -> serializers.Serializer:
    """One instance serves all requests: its fields keep nothing, and take longer to build than to read by."""
    return serializer()


def validated(serializer: type[serializers.Serializer], data: Any, where: str = "body") -> dict[str, Any]:
    """The serializer's values, or the contract's 422 with every fault placed in `where`."""
    try:
        return cast(dict[str, Any], reader(serializer).run_validation(data))
    except serializers.ValidationError as error:
        raise Invalid(where, error.detail) from None


def asked(serializer: type[serializers.Serializer], request: Request) -> Mapping[str, Any]:
    """The query's values; many ask alike, so what was read of a query lately is kept."""
    return read_query(serializer, request.META["QUERY_STRING"])


@functools.lru_cache(maxsize=1000)
def read_query(serializer: type[serializers.Serializer], query: str) -> Mapping[str, Any]:
    return MappingProxyType(validated(serializer, QueryDict(query.encode("latin-1")), "query"))
