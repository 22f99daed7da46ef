"""Base classes of the API viewsets: the order of the checks of a request, and the headers of every response."""

import time
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from rest_framework.exceptions import APIException
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from contactbook.api.exceptions import LengthRequired, TooLarge, as_api_exception
from contactbook.db.errors import is_rolled_back, is_unavailable


class APIViewSet(ViewSet):
    """DRF's ViewSet. `limits` names the rate limit of each action."""

    http_method_names = ["get", "post", "put", "patch", "delete", "head"]  # OPTIONS belongs to the CORS middleware
    limits: dict[str, str] = {}
    cache_control = "no-store"
    max_body = settings.DATA_UPLOAD_MAX_MEMORY_SIZE  # bytes
    retry_within = 1.0  # seconds
    failure: Exception | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer the request. A read that lost its connection or a deadlock is tried once more."""
        started = time.monotonic()
        response = super().dispatch(request, *args, **kwargs)
        quick = time.monotonic() - started < self.retry_within or is_rolled_back(self.failure)
        if request.method in ("GET", "HEAD") and quick and is_unavailable(self.failure):
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            self.failure = None
            response = super().dispatch(request, *args, **kwargs)
        return response

    def handle_exception(self, exc: Exception) -> Response:
        self.failure = exc
        return super().handle_exception(as_api_exception(exc))

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check a request. Unlike in DRF it is counted before it is refused, by address if it has no user."""
        self.format_kwarg = None
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        request.version, request.versioning_scheme = self.determine_version(request, *args, **kwargs)
        try:
            self.perform_authentication(request)
        except APIException:
            request.user = AnonymousUser()
            self.check_throttles(request)
            raise
        self.check_throttles(request)
        self.check_permissions(request)
        self.check_body_length(request)

    def check_body_length(self, request: Request) -> None:
        """Refuse a chunked body, which Django would read as empty, and one over `max_body`.

        One that was cut off does not come here: `require_whole_body` (contactbook/http/middleware.py) refuses it.
        """
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
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.authentication_classes:
            patch_vary_headers(response, ["Authorization"])
        return response


class PublicViewSet(APIViewSet):
    """Routes that ignore a Bearer token."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]

    def get_authenticate_header(self, request: Request) -> str:
        return "Bearer"
