"""The OpenAPI document: what follows from a view. Its extend_schema says what one operation reads and answers.

What a new endpoint must provide; contactbook/tests/test_openapi*.py fail without it:

- `extend_schema` on the view's method with `operation_id` (letters and digits, a verb first), `summary` (a title),
  `description` (what it does, what becomes of what exists, and the errors worth knowing, in a few sentences),
  `request`, and `responses`, which name the errors that do not follow from the view: `{201: FeedOutput, 409: Problem}`.
  What follows (401, 404 of an `_id` in the path, 304, 411 to 415, 422, 429, 503) is added here.
- A serializer for each body, each answer and each query: a docstring, which describes the schema; a `help_text` for
  each field, in sentences that end with a full stop (its unit, its bound, what null means); and `example`, which
  works as it stands. An `example` of an answer has every field.
- Integers without a bound below 2^31 are int64 by themselves. A field of a request has one type, beside null, even if
  the server takes more: DescribedField.
- The group is the first part of the path, or `@extend_schema(tags=["…"])` on the viewset. A new group goes into TAGS in
  introduction.py, where a newcomer would look for it. Operations stand in the order of the URL patterns.
- Headers as the constants below. A header, an error or the id of a path that is new goes into schema_components.py.

GET /api/contacts/{query} and PUT /api/contacts/{contact_id} are one path of the document: OpenAPI forbids two whose
templates differ only in the names of their variables.
"""

import inspect
from collections.abc import Iterator
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from contactbook.api.fields import DescribedField
from contactbook.api.schema_components import (
    COMPONENTS,
    HTML,
    ID,
    JSON,
    NAMES,
    PARAMETERS,
    RATE_LIMIT,
    HTTPValidationError,
    Schema,
    header_references,
    reference,
)
from contactbook.api.schema_components import Problem as Problem  # for extend_schema's `responses`

# For extend_schema's `parameters`. They are names; schemas and descriptions are in the components.
IF_NONE_MATCH = OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER)
IF_MATCH = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER)
IDEMPOTENCY_KEY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)
ETAG = OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[200, 201])
LINK = OpenApiParameter("Link", str, OpenApiParameter.HEADER, response=[200, 201])
LOCATION = OpenApiParameter("Location", str, OpenApiParameter.HEADER, response=[200, 201])
TOTAL_COUNT = OpenApiParameter("X-Total-Count", int, OpenApiParameter.HEADER, response=[200, 201])

MAX_INT32 = 2**31 - 1
CONTRACT_PATHS = {"/api/contacts": "/api/contacts/"}  # the one path that the contract writes with a slash
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")  # in the order of the document
BLANK: Schema = {"type": "string", "maxLength": 0}


def path_variable(name: str, serializer: Any) -> OpenApiParameter:
    """Return the parameter of a path's variable, which the one field of the serializer validates."""
    (field,) = serializer().fields.values()
    example = OpenApiExample(name, value=serializer.example[field.field_name])
    return OpenApiParameter(name, field.openapi, "path", description=field.help_text, examples=[example])


def sentence(text: str) -> OpenApiResponse:
    """Return the response that is a JSON string."""
    return OpenApiResponse(OpenApiTypes.STR, examples=[OpenApiExample(text, value=text)])


def html_or_json(text: str) -> dict[Any, Any]:
    """Return the responses of a route that answers browsers with a page and programs with a JSON string."""
    return {(200, JSON): sentence(text), (200, HTML): OpenApiTypes.STR}


class DescribedFieldExtension(OpenApiSerializerFieldExtension):
    """Takes the schema of a field from its `openapi`."""

    target_class = DescribedField
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Schema:
        return {**self.target.openapi}


class IntegerFieldExtension(OpenApiSerializerFieldExtension):
    """Gives an integer the format int64 unless its bound fits 32 bits, to which generated clients would cut it."""

    target_class = serializers.IntegerField
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Schema:
        bound = self.target.max_value
        format = {} if bound is not None and bound <= MAX_INT32 else {"format": "int64"}
        return {"type": "integer", **format}


class AutoSchema(SpectacularAutoSchema):
    """Adds the security, the headers and the refusals that follow from the view."""

    def get_description(self) -> str:  # type: ignore[override]
        return ""  # docstrings are for who reads the code

    def get_request_serializer(self) -> Any:
        return None

    def get_auth(self) -> list[Schema]:
        return [requirement for requirement in super().get_auth() if requirement]

    def get_override_parameters(self) -> list[Any]:
        return [OpenApiParameter(name, ID, OpenApiParameter.PATH) for name in self.variables() if name in PARAMETERS]

    def variables(self) -> list[str]:
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]

    def get_examples(self) -> list[OpenApiExample]:
        """Return the `example` attributes of the serializers that extend_schema names."""
        read = example_of(self.get_request_serializer())
        examples = [
            OpenApiExample("Request", value=value, request_only=True, media_type=media)
            for media in self.map_parsers()
            for value in read
        ]
        answers: Any = self.get_response_serializers()
        for code, answer in answers.items():
            for value in example_of(answer):
                status = str(code[0] if isinstance(code, tuple) else code)
                examples.append(OpenApiExample("Response", value=value, response_only=True, status_codes=[status]))
        return examples

    def get_operation(self, *args: Any, **kwargs: Any) -> Schema | None:
        operation = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        self.resolve_serializer(Problem, "response")
        self.resolve_serializer(HTTPValidationError, "response")
        operation.setdefault("security", [])  # none: public
        self.complete_body(operation)
        refusals = {code: refusal(code, operation) for code in self.refusals(operation)}
        answers = {code: self.complete_answer(code, answer, operation) for code, answer in answers_of(operation)}
        if "parameters" in operation:
            operation["parameters"] = [complete_parameter(parameter) for parameter in operation["parameters"]]
        return {**operation, "responses": dict(sorted({**answers, **refusals}.items()))}

    def complete_body(self, operation: Schema) -> None:
        """Add the body of a DELETE, which drf-spectacular leaves out, and say whether a body is required."""
        serializer: Any = self.get_request_serializer()
        if serializer is None or isinstance(serializer, dict):  # a dict by media type says it itself
            return
        component = self.resolve_serializer(serializer, "request")
        if self.method == "DELETE":
            media = {"schema": component.ref, "example": serializer.example}
            operation["requestBody"] = {"content": dict.fromkeys(self.map_parsers(), media)}
        operation["requestBody"]["required"] = bool({"required", "minProperties"} & component.schema.keys())

    def complete_answer(self, code: str, answer: Schema, operation: Schema) -> Schema:
        if code >= "400":
            return refusal(code, operation)
        limited = RATE_LIMIT if self.is_limited() else ()
        headers = header_references(*answer.get("headers", {}), *limited)
        serializers_by_code: Any = self.get_response_serializers()
        text = answer["description"] or docstring_of(serializers_by_code.get(int(code))) or operation["summary"]
        return {**answer, "description": text, "headers": headers}

    def is_limited(self) -> bool:
        return getattr(self.view, "action", None) in getattr(self.view, "limits", {})

    def refusals(self, operation: Schema) -> Iterator[str]:
        """Yield the statuses, errors and 304, that follow from the view."""
        read = {parameter["name"]: parameter["in"] for parameter in operation.get("parameters", [])}
        if operation["security"]:
            yield "401"
        if any(name.endswith("_id") for name in self.variables()):
            yield "404"
        if "Idempotency-Key" in read:
            yield from ("409", "422")
        if "If-Match" in read:
            yield "412"
        if "If-None-Match" in read:
            yield "304"
        if body := operation.get("requestBody"):
            yield from ("411", "413", "415", "422", *([] if JSON in body["content"] else ["400"]))
        if {"query", "path"} & {*read.values()}:
            yield "422"
        if self.is_limited():
            yield "429"
        yield "503"


def example_of(serializer: Any) -> list[Any]:
    """Return the example of a serializer, of the child of a list, or nothing."""
    example = getattr(getattr(serializer, "child", serializer), "example", None)
    return [] if example is None else [example]


def docstring_of(serializer: Any) -> str:
    """Return the docstring of a serializer, or of the child of a list; "" for what is no serializer."""
    serializer = getattr(serializer, "child", serializer)
    kind = serializer if isinstance(serializer, type) else type(serializer)
    return (inspect.getdoc(kind) or "") if issubclass(kind, serializers.BaseSerializer) else ""


def answers_of(operation: Schema) -> list[tuple[str, Schema]]:
    return list(operation["responses"].items())


def refusal(code: str, operation: Schema) -> Schema:
    pages = any(HTML in answer.get("content", {}) for _, answer in answers_of(operation))
    return reference("responses", "NotValidOrPage" if pages and code == "422" else NAMES[int(code)])


def complete_parameter(parameter: Schema) -> Schema:
    if parameter["in"] == "header" or parameter["schema"] == ID:
        return reference("parameters", parameter["name"])
    if parameter["in"] == "query" and not parameter.get("required"):
        return {**parameter, "allowEmptyValue": True}  # an empty value is read as an absent one
    return parameter


# Hooks, named in SPECTACULAR_SETTINGS


def contract_paths(endpoints: list[Any], **kwargs: Any) -> list[Any]:
    """Return the endpoints with the paths as the contract writes them; those of one path in the order of METHODS.

    DRF puts the methods into a set: without an order each process would make another document, with another ETag.
    """
    renamed = [(CONTRACT_PATHS.get(path.rstrip("/"), path.rstrip("/")), *rest) for path, *rest in endpoints]
    paths = list(dict.fromkeys(path for path, *_ in renamed))
    return sorted(renamed, key=lambda endpoint: (paths.index(endpoint[0]), METHODS.index(endpoint[2])))


def add_components(result: Schema, **kwargs: Any) -> Schema:
    return {**result, "components": {**result["components"], **COMPONENTS}}


def simplify(result: Any, **kwargs: Any) -> Any:
    """Give `examples` of one value as `example`; leave out drf-spectacular's marks, and "" as a text's second type."""
    if isinstance(result, list):
        return [simplify(each) for each in result]
    if not isinstance(result, dict):
        return result
    node = {key: value if key in ("example", "default") else simplify(value) for key, value in result.items()}
    node.pop("x-spec-enum-id", None)
    if isinstance(node.get("examples"), dict):
        node["example"] = next(iter(node.pop("examples").values()))["value"]
    if isinstance(node.get("oneOf"), list) and BLANK in node["oneOf"]:
        text, *others = [each for each in node["oneOf"] if each != BLANK]
        node = {**node, **text, "oneOf": others}
        if not others:
            del node["oneOf"]
    return node
