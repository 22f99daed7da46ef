"""GET /api/contacts/trash, POST /api/contacts/trash/{id}/restore, DELETE /api/contacts/trash/{id}"""

import pytest

from conftest import AUTHENTICATION
from contacts.models import Change, Contact
from contacts.tests.cast import (
    NOT_FOUND,
    WHOLE,
    add,
    faults,
    flat,
    path,
    settle,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/contacts/trash"


def deleted(client, *args, **fields):
    contact = add(client, *args, **fields)
    assert client.delete(path(contact)).status_code == 200
    return contact


def test_a_deleted_contact_is_listed_and_restored_with_its_id_and_uid(as_alice):
    contact = add(as_alice, "Ann", email="a@x.org")
    whole = as_alice.get(path(contact)).json()
    as_alice.delete(path(contact))
    answer = as_alice.get(URL)
    assert answer.status_code == 200 and answer["X-Total-Count"] == "1"
    (row,) = answer.json()
    assert row.keys() == WHOLE | {"deleted_at"} and row["deleted_at"][:19] == row["card"]["updated"][:19]
    assert as_alice.get(path(contact)).status_code == 404
    restored = as_alice.post(f"{URL}/{contact['id']}/restore")
    assert flat(restored) == contact and restored["ETag"] == f'"{contact["id"]}-3"'
    assert restored.json()["card"]["uid"] == whole["card"]["uid"]
    assert as_alice.get(URL).json() == []


def test_the_latest_deletion_is_first_and_pages_are_bounded(as_alice):
    ids = [deleted(as_alice, name)["id"] for name in "ABC"][::-1]
    assert [row["id"] for row in as_alice.get(URL).json()] == ids
    page = as_alice.get(f"{URL}?skip=1&limit=1")
    assert [row["id"] for row in page.json()] == ids[1:2] and page["X-Total-Count"] == "3"
    for query in ("skip=-1", "limit=1001", "limit=a"):
        assert faults(as_alice.get(f"{URL}?{query}")) == [["query", query.partition("=")[0]]]


def test_a_purge_erases_the_contact_and_the_contents_of_its_changes(as_alice):
    contact = deleted(as_alice, "Ann")
    answer = as_alice.delete(f"{URL}/{contact['id']}")
    assert flat(answer) == contact
    assert not Contact.objects.exists() and as_alice.get(URL).json() == []
    kinds = [(change.kind, change.before) for change in Change.objects.order_by("number")]
    assert kinds == [("created", None), ("deleted", None), ("purged", None)]
    assert as_alice.get(f"{path(contact)}/history").status_code == 404


def test_a_contact_outside_the_trash_is_404(as_alice):
    contact = add(as_alice)
    for answer in (as_alice.post(f"{URL}/{contact['id']}/restore"), as_alice.delete(f"{URL}/{contact['id']}")):
        assert answer.status_code == 404 and answer.json() == NOT_FOUND
    assert flat(as_alice.get(path(contact))) == contact


def test_a_restored_contact_creates_its_deleted_groups(as_alice):
    contact = deleted(as_alice, card={"name": {"full": "Ann"}, "keywords": {"Work": True}})
    (group,) = as_alice.get("/api/groups").json()
    as_alice.delete(f"/api/groups/{group['id']}")
    as_alice.post(f"{URL}/{contact['id']}/restore")
    assert [group["name"] for group in as_alice.get("/api/groups").json()] == ["Work"]


@pytest.mark.parametrize("number", ["0", "-1", "9" * 19, "9" * 20])
def test_an_unknown_id_is_404(as_alice, number):
    assert as_alice.delete(f"{URL}/{number}").status_code == 404


@pytest.mark.parametrize("number", ["x", "__proto__", "1.0", "٥", "%00", "9" * 21])
def test_an_id_that_is_no_integer_is_a_fault_of_the_path(as_alice, number):
    assert faults(as_alice.delete(f"{URL}/{number}")) == [["path", "contact_id"]]


def test_another_accounts_contact_is_404_like_one_that_does_not_exist(as_alice, as_bob):
    contact = deleted(as_alice)
    for ask in (lambda id: as_bob.post(f"{URL}/{id}/restore"), lambda id: as_bob.delete(f"{URL}/{id}")):
        answers = [ask(contact["id"]), ask(999999999)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content and answers[0].json() == NOT_FOUND
    assert as_bob.get(URL).json() == []


def test_the_list_takes_three_queries(as_alice, django_assert_num_queries):
    for name in "ABC":
        deleted(as_alice, name)
    settle()
    as_alice.get(URL)
    with django_assert_num_queries(AUTHENTICATION + 3):
        as_alice.get(URL)
