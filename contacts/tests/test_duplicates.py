"""GET /api/contacts/duplicates and POST /api/contacts/duplicates/{key}/dismiss"""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conftest import client_of
from contacts.cards import likeness
from contacts.cards.folding import fold
from contacts.models import Book
from contacts.tests.cast import KEYS, add, links, path

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/contacts/duplicates"


def listed(client, **query):
    answer = client.get(URL, query)
    assert answer.status_code == 200, answer.content
    for each in answer.json():
        assert each.keys() == {"key", "score", "reasons", "contacts"}
        assert all(contact.keys() == KEYS for contact in each["contacts"])
        assert all(reason.keys() == {"kind", "value"} for reason in each["reasons"])
    return answer.json()


def shown(client, **query):
    """Return the names of each set, its score, and the kinds of its reasons."""
    return [
        ([contact["fullname"] for contact in each["contacts"]], each["score"], [r["kind"] for r in each["reasons"]])
        for each in listed(client, **query)
    ]


def dismiss(client, key):
    return client.post(f"{URL}/{key}/dismiss").status_code


ADA = {"email": "ada@example.org", "phone": "+49 221 1234567", "birthday": "1984-12-31"}

# Name and fields of one contact and of another, the score, and the reasons. No score: they are not shown.
TABLE = [
    ("Ada Lovelace", {}, "ada LOVELACE", {}, 0.6, ["name"]),
    ("Ada Lovelace", {}, "Lovelace, Ada", {}, 0.6, ["name"]),
    ("Ada Lovelace", {}, "Ada Lovelace", {"birthday": ADA["birthday"]}, 0.6, ["name"]),
    ("Ada Lovelace", ADA, "Lovelace Ada", {"birthday": ADA["birthday"]}, 0.9, ["name_and_birthday"]),
    ("Ada Lovelace", ADA, "Ada Lovelace", {"email": "ADA@example.org"}, 1, ["email", "name"]),
    ("Ada Lovelace", ADA, "Ada Lovelace", {"phone": "0049 2211234567"}, 1, ["phone", "name"]),
    ("Ada Lovelace", ADA, "Ada Lovelcae", {"email": ADA["email"]}, 0.9, ["email"]),
    ("Ada Lovelace", ADA, "Ada Lovlace", {"phone": "0221 1234567"}, 0.7, ["phone"]),
    ("Ada Lovelace", ADA, "Ada Lovelave", {"birthday": ADA["birthday"]}, 0.6, ["name_and_birthday"]),
    ("Ada Lovelace", ADA, "A. Lovelace", {"email": ADA["email"]}, 0.75, ["email"]),
    ("Ada Lovelace", ADA, "Ada", {"email": ADA["email"]}, 0.75, ["email"]),
    ("Mama", {}, "Mama", {}, None, []),
    ("Mama", {"phone": "1234567"}, "Mama", {"phone": "1234567"}, 0.7, ["phone"]),
    ("Ada Lovelace", ADA, "Ada Lovelace", {"birthday": "1950-01-01"}, None, []),
    ("Ada Lovelace", ADA, "Ada Lovelace", {**ADA, "email": None, "birthday": "1950-01-01"}, None, []),
    ("Ada Lovelace", ADA, "Ada Lovelace", {**ADA, "birthday": "1984-12-13"}, 1, ["email", "phone", "name"]),
    ("Ada Lovelace", ADA, "Byron Lovelace", ADA, None, []),
    ("Ada Lovelace", ADA, "Bob Miller", ADA, None, []),
    ("Jan Novak", {"phone": "1234567"}, "Jana Novak", {"phone": "1234567"}, None, []),
    ("Agent 4567", {"phone": "1234567"}, "Agent 4568", {"phone": "1234567"}, None, []),
    ("Ada Lovelace", {}, "Ada Lovlace", {}, None, []),
    ("Ada Lovelace", {"phone": "+49 221 1234567"}, "Ada Lovlace", {"phone": "+43 221 1234567"}, None, []),
]


@pytest.mark.parametrize(("name", "fields", "other", "others", "score", "reasons"), TABLE)
def test_two_contacts_are_alike_by_the_table(as_alice, name, fields, other, others, score, reasons):
    as_alice.patch("/api/me", {"region": "DE"}, format="json")
    add(as_alice, name, **fields)
    add(as_alice, other, **others)
    assert shown(as_alice) == ([([name, other], score, reasons)] if score else [])


@pytest.mark.parametrize(
    ("one", "other", "weight"),
    [
        ("Ada Lovelace", "Ada Lovelace", likeness.NAME),
        ("Ada Lovelace", "Lovelace, Ada", likeness.NAME),
        ("Łukasz Żółć", "lukasz zolc", likeness.NAME),
        ("Ada Lovelace", "Ada Lovelacf", likeness.TYPO),
        ("Ada Lovelace", "Ada Lovelacee", likeness.TYPO),
        ("Paul Schmidt", "Paula Schmidt", likeness.CLOSE),
        ("Ada Lovelace", "Aad Lovelace", 0),
        ("Anna Lovelace", "Anna Olvelace", likeness.TYPO),
        ("Anna Lovelace", "Anna Llovelace", likeness.TYPO),
        ("Anna Lovelace", "Ana Lovelace", likeness.TYPO),
        ("Dr. Ada Lovelace", "Ada Lovelace", likeness.CLOSE),
        ("Ada Lovelace", "Bob Lovelace", 0),
        ("Ada Lovelace", "Aida Lovelase", 0),
        ("Ada", "Ada", likeness.TYPO),
        ("Ada", "Bob", 0),
        ("...", "...", 0),
    ],
)
def test_the_weight_of_two_names(one, other, weight):
    names = [likeness.words_of(fold(name)) for name in (one, other)]
    assert likeness.name_weight(*names) == likeness.name_weight(*names[::-1]) == weight


def test_the_reasons_have_their_values(as_alice):
    add(as_alice, "Ada Lovelace", **ADA)
    add(as_alice, "Ada Lovelace", **{**ADA, "phone": "0049 221 1234567"})
    (found,) = listed(as_alice)
    assert found["reasons"] == [
        {"kind": "email", "value": "ada@example.org"},
        {"kind": "phone", "value": "+492211234567"},
        {"kind": "name_and_birthday", "value": "Ada Lovelace, 1984-12-31"},
    ]


@pytest.mark.parametrize("count", [4, 5])
def test_what_more_than_four_contacts_share_counts_for_nothing(as_alice, count):
    for _ in range(count):
        add(as_alice, "Ada Lovelace")
    assert shown(as_alice) == ([(["Ada Lovelace"] * 4, 0.6, ["name"])] if count == 4 else [])


def test_a_shared_address_of_five_counts_for_nothing(as_alice):
    for name in ("Ada Lovelace", "Ada Lovlace", "Bea", "Cleo", "Dora"):
        add(as_alice, name, email="info@example.org")
    assert shown(as_alice) == []


def test_several_spellings_of_a_number_in_one_contact_count_once(as_alice):
    spellings = ["+49 221 1234567", "0049 221 1234567", "0221 1234567", "00492211234567 ", "02211234567x1"]
    card = {"phones": {f"p{n}": {"number": number} for n, number in enumerate(spellings)}}
    for name in ("Ada Lovelace", "Ada Lovlace"):
        add(as_alice, name, card=card)
    assert shown(as_alice) == [(["Ada Lovelace", "Ada Lovlace"], 0.7, ["phone"])]


def test_contacts_in_the_trash_neither_are_shown_nor_count(as_alice):
    for _ in range(3):
        as_alice.delete(path(add(as_alice, "Ada Lovelace")))
    kept = [add(as_alice, "Ada Lovelace") for _ in range(2)]
    (found,) = listed(as_alice)
    assert found["contacts"] == kept
    as_alice.delete(path(kept[0]))
    assert shown(as_alice) == []


def test_those_that_hang_together_are_one_set_as_sure_as_its_weakest_pair(as_alice):
    add(as_alice, "Ada Lovelace", **ADA)
    add(as_alice, "Ada Lovelcae", email=ADA["email"], phone="030 7654321")
    add(as_alice, "Ada Lovelcae", phone="030 7654321")
    assert shown(as_alice) == [(["Ada Lovelace", "Ada Lovelcae", "Ada Lovelcae"], 0.9, ["email", "phone", "name"])]


def test_the_surest_come_first_in_pages_with_their_number(as_alice):
    for name, fields in (("Bea Miller", {}), ("Ada Lovelace", ADA), ("Cleo Jones", {"birthday": "2000-01-01"})):
        for _ in range(2):
            add(as_alice, name, **fields)
    assert [score for _, score, _ in shown(as_alice)] == [1, 0.9, 0.6]
    answer = as_alice.get(URL, {"skip": 1, "limit": 1})
    assert [each["score"] for each in answer.json()] == [0.9] and answer["X-Total-Count"] == "3"
    assert links(answer).keys() == {"next", "prev"}


def test_a_dismissed_set_is_not_shown_again_until_what_made_it_alike_changes(as_alice):
    one, other = (add(as_alice, "Ada Lovelace", **ADA) for _ in range(2))
    key = listed(as_alice)[0]["key"]
    assert dismiss(as_alice, key) == dismiss(as_alice, key) == 204
    assert shown(as_alice) == []
    as_alice.patch(path(one), {"additional": "met at the lake"}, format="json")
    as_alice.patch(path(other), {"phone": "0049 221 1234567"}, format="json")
    assert shown(as_alice) == []
    as_alice.patch(path(other), {"email": "ada@example.net"}, format="json")
    assert listed(as_alice)[0]["key"] != key
    as_alice.patch(path(other), {"email": "ada@example.org"}, format="json")
    assert shown(as_alice) == []


def test_a_third_contact_is_shown_with_those_that_were_dismissed(as_alice):
    for _ in range(2):
        add(as_alice, "Ada Lovelace")
    dismiss(as_alice, listed(as_alice)[0]["key"])
    third = add(as_alice, "Ada Lovelace")
    assert len(listed(as_alice)[0]["contacts"]) == 3
    dismiss(as_alice, listed(as_alice)[0]["key"])
    as_alice.delete(path(third))
    assert shown(as_alice) == []


def test_an_unknown_key_is_404(as_alice):
    for key in ("x", "0" * 32, "0" * 64):
        assert dismiss(as_alice, key) == 404
    assert dismiss(as_alice, "0" * 256) == 422


def test_bob_neither_sees_nor_dismisses_alices_duplicates(as_alice, as_bob):
    for _ in range(2):
        add(as_alice, "Ada Lovelace")
    key = listed(as_alice)[0]["key"]
    assert shown(as_bob) == []
    answer = as_bob.post(f"{URL}/{key}/dismiss")
    assert (answer.status_code, answer.content) == (404, as_bob.post(f"{URL}/{'0' * 32}/dismiss").content)
    assert len(listed(as_alice)) == 1


def test_group_cards_are_no_duplicates(as_alice, alice):
    from contacts.models import Contact

    for _ in range(2):
        add(as_alice, "Ada Lovelace")
    Contact._base_manager.filter(user=alice).update(kind="group")
    assert shown(as_alice) == []


def test_the_etag_changes_with_the_book_the_region_and_a_dismissal(as_alice):
    for number in ("+49 221 1234567", "0221 1234567"):
        add(as_alice, "Ada Lovelace", phone=number)
    tags = [as_alice.get(URL)["ETag"]]
    assert as_alice.get(URL, headers={"If-None-Match": tags[0]}).status_code == 304
    as_alice.patch("/api/me", {"region": "DE"}, format="json")
    tags.append(as_alice.get(URL)["ETag"])
    dismiss(as_alice, listed(as_alice)[0]["key"])
    tags.append(as_alice.get(URL)["ETag"])
    add(as_alice, "Bea")
    tags.append(as_alice.get(URL)["ETag"])
    assert len(set(tags)) == 4


def test_the_sets_of_a_version_are_computed_once(alice):
    client = client_of(alice)
    with Book.objects.writing(alice.pk, "test") as book:
        book.create_many([{"name": {"full": f"Ada Lovelace{number % 5}"}} for number in range(10)])
    numbers = []
    for skip in (0, 1):
        with CaptureQueriesContext(connection) as captured:
            assert len(client.get(URL, {"skip": skip, "limit": 1}).json()) == 1
        numbers.append(sum("contacts_contactkey" in query["sql"] for query in captured))
    assert numbers[0] > 0 and numbers[1] == 0


def test_a_page_that_is_too_large_names_a_limit(as_alice, monkeypatch):
    for name in ("Ada Lovelace", "Bea Miller"):
        for _ in range(2):
            add(as_alice, name, additional="x" * 1000)
    monkeypatch.setattr("contacts.duplicates.MAX_BYTES", 10_000)
    answer = as_alice.get(URL)
    assert answer.status_code == 413 and "limit=1" in answer.json()["detail"]
    assert len(listed(as_alice, limit=1)) == 1
