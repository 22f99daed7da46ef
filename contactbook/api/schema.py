"""The OpenAPI document: what every operation shares. What one operation reads and answers stands at its view."""

from typing import Any

from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers


class Problem(serializers.Serializer):
    detail = serializers.CharField(help_text="One sentence.")


def request_header(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, description=description)


def response_header(name: str, type: Any, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, type, OpenApiParameter.HEADER, description=description, response=[200, 201])


IF_NONE_MATCH = request_header("If-None-Match", "An ETag: answered with 304 where it is still current.")
IF_MATCH = request_header("If-Match", "An ETag: answered with 412, and nothing done, where it is no longer current.")
IDEMPOTENCY_KEY = request_header(
    "Idempotency-Key", "Chosen by the client: the same key and body get the first answer again, for 24 hours."
)
ETAG = response_header("ETag", str, "Identifies this state; for If-None-Match and If-Match.")
LINK = response_header("Link", str, "Where the next and the previous page are (RFC 8288).")
LOCATION = response_header("Location", str, "Where the new contact is.")
TOTAL_COUNT = response_header("X-Total-Count", int, "How many there are on all pages.")


def sentence(text: str) -> OpenApiResponse:
    """Return the response that is a JSON string."""
    return OpenApiResponse(OpenApiTypes.STR, examples=[OpenApiExample(text, value=text)])


def html_or_json(text: str) -> dict[Any, Any]:
    """Return the responses of a route that answers browsers with a page and programs with a JSON string."""
    return {(200, "application/json"): sentence(text), (200, "text/html"): OpenApiTypes.STR}


class AutoSchema(SpectacularAutoSchema):
    pass
