"""GET /api/contacts/?q=&group=&favourite=&updated_since=&order=&cursor="""

import base64
import json
import re
from urllib.parse import quote, urlencode, urlsplit

import pytest
from django.utils.dateparse import parse_datetime

from conftest import AUTHENTICATION, VERSION
from contacts.models import Contact
from contacts.tests.cast import add, faults, names, path, settle

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/contacts/"


def member(client, fullname, *keywords, **fields):
    return add(client, fullname, card={"keywords": dict.fromkeys(keywords, True)}, **fields)


def listed(client, **query):
    return names(client.get(f"{URL}?{urlencode(query)}"))


def follow(answer, relation):
    links = dict(re.findall(r'<([^>]+)>; rel="(\w+)"', answer.get("Link", "")))
    return {name: link for link, name in list(links.items())}.get(relation)


def walked(client, relation="next", **query):
    """The names on each page, and the last page's own link."""
    pages, url = [], f"{URL}?{urlencode(query)}"
    while url:
        answer = client.get(url)
        pages.append(names(answer))
        last, link = url, follow(answer, relation)
        url = link and link[link.index("/api/") :]
        assert len(pages) < 50
    return pages, last


@pytest.fixture
def five(as_alice):
    for name, keywords in {
        "Bea": ["Work"],
        "Łukasz": [],
        "Ann": ["Work", "favourite"],
        "李": ["favourite"],
        "ann": [],
    }.items():
        member(as_alice, name, *keywords, email=f"{name.lower()}@x.org" if name.isascii() else None)


def test_each_filter_selects_its_contacts(as_alice, five):
    assert listed(as_alice) == ["Ann", "ann", "Bea", "Łukasz", "李"]
    assert listed(as_alice, group="Work") == ["Ann", "Bea"]
    assert listed(as_alice, favourite="true") == ["Ann", "李"]
    assert listed(as_alice, favourite="false") == ["ann", "Bea", "Łukasz"]
    assert listed(as_alice, q="an") == ["Ann", "ann"]
    assert listed(as_alice, q="luk") == ["Łukasz"]
    assert listed(as_alice, q="@X.org", group="Work", favourite="true") == ["Ann"]
    assert listed(as_alice, group="work") == listed(as_alice, group="nobody's") == []


def test_the_total_counts_the_filtered_contacts(as_alice, five):
    assert as_alice.get(f"{URL}?group=Work&limit=1")["X-Total-Count"] == "2"


@pytest.mark.parametrize(
    "order, expected",
    [
        ("fullname", ["Ann", "ann", "Bea", "Łukasz", "李"]),
        ("-fullname", ["李", "Łukasz", "Bea", "ann", "Ann"]),
        ("created", ["Bea", "Łukasz", "Ann", "李", "ann"]),
        ("-created", ["ann", "李", "Ann", "Łukasz", "Bea"]),
        ("updated", ["Łukasz", "Ann", "李", "ann", "Bea"]),
        ("-updated", ["Bea", "ann", "李", "Ann", "Łukasz"]),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_each_order_is_followed_by_cursor_there_and_back(as_alice, five, order, expected, limit):
    bea = as_alice.get(f"{URL}?q=bea").json()[0]
    as_alice.patch(path(bea), {"additional": "x"}, format="json")
    pages, last = walked(as_alice, order=order, limit=limit)
    assert sum(pages, []) == expected and all(len(page) <= limit for page in pages)
    back = []
    url = last
    while url:
        answer = as_alice.get(url)
        back = names(answer) + back
        link = follow(answer, "prev")
        url = link and link[link.index("/api/") :]
    assert back == expected


def test_a_cursor_continues_after_its_row_while_contacts_are_written(as_alice, five):
    answer = as_alice.get(f"{URL}?limit=2")
    link = follow(answer, "next")
    add(as_alice, "Aaa")
    as_alice.delete(path(as_alice.get(f"{URL}?q=ann").json()[0]))
    assert names(as_alice.get(link[link.index("/api/") :])) == ["Bea", "Łukasz"]


def test_the_link_of_a_cursor_repeats_the_rest_of_the_query(as_alice, five):
    pages, _ = walked(as_alice, q="@x.org", order="-fullname", limit=1)
    assert pages == [["Bea"], ["ann"], ["Ann"]]


def test_updated_since_takes_a_time_with_its_zone(as_alice, five):
    moment = Contact.objects.get(fullname="李").updated_at
    assert listed(as_alice, updated_since=moment.isoformat()) == ["ann", "李"]
    elsewhere = parse_datetime(moment.isoformat().replace("+00:00", "+05:00"))
    assert len(listed(as_alice, updated_since=elsewhere.isoformat())) == 5
    assert listed(as_alice, updated_since="9999-12-31T23:59:59Z") == []


@pytest.mark.one_stack
@pytest.mark.parametrize(
    "query, field",
    [
        ("order=email", "order"),
        ("order=owner__password", "order"),
        ("favourite=maybe", "favourite"),
        ("fields=card,all", "fields"),
        ("updated_since=yesterday", "updated_since"),
        ("updated_since=0001-01-01T00:00:00%2B14:00", "updated_since"),
        ("updated_since=%00", "updated_since"),
        ("group=" + "x" * 256, "group"),
        ("group=%00", "group"),
        ("q=%00", "q"),
        ("q=" + "x" * 321, "q"),
        ("cursor=x", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=é", "cursor"),
        ("cursor=" + "A" * 4001, "cursor"),
        ("limit=1001", "limit"),
    ],
)
def test_an_invalid_parameter_is_422(as_alice, query, field):
    assert faults(as_alice.get(f"{URL}?{query}")) == [["query", field]]


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
    link = urlsplit(follow(as_alice.get(f"{URL}?limit=1&order=updated"), "next"))
    assert faults(as_alice.get(f"{URL}?{link.query.replace('order=updated', 'order=created')}")) == [
        ["query", "cursor"]
    ]


def test_a_cursor_of_alice_shows_bob_nothing(as_alice, as_bob, five):
    link = follow(as_alice.get(f"{URL}?limit=1"), "next")
    assert names(as_bob.get(link[link.index("/api/") :])) == []


def test_a_list_takes_one_query_and_a_filtered_list_two(as_alice, five, django_assert_num_queries):
    settle()
    as_alice.get(f"{URL}?limit=1")
    filters = ("group=Work", "favourite=false&fields=card", "q=a")
    for query in ("limit=2", "order=-updated&limit=2", *filters):
        with django_assert_num_queries(AUTHENTICATION + VERSION + (2 if query in filters else 1)):
            as_alice.get(f"{URL}?{query}")


def test_few_and_many_matches_give_the_same_list(as_alice, five, monkeypatch):
    queries = [
        {"q": "ann"},
        {"q": "x.org"},
        {"q": "x.org", "group": "Work"},
        {"group": "Work"},
        {"favourite": "true"},
        {"favourite": "false"},
        {"q": "x", "order": "-updated"},
    ]
    few = [walked(as_alice, limit=1, **query)[0] for query in queries]
    monkeypatch.setattr("contacts.api.contacts.FEW", 0)
    settle()
    assert [walked(as_alice, limit=1, **query)[0] for query in queries] == few
