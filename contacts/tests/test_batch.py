"""POST /api/contacts/batch"""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Change, Contact
from contacts.tests.cast import (
    NOT_FOUND,
    WHOLE,
    add,
    faults,
    flat,
    names,
    path,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/contacts/batch"


def batch(client, items, **body):
    return client.post(URL, {"items": items, **body}, format="json")


def results(answer):
    assert answer.status_code == 200, answer.content
    assert answer.json().keys() == {"results"}
    return answer.json()["results"]


def create(fullname="Ann", **fields):
    return {"op": "create", "contact": {"fullname": fullname, **fields}}


def test_a_batch_creates_updates_and_deletes(as_alice):
    changed, gone = add(as_alice, "Ann", email="a@x.org", avatar="/1.png"), add(as_alice, "Bea")
    items = [
        create("Cleo"),
        {"op": "update", "id": changed["id"], "contact": {"fullname": "Dora"}},
        {"op": "delete", "id": gone["id"]},
    ]
    new, update, deleted = results(batch(as_alice, items))
    assert [item["status"] for item in (new, update, deleted)] == [201, 200, 200]
    assert all(
        item.keys() == {"status", "contact"} and item["contact"].keys() == WHOLE for item in (new, update, deleted)
    )
    assert deleted["contact"] | {"card": 0} == gone | {"card": 0}
    assert update["contact"] == as_alice.get(path(changed)).json()
    assert flat(as_alice.get(path(changed))) == {**changed, "fullname": "Dora", "email": None}
    assert names(as_alice.get("/api/contacts")) == ["Cleo", "Dora"]
    assert list(Change.objects.order_by("number").values_list("number", flat=True)) == [1, 2, 3, 4, 5]


def test_a_refused_item_leaves_the_others_done(as_alice, as_bob):
    contact, bobs = add(as_alice), add(as_bob)
    items = [
        create(""),
        {"op": "update", "id": bobs["id"], "contact": {"fullname": "Bea"}},
        {"op": "delete", "id": contact["id"], "if_match": '"0"'},
        create("Cleo"),
        None,
        {"op": "update", "id": contact["id"], "contact": {"phone": "1", "phone_number": 2, "fullname": "Ann"}},
        create("Dora", card={"emails": {"e1": {"address": ""}}}),
        {"op": "merge"},
        {"op": "update", "contact": {}},
    ]
    found = results(batch(as_alice, items))
    assert [item["status"] for item in found] == [422, 404, 412, 201, 422, 422, 422, 422, 422]
    assert found[1] == {"status": 404, **NOT_FOUND}
    assert found[2]["detail"] == "The contact was changed meanwhile."
    locs = [[fault["loc"] for fault in item["detail"]] for item in found if item["status"] == 422]
    assert locs == [
        [["body", "items", 0, "contact", "fullname"]],
        [["body", "items", 4]],
        [["body", "items", 5, "contact", "phone_number"]],
        [["body", "items", 6, "contact", "card", "emails", "e1", "address"]],
        [["body", "items", 7, "op"]],
        [["body", "items", 8, "id"]],
    ]
    assert names(as_alice.get("/api/contacts")) == ["Ann", "Cleo"]


def test_atomic_is_all_or_nothing_and_names_every_fault(as_alice):
    contact = add(as_alice)
    items = [create("Bea"), create(""), {"op": "delete", "id": 999999999}, {"op": "delete", "id": contact["id"]}]
    answer = batch(as_alice, items, atomic=True)
    assert faults(answer) == [["body", "items", 1, "contact", "fullname"], ["body", "items", 2]]
    assert answer.json()["detail"][1] == {
        "loc": ["body", "items", 2], "msg": "Contact was not found", "type": "status_404"
    }  # fmt: skip
    assert as_alice.get("/api/contacts").json() == [contact] and Change.objects.count() == 1
    assert [item["status"] for item in results(batch(as_alice, [items[0], items[3]], atomic=True))] == [201, 200]


def test_a_later_item_sees_the_writes_of_earlier_ones(as_alice):
    contact = add(as_alice)
    update = {"op": "update", "id": contact["id"], "contact": {"fullname": "Bea"}}
    delete = {"op": "delete", "id": contact["id"]}
    found = results(batch(as_alice, [update, delete, delete]))
    assert [item["status"] for item in found] == [200, 200, 404]
    assert found[1]["contact"]["fullname"] == "Bea"
    assert [contact["fullname"] for contact in as_alice.get("/api/contacts/trash").json()] == ["Bea"]


def test_updates_and_deletions_take_the_same_number_of_statements_for_few_and_many(as_alice):
    def statements(number):
        items = [{"op": "delete", "id": add(as_alice)["id"]} for _ in range(number)]
        items += [{"op": "update", "id": add(as_alice)["id"], "contact": {"fullname": "B"}} for _ in range(number)]
        with CaptureQueriesContext(connection) as queries:
            assert {item["status"] for item in results(batch(as_alice, items))} == {200}
        return len(queries)

    assert statements(2) == statements(20)


@pytest.mark.parametrize("nothing", [None, ""])
def test_an_empty_if_match_is_no_condition(as_alice, nothing):
    items = [{"op": "delete", "id": add(as_alice)["id"], "if_match": nothing}]
    assert [result["status"] for result in batch(as_alice, items).json()["results"]] == [200]


@pytest.mark.parametrize("weak", ["", "W/"])
def test_if_match_names_the_state_before_the_batch_or_after_the_last_item(as_alice, weak):
    contact = add(as_alice)
    before = as_alice.get(path(contact))["ETag"]
    number, revision = before.strip('"').split("-")
    after = f'"{number}-{int(revision) + 1}"'
    later = f'"{number}-{int(revision) + 2}"'
    items = [
        {"op": "update", "id": contact["id"], "contact": {"fullname": name}, "if_match": weak + tag}
        for name, tag in [("Early", after), ("Bea", before), ("Cleo", before), ("Dora", after), ("Late", later)]
    ]
    assert [item["status"] for item in results(batch(as_alice, items))] == [412, 200, 200, 200, 412]
    read = as_alice.get(path(contact))
    assert (read.json()["fullname"], read["ETag"]) == ("Dora", after)
    _, two = Change.objects.order_by("number")
    assert (two.kind, two.before["name"]["full"], two.operation) == ("changed", "Ann", 2)
    stale = batch(as_alice, [{"op": "delete", "id": contact["id"], "if_match": before}])
    assert [item["status"] for item in results(stale)] == [412]


def test_the_tags_of_other_contacts_and_of_older_states_are_412(as_alice):
    contact, other = add(as_alice), add(as_alice)
    old = as_alice.get(path(contact))["ETag"]
    as_alice.patch(path(contact), {"fullname": "Bea"}, format="json")
    for tag in (old, as_alice.get(path(other))["ETag"], '"1"', "junk"):
        items = [
            {"op": "update", "id": contact["id"], "contact": {"fullname": "Cleo"}},
            {"op": "delete", "id": contact["id"], "if_match": tag},
        ]
        assert [item["status"] for item in results(batch(as_alice, items))] == [200, 412]


def test_the_changes_of_a_batch_have_its_first_change_as_operation(as_alice):
    add(as_alice)
    results(batch(as_alice, [create("Bea"), create("Cleo")]))
    assert list(Change.objects.order_by("number").values_list("number", "operation")) == [(1, 1), (2, 2), (3, 2)]


def test_an_update_with_what_was_read_changes_nothing(as_alice):
    contact = add(as_alice, email="a@x.org", phone="+44 20", birthday="2000-02-29")
    results(batch(as_alice, [{"op": "update", "id": contact["id"], "contact": contact}]))
    assert Change.objects.count() == 1


@pytest.mark.parametrize(
    "body, where",
    [
        ({}, ["body", "items"]),
        ({"items": None}, ["body", "items"]),
        ({"items": {}}, ["body", "items"]),
        ({"items": "x"}, ["body", "items"]),
        ({"items": [1] * 1001}, ["body", "items"]),
        ({"items": [], "atomic": 1}, ["body", "atomic"]),
    ],
)
def test_an_invalid_body_is_422(as_alice, body, where):
    assert faults(as_alice.post(URL, body, format="json")) == [where]


def test_an_empty_batch_is_200(as_alice):
    assert results(batch(as_alice, [])) == results(batch(as_alice, [], atomic=True)) == []


HOSTILE = [
    "null", "1", '"x"', "[]", "[[]]", "{}", "[" * 500 + "]" * 500, '{"a":' * 500 + "1" + "}" * 500,
    '{"op": []}', '{"op": {}}', '{"op": "create", "contact": null}', '{"op": "create", "contact": []}',
    '{"op": "create", "contact": {"fullname": "A", "card": ' + "[" * 500 + "]" * 500 + "}}",
    '{"op": "create", "contact": {"fullname": "A", "card": ' + '{"a":' * 500 + "1" + "}" * 500 + "}}",
    '{"op": "create", "contact": {"fullname": "A", "card": {"x": 1e999}}}',
    '{"op": "create", "contact": {"fullname": "A", "card": {"x": 1' + "0" * 30 + "}}}",
    '{"op": "create", "contact": {"fullname": "A", "card": {"x": "\\u0000"}}}',
    '{"op": "create", "contact": {"fullname": "A", "card": {"x\\u0000": 1}}}',
    '{"op": "create", "contact": {"fullname": "A", "card": {"x": "\\ud800"}}}',
    '{"op": "create", "contact": {"fullname": "A", "card": {"keywords": {"a\\u0000": true}}}}',
    '{"op": "create", "contact": {"fullname": "A", "card": {"keywords": [1]}}}',
    '{"op": "delete", "id": 1' + "0" * 30 + "}", '{"op": "delete", "id": true}', '{"op": "delete", "id": "__proto__"}',
    '{"op": "delete", "id": 1, "if_match": "\\u0000"}', '{"op": "delete", "id": 1, "if_match": []}',
]  # fmt: skip


@pytest.mark.parametrize("item", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("atomic", ["true", "false"])
def test_a_hostile_item_is_refused_alone(as_alice, item, atomic):
    body = '{"atomic": %s, "items": [%s]}' % (atomic, item)  # noqa: UP031
    answer = as_alice.post(URL, body, content_type="application/json")
    if atomic == "true":
        assert all(loc[:3] == ["body", "items", 0] for loc in faults(answer))
    else:
        (result,) = results(answer)
        assert result["status"] in (404, 422)
        json.dumps(result)
    assert not Contact.objects.exists()


def test_nesting_beyond_all_bounds_is_a_fault_of_the_body(as_alice):
    body = '{"items": [' + "[" * 50_000 + "]" * 50_000 + "]}"
    assert faults(as_alice.post(URL, body, content_type="application/json")) == [["body"]]


def test_a_batch_counts_once_on_its_own_limit(as_alice, limits):
    limits(contacts_batch=(2, 60), contacts_create=(1, 60))
    assert len(results(batch(as_alice, [create()] * 5))) == 5
    assert [batch(as_alice, []).status_code for _ in range(2)] == [200, 429]
