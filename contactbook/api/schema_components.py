"""What the OpenAPI document says alike of every route: logins, headers, refusals."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

SECURITY_SCHEMES = {
    "account": {
        "type": "oauth2",
        "description": "Log in with the e-mail address as username; calls then carry the access token.",
        "flows": {"password": {"tokenUrl": "/api/auth/login", "scopes": {}}},
    },
    "refresh_token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The refresh token of the newest pair.",
    },
}
TAGS = [
    {"name": "auth", "description": "Signing up, logging in, new passwords."},
    {"name": "email", "description": "The link in the confirmation mail."},
    {"name": "contacts", "description": "One's own contacts. A stranger's contact is a 404, on every route."},
    {"name": "groups", "description": "Names for groups of contacts."},
    {"name": "undo", "description": "Taking changes back."},
    {"name": "me", "description": "One's own account."},
]

INTEGER = {"type": "integer", "minimum": 0}
ID = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
HEADERS: dict[str, dict[str, Any]] = {
    "ETag": {
        "description": "Names this state; for If-None-Match and If-Match.",
        "schema": {"type": "string"},
    },
    "Link": {
        "description": "Where the next and the previous page are (RFC 8288).",
        "schema": {"type": "string"},
    },
    "Location": {
        "description": "Where the new one is.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "RateLimit-Limit": {
        "description": "Requests that the limit allows; absent where it is lifted.",
        "schema": INTEGER,
    },
    "RateLimit-Remaining": {"description": "Requests that are left.", "schema": INTEGER},
    "RateLimit-Reset": {"description": "Seconds until one more is left.", "schema": INTEGER},
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}},
    "WWW-Authenticate": {
        "description": "Bearer, and why.",
        "schema": {"type": "string", "pattern": "^Bearer"},
    },
    "X-Total-Count": {"description": "How many there are on all pages.", "schema": INTEGER},
}
NOT_ALWAYS = {"Link", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"}
RATE_LIMIT = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
HEADERS_OF_ERROR = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}

ERRORS = {
    400: "The form could not be understood.",
    401: "Nobody is logged in, or not by these credentials.",
    403: "It is not for this account.",
    404: "There is none, or it is not the caller's.",
    409: "It already exists.",
    411: "The body came without its Content-Length.",
    412: "If-Match names an older state.",
    413: "The body is too large.",
    415: "The body is of another media type.",
    422: "Something in the path, the query or the body is not valid.",
    429: "Too many requests.",
    503: "Something behind us does not answer.",
}


@extend_schema_field({"type": ["string", "integer"]})
class Step(serializers.Field):
    """A field's name, or an index in a list."""


class ValidationError(serializers.Serializer):
    loc = serializers.ListField(child=Step(), help_text="`path`, `query` or `body`, then the way to the fault.")
    msg = serializers.CharField(help_text="For people.")
    type = serializers.CharField(help_text="For programs.")
    example = {"loc": ["body", "email"], "msg": "Enter a valid email address.", "type": "value_error"}


class HTTPValidationError(serializers.Serializer):
    """One entry per fault."""

    detail = ValidationError(many=True)
    example = {"detail": [ValidationError.example]}


class Problem(serializers.Serializer):
    detail = serializers.CharField(help_text="One sentence.")


PAGE = {"schema": {"type": "string"}}
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "description": "Chosen by the client: the same key and body get the first answer again, for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]*$"},
}
