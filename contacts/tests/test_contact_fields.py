"""The fields of a contact, as POST and PUT take them."""

import json
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from contacts.tests.cast import add, faults, flat, path

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/contacts/"
TEXTS = ["fullname", "email", "additional", "phone", "phone_number", "avatar", "birthday"]


def post(client, **fields):
    """Post escaped JSON: a lone surrogate has no other spelling."""
    return client.generic("POST", URL, json.dumps({"fullname": "Ann", **fields}), "application/json")


def test_texts_come_back_unchanged(as_alice):
    contact = add(as_alice, "Ann", email="any text @ all", additional="line\r\nline\t", avatar="//host/x")
    assert contact["email"] == "any text @ all"
    assert contact["additional"] == "line\r\nline\t"
    assert contact["avatar"] == "//host/x"


@pytest.mark.parametrize(
    ("field", "longest"),
    [("fullname", 255), ("email", 320), ("additional", 65_535), ("phone", 255), ("avatar", 2048)],
)
def test_a_text_has_a_maximum_length(as_alice, field, longest):
    for character in ("x", "Ł", "😀"):
        assert add(as_alice, **{"fullname": "Ann", field: character * longest})[field] == character * longest
        answer = post(as_alice, **{field: character * (longest + 1)})
        assert faults(answer) == [["body", field]]
        assert answer.json()["detail"][0]["type"] == "string_too_long"


@pytest.mark.parametrize("fullname", ["", None, " ", "\t\n"])
def test_a_fullname_is_not_empty(as_alice, fullname):
    assert faults(post(as_alice, fullname=fullname)) == [["body", "fullname"]]


def test_a_fullname_is_required(as_alice):
    answer = as_alice.post(URL, {"email": "a@b.c"}, format="json")
    assert faults(answer) == [["body", "fullname"]]
    assert answer.json()["detail"][0]["type"] == "missing"


@pytest.mark.one_stack
@pytest.mark.parametrize("field", [name for name in TEXTS if name not in ("phone", "phone_number")])
@pytest.mark.parametrize("value", [1, 0, 1.5, True, False, [], ["a"], {}, {"a": "b"}])
def test_a_text_field_takes_no_other_type(as_alice, field, value):
    assert faults(post(as_alice, **{field: value})) == [["body", field]]


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("odd", ["\x00", "a\x00b", "\ud800", "a\udfffb", "\udcff5"])
def test_nul_and_lone_surrogates_are_refused(as_alice, field, odd):
    for value in (odd, "5" + odd):
        assert set(map(tuple, faults(post(as_alice, **{field: value})))) == {("body", field)}


@pytest.mark.parametrize(
    "fullname", ["Ann\u202eB", "\U0001f9d1\u200d\U0001f680", "ᏣᎳᎩ", "\ufffe", "a\u0301" * 100, "%_\\'\""]
)
def test_unusual_characters_of_a_name_come_back_unchanged(as_alice, fullname):
    assert flat(as_alice.get(path(add(as_alice, fullname))))["fullname"] == fullname


@pytest.mark.parametrize("day", ["0001-01-01", "1900-02-28", "2000-02-29", "2023-11-12", "9999-12-31"])
def test_a_birthday_is_any_day_of_the_calendar(as_alice, day):
    contact = add(as_alice, birthday=day)
    assert contact["birthday"] == day
    assert flat(as_alice.get(path(contact)))["birthday"] == day


@pytest.mark.one_stack
@pytest.mark.parametrize(
    "spelling",
    [
        "2024-W09-4",
        "2024W094",
        "20240229",
        "2024-060",
        "٢٠٢٤-٠٢-٢٩",
        "２０２４-０２-２９",
        "2024-02-31",
        "2023-02-29",
        "1900-02-29",
        "0000-01-01",
        "2024-00-01",
        "2024-13-01",
        "2024-01-00",
        "24-01-01",
        "02024-01-01",
        "-2024-01-01",
        "+2024-01-01",
        "12024-01-01",
        "2024-1-1",
        "2024/01/01",
        "01.02.2024",
        "2024-01-01T00:00:00",
        "2024-01-01T00:00:00Z",
        "2024-01-01 ",
        " 2024-01-01",
        "2024-01-01\n",
        "2024−01−01",
        "--02-29",
        "today",
    ],
)
def test_a_birthday_has_no_other_spelling(as_alice, spelling):
    assert faults(post(as_alice, birthday=spelling)) == [["body", "birthday"]]


@pytest.mark.one_stack
@pytest.mark.parametrize("value", [date(2024, 1, 1).toordinal(), 1.7e9, True, ["2024-01-01"], {"year": 2024}])
def test_a_birthday_takes_no_other_type(as_alice, value):
    assert faults(post(as_alice, birthday=value)) == [["body", "birthday"]]


@pytest.mark.parametrize(
    "reference",
    [
        "string",
        "http://example.org/a.jpg",
        "https://example.org/a.jpg?x=1&y=%20#z",
        "HTTPS://EXAMPLE.ORG/A",
        "//host/x",
        "/media/x.jpg",
        "../x.jpg",
        "?x=1",
        "#x",
        "a/b:c",
        "http://[::1]:8000/x",
        "https://пример.рф/лицо.jpg",
        "http:",
    ],
)
def test_an_avatar_is_a_url_reference(as_alice, reference):
    contact = add(as_alice, avatar=reference)
    assert contact["avatar"] == reference
    changed = as_alice.put(path(contact), {"fullname": "Ann", "avatar": reference}, format="json")
    assert flat(changed)["avatar"] == reference


@pytest.mark.one_stack
@pytest.mark.parametrize(
    "reference",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\tscript:alert(1)",
        " java\tscript:alert(1)",
        " javascript:alert(1)",
        "\x01javascript:alert(1)",
        "java\nscript:alert(1)",
        "java\rscript:alert(1)",
        "data:image/png;base64,AAAA",
        "DATA:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://example.org/x",
        "blob:https://example.org/x",
        "mailto:a@b.c",
        "about:blank",
        "x-y.z+1:a",
        "https://exa\nmple.org",
    ],
)
def test_an_avatar_of_another_scheme_is_refused(as_alice, reference):
    assert faults(post(as_alice, avatar=reference)) == [["body", "avatar"]]
    contact = add(as_alice)
    changed = as_alice.put(path(contact), {"fullname": "Ann", "avatar": reference}, format="json")
    assert faults(changed) == [["body", "avatar"]]


def test_an_avatar_is_never_fetched(as_alice, server_that_counts):
    add(as_alice, avatar=server_that_counts.url)
    assert server_that_counts.seen == 0


@pytest.fixture
def server_that_counts():
    class Handler(BaseHTTPRequestHandler):
        def handle(self):
            far_end.seen += 1

    far_end = HTTPServer(("127.0.0.1", 0), Handler)
    far_end.seen, far_end.url = 0, f"http://127.0.0.1:{far_end.server_port}/a.jpg"
    threading.Thread(target=far_end.serve_forever, args=(0.05,), daemon=True).start()
    yield far_end
    far_end.shutdown()
    far_end.server_close()
