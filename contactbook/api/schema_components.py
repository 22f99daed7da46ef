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
    """An error that is not about the form of the request."""

    detail = serializers.CharField(help_text="One sentence for people.")


@extend_schema_field({"type": ["string", "integer"]})
class Step(serializers.Field):
    """A field's name, or an index in a list."""


class ValidationError(serializers.Serializer):
    """One fault of a request."""

    loc = serializers.ListField(
        child=Step(),
        help_text="Where it is: `path`, `query` or `body`, then the names of fields, and the indexes in lists from 0.",
    )
    msg = serializers.CharField(help_text="One sentence for people.")
    type = serializers.CharField(help_text="A code for programs, such as `missing` or `value_error`.")


class HTTPValidationError(serializers.Serializer):
    """The faults of a request."""

    detail = ValidationError(many=True, help_text="One entry for each fault.")


def reference(kind: str, name: str) -> Schema:
    return {"$ref": f"#/components/{kind}/{name}"}


def header(description: str, schema: Schema, required: bool = True) -> Schema:
    return {"description": description, "schema": schema, "required": required}


HEADERS = {
    "ETag": header("The state of what is returned, for `If-None-Match` and `If-Match`; quoted.", TEXT),
    "Link": header(
        "The URLs of the next and the previous page (RFC 8288), `rel` `next` and `prev`. Absent if there is no other "
        "page; `next` is absent on the last one.",
        TEXT,
        required=False,
    ),
    "Location": header("The path of what was made.", {"type": "string", "format": "uri-reference"}),
    "RateLimit-Limit": header(
        "The number of requests that the limit of this operation allows. Absent if the operator has lifted it.",
        NATURAL,
        required=False,
    ),
    "RateLimit-Remaining": header("The number of requests that are left.", NATURAL, required=False),
    "RateLimit-Reset": header("The seconds until one more request is allowed.", NATURAL, required=False),
    "Retry-After": header("The seconds to wait before the next try.", {"type": "integer", "minimum": 1}),
    "WWW-Authenticate": header(
        "The scheme, `Bearer`, with the reason (RFC 6750).", {"type": "string", "pattern": "^Bearer"}
    ),
    "X-Total-Count": header("The number of entries on all pages.", NATURAL),
}
RATE_LIMIT = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


def header_references(*names: str) -> Schema:
    return {name: reference("headers", name) for name in names}


def request_header(name: str, description: str, schema: Schema = TEXT) -> Schema:
    return {"in": "header", "name": name, "description": description, "schema": schema}


def path_id(name: str, description: str) -> Schema:
    return {"in": "path", "name": name, "required": True, "description": description, "schema": ID, "example": 1}


PARAMETERS = {
    "If-None-Match": request_header(
        "If-None-Match", "The ETag of the copy that the client has: a 304 without a body if it is still current."
    ),
    "If-Match": request_header(
        "If-Match", "The ETag that the client has read: a 412, and nothing is done, if it is not current any more."
    ),
    "Idempotency-Key": request_header(
        "Idempotency-Key",
        "A text chosen by the client, such as a UUID. For 24 hours the same request with the same key gets the "
        "first answer again; another request with it is a 422. An answer over 64 KB is repeated with ids for contacts.",
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]*$"},
    ),
    "contact_id": path_id("contact_id", "The number of the contact, its `id`."),
    "group_id": path_id("group_id", "The number of the group, its `id`."),
    "password_id": path_id("password_id", "The number of the app password, its `id`."),
    "feed_id": path_id("feed_id", "The number of the feed, its `id`."),
    "import_id": path_id("import_id", "The number of the import, its `id`."),
    "session_id": path_id("session_id", "The number of the session, its `id`."),
}

# From the status to the component's name and its sentence.
ERRORS = {
    400: ("BadRequest", "The form could not be understood."),
    401: ("Unauthorized", "There is no token, or it is not valid any more."),
    403: ("Forbidden", "This account may not do it."),
    404: ("NotFound", "It does not exist, or belongs to another account."),
    409: ("Conflict", "It exists already, or the current state does not allow it."),
    411: ("LengthRequired", "The body came without its Content-Length."),
    412: ("PreconditionFailed", "`If-Match` names an older state. Nothing was done."),
    413: ("TooLarge", "The body, or what would be read or written, is too large."),
    415: ("UnsupportedMediaType", "The body has another media type than the operation takes."),
    429: ("TooManyRequests", "Too many requests. Wait for `Retry-After` seconds."),
    503: ("Unavailable", "The server is busy, or a service that it needs does not answer. Try again."),
    507: ("StorageFull", "The account has used its storage. Deleting makes room."),
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
        "description": "The copy that the client has is current. There is no body.",
        "headers": header_references("ETag", *RATE_LIMIT),
    },
    "NotValid": not_valid(),
    "NotValidOrPage": not_valid(**{HTML: {"schema": TEXT}}),
    **{name: error(code, sentence) for code, (name, sentence) in ERRORS.items()},
}
COMPONENTS = {"headers": HEADERS, "parameters": PARAMETERS, "responses": RESPONSES}
