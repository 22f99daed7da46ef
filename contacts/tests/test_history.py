"""GET /api/contacts/{id}/history"""

import pytest

from conftest import AUTHENTICATION
from contacts.models import Book, Change
from contacts.tests.cast import (
    NOT_FOUND,
    UNKNOWN,
    add,
    faults,
    path,
    settle,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
KEYS = {"change", "at", "kind", "via", "client", "app_password", "fields"}


def history(client, contact, query=""):
    answer = client.get(f"{path(contact)}/history{query}")
    assert answer.status_code == 200, answer.content
    assert all(entry.keys() == KEYS for entry in answer.json())
    return answer.json()


def listed(entries):
    return [(entry["change"], entry["kind"], entry["fields"]) for entry in entries]


def test_history_lists_what_each_change_changed_newest_first(as_alice):
    contact = add(as_alice, "Ann", email="a@x.org")
    as_alice.patch(path(contact), {"email": "b@x.org", "birthday": "2000-02-29"}, format="json")
    as_alice.delete(path(contact))
    assert listed(history(as_alice, contact)) == [
        (3, "deleted", {}),
        (2, "changed", {"email": ["a@x.org", "b@x.org"], "birthday": [None, "2000-02-29"]}),
        (1, "created", {"fullname": [None, "Ann"], "email": [None, "a@x.org"]}),
    ]


def test_history_names_the_interface_and_the_client(as_alice, alice):
    contact = add(as_alice)
    as_alice.patch(path(contact), {"fullname": "Bea"}, format="json", headers={"user-agent": "Phone/1.0"})
    with Book.objects.writing(alice.pk, "command", "tidy") as book:
        book.change(book.get(contact["id"]), {"fullname": "Cleo"})
    sources = [(entry["via"], entry["client"]) for entry in history(as_alice, contact)]
    assert sources == [("command", "tidy"), ("rest", "Phone/1.0"), ("rest", "")]


def test_properties_beyond_the_flat_fields_are_listed_by_name(as_alice):
    contact = add(as_alice)
    card = {
        "titles": {"t1": {"name": "Dr"}},
        "anniversaries": {"b": {"kind": "birth", "date": {"month": 2, "day": 29}}},
    }
    as_alice.patch(path(contact), {"card": card}, format="json")
    fields = history(as_alice, contact)[0]["fields"]
    assert fields == {name: [None, card[name]] for name in card}


def test_true_is_not_one(as_alice):
    contact = add(as_alice, card={"name": {"full": "Ann"}, "x": True})
    answer = as_alice.patch(path(contact), {"card": {"x": 1}}, format="json")
    assert answer.json()["card"]["x"] is not True
    assert history(as_alice, contact)[0]["fields"] == {"x": [True, 1]}


def test_pages_are_slices_of_the_whole_history(as_alice):
    contact = add(as_alice)
    for name in "BCDE":
        as_alice.patch(path(contact), {"fullname": name}, format="json")
    whole = history(as_alice, contact)
    assert len(whole) == 5
    for skip in range(6):
        for limit in range(4):
            assert history(as_alice, contact, f"?skip={skip}&limit={limit}") == whole[skip : skip + limit]


def test_erased_contents_are_null(as_alice):
    contact = add(as_alice)
    as_alice.patch(path(contact), {"fullname": "Bea"}, format="json")
    as_alice.patch(path(contact), {"fullname": "Cleo"}, format="json")
    Book.objects.erase_contents(Change.objects.filter(number=2))
    assert [entry["fields"] for entry in history(as_alice, contact)] == [{"fullname": ["Bea", "Cleo"]}, None, None]


def test_another_accounts_contact_is_404_like_one_that_does_not_exist(as_alice, as_bob):
    contact = add(as_alice)
    answers = [as_bob.get(f"{where}/history") for where in (path(contact), UNKNOWN)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content and answers[0].json() == NOT_FOUND


@pytest.mark.parametrize(
    "query, field", [("skip=-1", "skip"), ("limit=1001", "limit"), ("limit=x", "limit"), (f"skip={10**30}", "skip")]
)
def test_a_page_out_of_bounds_is_422(as_alice, query, field):
    assert faults(as_alice.get(f"{path(add(as_alice))}/history?{query}")) == [["query", field]]


def test_history_takes_three_queries(as_alice, django_assert_num_queries):
    contact = add(as_alice)
    for name in "BCDE":
        as_alice.patch(path(contact), {"fullname": name}, format="json")
    settle()
    history(as_alice, contact)
    with django_assert_num_queries(AUTHENTICATION + 3):
        history(as_alice, contact)
