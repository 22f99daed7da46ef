"""GET /api/contacts/changes"""

import pytest
from django.utils import timezone

from conftest import AUTHENTICATION, VERSION
from contactbook.api.renderers import as_json
from contacts.models import Book
from contacts.tests.cast import KEYS, add, faults, path, settle

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/contacts/changes"


def changes(client, query=""):
    answer = client.get(URL + query)
    assert answer.status_code == 200, answer.content
    assert answer.json().keys() == {"changes", "next", "more"}
    assert all(
        change.keys() == {"change", "kind", "id", "card_kind", "app_password", "contact"}
        for change in answer.json()["changes"]
    )
    return answer.json()


def listed(page):
    return [(change["change"], change["kind"], change["id"], change["contact"]) for change in page["changes"]]


def test_each_contact_is_listed_once_in_its_newest_state(as_alice):
    ann, bea, cleo = (add(as_alice, name) for name in ("Ann", "Bea", "Cleo"))
    as_alice.delete(path(bea))
    as_alice.delete(path(cleo))
    as_alice.delete(f"/api/contacts/trash/{cleo['id']}")
    page = changes(as_alice)
    assert listed(page) == [
        (1, "created", ann["id"], ann),
        (4, "deleted", bea["id"], None),
        (6, "purged", cleo["id"], None),
    ]
    assert (page["next"], page["more"]) == (6, False)
    assert changes(as_alice, "?since=6") == {"changes": [], "next": 6, "more": False}
    assert ann.keys() == KEYS


def test_following_next_lists_every_change_once(as_alice):
    for name in "ABCDE":
        add(as_alice, name)
    for limit in (1, 2, 3, 5):
        found, since, more = [], 0, True
        while more:
            page = changes(as_alice, f"?since={since}&limit={limit}")
            assert 0 < len(page["changes"]) <= limit
            found, since, more = found + listed(page), page["next"], page["more"]
        assert found == listed(changes(as_alice)) and since == 5


def test_a_future_number_is_answered_with_itself(as_alice):
    add(as_alice)
    assert changes(as_alice, "?since=7") == {"changes": [], "next": 7, "more": False}


def test_fields_card_adds_the_card(as_alice):
    contact = add(as_alice)
    (change,) = changes(as_alice, "?fields=card")["changes"]
    assert change["contact"] == as_alice.get(path(contact)).json()


def test_another_accounts_changes_are_not_listed(as_alice, as_bob):
    add(as_alice)
    assert changes(as_bob) == {"changes": [], "next": 0, "more": False}


@pytest.mark.parametrize(
    "query, field",
    [("since=-1", "since"), (f"since={10**30}", "since"), (f"since={2**63}", "since"), ("since=x", "since"),
     ("limit=0", "limit"), ("limit=1001", "limit"), ("fields=x", "fields")],
)  # fmt: skip
def test_a_page_out_of_bounds_is_422(as_alice, query, field):
    assert faults(as_alice.get(f"{URL}?{query}")) == [["query", field]]


def test_the_feed_takes_three_queries(as_alice, django_assert_num_queries):
    for name in "ABCDE":
        add(as_alice, name)
    settle()
    changes(as_alice)
    with django_assert_num_queries(AUTHENTICATION + 3):  # book, contacts, purges
        changes(as_alice)


def test_a_poll_without_news_takes_one_query(as_alice, django_assert_num_queries):
    add(as_alice)
    settle()
    nothing = {"changes": [], "next": 1, "more": False}
    with django_assert_num_queries(AUTHENTICATION + VERSION):
        assert changes(as_alice, "?since=1") == nothing
    with django_assert_num_queries(AUTHENTICATION + VERSION):
        assert changes(as_alice, "?since=2&fields=card") == {**nothing, "next": 2}


def test_a_poll_after_a_write_lists_it(as_alice):
    assert changes(as_alice)["next"] == 0
    for number, name in enumerate("ABC", 1):
        contact = add(as_alice, name)
        assert listed(changes(as_alice, f"?since={number - 1}")) == [(number, "created", contact["id"], contact)]
        assert changes(as_alice, f"?since={number}")["changes"] == []
    as_alice.delete(path(contact))
    as_alice.delete(f"/api/contacts/trash/{contact['id']}")
    assert listed(changes(as_alice, "?since=4")) == [(5, "purged", contact["id"], None)]


def test_after_a_restore_from_a_backup_an_older_number_is_409(as_alice):
    add(as_alice)
    assert changes(as_alice, "?since=1")["changes"] == []
    epoch = Book.objects.get().epoch
    Book.objects.begin_new_epoch(timezone.now())
    assert Book.objects.get().epoch != epoch
    assert as_alice.get(f"{URL}?since=1").status_code == 409
    since = changes(as_alice)["next"]
    assert changes(as_alice, f"?since={since}") == {"changes": [], "next": since, "more": False}


@pytest.mark.parametrize("purged", [(), (1, 2), (3, 30, 59), range(60)])
def test_purges_are_listed_among_the_other_changes_by_number(as_alice, alice, purged):
    with Book.objects.writing(alice.pk, "test") as book:
        ids = [contact.pk for contact in book.create_many([{"name": {"full": f"\u2028{n}"}} for n in range(60)])]
    for n in purged:
        with Book.objects.writing(alice.pk, "test") as book:
            book.purge(book.delete(book.get(ids[n])))
    answer = as_alice.get(URL)
    assert answer.content == as_json(answer.json()) and answer["Content-Type"] == "application/json"
    page = answer.json()
    live = [key for n, key in enumerate(ids) if n not in set(purged)]
    assert [change["id"] for change in page["changes"]] == live + [ids[n] for n in purged]
    assert (page["next"], page["more"]) == (60 + len(purged), False)
    assert changes(as_alice, f"?since=0&limit={len(page['changes'])}") == page
    assert changes(as_alice, "?limit=1")["more"] is (len(page["changes"]) > 1)


def test_a_combined_change_is_listed_once_at_its_number(as_alice, alice):
    """Four writes in one transaction: created and changed, created and deleted, changed and deleted, purged."""
    ann, bea = add(as_alice, "Ann"), add(as_alice, "Bea")
    with Book.objects.writing(alice.pk, "test") as book:
        new = book.change(book.create({"name": {"full": "Cleo"}}), {"email": "c@x.org"})
        short = book.delete(book.create({"name": {"full": "Dora"}}))
        book.delete(book.change(book.get(ann["id"]), {"email": "a@x.org"}))
        book.purge(book.delete(book.get(bea["id"])))
    page = changes(as_alice, "?since=2")
    assert [(change["change"], change["kind"], change["id"]) for change in page["changes"]] == [
        (3, "created", new.pk),
        (4, "deleted", short.pk),
        (5, "deleted", ann["id"]),
        (6, "purged", bea["id"]),
    ]
    assert page["changes"][0]["contact"]["email"] == "c@x.org"
    assert all(change["contact"] is None for change in page["changes"][1:])
    assert changes(as_alice, "?since=6") == {"changes": [], "next": 6, "more": False}


def test_a_contact_changed_inside_the_trash_is_listed_as_restored_without_its_card(as_alice):
    contact = add(as_alice, "Ann")
    as_alice.patch(path(contact), {"fullname": "Bea"}, format="json")
    as_alice.delete(path(contact))
    as_alice.post(f"/api/contacts/trash/{contact['id']}/restore")
    as_alice.patch(path(contact), {"fullname": "Cleo"}, format="json")
    as_alice.delete(path(contact))
    as_alice.post("/api/undo", {"since": 3}, format="json")
    assert listed(changes(as_alice, "?since=6")) == [(7, "restored", contact["id"], None)]
