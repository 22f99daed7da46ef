"""What nobody means well with: values for every field of every request, and what an answer must be like all the same."""

import http.client
import json
import socket
from typing import Any
from urllib.parse import quote, urlsplit

from contactbook.tests.live import Answer, Server

TEXTS = [
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "\udfff\ud800",
    "a\x01\x1b[31m\x7f\x85",
    "\r\nSet-Cookie: owned=1\r\n\r\n<html>",
    "a\r\nBcc: victim@example.org",
    "\u202e\u2066gpj.exe\u2069",
    "\u200b\u200c\u200d\u2060\ufeff",
    "\u2028\u2029",
    "\u0301" * 1000,
    "ﷺ" * 200,
    "İıſK",
    "\U0010ffff\ufffe\uffff",
    "👩‍👩‍👧‍👦" * 50,
    "x" * 10_000,
    "é" * 200_000,
    "' OR 1=1; DROP TABLE contacts_contact; --",
    '"; SELECT pg_sleep(9); --',
    "\\",
    "%",
    "_" * 300,
    "%00%ff%",
    "%s%n%d{0}{__class__.__mro__}",
    "{{7*7}}{% debug %}${7*7}#{7*7}",
    "${jndi:ldap://127.0.0.1/x}",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data/",
    "../../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "=cmd|' /C calc'!A0",
    "(a+)+$" + "a" * 3000 + "!",
    "2023-02-31",
    "0000-00-00",
    "10000-01-01",
    "2023-13-01T25:61:61Z",
    "9999-12-31T23:59:59.999999-23:59",
    "0001-01-01T00:00:00+23:59",
    "9" * 5000,
    "1e400",
    "-1",
    "٣",
    "null",
    "undefined",
    "__proto__",
]
NUMBERS = [0, -1, 1.5, -0.0, 1e308, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**30, -(10**30)]
OTHERS = [
    None,
    True,
    False,
    [],
    {},
    [[]],
    {"": ""},
    [None] * 2000,
    {"$ne": None},
    {"__proto__": {"x": 1}},
    {f"k{n}": n for n in range(5000)},
    ["\0", "\ud800", 10**30, {"\0": "\ud800"}],
]
# JSON that Python's own writer would not write.
RAW = [
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"-1e999",
    b"9" * 4000,
    b"9" * 5000,
    b"-" + b"9" * 5000,
    b"0." + b"1" * 5000,
    b"1E-" + b"9" * 300,
    b"[" * 50_000 + b"]" * 50_000,
    b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    b"[" * 900 + b"]" * 900,
    b'"\\ud800"',
    b'"\\udc00\\ud800"',
    b'"\xff\xfe"',
    b'"\xed\xa0\x80"',
    b'"\xc0\xaf"',
    b'"\x01"',
    b"'x'",
    b"0x10",
    b"01",
    b"",
]
JSON_VALUES = [json.dumps(value).encode() for value in (*TEXTS, *NUMBERS, *OTHERS)] + RAW

# In a path, a query or a form everything is text, and may also be bytes that are no text.
ENCODED = [quote(text, safe="", errors="surrogatepass") for text in TEXTS]
ENCODED += [quote(str(number)) for number in NUMBERS]
ENCODED += [
    "%FF%FE",
    "%C0%AF",
    "%ED%A0%80",
    "%F4%90%80%80",
    "%00",
    "%0D%0AX:%20y",
    "%25%30%30",
    "%",
    "%zz",
    "+",
    "a&a=b",
]
HEADERS = [
    "",
    " ",
    "\xff\xfe",
    "a\tb",
    '"',
    "W/",
    'W/"x',
    '"a",' * 2000 + "*",
    "*",
    "*,*",
    "x" * 8000,
    "\\" * 3000,
    "' OR 1=1; --",
    "null",
    "٣".encode().decode("latin-1"),
]


def refuse(constant: str) -> Any:
    raise AssertionError(f"{constant} is no JSON")


def in_the_contracts_shape(status: int, kind: str, content: bytes) -> None:
    """No answer is a 5xx, and what is refused is refused in the one shape of all errors."""
    assert status < 500, (status, content[:500])
    if status == 304 or (status < 400 and not kind.startswith("application/json")):
        return
    assert kind == "application/json", (status, kind, content[:200])
    body = json.loads(content.decode(), parse_constant=refuse)
    if status >= 400:
        assert body.keys() == {"detail"}, body
        in_detail(status, body["detail"])


def in_detail(status: int, detail: Any) -> None:
    if status != 422:
        assert isinstance(detail, str) and detail, detail
        return
    assert isinstance(detail, list) and detail
    for entry in detail:
        assert entry.keys() == {"loc", "msg", "type"}
        assert entry["loc"][0] in ("path", "query", "body")
        assert all(type(step) in (str, int) for step in entry["loc"])
        assert entry["msg"] and isinstance(entry["msg"], str) and isinstance(entry["type"], str)


def exchange(server: Server, raw: bytes, timeout: float = 20) -> Answer | None:
    """What comes back for these very bytes; None where the connection is closed without an answer."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=timeout) as connection:
        try:
            connection.sendall(raw)
            answer = http.client.HTTPResponse(connection, method=raw.partition(b" ")[0].decode("latin-1"))
            answer.begin()
            return Answer(answer.status, answer.headers, answer.read())
        except (ConnectionError, http.client.BadStatusLine):
            return None


def request(line: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    head = [line + b" HTTP/1.1", b"Host: localhost", b"Connection: close", *headers]
    if body and not any(header.lower().startswith((b"content-length", b"transfer")) for header in headers):
        head.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(head) + b"\r\n\r\n" + body
