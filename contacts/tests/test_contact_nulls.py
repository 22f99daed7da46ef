"""Null in a flat field: PUT, an update of a batch and a merge patch remove every entry that could stand for the field.

So the field then reads null, and the same request sent again changes nothing (RFC 9110 §9.2.2, RFC 7396).
"""

import pytest

from contacts.models import Change
from contacts.tests.cast import add, flat, names, path

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]

BIRTH = {"kind": "birth", "date": {"@type": "PartialDate", "year": 1980, "month": 2, "day": 29}}
WITHOUT_YEAR = {"kind": "birth", "date": {"@type": "PartialDate", "month": 2, "day": 29}}
# Entries that cannot stand for a flat field, and so stay.
OTHERS = {
    "media": {"m9": {"kind": "sound", "uri": "/a.ogg"}},
    "anniversaries": {"w": {"kind": "wedding", "date": {"year": 2010}}},
}
# By flat field, the collection in which three entries could stand for it.
ENTRIES = {
    "email": ("emails", [{"address": f"{n}@example.org"} for n in range(3)]),
    "phone": ("phones", [{"number": f"{n}", "pref": n + 1} for n in range(3)]),
    "phone_number": ("phones", [{"number": f"{n}"} for n in range(3)]),
    "additional": ("notes", [{"note": f"{n}"} for n in range(3)]),
    "avatar": ("media", [{"kind": "photo", "uri": f"/{n}.png"} for n in range(3)]),
    "birthday": ("anniversaries", [BIRTH, {**BIRTH, "place": {"full": "Rome"}}, WITHOUT_YEAR]),
}
CARD = dict(OTHERS)
for collection, entries in ENTRIES.values():
    CARD[collection] = {**CARD.get(collection, {}), **{f"k{n}": entry for n, entry in enumerate(entries)}}


def put(client, contact, nulls):
    return client.put(path(contact), {**contact, **nulls}, format="json").json()


def update(client, contact, nulls):
    item = {"op": "update", "id": contact["id"], "contact": {**contact, **nulls}}
    result = client.post("/api/contacts/batch", {"items": [item]}, format="json").json()["results"][0]
    assert result["status"] == 200
    return result["contact"]


def patch(client, contact, nulls):
    return client.patch(path(contact), nulls, format="json").json()


each_way = pytest.mark.parametrize("send", [put, update, patch])


@each_way
@pytest.mark.parametrize("field", ENTRIES)
def test_null_removes_every_entry_and_a_repeat_changes_nothing(as_alice, field, send):
    contact = add(as_alice, card=CARD)
    assert contact[field] is not None
    before, collection = as_alice.get(path(contact)).json(), ENTRIES[field][0]
    nulls = {"phone": None, "phone_number": None} if field.startswith("phone") else {field: None}
    answers = [send(as_alice, contact, nulls) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2] == as_alice.get(path(contact)).json()
    assert Change.objects.count() == 2  # the creation and the first request
    assert {name: value for name, value in answers[0].items() if name != "card"} == {**contact, **nulls}
    rest = OTHERS.get(collection)
    expected = {**before["card"], collection: rest, "updated": answers[0]["card"]["updated"]}
    assert answers[0]["card"] == {name: value for name, value in expected.items() if value}


@each_way
def test_fields_left_out_of_a_put_are_null_and_those_left_out_of_a_patch_stay(as_alice, send):
    contact = add(as_alice, card=CARD)
    least = {"id": contact["id"], "fullname": "Ann"}
    answers = [send(as_alice, least, {}) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    removed = {} if send is patch else dict.fromkeys(ENTRIES.keys() - {"avatar"})
    assert flat(as_alice.get(path(contact))) == {**contact, **removed}
    assert Change.objects.count() == (1 if send is patch else 2)


@each_way
def test_null_where_the_field_reads_null_changes_nothing(as_alice, send):
    """A birthday without a year reads null, and stays."""
    contact = add(as_alice, card={**OTHERS, "anniversaries": {"b": WITHOUT_YEAR}})
    nulls = dict.fromkeys(ENTRIES)
    assert contact == {**contact, **nulls}
    before = as_alice.get(path(contact))
    assert send(as_alice, contact, nulls) == send(as_alice, contact, dict.fromkeys(ENTRIES, "")) == before.json()
    assert as_alice.get(path(contact))["ETag"] == before["ETag"] and Change.objects.count() == 1
    assert names(as_alice.get("/api/contacts/bd?days_range=366&across_year=true")) == ["Ann"]
