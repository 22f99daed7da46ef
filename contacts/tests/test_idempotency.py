"""The Idempotency-Key header on every POST under /api/contacts, /api/groups and /api/undo."""

from datetime import timedelta

import pytest
from django.utils import timezone

from contacts.models import Change, Contact, IdempotencyRecord
from contacts.tests.cast import add, faults, path

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/contacts/"
ANN = {"fullname": "Ann"}


def post(client, body=ANN, key="k", url=URL):
    return client.post(url, body, format="json", headers={"idempotency-key": key})


def said(answer):
    headers = ("Content-Type", "ETag", "Location", "Cache-Control")
    return answer.status_code, answer.content, {name: answer.get(name) for name in headers}


def test_a_repeat_gets_the_first_answer(as_alice):
    first = post(as_alice)
    assert first.status_code == 201
    as_alice.patch(first["Location"], {"fullname": "Bea"}, format="json")
    assert said(post(as_alice)) == said(post(as_alice, url=URL.rstrip("/"))) == said(first)
    assert Contact.objects.get().fullname == "Bea"
    assert post(as_alice, key="other").status_code == 201 and Contact.objects.count() == 2


@pytest.mark.parametrize(
    "url, body, status",
    [
        (URL, ANN, 201),
        ("/api/groups", {"name": "Work"}, 201),
        ("/api/undo", {"since": 1}, 200),
        ("/api/contacts/batch", {"items": [{"op": "create", "contact": ANN}, {"op": "create", "contact": {}}]}, 200),
        ("{contact}/restore", {"to": 1}, 200),
        ("/api/contacts/trash/{trashed}/restore", {}, 200),
    ],
)
def test_every_post_is_done_once(as_alice, url, body, status):
    contact, trashed = add(as_alice), add(as_alice)
    as_alice.patch(path(contact), {"fullname": "Bea"}, format="json")
    as_alice.delete(path(trashed))
    url = url.format(contact=path(contact), trashed=trashed["id"])
    first = post(as_alice, body, url=url)
    assert first.status_code == status
    changes = Change.objects.count()
    assert said(post(as_alice, body, url=url)) == said(first)
    assert Change.objects.count() == changes


def test_the_same_key_with_another_body_or_path_is_422(as_alice):
    post(as_alice)
    assert faults(post(as_alice, {"fullname": "Bea"})) == [["body"]]
    assert faults(post(as_alice, ANN, url="/api/contacts/batch")) == [["body"]]
    assert Contact.objects.count() == 1


def test_a_key_is_forgotten_after_a_day(as_alice):
    first = post(as_alice)
    IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(hours=23, minutes=59))
    assert said(post(as_alice)) == said(first)
    IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(hours=24))
    assert post(as_alice, {"fullname": "Bea"}).status_code == 201
    assert Contact.objects.count() == 2 and IdempotencyRecord.objects.count() == 1


@pytest.mark.parametrize(
    "url, body, status",
    [
        (URL, {"fullname": ""}, 422),
        ("/api/undo", {"change": 999}, 404),
        ("/api/groups", {"name": "Work"}, 409),
        ("/api/contacts/batch", {"atomic": True, "items": [None]}, 422),
    ],
)
def test_a_refused_request_stores_no_answer(as_alice, url, body, status):
    as_alice.post("/api/groups", {"name": "Work"}, format="json")
    assert post(as_alice, body, url=url).status_code == status
    assert not IdempotencyRecord.objects.exists()
    assert post(as_alice).status_code == 201


def test_two_accounts_may_use_the_same_key(as_alice, as_bob):
    assert post(as_alice).json()["user_id"] != post(as_bob).json()["user_id"]


@pytest.mark.parametrize("key", ["", "x" * 256, "é"])
def test_an_invalid_key_is_422(as_alice, key):
    assert faults(post(as_alice, key=key)) == [["body"]]
    assert not Contact.objects.exists()


def test_a_repeat_counts_at_the_limit(as_alice, limits):
    limits(contacts_create=(3, 60))
    answers = [post(as_alice) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429, 429]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0", "0"]
    assert Contact.objects.count() == 1


@pytest.mark.parametrize("size, is_whole", [(20_000, True), (40_000, False)])
def test_an_answer_over_64_kb_is_stored_as_ids_and_statuses(as_alice, size, is_whole):
    """The text stands in the flat form and in the card."""
    new = {"fullname": "Ann", "additional": "x" * size}
    first = post(as_alice, new)
    again = post(as_alice, new)
    assert again.json() == (first.json() if is_whole else {"id": first.json()["id"]})
    assert again["ETag"] == first["ETag"] and again["Location"] == first["Location"] and again.status_code == 201
    items = [{"op": "create", "contact": new}, {"op": "delete", "id": 999999999}]
    first, again = (post(as_alice, {"items": items}, "b", "/api/contacts/batch").json()["results"] for _ in range(2))
    contact = first[0]["contact"] if is_whole else {"id": first[0]["contact"]["id"]}
    assert again == [{**first[0], "contact": contact}, first[1]]
    assert Contact.objects.count() == 2


def test_another_conflict_is_not_taken_for_a_request_that_is_still_running(as_alice):
    as_alice.post("/api/groups", {"name": "Work"}, format="json")
    plain = as_alice.post("/api/groups", {"name": "Work"}, format="json")
    answer = post(as_alice, {"name": "Work"}, url="/api/groups")
    assert answer.status_code == 409 and answer.json() == plain.json()


def test_a_repeat_without_a_token_is_401(as_alice, as_nobody):
    post(as_alice)
    assert post(as_nobody).status_code == 401
