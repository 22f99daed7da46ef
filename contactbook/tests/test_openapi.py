"""GET /api/schema, /api/docs and /api/redoc"""

import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from accounts.tests.cast import at_once
from contactbook.api.schema import whole_document
from contactbook.tests.live import serving
from contactbook.urls import urlpatterns

METHODS = {"get", "post", "put", "patch", "delete"}
THE_BROWSERS_OWN = {("get", "/api/schema"), ("get", "/api/docs"), ("get", "/api/redoc")}
DOCUMENT: dict[str, Any] = whole_document()
OPERATIONS = [
    pytest.param(method, path, operation, id=operation["operationId"])
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]


def routes(patterns: list[Any], prefix: str = "") -> Any:
    """Every method and path that the URL resolver knows, the paths as the document writes them."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern).removeprefix("^").removesuffix(r"/?\Z")
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern) and path.startswith("api/"):
            actions = getattr(pattern.callback, "actions", {"get": ""})
            yield from ((method, "/" + re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", path)) for method in actions)


def test_every_route_is_in_it_and_nothing_else() -> None:
    assert get_resolver().url_patterns == urlpatterns
    served = {(method, path) for method, path in routes(urlpatterns) if method in METHODS}
    written = {(method, path.rstrip("/")) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert written == served - THE_BROWSERS_OWN


def test_every_route_is_documented() -> None:
    names = [operation.values[2]["operationId"] for operation in OPERATIONS]
    assert [name for name in names if not name.isalnum()] == []
    assert len(set(names)) == len(names)


def test_paths_are_written_as_the_contract_writes_them() -> None:
    assert {path for path in DOCUMENT["paths"] if path.endswith("/")} == {"/api/contacts/"}


def resolved(schema: Any) -> Any:
    return {**schema, "components": DOCUMENT["components"]}


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_it_has_examples_and_they_are_right(method: str, path: str, operation: dict[str, Any]) -> None:
    answers = [answer for code, answer in operation["responses"].items() if code != "304"]
    contents = [operation.get("requestBody", {}), *answers]
    for media_type, media in ((t, m) for content in contents for t, m in content.get("content", {}).items()):
        if media_type == "application/json":
            jsonschema_rs.validator_for(resolved(media["schema"]), validate_formats=True).validate(media["example"])
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            jsonschema_rs.validator_for(parameter["schema"]).validate(parameter["example"])


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_refusals_follow_from_the_route(method: str, path: str, operation: dict[str, Any]) -> None:
    answers = operation["responses"]
    assert "503" in answers
    assert ("401" in answers) == ("security" in operation or operation["operationId"] == "login")
    assert ("404" in answers) >= ("_id}" in path)
    assert ("422" in answers) >= ("requestBody" in operation or "{" in path)
    assert {"411", "413", "415"} <= answers.keys() or "requestBody" not in operation
    assert "429" in answers
    assert all("RateLimit-Limit" in answer["headers"] for answer in answers.values())


@pytest.mark.parametrize(
    ("code", "header"), [("401", "WWW-Authenticate"), ("429", "Retry-After"), ("503", "Retry-After")]
)
def test_headers_of_refusals(code: str, header: str) -> None:
    documented = [operation.values[2]["responses"].get(code) for operation in OPERATIONS]
    assert all(answer["headers"][header]["required"] for answer in documented if answer)


def test_422_is_the_contracts() -> None:
    fault = DOCUMENT["components"]["schemas"]["ValidationError"]["properties"]
    assert fault.keys() == {"loc", "msg", "type"}
    assert fault["loc"]["items"] == {"type": ["string", "integer"]}


def test_authorize_logs_in_by_the_documented_form() -> None:
    flow = DOCUMENT["components"]["securitySchemes"]["account"]["flows"]["password"]
    assert flow["tokenUrl"] in DOCUMENT["paths"]
    form = DOCUMENT["paths"][flow["tokenUrl"]]["post"]["requestBody"]["content"]
    assert "application/x-www-form-urlencoded" in form


def test_it_is_json(client: APIClient) -> None:
    answer = client.get("/api/schema")
    assert answer["Content-Type"].startswith("application/")
    assert answer.json() == DOCUMENT


def test_many_may_ask_a_new_process_for_it_at_once(tmp_path: Path) -> None:
    with serving(tmp_path / "var", processes=1) as server:
        answers = at_once(8, lambda _: server.ask("GET", "/api/schema"))
    assert [answer.status for answer in answers] == [200] * 8
    assert {answer.body for answer in answers} == {answers[0].body}


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/docs", "/api/redoc"])
def test_browsers_ask_no_other_host(client: APIClient, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 200
    links = re.findall(r'(?:src|href|spec-url)="([^"]*)"', page.content.decode())
    assert links
    assert all(link.startswith("/") and not link.startswith("//") for link in links)
    for link in links:
        answer = client.get(link.replace("&amp;", "&"))
        assert answer.status_code == 200
        answer.close()


@pytest.mark.parametrize("path", ["/api/docs", "/api/redoc"])
def test_browsers_hold_no_script_that_their_policy_forbids(client: APIClient, path: str) -> None:
    page = client.get(path)
    policy = page["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe-eval" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)", page.content.decode())
    assert not re.search(r"\son\w+=", page.content.decode())
