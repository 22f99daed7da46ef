"""GET and POST /api/groups, PATCH and DELETE /api/groups/{id}"""

import json
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conftest import AUTHENTICATION
from contacts.models import Book, Change, Group
from contacts.tests.cast import add, faults, names, path, settle

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/groups"
NOT_FOUND = {"detail": "Group was not found"}
ODD = [
    'say "hi"',
    '"',
    "back\\slash",
    "a.b",
    "$",
    "$.keywords",
    "😀",
    "it's",
    "[0]",
    "123",
    "100%",
    "%s",
    "{}",
    "a/b",
    "é",
    "\t",
]


def made(client, name):
    answer = client.post(URL, {"name": name}, format="json")
    assert answer.status_code == 201 and answer.json().keys() == {"id", "name"}
    return answer.json()


def member(client, *groups, fullname="Ann"):
    return add(client, fullname, card={"name": {"full": fullname}, "keywords": dict.fromkeys(groups, True)})


def listed(client, group):
    return names(client.get(f"/api/contacts?{urlencode({'group': group})}"))


def test_renaming_and_deleting_a_group_changes_the_keywords_of_its_contacts(as_alice):
    work = made(as_alice, "Work")
    ann = member(as_alice, "Work", "Home")
    home, _ = answer = as_alice.get(URL).json()
    assert answer == [{"id": home["id"], "name": "Home"}, work]
    renamed = as_alice.patch(f"{URL}/{work['id']}", {"name": "Office"}, format="json")
    assert renamed.status_code == 200 and renamed.json() == {"id": work["id"], "name": "Office"}
    assert as_alice.get(path(ann)).json()["card"]["keywords"] == {"Home": True, "Office": True}
    deleted = as_alice.delete(f"{URL}/{work['id']}")
    assert deleted.status_code == 200 and deleted.json() == renamed.json()
    as_alice.delete(f"{URL}/{home['id']}")
    assert "keywords" not in as_alice.get(path(ann)).json()["card"]
    assert as_alice.get(URL).json() == [] and listed(as_alice, "Home") == []


@pytest.mark.parametrize("name", ODD)
def test_any_name_is_found_renamed_and_deleted(as_alice, name):
    member(as_alice, name)
    member(as_alice, name + "2", fullname="Bea")
    assert listed(as_alice, name) == ["Ann"]
    (group,) = Group.objects.filter(name=name)
    as_alice.patch(f"{URL}/{group.pk}", {"name": "x" + name + "x"}, format="json")
    assert listed(as_alice, name) == [] and listed(as_alice, "x" + name + "x") == ["Ann"]
    as_alice.delete(f"{URL}/{group.pk}")
    assert listed(as_alice, "x" + name + "x") == [] and listed(as_alice, name + "2") == ["Bea"]


def test_a_rename_is_a_change_of_each_member_and_can_be_undone(as_alice):
    ann, bea = member(as_alice, "Work"), member(as_alice, "Work", fullname="Bea")
    (group,) = as_alice.get(URL).json()
    as_alice.patch(f"{URL}/{group['id']}", {"name": "Office"}, format="json")
    assert list(Change.objects.order_by("number").values_list("contact_id", "kind"))[2:] == [
        (ann["id"], "changed"), (bea["id"], "changed")
    ]  # fmt: skip
    as_alice.post("/api/undo", {"since": 2}, format="json")
    assert listed(as_alice, "Work") == ["Ann", "Bea"]
    assert [group["name"] for group in as_alice.get(URL).json()] == ["Office", "Work"]


def test_a_second_group_of_the_same_name_is_409(as_alice, as_bob):
    made(as_alice, "Work")
    home = made(as_alice, "Home")
    made(as_bob, "Work")
    for answer in (
        as_alice.post(URL, {"name": "Work"}, format="json"),
        as_alice.patch(f"{URL}/{home['id']}", {"name": "Work"}, format="json"),
    ):
        assert answer.status_code == 409 and answer.json() == {"detail": "Already exists"}
    same = as_alice.patch(f"{URL}/{home['id']}", {"name": "Home"}, format="json")
    assert same.status_code == 200 and same.json() == home


@pytest.mark.parametrize("name", [None, "", "  ", 1, [], "x" * 256, "a\0", "\ud800", "\u200b", "favourite"])
def test_a_bad_name_is_422(as_alice, name):
    group = made(as_alice, "Work")
    body, kind = json.dumps({"name": name}), "application/json"
    assert faults(as_alice.post(URL, body, content_type=kind)) == [["body", "name"]]
    assert faults(as_alice.patch(f"{URL}/{group['id']}", body, content_type=kind)) == [["body", "name"]]


def test_pages_are_bounded(as_alice):
    for name in "CAB":
        made(as_alice, name)
    page = as_alice.get(f"{URL}?skip=1&limit=1")
    assert [group["name"] for group in page.json()] == ["B"] and page["X-Total-Count"] == "3"
    assert faults(as_alice.get(f"{URL}?limit=1001")) == [["query", "limit"]]


def test_another_accounts_group_is_404_like_one_that_does_not_exist(as_alice, as_bob):
    group = made(as_alice, "Work")
    for ask in (as_bob.delete, lambda url: as_bob.patch(url, {"name": "x"}, format="json")):
        answers = [ask(f"{URL}/{group['id']}"), ask(f"{URL}/999999999")]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content and answers[0].json() == NOT_FOUND
    assert as_bob.get(URL).json() == [] and as_alice.get(URL).json() == [group]


def test_the_list_takes_two_queries(as_alice, django_assert_num_queries):
    for name in "ABC":
        made(as_alice, name)
    settle()
    as_alice.get(URL)
    with django_assert_num_queries(AUTHENTICATION + 2):
        as_alice.get(URL)


def test_a_group_created_renamed_and_deleted_in_one_transaction_is_gone(alice):
    with Book.objects.writing(alice.pk, "command") as book:
        contact = book.create({"name": {"full": "Ann"}, "keywords": {"Work": True}})
        group = Group.objects.create(user=alice, name="Work")
        group.rename(book, "Office")
        group.dissolve(book)
        assert "keywords" not in book.get(contact.pk).card
    assert not Group.objects.exists()


def test_groups_of_many_cards_are_created_by_one_statement(alice):
    with CaptureQueriesContext(connection) as queries, Book.objects.writing(alice.pk, "command") as book:
        for i in range(3):
            book.create({"name": {"full": "Ann"}, "keywords": {f"Group {i}": True}})
    assert sum("contacts_group" in query["sql"] for query in queries) == 1
    assert Group.objects.count() == 3
