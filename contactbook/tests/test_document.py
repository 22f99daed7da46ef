"""GET /api/schema, /api/docs and /api/redoc. What the document says is in test_openapi.py."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.tests.cast import at_once
from contactbook.api.document import document
from contactbook.api.schema import contract_paths
from contactbook.tests.live import serving

pytestmark = pytest.mark.one_stack

PATHS = ["/api/schema", "/api/docs", "/api/redoc"]
DOCUMENT: dict[str, Any] = json.loads(document().content)


def test_the_document_is_served_as_json(client: APIClient) -> None:
    answer = client.get("/api/schema")
    assert answer["Content-Type"].startswith("application/")
    assert answer.json() == DOCUMENT


def test_the_document_does_not_depend_on_the_order_in_which_a_process_has_the_methods() -> None:
    """DRF has the methods of a view in a set. The document of each process must have the same ETag."""
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
    views = [("/api/b", "", method, None) for method in methods], [("/api/a/", "", method, None) for method in methods]
    expected = [(path, "", method, None) for path in ("/api/b", "/api/a") for method in methods]
    assert contract_paths([*views[0], *views[1]]) == expected
    assert contract_paths([*views[0][::-1], *views[1][::-1]]) == expected


def test_the_document_is_gzipped_where_that_is_accepted(client: APIClient) -> None:
    answer = client.get("/api/schema", HTTP_ACCEPT_ENCODING="br, gzip")
    assert answer["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(answer.content)) == DOCUMENT
    assert "Accept-Encoding" in answer["Vary"]


@pytest.mark.parametrize("accepted", ["", "br", "identity", "gzip;q=0", "gzip; q=0.0, br"])
def test_the_document_is_not_gzipped_elsewhere(client: APIClient, accepted: str) -> None:
    answer = client.get("/api/schema", HTTP_ACCEPT_ENCODING=accepted)
    assert "Content-Encoding" not in answer
    assert "Accept-Encoding" in answer["Vary"]


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_known_document_is_304(client: APIClient, encoding: str) -> None:
    etag = client.get("/api/schema", HTTP_ACCEPT_ENCODING=encoding)["ETag"]
    answer = client.get("/api/schema", HTTP_ACCEPT_ENCODING=encoding, HTTP_IF_NONE_MATCH=f'"x", {etag}')
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", etag)
    assert client.get("/api/schema", HTTP_IF_NONE_MATCH='"x"').status_code == 200


def test_other_methods_are_405_in_json(client: APIClient) -> None:
    for path in PATHS:
        answer = client.post(path)
        assert answer.status_code == 405
        assert "GET" in answer["Allow"]
        assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize("path", PATHS)
def test_the_limit_of_pages_counts(client: APIClient, settings: Any, path: str) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "pages": (2, 60)}
    first, second, third = [client.get(path) for _ in range(3)]
    assert (first.status_code, second.status_code, third.status_code) == (200, 200, 429)
    assert (first["RateLimit-Limit"], first["RateLimit-Remaining"]) == ("2", "1")
    assert int(third["Retry-After"]) > 0
    assert isinstance(third.json()["detail"], str)


def test_a_new_process_answers_many_at_once_with_one_document(tmp_path: Path) -> None:
    with serving(tmp_path / "var", processes=1) as server:
        answers = at_once(8, lambda _: server.ask("GET", "/api/schema"))
    assert [answer.status for answer in answers] == [200] * 8
    assert {answer.body for answer in answers} == {answers[0].body}


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/docs", "/api/redoc"])
def test_the_pages_load_nothing_from_another_host(client: APIClient, path: str) -> None:
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
def test_the_pages_have_no_script_that_their_policy_forbids(client: APIClient, path: str) -> None:
    page = client.get(path)
    policy = page["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe-eval" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)", page.content.decode())
    assert not re.search(r"\son\w+=", page.content.decode())
