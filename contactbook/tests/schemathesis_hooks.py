"""What JSON Schema cannot say of a valid request, said to schemathesis, so that every check stays on.

Loaded by schemathesis itself (schemathesis.toml). CALLER and PEER are addresses of accounts; what ends
sessions is asked as PEER, and without CALLER nobody is logged in.
"""

import io
import os
import time
import uuid
from typing import Any

import requests
import schemathesis
from hypothesis import strategies as st
from PIL import Image
from schemathesis import GenerationMode
from schemathesis.generation.meta import TestPhase

from contactbook.tests.live import PASSWORD

ENDS_SESSIONS = {"logout", "endSession", "changePassword", "closeAccount"}
TOKEN_SECONDS = 600  # for which a token is used; it is valid for 15 minutes
tokens: dict[str, tuple[str, float]] = {}  # by address, each with its time
trashed: list[int] = []  # contacts that were deleted and not asked for since


def picture(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, kind)
    return file.getvalue()


for kind in ("jpeg", "png", "webp", "gif"):
    schemathesis.openapi.media_type(f"image/{kind}", st.just(picture(kind)))


def name_of(case: Any) -> str:
    return case.operation.definition.raw["operationId"]


def caller(case: Any) -> str:
    return os.environ["PEER" if name_of(case) in ENDS_SESSIONS else "CALLER"]


def token_of(case: Any) -> str:
    """Return an access token of the case's caller, from a login of the last ten minutes."""
    email = caller(case)
    token, time_of_login = tokens.get(email, ("", 0.0))
    if not token or time.monotonic() - time_of_login > TOKEN_SECONDS:
        token = log_in(case.operation.base_url, email)
        tokens[email] = token, time.monotonic()
    return token


def log_in(url: str, email: str) -> str:
    form = {"username": email, "password": PASSWORD}
    return requests.post(url.rstrip("/") + "/api/auth/login", data=form, timeout=20).json()["access_token"]


if "CALLER" in os.environ:

    @schemathesis.auth(refresh_interval=None)
    class Account:
        def get(self, case: Any, context: Any) -> str:
            return token_of(case)

        def set(self, case: Any, data: str, context: Any) -> None:
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    if "CALLER" in os.environ and name_of(case) in ENDS_SESSIONS and response.status_code < 400:
        tokens.pop(caller(case), None)
    if name_of(case) == "deleteContact" and response.status_code == 200:
        trashed.append(response.json()["id"])


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    case.headers = {**(case.headers or {}), "X-Operation": name_of(case)}  # for the report's reader
    if case.meta and case.meta.generation.mode == GenerationMode.POSITIVE:
        make_valid(case)


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """Leave out the faulty contacts that are none: the document names one type a field, and the server takes more.

    A faulty item of a batch is told in that item's result.
    """
    if not (case.meta and case.meta.generation.mode == GenerationMode.NEGATIVE and isinstance(case.body, dict)):
        return True
    return not (is_batch(case.body) if name_of(case) == "batch" else takes_more_than_documented(case.body))


def is_batch(body: dict[str, Any]) -> bool:
    return isinstance(body.get("items"), list) and isinstance(body.get("atomic", False), bool)


def takes_more_than_documented(body: dict[str, Any]) -> bool:
    phone_is_number = isinstance(body.get("phone"), int | float) and not isinstance(body["phone"], bool)
    return phone_is_number or isinstance(body.get("phone_number"), str) or body.get("birthday") == ""


def make_valid(case: Any) -> None:
    # A key belongs to one request; schemathesis would send it again with another.
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = uuid.uuid4().hex
    # A cursor is one that was given out.
    if case.query and case.query.get("cursor"):
        case.query["cursor"] = ""
    # Nor is a number in the trash, or of a change. In a chain of requests it would be another contact than the chain's.
    if case.meta.phase.name != TestPhase.STATEFUL:
        if name_of(case) in ("restoreFromTrash", "purgeFromTrash") and trashed:
            case.path_parameters["contact_id"] = trashed.pop()
        if name_of(case) == "restoreContact" and "CALLER" in os.environ and isinstance(case.body, dict):
            restore_new_contact(case)
        if name_of(case) == "mergeContacts" and "CALLER" in os.environ and isinstance(case.body, dict):
            case.body["ids"] = [new_contact(case)[0] for _ in range(2)]
        if name_of(case) == "deleteContact" and "CALLER" in os.environ:
            case.path_parameters["contact_id"] = new_contact(case)[0]
    # The beginning of a file decides whether it is one of contacts, and the options are about its contents.
    if name_of(case) == "createImport":
        case.body = {"file": b"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Ada\r\nEND:VCARD\r\n"}
    if isinstance(case.body, dict):
        VALID.get(name_of(case), lambda body: None)(case.body)


def restore_new_contact(case: Any) -> None:
    """Restore a contact that was just added to its first change; another one may have been deleted meanwhile."""
    case.path_parameters["contact_id"], case.body["to"] = new_contact(case)
    if case.body.get("fields"):
        case.body["fields"] = ["fullname"]


def new_contact(case: Any) -> tuple[int, int]:
    """Add a contact of the caller's; its number and that of its first change."""
    url, headers = case.operation.base_url.rstrip("/"), {"Authorization": f"Bearer {token_of(case)}"}
    answer = requests.post(f"{url}/api/contacts", json={"fullname": "New"}, headers=headers, timeout=60)
    answer.raise_for_status()
    number, change = answer.headers["ETag"].strip('"').split("-")
    return int(number), int(change)


def contact(body: dict[str, Any]) -> None:
    # phone_number is the digits of phone.
    if {"phone", "phone_number"} <= body.keys():
        del body["phone_number"]
    if "card" in body:
        body["card"] = storable(body["card"])


def storable(value: Any) -> Any:
    """The value without what a card cannot hold at any depth: U+0000, and numbers that JavaScript would round."""
    match value:
        case dict():
            return {storable(name): storable(inner) for name, inner in value.items()}
        case list():
            return [storable(inner) for inner in value]
        case str():
            return value.replace("\0", "")
        case int() | float() if abs(value) >= 2**53:
            return 1
    return value


def signup(body: dict[str, Any]) -> None:
    # Django's validators refuse common passwords; the length stays.
    body["password"] = ("bq7xz9kw" * 128)[: len(body["password"])]


def old_password(body: dict[str, Any]) -> None:
    body.update(old=PASSWORD, new=PASSWORD)


def own_password(body: dict[str, Any]) -> None:
    body["password"] = PASSWORD


def time_zone(body: dict[str, Any]) -> None:
    if "time_zone" in body:
        body["time_zone"] = "Europe/Kyiv"


def not_atomic(body: dict[str, Any]) -> None:
    # Otherwise one faulty item makes the whole a 422.
    body["atomic"] = False


VALID = {
    "createContact": contact,
    "replaceContact": contact,
    "patchContact": contact,
    "signup": signup,
    "changePassword": old_password,
    "closeAccount": own_password,
    "changeAccount": time_zone,
    "batch": not_atomic,
}
