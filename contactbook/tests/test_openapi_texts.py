"""The OpenAPI document is complete: every part of it is described, and has an example that works as it stands."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from accounts.models import User
from contactbook.api.document import document
from contactbook.tests.test_openapi import BY_NAME, COMPONENTS, DOCUMENT, PUBLIC, resolved

pytestmark = pytest.mark.one_stack

MAX_BYTES = 250_000
# What stands only in answers that are read by people or saved as a file.
NOT_JSON = {"text/html", "application/zip"}


def fields(name: str, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for field, node in schema.get("properties", {}).items():
        yield f"{name}.{field}", node
        yield from fields(f"{name}.{field}", node)


def parts() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield every part of the document that a sentence must describe, with its kind and its name."""
    for name, operation in BY_NAME.items():
        yield "operation", name, operation
        yield from (("parameter", f"{name} {each['name']}", each) for each in operation["parameters"])
        for code, answer in operation["responses"].items():
            yield "answer", f"{name} {code}", answer
            yield from (("header", f"{name} {code} {header}", each) for header, each in answer["headers"].items())
    for name, schema in COMPONENTS["schemas"].items():
        yield "schema", name, schema
        yield from (("field", *each) for each in fields(name, schema))
    for name, scheme in COMPONENTS["securitySchemes"].items():
        yield "security scheme", name, scheme
    yield from (("group", tag["name"], tag) for tag in DOCUMENT["tags"])


PARTS = list(parts())


def is_text(part: dict[str, Any], kind: str) -> bool:
    """Return whether it is described in whole sentences; an answer's description may be a title."""
    text = part.get("description", "").strip()
    return text.endswith((".", "`", "|")) if kind != "answer" else bool(text)


@pytest.mark.parametrize("kind", sorted({kind for kind, _, _ in PARTS}))
def test_every_part_is_described(kind: str) -> None:
    assert [name for each, name, part in PARTS if each == kind and not is_text(part, kind)] == []


def test_no_kind_of_part_is_overlooked() -> None:
    counted = Counter(kind for kind, _, _ in PARTS)
    assert counted["operation"] == len(BY_NAME) >= 34
    for kind, least in {"parameter": 49, "field": 125, "header": 850, "answer": 250, "schema": 36, "group": 6}.items():
        assert counted[kind] >= least, kind


def test_an_operations_description_says_more_than_its_summary() -> None:
    for name, operation in BY_NAME.items():
        assert len(operation["description"]) > len(operation["summary"]) + 20, name


def test_the_document_is_small() -> None:
    assert len(document().content) < MAX_BYTES


def test_the_server_is_the_public_url() -> None:
    assert [server["url"] for server in DOCUMENT["servers"]] == [settings.PUBLIC_URL]


def test_public_operations_and_no_others_need_no_token() -> None:
    open_to_all = {
        operation["operationId"]
        for methods in DOCUMENT["paths"].values()
        for operation in methods.values()
        if operation["security"] == []
    }
    assert open_to_all == PUBLIC


# Examples


def media_of(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the media types, with their content, of the body and of the answers that are no errors."""
    answers = [answer for code, answer in operation["responses"].items() if code < "300"]
    for part in (operation.get("requestBody", {}), *answers):
        yield from part.get("content", {}).items()


def is_upload(content: dict[str, Any]) -> bool:
    return any(field.get("format") == "binary" for field in resolved(content["schema"]).get("properties", {}).values())


@pytest.mark.parametrize("name", BY_NAME)
def test_every_body_and_answer_has_an_example(name: str) -> None:
    for media, content in media_of(BY_NAME[name]):
        assert "example" in content or media in NOT_JSON or is_upload(content), media


def test_no_example_is_a_placeholder() -> None:
    for name, operation in BY_NAME.items():
        for _, content in media_of(operation):
            assert '"string"' not in json.dumps(content.get("example")), name


# The bodies are sent as they stand; {contact_id} and {group_id} are those of the answers before.
WALK = [
    ("createContact", 201),
    ("createGroup", 201),
    ("listContacts", 200),
    ("findContact", 200),
    ("listBirthdays", 200),
    ("replaceContact", 200),
    ("patchContact", 200),
    ("restoreContact", 200),
    ("listHistory", 200),
    ("renameGroup", 200),
    ("batch", 200),
    ("listDuplicates", 200),
    ("listChanges", 200),
    ("deleteContact", 200),
    ("listTrash", 200),
    ("restoreFromTrash", 200),
    ("undo", 200),
    ("changeAccount", 200),
    ("changePassword", 200),
]


def path_and_method(name: str) -> tuple[str, str]:
    return next(
        (path, method)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
        if operation["operationId"] == name
    )


def send(client: APIClient, name: str, ids: dict[str, Any]) -> Any:
    path, method = path_and_method(name)
    if name == "findContact":
        ids = {"contact_id": BY_NAME[name]["parameters"][0]["example"]}
    (media, content), *_ = (*BY_NAME[name].get("requestBody", {}).get("content", {}).items(), ("", {}))
    body = json.dumps(content.get("example")) if media == "application/json" else content.get("example")
    kind = {"content_type": media} if media == "application/json" else {}
    return getattr(client, method)(path.format(**ids), body, **kind)


@pytest.mark.django_db
def test_every_example_works_as_it_stands() -> None:
    """The examples of the operations in the order in which a newcomer uses them."""
    client = APIClient()
    account = send(client, "signup", {})
    assert account.status_code == 201
    User.objects.filter(pk=account.json()["user"]["id"]).confirm()
    pair = send(client, "login", {})
    assert pair.status_code == 200
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.json()['access_token']}")
    ids: dict[str, Any] = {}
    for name, status in WALK:
        answer = send(client, name, ids)
        assert answer.status_code == status, (name, answer.content)
        if name.startswith("create"):
            ids[name.removeprefix("create").lower() + "_id"] = answer.json()["id"]
