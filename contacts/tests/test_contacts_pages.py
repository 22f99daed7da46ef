"""Pages of GET /api/contacts/ by skip, limit and cursor. Every order and depth: test_search.py."""

import base64
import json
from urllib.parse import quote

import pytest

from contacts.tests.cast import add, faults, links, names, pages, path

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/contacts/"
INVALID = ["-1", "abc", "1" + "0" * 30, str(2**63), str(2**31), "٥", "1_000", "5.0", "+5", "0x5", "1e2"]
INVALID += [" 5", "5 ", "5\n", "\x00", "--5", "null"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "abcdefg"),
        ("?skip=0&limit=20", "abcdefg"),
        ("?limit=3", "abc"),
        ("?skip=2", "cdefg"),
        ("?skip=2&limit=2", "cd"),
        ("?skip=6&limit=5", "g"),
        ("?skip=7", ""),
        ("?skip=2147483647&limit=1000", ""),
        ("?limit=0", ""),
        ("?skip=&limit=", "abcdefg"),
        ("?skip=1&skip=2&limit=1", "c"),
        ("?skip=00&limit=01&unknown=1", "a"),
    ],
)
def test_skip_and_limit(as_alice, query, expected):
    for name in "gfedcba":
        add(as_alice, name)
    answer = as_alice.get(URL + query)
    assert "".join(names(answer)) == expected and answer["X-Total-Count"] == "7"


def test_the_default_limit_is_20(as_alice):
    for number in range(21):
        add(as_alice, f"{number:02}")
    assert names(as_alice.get(URL)) == [f"{number:02}" for number in range(20)]


@pytest.mark.one_stack
@pytest.mark.parametrize("name", ["skip", "limit"])
@pytest.mark.parametrize("value", INVALID)
def test_an_invalid_skip_or_limit_is_422(as_alice, name, value):
    assert faults(as_alice.get(URL, {name: value})) == [["query", name]]


def test_skip_and_limit_have_maxima(as_alice):
    assert faults(as_alice.get(URL, {"limit": 1001})) == [["query", "limit"]]
    assert faults(as_alice.get(URL, {"skip": 2147483648, "limit": -1})) == [
        ["query", "skip"],
        ["query", "limit"],
    ]


@pytest.mark.parametrize("start", ["?limit=3", "?skip=0&limit=3", "?limit=7", "?limit=8", "?limit=1", "?q=x&limit=3"])
def test_the_next_links_list_everything_once(as_alice, start):
    for name in "abcdefg":
        add(as_alice, name, email="x")
    assert "".join(sum(pages(as_alice, URL + start), [])) == "abcdefg"
    assert "prev" not in links(as_alice.get(URL + start))


@pytest.mark.parametrize("path_", ["/api/contacts", "/api/contacts/"])
def test_the_prev_links_lead_back_to_the_start(as_alice, path_):
    for name in "abcdefg":
        add(as_alice, name)
    assert pages(as_alice, f"{path_}?skip=6&limit=3", "prev") == [["g"], ["d", "e", "f"], ["a", "b", "c"]]


@pytest.fixture
def five(as_alice):
    for name in ("Bea", "Łukasz", "Ann", "李", "ann"):
        add(as_alice, name, email=f"{name.lower()}@x.org" if name.isascii() else None)


def test_a_cursor_continues_after_its_row_while_contacts_are_written(as_alice, five):
    link = links(as_alice.get(f"{URL}?limit=2"))["next"]
    add(as_alice, "Aaa")
    as_alice.delete(path(as_alice.get(f"{URL}?q=ann").json()[0]))
    assert names(as_alice.get(link)) == ["Bea", "Łukasz"]


def test_the_link_of_a_cursor_repeats_the_rest_of_the_query(as_alice, five):
    assert pages(as_alice, f"{URL}?q=@x.org&order=-fullname&limit=1") == [["Bea"], ["ann"], ["Ann"]]


CURSORS = [
    None, 1, [], {}, "abcd", [1, 2, 3, 4], ["fullname", 1, 1, True], ["fullname", "a", "1", True], ["fullname", "a", 1.0, True],
    ["fullname", "a", True, True], ["fullname", "a", 1, 1], ["fullname", "a", 2**63, True], ["fullname", "a\0", 1, True],
    ["fullname", "\ud800", 1, True], ["fullname", ["a"], 1, True], ["-fullname", "a", 1, True], ["created", 1, 1, True],
    ["created", "a", 1, True], ["fullname", "a", 1, True, 1], ["fullname", None, 1, True], ["password", "a", 1, True],
    ["fullname", 10**30, 1, True],
]  # fmt: skip


@pytest.mark.one_stack
@pytest.mark.parametrize("cursor", CURSORS, ids=map(repr, CURSORS))
def test_an_altered_cursor_is_422(as_alice, cursor):
    text = base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode().rstrip("=")
    assert faults(as_alice.get(f"{URL}?cursor={quote(text)}")) == [["query", "cursor"]]


@pytest.mark.one_stack
@pytest.mark.parametrize("raw", ["[" * 2000, "[" * 2000 + "]" * 900, "\udcff", "9" * 2900])
def test_a_cursor_of_arbitrary_bytes_is_422(as_alice, raw):
    text = base64.urlsafe_b64encode(raw.encode("utf-8", "surrogateescape")).decode()
    assert faults(as_alice.get(f"{URL}?cursor={text}")) == [["query", "cursor"]]


def test_a_cursor_of_another_order_is_422(as_alice, five):
    link = links(as_alice.get(f"{URL}?limit=1&order=updated"))["next"]
    answer = as_alice.get(link.replace("order=updated", "order=created"))
    assert faults(answer) == [["query", "cursor"]]


def test_a_cursor_of_alice_shows_bob_nothing(as_alice, as_bob, five):
    assert names(as_bob.get(links(as_alice.get(f"{URL}?limit=1"))["next"])) == []
