"""The parts of the OpenAPI document that stand once in its `components`, where every operation refers to them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

Schema = dict[str, Any]

JSON, HTML = "application/json", "text/html"
ID: Schema = {"type": "integer", "format": "int64", "minimum": 1, "maximum": 2**63 - 1}
NATURAL: Schema = {"type": "integer", "minimum": 0}
TEXT: Schema = {"type": "string"}


class Problem(serializers.Serializer):
    detail = serializers.CharField(help_text="One sentence.")


@extend_schema_field({"type": ["string", "integer"]})
class Step(serializers.Field):
    """A field's name, or an index in a list."""


class ValidationError(serializers.Serializer):
    loc = serializers.ListField(child=Step(), help_text="`path`, `query` or `body`, then the way to the fault.")
    msg = serializers.CharField(help_text="For people.")
    type = serializers.CharField(help_text="For programs.")


class HTTPValidationError(serializers.Serializer):
    """One entry per fault."""

    detail = ValidationError(many=True)


def reference(kind: str, name: str) -> Schema:
    return {"$ref": f"#/components/{kind}/{name}"}


def header(description: str, schema: Schema, required: bool = True) -> Schema:
    return {"description": description, "schema": schema, "required": required}


HEADERS = {
    "ETag": header("Identifies this state; for If-None-Match and If-Match.", TEXT),
    "Link": header("Where the next and the previous page are (RFC 8288).", TEXT, required=False),
    "Location": header("Where the new row is.", {"type": "string", "format": "uri-reference"}),
    "RateLimit-Limit": header("Requests that the limit allows; absent where it is lifted.", NATURAL, required=False),
    "RateLimit-Remaining": header("Requests that are left.", NATURAL, required=False),
    "RateLimit-Reset": header("Seconds until one more is left.", NATURAL, required=False),
    "Retry-After": header("Seconds to wait.", {"type": "integer", "minimum": 1}),
    "WWW-Authenticate": header("Bearer, and why.", {"type": "string", "pattern": "^Bearer"}),
    "X-Total-Count": header("How many there are on all pages.", NATURAL),
}
RATE_LIMIT = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


def header_references(*names: str) -> Schema:
    return {name: reference("headers", name) for name in names}


def request_header(name: str, description: str, schema: Schema = TEXT) -> Schema:
    return {"in": "header", "name": name, "description": description, "schema": schema}


def path_id(name: str) -> Schema:
    return {"in": "path", "name": name, "required": True, "schema": ID, "example": 1}


PARAMETERS = {
    "If-None-Match": request_header("If-None-Match", "An ETag: answered with 304 where it is still current."),
    "If-Match": request_header(
        "If-Match", "An ETag: answered with 412, and nothing done, where it is no longer current."
    ),
    "Idempotency-Key": request_header(
        "Idempotency-Key",
        "Chosen by the client: the same key and body get the first answer again, for 24 hours.",
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]*$"},
    ),
    **{name: path_id(name) for name in ("contact_id", "group_id", "import_id", "session_id")},
}

# From the status to the component's name and its sentence.
ERRORS = {
    400: ("BadRequest", "The form could not be understood."),
    401: ("Unauthorized", "Nobody is logged in, or not by these credentials."),
    403: ("Forbidden", "This account may not do it."),
    404: ("NotFound", "It does not exist, or belongs to another account."),
    409: ("Conflict", "It exists already, or contradicts the current state."),
    411: ("LengthRequired", "The body came without its Content-Length."),
    412: ("PreconditionFailed", "If-Match names an older state."),
    413: ("TooLarge", "The body is too large."),
    415: ("UnsupportedMediaType", "The body is of another media type."),
    429: ("TooManyRequests", "Too many requests."),
    503: ("Unavailable", "A service that this one needs does not answer."),
}
HEADERS_OF_ERROR = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}
NOT_VALID = "Something in the path, the query or the body is not valid."
FAULT = {"loc": ["body", "email"], "msg": "Enter a valid email address.", "type": "value_error"}
FAULTS: Schema = {"schema": reference("schemas", "HTTPValidationError"), "example": {"detail": [FAULT]}}
NAMES = {304: "NotModified", 422: "NotValid", **{code: name for code, (name, _) in ERRORS.items()}}


def error(code: int, sentence: str) -> Schema:
    content = {"schema": reference("schemas", "Problem"), "example": {"detail": sentence}}
    headers = header_references(*HEADERS_OF_ERROR.get(code, []), *RATE_LIMIT)
    return {"description": sentence, "content": {JSON: content}, "headers": headers}


def not_valid(**media: Schema) -> Schema:
    return {"description": NOT_VALID, "content": {JSON: FAULTS, **media}, "headers": header_references(*RATE_LIMIT)}


RESPONSES = {
    "NotModified": {
        "description": "The ETag of If-None-Match is still current.",
        "headers": header_references("ETag", *RATE_LIMIT),
    },
    "NotValid": not_valid(),
    "NotValidOrPage": not_valid(**{HTML: {"schema": TEXT}}),
    **{name: error(code, sentence) for code, (name, sentence) in ERRORS.items()},
}
COMPONENTS = {"headers": HEADERS, "parameters": PARAMETERS, "responses": RESPONSES}
