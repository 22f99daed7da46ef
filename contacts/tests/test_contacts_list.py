"""GET /api/contacts/"""

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

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/contacts/"


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
