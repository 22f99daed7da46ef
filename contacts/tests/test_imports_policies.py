"""What becomes of a card that is about a contact, by policy; what a card is about."""

import json

import pytest

from conftest import client_of
from contacts.models import Book, Change, Contact, Group
from contacts.tests.importing import IMPORTS, apply, entries, read, undo, vcard

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]


@pytest.fixture
def ada(alice):
    card = {
        "name": {"full": "Ada Lovelace"},
        "emails": {"e1": {"address": "ada@example.org"}},
        "notes": {"n1": {"note": "Poet's daughter"}},
        "keywords": {"Friends": True},
    }
    with Book.objects.writing(alice.pk, "test") as book:
        return book.create(card)


CARD = vcard("Ada Lovelace", "EMAIL:ADA@example.org", "TEL:+44 20 7946 0000", "BDAY:1815-12-10")


def of(client, name):
    return [contact for contact in client.get("/api/contacts?limit=1000").json() if contact["fullname"] == name]


def test_skip_leaves_the_contact(as_alice, ada):
    found = read(as_alice, CARD)
    (entry,) = entries(as_alice, found["id"])
    assert (entry["status"], entry["contact_id"]) == ("changes", ada.pk)
    assert entry["fields"]["phone"] == [None, "+44 20 7946 0000"] and entry["fields"]["birthday"] == [
        None,
        "1815-12-10",
    ]
    assert entry["fields"]["additional"] == ["Poet's daughter", None]
    apply(as_alice, found["id"], "skip")
    (entry,) = entries(as_alice, found["id"])
    assert (entry["done"], entry["fields"], entry["status"]) == ("left", {}, "changes")
    (contact,) = of(as_alice, "Ada Lovelace")
    assert contact["phone"] is None


def test_fill_adds_only_what_the_contact_lacks(as_alice, ada):
    found = read(as_alice, CARD)
    apply(as_alice, found["id"], "fill")
    (entry,) = entries(as_alice, found["id"])
    assert entry["done"] == "changed"
    assert entry["fields"] == {"phone": [None, "+44 20 7946 0000"], "birthday": [None, "1815-12-10"]}
    (contact,) = of(as_alice, "Ada Lovelace")
    assert contact["email"] == "ada@example.org" and contact["additional"] == "Poet's daughter"
    assert contact["phone"] == "+44 20 7946 0000" and contact["birthday"] == "1815-12-10"
    assert read(as_alice, CARD)["counts"]["same"] == 1


def test_replace_makes_the_contact_as_in_the_file(as_alice, ada):
    found = read(as_alice, CARD)
    apply(as_alice, found["id"], "replace")
    (contact,) = of(as_alice, "Ada Lovelace")
    assert (contact["email"], contact["additional"], contact["id"]) == ("ADA@example.org", None, ada.pk)
    whole = as_alice.get(f"/api/contacts/{ada.pk}").json()
    assert "keywords" not in whole["card"] and whole["card"]["uid"] == ada.uid
    assert read(as_alice, CARD)["counts"]["same"] == 1
    undo(as_alice, found["id"])
    assert Contact.objects.get(pk=ada.pk).card == ada.card


def test_keep_both_adds_a_second_contact_with_a_uid_of_its_own(as_alice, ada):
    text = vcard("Ada Lovelace", "TEL:110", uid=ada.uid)
    apply(as_alice, read(as_alice, text)["id"], "keep_both")
    first, second = of(as_alice, "Ada Lovelace")
    assert {first["phone"], second["phone"]} == {None, "110"}
    assert Contact.objects.values_list("uid", flat=True).distinct().count() == 2


def test_a_policy_is_required_and_one_of_four(as_alice, ada):
    found = read(as_alice, CARD)
    for body in ({}, {"policy": "other"}, {"policy": None}):
        answer = as_alice.post(f"{IMPORTS}/{found['id']}/apply", body, format="json")
        assert answer.status_code == 422 and answer.json()["detail"][0]["loc"] == ["body", "policy"]


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["EMAIL:ada@example.org"], "same"),
        (["EMAIL:ada@EXAMPLE.org", "NOTE:Poet's daughter"], "same"),
        (["EMAIL:other@example.org"], "new"),
        (["TEL:110"], "new"),
        (["NOTE:Poet's daughter"], "same"),
        (["NOTE:Another"], "new"),
        ([], "same"),
        (["REV:20200101T000000Z", "PRODID:x"], "same"),
        (["CATEGORIES:Friends"], "same"),
        (["CATEGORIES:Work"], "new"),
        (["CATEGORIES:Work", "EMAIL:ada@example.org"], "changes"),
    ],
)
def test_what_a_card_without_a_uid_is_about(as_alice, ada, lines, status):
    (entry,) = entries(as_alice, read(as_alice, vcard("Ada Lovelace", *lines))["id"])
    assert (entry["status"], entry["contact_id"]) == (status, None if status == "new" else ada.pk)


@pytest.mark.parametrize("line", ["BDAY:1980-01-02", "BDAY:--0102", "NOTE:x", "ORG:ACME", "TITLE:Boss", "X-A:b"])
def test_a_card_without_an_address_or_number_is_the_same_the_second_time(as_alice, line):
    apply(as_alice, read(as_alice, vcard("Ann", line))["id"])
    assert read(as_alice, vcard("Ann", line))["counts"]["same"] == 1
    assert read(as_alice, vcard("Ann", line, "TEL:110"))["counts"]["new"] == 1


@pytest.mark.parametrize(
    ("name", "status"),
    [("ADA LOVELACE", "changes"), ("Lovelace, Ada", "changes"), ("Áda Lovelace", "changes"), ("Ada", "new")],
)
def test_names_are_compared_folded(as_alice, ada, name, status):
    (entry,) = entries(as_alice, read(as_alice, vcard(name, "EMAIL:ada@example.org"))["id"])
    assert entry["status"] == status


@pytest.mark.parametrize("region", [None, "DE"])
@pytest.mark.parametrize("number", ["+49 221 123-4567", "0221 1234567", "0049 221 1234567", "(0221) 123 45 67"])
def test_numbers_are_compared_in_any_spelling(alice, number, region):
    alice.region = region
    alice.save()
    client = client_of(alice)
    client.post("/api/contacts/", {"fullname": "Ann", "phone": "+49 (221) 1234567"}, format="json")
    assert read(client, vcard("Ann", f"TEL:{number}"))["counts"]["same"] == 1


def test_a_uid_comes_before_all_else(as_alice, ada):
    as_alice.post("/api/contacts/", {"fullname": "Bea", "email": "bea@example.org"}, format="json")
    text = vcard("Bea", "EMAIL:bea@example.org", uid=ada.uid)
    (entry,) = entries(as_alice, read(as_alice, text)["id"])
    assert (entry["status"], entry["contact_id"]) == ("changes", ada.pk)


def test_another_accounts_contacts_are_not_matched(as_bob, ada):
    assert read(as_bob, vcard("Ada Lovelace", "EMAIL:ada@example.org", uid=ada.uid))["counts"]["new"] == 1


def test_a_uid_in_the_trash_is_new_and_comes_back_as_the_card_says(as_alice, ada):
    as_alice.delete(f"/api/contacts/{ada.pk}")
    found = read(as_alice, vcard("Ada King", "TEL:110", uid=ada.uid))
    assert found["counts"]["new"] == 1
    apply(as_alice, found["id"])
    (entry,) = entries(as_alice, found["id"])
    assert (entry["done"], entry["contact_id"]) == ("added", ada.pk)
    assert as_alice.get(f"/api/contacts/{ada.pk}").json()["phone"] == "110"
    undo(as_alice, found["id"])
    gone = Contact.objects.get(pk=ada.pk)
    assert gone.deleted_at and gone.card == ada.card


def test_within_a_file_only_a_uid_or_equality_makes_two_cards_one(as_alice, alice):
    text = "".join(
        [
            vcard("Ann", "EMAIL:a@example.org"),
            vcard("Ann", "EMAIL:a@example.org"),  # equal
            vcard("Ann", "EMAIL:a@example.org", "TEL:110"),  # alike, and its own
            vcard("Bea", "TEL:1", uid="u1"),
            vcard("Bea", "TEL:2", uid="u1"),
        ]
    )
    found = read(as_alice, text)
    assert [entry["status"] for entry in entries(as_alice, found["id"])] == ["new", "same", "new", "new", "changes"]
    apply(as_alice, found["id"], "fill")
    rows = entries(as_alice, found["id"])
    assert [row["done"] for row in rows] == ["added", "left", "added", "added", "changed"]
    assert rows[0]["contact_id"] == rows[1]["contact_id"] != rows[2]["contact_id"]
    assert Contact.objects.count() == 3
    again = read(as_alice, text)
    assert again["counts"] == {"new": 0, "same": 5, "changes": 0, "failed": 0}
    assert undo(as_alice, found["id"])["status"] == "undone"
    assert not Contact.objects.for_user(alice.pk).exists()


def test_a_card_is_matched_again_when_it_is_applied(as_alice):
    found = read(as_alice, vcard("Ann", "EMAIL:a@example.org"))
    assert found["counts"]["new"] == 1
    as_alice.post("/api/contacts/", {"fullname": "Ann", "email": "a@example.org"}, format="json")
    found = apply(as_alice, found["id"])
    assert found["counts"] == {"new": 0, "same": 1, "changes": 0, "failed": 0}
    assert Contact.objects.count() == 1


def test_a_uid_is_kept_as_it_stands(as_alice):
    uids = ["urn:uuid:F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6", "x" * 255, "with space & ümlaut"]
    long = "y" * 256
    text = "".join(vcard(f"Card {index}", uid=uid) for index, uid in enumerate([*uids, long]))
    found = read(as_alice, text)
    apply(as_alice, found["id"])
    assert set(Contact.objects.values_list("uid", flat=True)) > set(uids) and Contact.objects.count() == 4
    assert "longer than 255" in entries(as_alice, found["id"])[3]["notes"][0]
    assert read(as_alice, text)["counts"]["same"] == 4


def test_what_was_changed_since_is_a_conflict_and_stays(as_alice, ada):
    found = read(as_alice, CARD + vcard("Bea"))
    apply(as_alice, found["id"], "replace")
    as_alice.patch(f"/api/contacts/{ada.pk}", {"additional": "mine"}, format="json")
    before = Contact.objects.get(pk=ada.pk).card
    undo(as_alice, found["id"])
    first, second = entries(as_alice, found["id"])
    assert (first["done"], second["done"]) == ("conflict", "undone")
    assert first["reason"] == "The contact was changed since."
    assert Contact.objects.get(pk=ada.pk).card == before


def test_an_import_that_was_undone_can_be_applied_again(as_alice, ada):
    found = read(as_alice, CARD + vcard("Bea", uid="u1"))
    for _ in range(2):
        apply(as_alice, found["id"], "fill")
        assert len(of(as_alice, "Bea")) == 1 and of(as_alice, "Ada Lovelace")[0]["birthday"]
        undo(as_alice, found["id"])
        assert of(as_alice, "Bea") == [] and of(as_alice, "Ada Lovelace")[0]["birthday"] is None
    assert Contact.objects.count() == 2


GROUP = "BEGIN:VCARD\r\nVERSION:4.0\r\nKIND:group\r\nFN:Team\r\nMEMBER:urn:uuid:u1\r\nMEMBER:u2\r\nMEMBER:u9\r\nEND:VCARD\r\n"
APPLE = (
    GROUP.replace("4.0", "3.0")
    .replace("KIND:", "X-ADDRESSBOOKSERVER-KIND:")
    .replace("MEMBER:", "X-ADDRESSBOOKSERVER-MEMBER:")
)


@pytest.mark.parametrize("group", [GROUP, APPLE])
def test_group_cards_become_groups(as_alice, alice, group):
    with Book.objects.writing(alice.pk, "test") as book:
        book.create_many([{"name": {"full": "Bea"}}], ["u2"])
    text = group + vcard("Ann", uid="u1")
    found = read(as_alice, text)
    row = entries(as_alice, found["id"])[0]
    assert (row["status"], row["contact_id"], row["fullname"]) == ("new", None, "Team")
    assert row["notes"] == ["A group: 2 of its 3 members were found."]
    found = apply(as_alice, found["id"])
    assert found["counts"] == {"new": 2, "same": 0, "changes": 0, "failed": 0}
    assert entries(as_alice, found["id"])[0]["done"] == "added"
    assert Group.objects.get().name == "Team"
    assert {contact["fullname"] for contact in as_alice.get("/api/contacts?group=Team").json()} == {"Ann", "Bea"}
    sequence = Change.objects.count()
    again = read(as_alice, text)
    assert again["counts"]["same"] == 2
    apply(as_alice, again["id"], "replace")
    assert Change.objects.count() == sequence
    undo(as_alice, found["id"])
    assert as_alice.get("/api/contacts?group=Team").json() == []
    assert entries(as_alice, found["id"])[0]["done"] == "undone"


def test_jscontact_cards(as_alice):
    cards = [
        {"@type": "Card", "version": "1.0", "uid": "u1", "name": {"full": "Ann"}, "created": "2020-01-01T00:00:00Z"},
        {"name": {"full": "Bea"}, "emails": {"e1": {"address": "x" * 400}}},
        {"emails": {"e1": {"address": "carl@example.org"}}},
        "no card",
    ]
    found = read(as_alice, json.dumps(cards), "cards.json")
    assert found["format"] == "jscontact" and found["counts"] == {"new": 3, "same": 0, "changes": 0, "failed": 1}
    rows = entries(as_alice, found["id"])
    assert [row["line"] for row in rows] == [None] * 4
    assert rows[1]["notes"][0].startswith("emails/e1/address was left out. ") and "no card" in rows[3]["reason"]
    assert rows[2]["fullname"] == "carl@example.org" and "EMAIL" in rows[2]["notes"][0]
    apply(as_alice, found["id"])
    assert Contact.objects.get(uid="u1").card == {"name": {"full": "Ann"}}
    assert read(as_alice, json.dumps(cards[0]), "card.json")["counts"]["same"] == 1
