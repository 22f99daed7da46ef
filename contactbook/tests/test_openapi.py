"""What the OpenAPI document says. How it is served is in test_document.py."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from contactbook.api.document import document
from contactbook.urls import urlpatterns

pytestmark = pytest.mark.one_stack

METHODS = {"get", "post", "put", "patch", "delete"}
PAGES = ["/api/schema", "/api/docs", "/api/redoc"]
DOCUMENT: dict[str, Any] = json.loads(document().content)
COMPONENTS: dict[str, dict[str, Any]] = DOCUMENT["components"]
SHARED = ["headers", "parameters", "responses"]
PUBLIC = {"signup", "login", "requestEmail", "resetPassword", "confirmEmail", "confirmEmailFromPage", "readFeed"}
RATE_LIMIT = {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"}


def resolved(node: dict[str, Any]) -> Any:
    """Return what a node refers to, or the node."""
    if "$ref" not in node:
        return node
    _, _, kind, name = node["$ref"].split("/")
    return COMPONENTS[kind][name]


def expanded(operation: dict[str, Any]) -> dict[str, Any]:
    """Return the operation with its parameters, responses and headers in place of the references to them."""
    responses = {code: {**resolved(response)} for code, response in operation["responses"].items()}
    for response in responses.values():
        response["headers"] = {name: resolved(header) for name, header in response["headers"].items()}
    parameters = [resolved(parameter) for parameter in operation.get("parameters", [])]
    return {**operation, "parameters": parameters, "responses": responses}


OPERATIONS = [
    pytest.param(method, path, expanded(operation), id=operation["operationId"])
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]
BY_NAME = {operation.values[2]["operationId"]: operation.values[2] for operation in OPERATIONS}  # type: ignore[index]
EACH = pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)


def walk(node: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object in a part of the document, with the name that it has there."""
    if isinstance(node, dict):
        yield name, node
        for key, value in node.items():
            if key not in ("example", "default"):
                yield from walk(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value, name)


def routes(patterns: list[Any], prefix: str = "") -> Any:
    """Yield every method and path that the URL resolver knows, the paths as the document writes them."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern).removeprefix("^").removesuffix(r"/?\Z").removesuffix(r"\Z")
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern) and path.startswith(("api/", "feeds/")):
            actions = getattr(pattern.callback, "actions", {"get": ""})
            yield from (
                (method, "/" + re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", path).replace("\\", "")) for method in actions
            )


# Operations


def test_every_route_is_documented_and_nothing_else() -> None:
    assert get_resolver().url_patterns == urlpatterns
    served = {(method, path) for method, path in routes(urlpatterns) if method in METHODS}
    written = {(method, path.rstrip("/")) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert written == served - {("get", path) for path in PAGES}


def test_every_operation_has_its_own_alphanumeric_id_and_a_summary() -> None:
    names = [operation.values[2]["operationId"] for operation in OPERATIONS]  # type: ignore[index]
    assert [name for name in names if not name.isalnum()] == []
    assert len(set(names)) == len(names)
    assert all(operation["summary"] for operation in BY_NAME.values())


def test_only_the_collection_path_ends_with_a_slash() -> None:
    assert {path for path in DOCUMENT["paths"] if path.endswith("/")} == {"/api/contacts/"}


def test_finding_and_replacing_a_contact_are_one_path() -> None:
    path = DOCUMENT["paths"]["/api/contacts/{contact_id}"]
    assert path.keys() == {"get", "put", "patch", "delete"}
    assert BY_NAME["findContact"]["parameters"][0]["schema"]["type"] == "string"
    assert BY_NAME["replaceContact"]["parameters"][0]["schema"]["type"] == "integer"


def test_every_tag_is_described_and_used_in_order() -> None:
    described = [tag["name"] for tag in DOCUMENT["tags"]]
    assert described == ["auth", "contacts", "groups", "history", "imports", "sync", "me"]
    assert {tag for operation in BY_NAME.values() for tag in operation["tags"]} == set(described)


@EACH
def test_examples_are_valid(method: str, path: str, operation: dict[str, Any]) -> None:
    answers = [answer for code, answer in operation["responses"].items() if code != "304"]
    contents = [operation.get("requestBody", {}), *answers]
    for media_type, media in ((t, m) for content in contents for t, m in content.get("content", {}).items()):
        if media_type == "application/json":
            schema = {**media["schema"], "components": COMPONENTS}
            jsonschema_rs.validator_for(schema, validate_formats=True).validate(media["example"])
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            jsonschema_rs.validator_for(parameter["schema"]).validate(parameter["example"])


@EACH
def test_parameters_of_the_path_are_those_of_its_template(method: str, path: str, operation: dict[str, Any]) -> None:
    named = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"]
    assert named == re.findall(r"{(\w+)}", path)


@EACH
def test_refusals_follow_from_the_route(method: str, path: str, operation: dict[str, Any]) -> None:
    answers, body = operation["responses"], operation.get("requestBody")
    read = {parameter["name"] for parameter in operation["parameters"]}
    assert {"429", "503"} <= answers.keys()
    assert ("401" in answers) == (operation["security"] != [] or operation["operationId"] == "login")
    assert ("404" in answers) >= ("_id}" in path)
    assert ("422" in answers) >= (body is not None or "{" in path)
    assert ("304" in answers) == ("If-None-Match" in read)
    assert ("412" in answers) == ("If-Match" in read)
    assert {"409", "422"} <= answers.keys() or "Idempotency-Key" not in read
    assert {"411", "413", "415"} <= answers.keys() or body is None
    assert ("400" in answers) == (body is not None and "application/json" not in body["content"])


@EACH
def test_every_answer_has_the_headers_of_its_limit(method: str, path: str, operation: dict[str, Any]) -> None:
    for answer in operation["responses"].values():
        assert answer["headers"].keys() >= RATE_LIMIT
        assert not any(answer["headers"][name]["required"] for name in RATE_LIMIT)


@EACH
def test_conditional_reads_and_writes_answer_with_an_etag(method: str, path: str, operation: dict[str, Any]) -> None:
    read = {parameter["name"] for parameter in operation["parameters"]}
    if {"If-None-Match", "If-Match"} & read:
        assert operation["responses"]["200"]["headers"]["ETag"]["required"]


@pytest.mark.parametrize(
    ("code", "header"), [("401", "WWW-Authenticate"), ("429", "Retry-After"), ("503", "Retry-After")]
)
def test_refusals_have_their_required_header(code: str, header: str) -> None:
    documented = [operation["responses"].get(code) for operation in BY_NAME.values()]
    assert all(answer["headers"][header]["required"] for answer in documented if answer)


def test_a_422_has_the_form_of_the_contract() -> None:
    fault = COMPONENTS["schemas"]["ValidationError"]["properties"]
    assert fault.keys() == {"loc", "msg", "type"}
    assert fault["loc"]["items"] == {"type": ["string", "integer"]}


def test_the_confirmation_link_answers_with_json_or_a_page() -> None:
    for name in ("confirmEmail", "confirmEmailFromPage"):
        for code in ("200", "422"):
            assert BY_NAME[name]["responses"][code]["content"].keys() == {"application/json", "text/html"}


def test_undo_needs_a_body_although_none_of_its_fields_is_required() -> None:
    undo = COMPONENTS["schemas"]["UndoInput"]
    assert "required" not in undo and undo["minProperties"] == 1
    assert BY_NAME["undo"]["requestBody"]["required"]


def test_a_body_is_required_where_a_field_of_it_is() -> None:
    bodies = {name: operation["requestBody"] for name, operation in BY_NAME.items() if "requestBody" in operation}
    assert {name for name, body in bodies.items() if not body["required"]} == {"patchContact", "changeAccount"}
    assert "closeAccount" in bodies


def test_the_avatar_is_a_binary_file_of_an_image_type() -> None:
    media = BY_NAME["replaceAvatar"]["requestBody"]["content"]["multipart/form-data"]
    assert "image/png" in media["encoding"]["file"]["contentType"]
    file = resolved(media["schema"])["properties"]["file"]
    assert (file["type"], file["format"]) == ("string", "binary")


# Security


def test_the_swagger_login_is_the_documented_form() -> None:
    flow = COMPONENTS["securitySchemes"]["account"]["flows"]["password"]
    assert flow["tokenUrl"] in DOCUMENT["paths"]
    form = DOCUMENT["paths"][flow["tokenUrl"]]["post"]["requestBody"]["content"]
    assert "application/x-www-form-urlencoded" in form


def test_every_operation_says_which_token_it_takes() -> None:
    assert COMPONENTS["securitySchemes"].keys() == {"account", "refresh_token"}
    assert {name for name, operation in BY_NAME.items() if operation["security"] == []} == PUBLIC
    assert BY_NAME["refreshToken"]["security"] == [{"refresh_token": []}]
    others = BY_NAME.keys() - PUBLIC - {"refreshToken"}
    assert all(BY_NAME[name]["security"] == [{"account": []}] for name in others)


# Components


def test_every_reference_leads_to_a_component_and_every_shared_component_is_used() -> None:
    used = {node["$ref"] for _, node in walk(DOCUMENT) if "$ref" in node}
    existing = {f"#/components/{kind}/{name}" for kind in COMPONENTS for name in COMPONENTS[kind]}
    assert used <= existing
    assert {name for name in existing - used if "/securitySchemes/" not in name} == set()


@pytest.mark.parametrize("kind", SHARED)
def test_each_shared_component_exists_once(kind: str) -> None:
    bodies = Counter(json.dumps(component, sort_keys=True) for component in COMPONENTS[kind].values())
    assert bodies.most_common(1)[0][1] == 1


def test_errors_and_headers_are_written_nowhere_but_in_the_components() -> None:
    for methods in DOCUMENT["paths"].values():
        for operation in methods.values():
            responses = operation["responses"]
            assert all(response.keys() == {"$ref"} for code, response in responses.items() if code >= "300")
            headers = [header for response in responses.values() for header in response.get("headers", {}).values()]
            parameters = [each for each in operation.get("parameters", []) if each.get("in") == "header"]
            assert all(header.keys() == {"$ref"} for header in headers)
            assert parameters == []


# What generated clients need


INT64 = {"id", "user_id", "phone_number", "change", "next", "since", "to", "contact_id", "group_id", "session_id"}


def integers() -> Iterator[tuple[str, dict[str, Any]]]:
    for schema in COMPONENTS["schemas"].values():
        yield from ((name, node) for name, node in schema.get("properties", {}).items() if "integer" in types(node))
    for operation in BY_NAME.values():
        for parameter in operation["parameters"]:
            if "integer" in types(parameter["schema"]):
                yield parameter["name"], parameter["schema"]


def types(schema: dict[str, Any]) -> set[str]:
    found = schema.get("type", [])
    return {found} if isinstance(found, str) else {*found}


def test_integers_that_can_pass_32_bits_are_int64() -> None:
    found = list(integers())
    assert {name for name, _ in found} >= INT64
    assert {name for name, schema in found if name in INT64 and schema.get("format") != "int64"} == set()


def test_an_integer_without_int64_has_a_bound_of_32_bits() -> None:
    for name, schema in integers():
        assert schema.get("format") == "int64" or schema["maximum"] < 2**31, name


def request_schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the properties of every schema that a request body can hold, and those of parameters."""
    for operation in BY_NAME.values():
        for media in operation.get("requestBody", {"content": {}})["content"].values():
            for name, schema in resolved(media["schema"])["properties"].items():
                yield from ((name, resolved(node)) for _, node in walk(schema, name))
        yield from ((parameter["name"], parameter["schema"]) for parameter in operation["parameters"])


def test_no_request_schema_is_a_union_of_types() -> None:
    found = list(request_schemas())
    assert {"phone_number", "birthday", "grant_type", "skip", "email_token", "file"} <= {name for name, _ in found}
    whole = [(name, COMPONENTS["schemas"][name]) for name in COMPONENTS["schemas"] if name.endswith("Input")]
    for name, schema in [*found, *whole]:
        assert not {"oneOf", "anyOf"} & schema.keys(), name
        assert len(types(schema) - {"null"}) <= 1, name


@pytest.mark.parametrize("schema", ["ContactInput", "CreateContactInput", "PatchInput"])
def test_phone_and_birthday_have_one_type_or_null(schema: str) -> None:
    fields = COMPONENTS["schemas"][schema]["properties"]
    number, phone, birthday = fields["phone_number"], fields["phone"], fields["birthday"]
    assert (number["type"], number["format"], number["maximum"]) == (["integer", "null"], "int64", 10**15 - 1)
    assert (phone["type"], phone["maxLength"]) == (["string", "null"], 255)
    assert (birthday["type"], birthday["format"]) == (["string", "null"], "date")


def test_no_schema_names_a_type_twice() -> None:
    nodes = [node for _, node in walk(COMPONENTS["schemas"]) if isinstance(node.get("type"), list)]
    assert nodes and all(len({*node["type"]}) == len(node["type"]) for node in nodes)


def test_no_schema_has_the_name_of_anothers_constructor_in_go() -> None:
    """The Go client has a function NewGroupInput for a schema GroupInput."""
    assert {
        name for name in COMPONENTS["schemas"] if name.removeprefix("New") in COMPONENTS["schemas"].keys() - {name}
    } == set()
