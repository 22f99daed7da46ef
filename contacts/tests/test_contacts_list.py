"""GET /api/contacts/"""

import re
from itertools import chain

import pytest

from conftest import AUTHENTICATION, VERSION
from contacts.models import Book
from contacts.tests.cast import (
    KEYS,
    add,
    faults,
    names,
    path,
    settle,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/contacts/"
JUNK = ["-1", "abc", "1" + "0" * 30, str(2**63), str(2**31), "٥", "1_000", "5.0", "+5", "0x5", "1e2"]
JUNK += [" 5", "5 ", "5\n", "\x00", "--5", "null"]


def links(answer):
    return {relation: url for url, relation in re.findall(r'<([^>]+)>; rel="(\w+)"', answer.get("Link", ""))}


def follow(client, url, relation):
    """The fullnames of each page from there on."""
    pages = []
    while url:
        answer = client.get(url)
        pages.append(names(answer))
        url = links(answer).get(relation)
    return pages


def test_a_list_has_exactly_the_fields_of_the_contract(as_alice):
    contact = add(as_alice, "Ann", email="a@b.c", phone="+1 2", birthday="2000-01-02", additional="x", avatar="y")
    answer = as_alice.get(URL)
    assert answer.status_code == 200 and answer["Content-Type"] == "application/json"
    assert answer.json() == [contact] and answer.json()[0].keys() == KEYS
    assert answer["X-Total-Count"] == "1" and "Link" not in answer


def test_an_empty_book_is_an_empty_list(as_alice):
    answer = as_alice.get(URL)
    assert answer.content == b"[]" and answer["X-Total-Count"] == "0" and "Link" not in answer


def test_it_takes_one_query_and_none_for_a_cached_answer(as_alice, django_assert_num_queries):
    for name in ("Ann", "Bea", "Cid"):
        add(as_alice, name)
    settle()
    with django_assert_num_queries(3):  # account, the book, rows
        as_alice.get(URL)
    with django_assert_num_queries(AUTHENTICATION + VERSION):
        assert names(as_alice.get(URL)) == ["Ann", "Bea", "Cid"]


def test_bob_does_not_see_alices_contacts(as_alice, as_bob):
    contact = add(as_alice, "Ann")
    settle()
    for _ in range(2):
        assert names(as_alice.get(URL)) == ["Ann"]
        assert as_bob.get(URL).content == b"[]"
    assert as_bob.get(path(contact)).content == as_bob.get(f"{URL}999999999").content


def test_the_order_ignores_case_and_diacritics_and_ties_go_by_id(as_alice):
    for name in [
        "Zoë",
        "łukasz",
        "Ann",
        "ÅKE",
        "zoe",
        "Lukas",
        "Іван",
        "ann",
        "Émile",
        "Łukasz",
        "eva",
        "ŁUKASZ",
    ]:
        add(as_alice, name)
    expected = [
        "ÅKE",
        "Ann",
        "ann",
        "Émile",
        "eva",
        "Lukas",
        "łukasz",
        "Łukasz",
        "ŁUKASZ",
        "Zoë",
        "zoe",
        "Іван",
    ]
    assert names(as_alice.get(URL)) == expected


def test_marks_and_spaces_are_ordered_alike_on_every_database(as_alice):
    given = ["ab", "a b", "a-b", "a_b", "A.B", "a'b", "aB c", "10", "9", "_", "~"]
    for name in given:
        add(as_alice, name)
    assert names(as_alice.get(URL)) == sorted(given, key=str.lower)


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
@pytest.mark.parametrize("junk", JUNK)
def test_an_invalid_skip_or_limit_is_422(as_alice, name, junk):
    assert faults(as_alice.get(URL, {name: junk})) == [["query", name]]


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
    forth = follow(as_alice, URL + start, "next")
    assert "".join(chain.from_iterable(forth)) == "abcdefg"
    assert "prev" not in links(as_alice.get(URL + start))


@pytest.mark.parametrize("path_", ["/api/contacts", "/api/contacts/"])
def test_the_prev_links_lead_back_to_the_start(as_alice, path_):
    for name in "abcdefg":
        add(as_alice, name)
    back = follow(as_alice, f"{path_}?skip=6&limit=3", "prev")
    assert back == [["g"], ["d", "e", "f"], ["a", "b", "c"]]


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("ann", ["Ann", "Hannah"]),
        ("ÄNN", ["Ann", "Hannah"]),
        ("example.ORG", ["Ann", "Zoë"]),
        ("zoe", ["Zoë"]),
        ("%", []),
        ("_", []),
        ("nobody", []),
        ("\u0301", []),
    ],
)
def test_q_filters_by_name_and_email(as_alice, q, expected):
    add(as_alice, "Hannah", email="h@b.c")
    add(as_alice, "Zoë", email="z@Example.org")
    add(as_alice, "Ann", email="a@example.org")
    answer = as_alice.get(URL, {"q": q})
    assert names(answer) == expected and answer["X-Total-Count"] == str(len(expected))


def test_an_empty_q_filters_nothing(as_alice):
    add(as_alice, "Ann")
    assert names(as_alice.get(URL, {"q": ""})) == ["Ann"]


@pytest.mark.parametrize("q", ["x" * 321, "\x00", "a\x00"])
def test_a_q_too_long_or_with_nul_is_422(as_alice, q):
    assert faults(as_alice.get(URL, {"q": q})) == [["query", "q"]]


def test_broken_utf8_in_the_query_is_replaced(as_alice):
    assert as_alice.get(f"{URL}?q=%ff%ed%a0%80").status_code == 200


def test_if_none_match_gives_304(as_alice):
    add(as_alice, "Ann")
    etag = as_alice.get(URL)["ETag"]
    for header in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        answer = as_alice.get(URL, headers={"if-none-match": header})
        assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", etag)
        assert "Content-Type" not in answer
    for header in ('"x"', etag.strip('"'), "", "junk"):
        assert as_alice.get(URL, headers={"if-none-match": header}).status_code == 200


def test_the_next_read_sees_every_write(as_alice, alice):
    settle()
    etags = {as_alice.get(URL)["ETag"]}
    contact = add(as_alice, "Ann")
    etags.add((answer := as_alice.get(URL))["ETag"])
    assert names(answer) == ["Ann"]
    settle()
    as_alice.get(URL)
    as_alice.put(path(contact), {"fullname": "Bea"}, format="json")
    etags.add((answer := as_alice.get(URL))["ETag"])
    assert names(answer) == ["Bea"]
    settle()
    as_alice.get(URL)
    with Book.objects.writing(alice.pk, "test") as book:
        book.change(book.get(contact["id"]), {"fullname": "Cid"})
    etags.add((answer := as_alice.get(URL))["ETag"])
    assert names(answer) == ["Cid"] and len(etags) == 4
    as_alice.delete(path(contact))
    assert names(as_alice.get(URL)) == []


def test_head_is_get_without_its_body(as_alice):
    add(as_alice, "Ann")
    answer, read = as_alice.head(URL), as_alice.get(URL)
    assert answer.status_code == 200 and answer["ETag"] == read["ETag"] and answer["X-Total-Count"] == "1"


def test_only_private_caches_may_store_it(as_alice):
    assert "private" in as_alice.get(URL)["Cache-Control"]


@pytest.mark.parametrize("order", ["fullname", "-fullname", "updated", "-updated", "created", "-created"])
def test_a_deep_page_is_the_same_as_of_a_shallow_list(as_alice, monkeypatch, order):
    for name in ("Cid", "Ann", "ann", "Bea", "Zoë"):
        add(as_alice, name)
    shallow = [as_alice.get(f"{URL}?order={order}&limit=2&skip={skip}") for skip in range(7)]
    monkeypatch.setattr("contactbook.api.pagination.DEEP", 1)
    settle()
    deep = [as_alice.get(f"{URL}?order={order}&limit=2&skip={skip}") for skip in range(7)]
    assert [answer.json() for answer in deep] == [answer.json() for answer in shallow]
    assert [answer.get("Link") for answer in deep] == [answer.get("Link") for answer in shallow]
