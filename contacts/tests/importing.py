"""Helpers of the tests of imports."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from contacts.importing.runner import Runner

IMPORTS = "/api/imports"


def vcard(name: str = "Ann", *lines: str, version: str = "3.0", uid: str = "") -> str:
    given = [f"UID:{uid}"] if uid else []
    return "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *given, f"FN:{name}", *lines, "END:VCARD", ""])


def upload(client: APIClient, content: str | bytes, name: str = "cards.vcf", **form: str) -> Any:
    data = content.encode() if isinstance(content, str) else content
    return client.post(IMPORTS, {"file": SimpleUploadedFile(name, data), **form}, format="multipart")


def run_steps() -> int:
    return Runner().run_due()


def read(client: APIClient, content: str | bytes, name: str = "cards.vcf", **form: str) -> dict[str, Any]:
    """Upload a file; return the import once it was read."""
    answer = upload(client, content, name, **form)
    assert answer.status_code == 201, answer.content
    run_steps()
    return show(client, answer.json()["id"])


def show(client: APIClient, import_id: int) -> dict[str, Any]:
    answer = client.get(f"{IMPORTS}/{import_id}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def apply(client: APIClient, import_id: int, policy: str = "skip") -> dict[str, Any]:
    answer = client.post(f"{IMPORTS}/{import_id}/apply", {"policy": policy}, format="json")
    assert answer.status_code == 202, answer.content
    run_steps()
    return show(client, import_id)


def undo(client: APIClient, import_id: int) -> dict[str, Any]:
    answer = client.post(f"{IMPORTS}/{import_id}/undo")
    assert answer.status_code == 202, answer.content
    run_steps()
    return show(client, import_id)


def entries(client: APIClient, import_id: int, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(f"{IMPORTS}/{import_id}/entries", query)
    assert answer.status_code == 200, answer.content
    return answer.json()
