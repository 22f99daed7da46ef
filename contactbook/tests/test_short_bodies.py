"""A body that ends before its Content-Length."""

import io

import pytest

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]


@pytest.mark.parametrize("path", ["/api/auth/login", "/api/auth/signup", "/api/contacts/", "/reset", "/admin/login/"])
def test_it_is_400_with_the_security_headers(client, path):
    body = b"username=a@x.org&password=cut"
    cut_off = {"CONTENT_LENGTH": "100", "wsgi.input": io.BytesIO(body)}
    answer = client.generic("POST", path, b"", "application/x-www-form-urlencoded", **cut_off)
    assert answer.status_code == 400
    assert answer["X-Frame-Options"] == "DENY" and "Content-Security-Policy" in answer
    assert not path.startswith("/api") or answer.json().keys() == {"detail"}
