"""What the OpenAPI document says of each route: what a decorator tells of it, and what its view knows.

A view's method carries `documented`: its name, what it reads and what it answers. Every refusal follows from
the view: its permissions, its parsers, its `limits`, and the variables of its path.

GET /api/contacts/{query} and PUT /api/contacts/{contact_id} are one path here: OpenAPI forbids two whose
templates differ in their names alone, since either could be meant by a request.
"""

import functools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from drf_spectacular.drainage import warn
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema as DefaultAutoSchema
from drf_spectacular.plumbing import force_instance
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated

from contactbook.api.schema_components import (
    ERRORS,
    HEADERS,
    HEADERS_OF_ERROR,
    ID,
    IDEMPOTENCY_KEY,
    NOT_ALWAYS,
    PAGE,
    RATE_LIMIT,
    SECURITY_SCHEMES,
    TAGS,
    HTTPValidationError,
    Problem,
)

View = TypeVar("View", bound=Callable[..., Any])
JSON = "application/json"
HTML = "text/html"
PAGES = (JSON, HTML)  # what is answered to programs, and to browsers


@dataclass(frozen=True)
class Operation:
    """What `documented` was told."""

    name: str
    summary: str
    response: Any = None
    request: Any = None
    query: Any = None
    path: Any = None
    status: int = 200
    errors: tuple[int, ...] = ()
    headers: tuple[str, ...] = ()
    etag: bool = False
    idempotent: bool = False
    media: tuple[str, ...] = (JSON,)
    security: str | None = None
    description: str = ""
    example: Any = None
    extra: dict[str, Any] = field(default_factory=dict)


def documented(name: str, summary: str, **told: Any) -> Callable[[View], View]:
    """Tells the document of a view's method; `name` is the operationId.

    `response` is a serializer, a list of one, `str`, `bytes` or a schema; `request` and `query` are
    serializers, and so is `path`, whose fields are those of the path in their order (ids, if it is not given).
    `etag` means If-None-Match and 304 on GET, If-Match and 412 on PUT, PATCH and DELETE. `idempotent` means
    that the route takes an Idempotency-Key. `errors` are those that cannot be told from the view.
    A serializer's `example` is shown wherever it is used, `example` here with the answer.
    """

    def decorate(method: View) -> View:
        method.documented = Operation(name, summary, **told)  # type: ignore[attr-defined]
        return method

    return decorate


class Generator(SchemaGenerator):
    """The document is the same for everybody: each process makes it once."""

    def get_schema(self, request: Any = None, public: bool = False) -> Any:
        return whole_document()


MAKING = threading.Lock()


def whole_document() -> Any:
    """Made once a process, by one thread: drf-spectacular loads what extends it at the first need, and another that
    comes meanwhile finds it half loaded."""
    with MAKING:
        return made_document()


@functools.cache
def made_document() -> Any:
    return SchemaGenerator().get_schema(request=None, public=True)


class AutoSchema(DefaultAutoSchema):
    @property
    def told(self) -> Operation:
        action = getattr(self.view, getattr(self.view, "action", None) or self.method.lower(), None)
        told = getattr(action, "documented", None)
        if told is None:
            warn(f"{self.method} {self.path} lacks contactbook.api.schema.documented")
            return Operation(f"{self.method.lower()}{self.path}", "")
        return told

    @property
    def limited(self) -> bool:
        return getattr(self.view, "action", None) in getattr(self.view, "limits", {})

    @property
    def conditional(self) -> str | None:
        """The header of the precondition that this route takes."""
        return {"GET": "If-None-Match", "POST": None}.get(self.method, "If-Match") if self.told.etag else None

    def get_operation_id(self) -> str:
        return self.told.name

    def get_summary(self) -> str:
        return self.told.summary

    def get_description(self) -> str:  # type: ignore[override]
        return self.told.description

    def get_extensions(self) -> dict[str, Any]:
        return self.told.extra

    def get_auth(self) -> list[dict[str, Any]]:
        scheme = self.told.security or ("account" if self.authenticated else None)
        return [{scheme: []}] if scheme else []

    @property
    def authenticated(self) -> bool:
        return any(isinstance(permission, IsAuthenticated) for permission in self.view.get_permissions())

    # What is read

    def _get_parameters(self) -> list[dict[str, Any]]:
        told = self.told
        parameters = [*self.path_parameters()]
        if told.query:
            parameters += self.parameters_of(told.query, "query")
        if self.conditional:
            description = "An ETag: answered with 304 where it still stands."
            if self.conditional == "If-Match":
                description = "An ETag: answered with 412, and nothing done, where it stands no more."
            parameters.append({"in": "header", "name": self.conditional, "schema": {"type": "string"}})
            parameters[-1]["description"] = description
        if told.idempotent:
            parameters.append(IDEMPOTENCY_KEY)
        return parameters

    def path_parameters(self) -> Iterator[dict[str, Any]]:
        names = self.path_variables()
        told = self.parameters_of(self.told.path, "path") if self.told.path else []
        for index, name in enumerate(names):
            schema = {"schema": ID, "example": 1}
            yield {
                **(told[index] if index < len(told) else schema),
                "in": "path",
                "name": name,
                "required": True,
            }

    def path_variables(self) -> list[str]:
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]

    def parameters_of(self, serializer: Any, where: str) -> list[dict[str, Any]]:
        mapped = self._map_serializer(serializer, "request")
        examples = getattr(serializer, "example", {})
        parameters = []
        for name, schema in mapped["properties"].items():
            parameter = {"in": where, "name": name, "schema": schema}
            if description := schema.pop("description", None):
                parameter["description"] = description
            if name in mapped.get("required", []):
                parameter["required"] = True
            elif where == "query":
                parameter["allowEmptyValue"] = True  # as if it were not there
            if name in examples:
                parameter["example"] = examples[name]
            parameters.append(parameter)
        return parameters

    def _get_request_body(self, direction: Any = "request") -> dict[str, Any] | None:
        request = self.told.request
        if not request:
            return None
        content = self.content(request, self.map_parsers())
        if encoding := getattr(request, "encoding", None):
            for media in content.values():
                media["encoding"] = encoding
        # No body at all is read as an empty object, which is enough where nothing is required.
        taken = self._map_serializer(request, "request")
        return {"required": "required" in taken or "oneOf" in taken, "content": content}

    # What is answered

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        told = self.told
        done: dict[str, Any] = {"description": told.summary}
        if told.response:
            done["content"] = self.content(told.response, told.media, told.example)
        headers = (*(("ETag",) if told.etag else ()), *told.headers)
        responses = {str(told.status): self.with_headers(done, headers)}
        if self.conditional == "If-None-Match":
            responses["304"] = self.with_headers({"description": "If-None-Match still stands."}, ("ETag",))
        for code in sorted({*told.errors, *self.refusals()}):
            responses[str(code)] = self.error(code)
        return responses

    def refusals(self) -> Iterator[int]:
        """The errors that follow from the view."""
        if self.authenticated:
            yield 401
        if any(name.endswith("_id") for name in self.path_variables()):
            yield 404
        if self.told.idempotent:
            yield from (409, 422)
        if self.conditional == "If-Match":
            yield 412
        if self.told.request:
            yield from (411, 413, 415)
        if self.told.request and JSON not in self.map_parsers():
            yield 400
        if self.told.request or self.told.query or self.path_variables():
            yield 422
        if self.limited:
            yield 429
        yield 503

    def error(self, code: int) -> dict[str, Any]:
        serializer = HTTPValidationError if code == 422 else Problem
        content = self.content(serializer, [JSON], None if code == 422 else {"detail": ERRORS[code]})
        if code == 422 and HTML in self.told.media:
            content = {media: content[JSON] if media == JSON else PAGE for media in self.told.media}
        return self.with_headers({"description": ERRORS[code], "content": content}, HEADERS_OF_ERROR.get(code, ()))

    def with_headers(self, response: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
        names = (*names, *(RATE_LIMIT if self.limited else ()))
        if names:
            response["headers"] = {name: {**HEADERS[name], "required": name not in NOT_ALWAYS} for name in names}
        return response

    def content(self, what: Any, media_types: Any, example: Any = None) -> dict[str, Any]:
        if example is None:
            example = example_of(what)
        shown = {"schema": self.schema_of(what)} | ({} if example is None else {"example": example})
        return {media: PAGE if media == HTML else dict(shown) for media in media_types}

    def schema_of(self, what: Any) -> dict[str, Any]:
        if isinstance(what, dict):
            return what
        if isinstance(what, list):
            return {"type": "array", "items": self.schema_of(what[0])}
        if what is str or what is bytes:
            return {"type": "string"} if what is str else {"type": "string", "format": "binary"}
        return self.resolve_serializer(force_instance(what), "request").ref

    # A field or serializer that says of itself what it takes (`openapi`) is believed.

    def _map_serializer(self, serializer: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        schema = super()._map_serializer(serializer, direction, bypass_extensions)
        return {**schema, **getattr(serializer, "openapi", {})}

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        if hasattr(field, "openapi"):
            meta = self._get_serializer_field_meta(field, direction)
            return {
                **{name: meta[name] for name in ("default", "description") if name in meta},
                **field.openapi,
            }
        if isinstance(field, serializers.FileField):
            return {"type": "string", "format": "binary"}
        return super()._map_serializer_field(field, direction, bypass_extensions)

    def _insert_field_validators(self, field: Any, schema: dict[str, Any]) -> None:
        if not hasattr(field, "openapi"):
            super()._insert_field_validators(field, schema)


def example_of(what: Any) -> Any:
    if isinstance(what, list):
        example = example_of(what[0])
        return None if example is None else [example]
    return getattr(what, "example", None)


def as_the_contract_writes(endpoints: list[Any], **kwargs: Any) -> list[Any]:
    """Every path without its optional slash, but for the collection, which the contract writes with one."""
    return [(CONTRACTS.get(path.rstrip("/"), path.rstrip("/")), *rest) for path, *rest in endpoints]


CONTRACTS = {"/api/contacts": "/api/contacts/"}


def with_tags_and_security(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    result["components"]["securitySchemes"] = SECURITY_SCHEMES
    used = {tag for path in result["paths"].values() for operation in path.values() for tag in operation["tags"]}
    result["tags"] = [tag for tag in TAGS if tag["name"] in used]
    return result
