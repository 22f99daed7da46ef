"""What every answer says to a browser, whoever gives it, and what https changes."""

import http.client
import re
from urllib.parse import urlencode

import pytest

from contactbook.tests.faults import account
from contactbook.tests.live import PASSWORD, serving

pytestmark = pytest.mark.one_stack

APP = "https://app.example.org"
ALWAYS = (
    "X-Content-Type-Options",
    "X-Frame-Options",
    "Referrer-Policy",
    "Content-Security-Policy",
    "Cross-Origin-Opener-Policy",
    "Permissions-Policy",
    "X-Request-ID",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("server") / "var", processes=1, CORS_ALLOWED_ORIGINS=APP) as running:
        yield running


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    """Behind a proxy that speaks https."""
    variables = {"PUBLIC_URL": "https://book.example.org", "TRUSTED_PROXIES": "1"}
    with serving(tmp_path_factory.mktemp("secure") / "var", processes=1, **variables) as running:
        yield running


ANSWERS = [
    ("GET", "/api/contacts", {}),
    ("GET", "/api/contacts", {"Authorization": "Bearer x"}),
    ("POST", "/api/auth/login", {}),
    ("GET", "/api/nowhere", {}),
    ("GET", "/nowhere", {}),
    ("GET", "/", {}),
    ("GET", "/reset/x", {}),
    ("GET", "/api/email/confirm/x", {"Accept": "text/html"}),
    ("GET", "/api/schema", {}),
    ("GET", "/api/docs", {}),
    ("GET", "/api/redoc", {}),
    ("GET", "/admin/login/", {}),
    ("GET", "/admin/", {}),
    ("GET", "/static/admin/css/base.css", {}),
    ("GET", "/static/nothing.css", {}),
    ("GET", "/media/avatars/x.jpg", {}),
    ("GET", "/healthz", {}),
    ("GET", "/readyz", {}),
    ("HEAD", "/api/contacts", {}),
    ("PUT", "/api/auth/login", {}),
    ("GET", "/api/contacts", {"Host": "evil.example"}),
    ("GET", "/", {"Host": "evil.example"}),
    ("POST", "/reset", {}),
    ("OPTIONS", "/api/contacts", {"Origin": APP, "Access-Control-Request-Method": "GET"}),
]


# It is answered without the redirect to https, and so without HSTS.
METRICS = ("GET", "/metrics", {})


def denied(answer):
    return set(answer.headers["Permissions-Policy"].split(", "))


@pytest.mark.parametrize(("method", "path", "headers"), [*ANSWERS, METRICS])
def test_every_answer_has_the_security_headers(server, method, path, headers):
    answer = server.ask(method, path, headers=headers)
    assert answer.status < 500
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    policy = answer.headers["Content-Security-Policy"]
    assert all(each in policy for each in ("default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"))
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert {"camera=()", "geolocation=()", "microphone=()", "payment=()", "usb=()"} <= denied(answer)
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])
    assert answer.headers["Strict-Transport-Security"] is None
    assert "Secure" not in (answer.headers["Set-Cookie"] or "")


@pytest.mark.parametrize(("method", "path", "headers"), ANSWERS)
def test_with_https_every_answer_has_hsts_and_secure_cookies(secure, method, path, headers):
    host = {"Host": headers.get("Host", "book.example.org")}
    answer = secure.ask(method, path, headers={**headers, **host, "X-Forwarded-Proto": "https"})
    assert answer.status < 500
    if host["Host"] == "book.example.org":
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert all("Secure" in cookie for cookie in answer.headers.get_all("Set-Cookie", []))
    for name in ALWAYS:
        assert answer.headers[name]


def test_http_is_redirected_to_https_with_the_headers(secure):
    connection = http.client.HTTPConnection(secure.url.removeprefix("http://"), timeout=10)
    connection.request("GET", "/api/contacts?x=1", headers={"Host": "book.example.org"})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, "https://book.example.org/api/contacts?x=1")
    for name in ALWAYS:
        assert answer.headers[name]
    connection.close()
    for path in ("/healthz", "/readyz"):
        assert secure.ask("GET", path, headers={"Host": "book.example.org"}).status == 200


def test_login_cookies_are_secure_exactly_with_https(server, secure):
    assert "Secure" not in server.ask("GET", "/admin/login/").headers["Set-Cookie"]
    headers = {"Host": "book.example.org", "X-Forwarded-Proto": "https"}
    cookie = secure.ask("GET", "/admin/login/", headers=headers).headers["Set-Cookie"]
    assert "Secure" in cookie and "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert cookie.startswith("__Host-csrftoken=") and "Path=/" in cookie and "Domain" not in cookie


def test_the_cookie_of_staff_is_of_this_host_alone(secure):
    """`__Host-` (RFC 6265bis §4.1.3.2): no other host of the domain can set or read it."""
    headers = {"Host": "book.example.org", "X-Forwarded-Proto": "https"}
    secure.env["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
    secure.manage("createsuperuser", "--noinput", "--email", "staff@example.org", "--username", "Staff")
    page = secure.ask("GET", "/admin/login/", headers=headers)
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page.body.decode())[1]
    headers |= {"Cookie": page.headers["Set-Cookie"].partition(";")[0], "Referer": "https://book.example.org/admin/"}
    form = urlencode({"username": "staff@example.org", "password": PASSWORD, "csrfmiddlewaretoken": token})
    connection = http.client.HTTPConnection(secure.url.removeprefix("http://"), timeout=10)
    connection.request("POST", "/admin/login/", form, headers | {"Content-Type": "application/x-www-form-urlencoded"})
    answer = connection.getresponse()
    assert answer.status == 302
    (session,) = (each for each in answer.headers.get_all("Set-Cookie") if "sessionid" in each)
    assert session.startswith("__Host-sessionid=") and all(
        flag in session for flag in ("; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/")
    )
    connection.close()


def test_only_a_configured_origin_may_read(server):
    token = account(server)[1]
    answer = server.ask("GET", "/api/contacts", token=token, headers={"Origin": APP})
    assert answer.headers["Access-Control-Allow-Origin"] == APP
    assert {"X-Total-Count", "X-Request-ID"} <= set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert answer.headers["Access-Control-Allow-Credentials"] is None
    for origin in ("https://evil.example", "null", APP + ".evil.example", "http://app.example.org"):
        answer = server.ask("GET", "/api/contacts", token=token, headers={"Origin": origin})
        assert answer.status == 200 and answer.headers["Access-Control-Allow-Origin"] is None


def test_without_configured_origins_no_site_may_read(secure):
    headers = {"Host": "book.example.org", "X-Forwarded-Proto": "https", "Origin": APP}
    assert secure.ask("GET", "/api/contacts", headers=headers).headers["Access-Control-Allow-Origin"] is None


def test_every_answer_of_a_route_with_authentication_varies_by_it(server):
    """A cache between them must not show one account's contact to another (RFC 9110 §12.5.5)."""
    token = account(server)[1]
    etag = server.ask("GET", "/api/contacts", token=token).headers["ETag"]
    answers = [
        server.ask("GET", "/api/contacts", token=token),
        server.ask("GET", "/api/contacts", token=token, headers={"If-None-Match": etag}),
        server.ask("GET", "/api/contacts?limit=x", token=token),
        server.ask("POST", "/api/contacts", {"fullname": "Ann"}, token=token),
        server.ask("POST", "/api/contacts", b"x", token=token),
        server.ask("GET", "/api/contacts/Ann", token=token),
        server.ask("GET", "/api/contacts/nobody", token=token),
        server.ask("PUT", "/api/contacts", token=token),
        server.ask("PUT", "/api/contacts/1", {"fullname": "x" * 2 * 1024 * 1024}, token=token),
        server.ask("GET", "/api/contacts"),
        server.ask("GET", "/api/me/export", token=token),
        server.ask("GET", "/api/auth/refresh_token"),
    ]
    assert [answer.status for answer in answers] == [200, 304, 422, 201, 415, 200, 404, 405, 413, 401, 200, 401]
    for answer in answers:
        assert "Authorization" in answer.headers["Vary"].split(", ")


def test_a_head_has_the_headers_of_a_get_and_is_not_logged_as_a_fault(server):
    """gunicorn logs a warning for the content of an answer to a HEAD."""
    _, token = account(server)
    for path in ("/healthz", "/", "/nowhere", "/api/schema", "/api/nowhere", "/api/contacts", "/api/contacts/export"):
        answers = [server.ask(method, path, token=token) for method in ("GET", "HEAD")]
        assert answers[1].body == b"" and answers[0].status == answers[1].status
        assert answers[0].headers["Content-Length"] == answers[1].headers["Content-Length"]
    assert "no-body" not in server.log.read_text()
