"""GET /api/contacts/{query}"""

from urllib.parse import quote

import pytest

from conftest import AUTHENTICATION, VERSION
from contacts.tests.cast import (
    NOT_FOUND,
    UNKNOWN,
    add,
    faults,
    flat,
    path,
    settle,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]


def find(client, query):
    """Ask with every character percent-encoded that may be."""
    return client.get("/api/contacts/" + quote(query, safe=""))


def nothing(answer):
    return answer.status_code == 404 and answer.json() == NOT_FOUND


def test_a_contact_is_found_by_name_email_or_id(as_alice):
    contact = add(as_alice, "Łukasz", email="l@example.org")
    for query in ("Łukasz", "lukasz", "UKAS", "@EXAMPLE", str(contact["id"])):
        assert flat(find(as_alice, query)) == contact
    assert nothing(find(as_alice, "Lukrezia"))


@pytest.mark.parametrize("large_book, a_column", [(1000, 1), (0, 2)])
def test_a_find_takes_one_or_two_queries_a_column(
    as_alice, django_assert_num_queries, monkeypatch, large_book, a_column
):
    """In a large book the start of the order is asked first."""
    monkeypatch.setattr("contacts.search.LARGE_BOOK", large_book)
    contact = add(as_alice, "Ann", email="x@y")
    for query, number in [
        (str(contact["id"]), 1),
        ("ann", 1),
        ("@y", a_column + 1),
        ("unknown", 2 * a_column),
        ("12345", 2),
    ]:
        settle()
        with django_assert_num_queries(AUTHENTICATION + VERSION + number):
            find(as_alice, query)
    with django_assert_num_queries(AUTHENTICATION + VERSION + 1):
        find(as_alice, "ANN")
    with django_assert_num_queries(AUTHENTICATION + VERSION):
        find(as_alice, "ANN")


def test_bob_gets_the_404_of_an_unknown_contact_for_alices(as_alice, as_bob):
    contact = add(as_alice, "Ann", email="a@b.c")
    unknown = as_bob.get(UNKNOWN)
    assert nothing(unknown)
    for query in (str(contact["id"]), "Ann", "a@b.c"):
        answer = find(as_bob, query)
        assert answer.status_code == 404 and answer.content == unknown.content
    mine = add(as_bob, f"Room {contact['id']}")
    assert flat(find(as_bob, str(contact["id"]))) == mine


def test_an_id_comes_before_a_name_and_a_name_before_an_email(as_alice):
    by_id = add(as_alice, "Zed")
    by_address = add(as_alice, "Ann", email=f"{by_id['id']}bea@x")
    by_name = add(as_alice, f"Bea {by_id['id']}")
    assert flat(find(as_alice, str(by_id["id"]))) == by_id
    assert flat(find(as_alice, f"0{by_id['id']}")) == by_id
    assert flat(find(as_alice, "bea")) == by_name
    assert flat(find(as_alice, "bea@")) == by_address


def test_digits_that_are_no_id_are_searched_for(as_alice):
    contact = add(as_alice, "Agent 007000", email="9" * 19 + "@x")
    assert flat(find(as_alice, "7000")) == contact
    for digits in ("9" * 19, str(10**18 * 9)[:1] * 19):
        assert flat(find(as_alice, digits)) == contact


@pytest.mark.parametrize("digits", [str(2**63 - 1), str(2**63), str(2**64), "9" * 30, "9" * 320, "٥", "-1", "0"])
def test_digits_beyond_any_id_are_a_404(as_alice, digits):
    add(as_alice)
    assert nothing(find(as_alice, digits))


def test_the_first_in_the_lists_order_is_found(as_alice):
    add(as_alice, "zoe b")
    first = add(as_alice, "ÉMILE Zoë")
    add(as_alice, "émile zoe")
    assert flat(find(as_alice, "ZOE")) == first
    for contact in (add(as_alice, "x2", email="m@b"), second := add(as_alice, "X1", email="m@b")):
        assert contact
    assert flat(find(as_alice, "m@")) == second


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("Łukasz", "lukasz"),
        ("lukasz", "ŁUKASZ"),
        ("Іван Франко", "іван"),
        ("іван", "ІВАН"),
        ("Zoë", "zoe"),
        ("zoe", "Zoë"),
        ("Zoe\u0308", "zoë"),
        ("Zoë", "zoe\u0308"),
        ("σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("ΣΊΣΥΦΟΣ", "σισυφος"),
        ("Hauptstraße", "HAUPTSTRASSE"),
        ("Strasse", "straße"),
        ("Đorđe", "đorde"),
        ("dorde", "Đ"),
        ("Øyvind", "oyvind"),
        ("İrem", "irem"),
        ("Işıl", "ISIL"),
        ("IŞIL", "ışıl"),
        ("Семён", "семен"),
        ("Nguyễn", "nguyen"),
        ("한글", "한글"),
        ("日本", "本"),
        ("محمد", "محمد"),
        ("a b", "a b"),
        ("50% off", "%"),
        ("a_b", "_"),
        ("C:\\x", "\\"),
        ("what?", "?"),
        ("a#b", "#"),
        ("a+b", "+"),
        ("x%2Fy", "%2f"),
        ("..", ".."),
        ('it\'s "so"', "'s \""),
        ("a\nb", "a b"),
        ("🧑‍🚀 Tim", "🚀"),
    ],
)
def test_case_and_diacritics_make_no_difference_and_nothing_else_is_special(as_alice, name, query):
    add(as_alice, "Nobody")
    contact = add(as_alice, name)
    assert flat(find(as_alice, query)) == contact


@pytest.mark.parametrize("query", ["%", "_", "\\", "A%", "A_n", "A.n", "*", "[A]", "^A", "\u0301", "\u200d"])
def test_characters_of_patterns_match_only_themselves(as_alice, query):
    add(as_alice, "Ann", email="a@b")
    assert nothing(find(as_alice, query))


def test_a_name_with_a_slash_is_found(as_alice):
    contact = add(as_alice, "AC/DC")
    assert flat(find(as_alice, "AC/DC")) == contact
    assert nothing(find(as_alice, "AC/DX"))


@pytest.mark.parametrize("query", ["x" * 321, "\x00", "a\x00b", "\u0142" * 321])
def test_a_query_too_long_or_with_nul_is_422(as_alice, query):
    answer = find(as_alice, query)
    assert len(faults(answer)) == 1 and faults(answer)[0][0] == "path"


@pytest.mark.parametrize("broken", ["%FF", "%C3%28", "%ED%A0%80", "a%80", "%"])
def test_broken_utf8_is_not_found(as_alice, broken):
    add(as_alice)
    assert nothing(as_alice.get(f"/api/contacts/{broken}"))


def test_a_very_long_query_is_answered_as_json(as_alice):
    answer = as_alice.get("/api/contacts/" + "x" * 100_000)
    assert len(faults(answer)) == 1


@pytest.mark.parametrize("word", ["bd", "trash", "changes", "batch", "duplicates", "merge"])
def test_a_reserved_word_is_never_found_as_a_contact(as_alice, word):
    add(as_alice, word, email=word)
    for path_ in (word, word + "/"):
        answer = as_alice.get(f"/api/contacts/{path_}")
        assert answer.status_code != 200 or "fullname" not in answer.json()
        assert answer.status_code < 500
    assert flat(find(as_alice, word.upper()))["fullname"] == word


def test_export_is_the_route_of_that_name(as_alice):
    add(as_alice, "export")
    assert b"".join(as_alice.get("/api/contacts/export").streaming_content).startswith(b"BEGIN:VCARD")


def test_if_none_match_gives_304(as_alice):
    contact = add(as_alice)
    etag = as_alice.get(path(contact))["ETag"]
    for header in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        for query in (path(contact), "/api/contacts/ann"):
            answer = as_alice.get(query, headers={"if-none-match": header})
            assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", etag)
    for header in ('"x"', etag.strip('"'), ""):
        assert flat(as_alice.get(path(contact), headers={"if-none-match": header})) == contact
    assert as_alice.get(UNKNOWN, headers={"if-none-match": "*"}).status_code == 404
