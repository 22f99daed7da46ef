"""Every operation of the OpenAPI document × every parameter and field of it × what nobody means well with.

Nothing of it is a 5xx, all that is refused has the contract's shape, and whatever was taken can be read again: no
row that was written spoils a later answer. A new route, or a new field of one, is attacked as soon as it is documented.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.hashers import make_password
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.cast import FORM
from conftest import PASSWORD, client_of
from contactbook.api.document import document
from contactbook.tests.hostile import ENCODED, HEADERS, JSON_VALUES, in_the_contracts_shape
from contactbook.tests.test_access_table import make_rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]

DOCUMENT: dict[str, Any] = json.loads(document().content)
# What only a mail, a password, a picture, a file, a secret, the ids of two contacts, or a step before makes right.
NEVER_BY_EXAMPLE = {"login", "refreshToken", "confirmEmail", "confirmEmailFromPage", "replaceAvatar"}
NEVER_BY_EXAMPLE |= {"createImport", "undoImport", "mergeContacts", "readFeed", "deleteFeed", "endAppPassword"}
ENDS_SESSIONS = {"logout", "endSession", "changePassword", "closeAccount", "refreshToken"}
READ = ["/api/contacts", "/api/contacts?fields=card", "/api/contacts/bd?days_range=366&across_year=true"]
READ += ["/api/contacts/trash", "/api/contacts/changes?fields=card", "/api/groups", "/api/me", "/api/me/sessions"]
READ += ["/api/me/export"]


class Operation(NamedTuple):
    name: str
    method: str
    path: str
    parameters: dict[str, list[str]]  # their names, by where they are
    media: str
    example: Any

    def fields(self) -> list[str]:
        return [*DOCUMENT_FIELDS.get(self.name, ()), "no such field"] if self.media else []


DOCUMENT_FIELDS: dict[str, list[str]] = {}


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    _, _, kind, name = node["$ref"].split("/")
    found: dict[str, Any] = DOCUMENT["components"][kind][name]
    return found


def properties(schema: dict[str, Any]) -> list[str]:
    return list(resolved(schema).get("properties", {}))


def operations() -> Iterator[Operation]:
    for path, methods in DOCUMENT["paths"].items():
        for method, told in methods.items():
            where: dict[str, list[str]] = {"path": [], "query": [], "header": []}
            for parameter in map(resolved, told.get("parameters", [])):
                where[parameter["in"]].append(parameter["name"])
            media, content = next(iter(told.get("requestBody", {}).get("content", {"": {}}).items()))
            DOCUMENT_FIELDS[told["operationId"]] = properties(content.get("schema", {}))
            yield Operation(told["operationId"], method.upper(), path, where, media, content.get("example"))


OPERATIONS = list(operations())
EACH = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)


class Attacker:
    """Speaks as one account; a session that an attack ended is begun again."""

    def __init__(self, user: User) -> None:
        self.user, self.rows = user, make_rows(user)
        self.client = client_of(user)

    def ask(self, operation: Operation, **sent: Any) -> Any:
        answer = send(self.client, operation, **{"path": self.path(operation), **sent})
        if operation.name in ENDS_SESSIONS and answer.status_code < 400:
            self.client = client_of(User.objects.get(pk=self.user.pk))
        return answer

    def attack(self, operation: Operation, **sent: Any) -> None:
        answer = self.ask(operation, **sent)
        try:
            in_the_contracts_shape(answer.status_code, answer.get("Content-Type", ""), content_of(answer))
        except (AssertionError, ValueError) as error:
            raise AssertionError(f"{operation.name} {str(sent)[:300]}: {error}") from error

    def path(self, operation: Operation) -> str:
        own = {"{contact_id}": "contact", "{group_id}": "group", "{import_id}": "import", "{session_id}": "me_session"}
        path = operation.path
        for variable, row in own.items():
            row = "trash_restore" if "/trash/" in path else row
            path = path.replace(variable, str(self.rows[row]))
        path = path.replace("{key}", self.rows["dismiss"])
        return path.replace("{query}", "kept").replace("{email_token}", "x")

    def reads_everything(self) -> None:
        self.client = client_of(User.objects.get(pk=self.user.pk))
        for path in [*READ, f"/api/contacts/{self.rows['history']}/history", f"/api/contacts/{self.rows['contact']}"]:
            answer = self.client.get(path)
            assert answer.status_code in (200, 404), (path, answer.content[:300])
            in_the_contracts_shape(answer.status_code, answer["Content-Type"], content_of(answer))


def content_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def send(client: APIClient, operation: Operation, path: str, body: bytes | None = None, **sent: Any) -> Any:
    media = operation.media or "application/json"
    if body is None:
        body = json.dumps(operation.example).encode() if operation.media == "application/json" else b""
    headers = {"HTTP_" + name.upper().replace("-", "_"): text for name, text in sent.get("headers", {}).items()}
    return client.generic(operation.method, path, body, media, QUERY_STRING=sent.get("query", ""), **headers)


@pytest.fixture
def cheap_passwords(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """How long a hash takes is another test's matter."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    unknown = make_password("the password of an unknown address")
    monkeypatch.setattr("accounts.authentication.unknown_users_hash", lambda: unknown)


@pytest.fixture
def caller(cheap_passwords: None, make_user: Callable[..., User]) -> Attacker:
    return Attacker(make_user("alice", password=make_password(PASSWORD)))


@pytest.fixture
def attacker(caller: Attacker) -> Iterator[Attacker]:
    yield caller
    caller.reads_everything()


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::UserWarning")
@EACH
def test_no_parameter_is_too_odd(attacker: Attacker, operation: Operation) -> None:
    for name in operation.parameters["query"]:
        for value in ENCODED:
            attacker.attack(operation, query=f"{name}=1&{name}={value}")
    for name in operation.parameters["path"]:
        for value in ENCODED:
            attacker.attack(operation, path=operation.path.replace(f"{{{name}}}", value))
    for name in operation.parameters["header"]:
        for value in HEADERS:
            attacker.attack(operation, headers={name: value})
    attacker.attack(operation, query="&".join(f"a{n}={n}" for n in range(10_000)))


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::UserWarning")
@EACH
def test_no_field_is_too_odd(attacker: Attacker, operation: Operation) -> None:
    for name in operation.fields():
        if operation.media == "application/json":
            for value in JSON_VALUES:
                attacker.attack(operation, body=with_field(operation.example, name, value))
        elif operation.media == FORM:
            for encoded in ENCODED:
                attacker.attack(operation, body=f"username=a%40b.org&password=x&{name}={encoded}".encode())


@pytest.mark.postgresql
@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.media], ids=lambda each: each.name)
def test_no_body_is_too_odd(attacker: Attacker, operation: Operation) -> None:
    for value in JSON_VALUES:
        attacker.attack(operation, body=value)


def with_field(example: dict[str, Any], name: str, value: bytes) -> bytes:
    """The example with one field of it replaced by JSON as it is, and once more with that name in vain."""
    kept = {key: inner for key, inner in example.items() if key != name}
    return json.dumps(kept | {name: "@"}).encode().replace(b'"@"}', value + b"}")


CONTACT = next(operation for operation in OPERATIONS if operation.name == "createContact")
BATCH = next(operation for operation in OPERATIONS if operation.name == "batch")
CARD = {
    "name": {"full": "Ann"},
    "emails": {"e": {"address": "a@b.org"}},
    "phones": {"p": {"number": "1"}},
    "anniversaries": {"b": {"kind": "birth", "date": {"year": 2000, "month": 1, "day": 1}}},
    "media": {"m": {"kind": "photo", "uri": "https://x.org/p.jpg"}},
    "notes": {"n": {"note": "x"}},
    "keywords": {"friend": True},
    "vendor.example.org:x": {"deep": [1]},
}


def places(value: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to everything inside."""
    if way:
        yield way
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in inner:
        yield from places(each, (*way, step))


def replaced(value: Any, way: tuple[str | int, ...], by: Any) -> Any:
    if not way:
        return by
    copy = value.copy()
    copy[way[0]] = replaced(value[way[0]], way[1:], by)
    return copy


@pytest.mark.long
@pytest.mark.parametrize("way", list(places(CARD)), ids=lambda way: ".".join(map(str, way)))
def test_no_part_of_a_card_is_too_odd(attacker: Attacker, way: tuple[str | int, ...]) -> None:
    for value in JSON_VALUES:
        card = json.dumps(replaced(CARD, way, "@")).encode().replace(b'"@"', value)
        attacker.attack(CONTACT, body=b'{"fullname": "Ann", "card": ' + card + b"}")


@pytest.mark.long
def test_no_item_of_a_batch_is_too_odd(attacker: Attacker) -> None:
    item = {"op": "create", "id": 1, "if_match": "x", "contact": CONTACT.example}
    for way in places(item):
        for value in JSON_VALUES:
            body = json.dumps(replaced(item, way, "@")).encode().replace(b'"@"', value)
            attacker.attack(BATCH, body=b'{"items": [' + body + b"]}")


@EACH
def test_a_plain_request_is_taken(caller: Attacker, operation: Operation) -> None:
    """Else everything above might be refused for one and the same reason."""
    assert (caller.ask(operation).status_code >= 400) == (operation.name in NEVER_BY_EXAMPLE)
