"""Bounds in bytes and values of what reads or writes many contacts, and the quota of an account."""

import pytest
from django.core.management import call_command

from contacts.cards import jscontact
from contacts.models import Book, Change, Contact, Group, IdempotencyRecord, UploadedAvatar
from contacts.tests.cast import add, faults, path
from contacts.tests.test_contact_avatar import picture

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]

LARGE = 60_000  # characters of a note


def large_contacts(user, number, keywords=()):
    cards = [
        {
            "name": {"full": f"Large {n:03}"},
            "notes": {"n1": {"note": "x" * LARGE}},
            "keywords": dict.fromkeys(keywords, True),
        }
        for n in range(number)
    ]
    with Book.objects.writing(user.pk, "test") as book:
        return book.create_many(cards)


@pytest.fixture
def small_portion(monkeypatch):
    """300 KB in place of 16 MB."""
    for name in (
        "contacts.models.book.PORTION",
        "contacts.models.group.PORTION",
        "contacts.history.PORTION",
        "contactbook.api.pagination.MAX_BYTES",
    ):
        monkeypatch.setattr(name, 300_000)
    for name in ("contacts.api.contacts.MAX_BYTES", "contacts.changes_feed.MAX_BYTES"):
        monkeypatch.setattr(name, 300_000)
    for name in ("contactbook.api.pagination.SAFE_LIMIT", "contacts.history.SAFE_LIMIT"):
        monkeypatch.setattr(name, 1)


def test_a_card_has_at_most_5000_values(as_alice):
    answer = as_alice.post(
        "/api/contacts/", {"fullname": "Ann", "card": {"x.org:y": [{} for _ in range(5000)]}}, format="json"
    )
    assert faults(answer) == [["body", "card"]]
    add(as_alice, "Ann", card={"x.org:y": [{} for _ in range(4900)]})


def test_a_flat_field_does_not_make_a_card_larger_than_272_kb(as_alice):
    card = {"x.org:x": ["x" * LARGE] * 4}
    contact, large = add(as_alice, "Ann", card=card), {"fullname": "Ann", "additional": "é" * 30_000}
    before = as_alice.get(path(contact)).content
    for answer in (
        as_alice.patch(path(contact), large, format="json"),
        as_alice.put(path(contact), large, format="json"),
        as_alice.post("/api/contacts", {**large, "card": card}, format="json"),
    ):
        assert faults(answer) == [["body"]] and "278528 bytes" in answer.json()["detail"][0]["msg"]
    items = [{"op": "update", "id": contact["id"], "contact": large}]
    (result,) = as_alice.post("/api/contacts/batch", {"items": items}, format="json").json()["results"]
    assert result["status"] == 422 and as_alice.get(path(contact)).content == before


def test_a_card_that_was_stored_too_large_can_be_changed_but_does_not_grow(as_alice, alice):
    card = {"name": {"full": "Ann"}, "keywords": {"Friends": True}, "x.org:x": ["x" * LARGE] * 5}
    with Book.objects.writing(alice.pk, "import") as book:
        url = path({"id": book.create(card).pk})
    for smaller in ({"keywords": {"Friends": None, "Club": True}}, {"x.org:x": ["x" * LARGE] * 4}):
        assert as_alice.patch(url, {"card": smaller}, format="json").status_code == 200
    assert faults(as_alice.patch(url, {"card": {"x.org:x": ["x" * LARGE] * 5}}, format="json")) == [["body", "card"]]


def test_a_batch_over_the_portion_is_413_and_does_nothing(as_alice, alice, small_portion):
    contacts = large_contacts(alice, 6)
    items = [{"op": "update", "id": contact.pk, "contact": {"fullname": "New"}} for contact in contacts]
    answer = as_alice.post("/api/contacts/batch", {"items": items}, format="json")
    assert answer.status_code == 413 and "MB" in answer.json()["detail"]
    assert not Contact.objects.filter(fullname="New").exists()
    assert as_alice.post("/api/contacts/batch", {"items": items[:2]}, format="json").status_code == 200


def test_a_group_is_renamed_and_deleted_in_portions(as_alice, alice, small_portion):
    large_contacts(alice, 7, ["Work"])
    group = Group.objects.get()
    answer = as_alice.patch(f"/api/groups/{group.pk}", {"name": "Job"}, format="json")
    assert answer.json() == {"id": group.pk, "name": "Job"}
    assert Contact.objects.for_user(alice.pk).in_group("Job").count() == 7
    assert [row.name for row in Group.objects.all()] == ["Job"]
    operations = Change.objects.filter(kind="changed").values_list("operation", flat=True)
    assert len(set(operations)) > 1
    assert as_alice.delete(f"/api/groups/{group.pk}").status_code == 200
    assert not Group.objects.exists() and not Contact.objects.for_user(alice.pk).in_group("Job").exists()


def test_a_repeat_finishes_the_renaming_of_a_group_that_was_cut_off(as_alice, alice, small_portion):
    large_contacts(alice, 7, ["Work"])
    group = Group.objects.get()
    with Book.objects.writing(alice.pk, "test") as book:
        assert not group.rename(book, "Job")
    assert 0 < Contact.objects.for_user(alice.pk).in_group("Job").count() < 7
    assert as_alice.patch(f"/api/groups/{group.pk}", {"name": "Job"}, format="json").status_code == 200
    assert Contact.objects.for_user(alice.pk).in_group("Job").count() == 7


def test_an_undo_over_the_portion_is_413(as_alice, alice, small_portion):
    large_contacts(alice, 7)
    answer = as_alice.post("/api/undo", {"since": 0}, format="json")
    assert answer.status_code == 413 and Contact.objects.for_user(alice.pk).count() == 7
    assert as_alice.post("/api/undo", {"since": 5}, format="json").status_code == 200


@pytest.mark.parametrize(
    "url",
    ["/api/contacts/?skip=0&limit=7&fields=card", "/api/contacts/trash?limit=7", "/api/contacts/bd?days_range=366"],
)
def test_a_page_over_the_bound_is_413_and_names_a_limit_that_works(as_alice, alice, small_portion, url):
    for contact in large_contacts(alice, 7):
        with Book.objects.writing(alice.pk, "test") as book:
            book.change(book.get(contact.pk), {"birthday": alice.created_at.date()})
        if "trash" in url:
            with Book.objects.writing(alice.pk, "test") as book:
                book.delete(book.get(contact.pk))
    answer = as_alice.get(url)
    assert answer.status_code == 413, answer.content
    limit = int(answer.json()["detail"].partition("limit=")[2].rstrip("."))
    smaller = url.replace("limit=7", f"limit={limit}") if "limit=7" in url else f"{url}&limit={limit}"
    assert len(as_alice.get(smaller).json()) == limit


def test_many_small_values_count_for_more_than_their_bytes(as_alice, alice):
    add(as_alice, "Ann", card={"x.org:y": [{} for _ in range(4900)]})
    assert Contact.objects.get().size > 4900 * jscontact.VALUE_BYTES


def test_what_a_batch_reads_counts_although_nothing_changes(as_alice, alice, small_portion):
    contacts = large_contacts(alice, 3)
    same = [{"op": "update", "id": each.pk, "contact": {"fullname": each.fullname}} for each in contacts]
    for item in same:
        item["contact"]["additional"] = "x" * LARGE
    assert as_alice.post("/api/contacts/batch", {"items": same}, format="json").status_code == 200
    assert not Change.objects.filter(kind="changed").exists()
    assert as_alice.post("/api/contacts/batch", {"items": same * 2}, format="json").status_code == 413
    stale = [{**item, "if_match": '"1-999"'} for item in same] * 2
    assert as_alice.post("/api/contacts/batch", {"items": stale, "atomic": False}, format="json").status_code == 413


def test_a_batch_over_the_portion_is_refused_before_it_is_read(
    as_alice, alice, small_portion, django_assert_max_num_queries
):
    ids = [contact.pk for contact in large_contacts(alice, 7)]
    items = [{"op": "delete", "id": each} for each in [*ids, 2**70, True, None, "1", ids]]
    with django_assert_max_num_queries(10):
        assert as_alice.post("/api/contacts/batch", {"items": items}, format="json").status_code == 413


def test_a_batch_sees_what_its_earlier_items_did(as_alice):
    contact = add(as_alice, "Ann")
    items = [
        {"op": "update", "id": contact["id"], "contact": {"fullname": "Bea"}},
        {"op": "update", "id": contact["id"], "contact": {"fullname": "Bea", "email": "bea@example.org"}},
        {"op": "delete", "id": contact["id"]},
        {"op": "delete", "id": contact["id"]},
    ]
    results = as_alice.post("/api/contacts/batch", {"items": items, "atomic": False}, format="json").json()["results"]
    assert [each["status"] for each in results] == [200, 200, 200, 404]
    assert results[2]["contact"]["email"] == "bea@example.org"


def test_a_group_that_takes_too_long_is_a_503_and_a_repeat_goes_on(as_alice, alice, small_portion, monkeypatch):
    large_contacts(alice, 5, ["Work"])
    group = Group.objects.get()
    monkeypatch.setattr("contacts.api.groups.SECONDS", -1.0)
    answer = as_alice.patch(f"/api/groups/{group.pk}", {"name": "Job"}, format="json")
    assert answer.status_code == 503 and answer["Retry-After"] == "1" and "again" in answer.json()["detail"]
    monkeypatch.setattr("contacts.api.groups.SECONDS", 0.001)
    statuses = []
    while 200 not in statuses:
        statuses.append(as_alice.patch(f"/api/groups/{group.pk}", {"name": "Job"}, format="json").status_code)
    assert set(statuses) <= {200, 503}
    assert Contact.objects.for_user(alice.pk).in_group("Job").count() == 5
    while 404 not in statuses:
        statuses.append(as_alice.delete(f"/api/groups/{group.pk}").status_code)
    assert not Contact.objects.for_user(alice.pk).in_group("Job").exists()


def test_a_page_by_cursor_ends_early_and_leads_on(as_alice, alice, small_portion):
    large_contacts(alice, 7)
    url, names = "/api/contacts/?limit=7&fields=card", []
    while url:
        answer = as_alice.get(url)
        names += [contact["fullname"] for contact in answer.json()]
        link = next((link for link in answer.get("Link", "").split(", ") if 'rel="next"' in link), "")
        url = link[link.find("/api/") : link.find(">")] if link else ""
    assert names == sorted(names) and len(names) == 7


def test_a_page_of_changes_ends_early_and_leads_on(as_alice, alice, small_portion):
    large_contacts(alice, 7)
    since, ids = 0, []
    while True:
        page = as_alice.get(f"/api/contacts/changes?since={since}&fields=card").json()
        ids += [change["id"] for change in page["changes"]]
        since = page["next"]
        if not page["more"]:
            break
    assert len(ids) == len(set(ids)) == 7


def test_past_the_quota_what_adds_is_507_and_the_rest_works(as_alice, alice, settings):
    contact, other = add(as_alice, "Ann", additional="a note"), add(as_alice, "Bea")
    settings.ACCOUNT_QUOTA = Book.objects.get(user=alice.pk).bytes
    refused = as_alice.post("/api/contacts/", {"fullname": "Cid"}, format="json")
    assert refused.status_code == 507 and refused.json().keys() == {"detail"}
    assert as_alice.patch(path(contact), {"additional": "a longer note"}, format="json").status_code == 507
    assert as_alice.put(path(contact), {"fullname": "Ann"}, format="json").status_code == 200  # smaller
    assert as_alice.delete(path(other)).status_code == 200
    assert as_alice.post(f"/api/contacts/trash/{other['id']}/restore").status_code == 200
    assert as_alice.post("/api/undo", {"since": 2}, format="json").status_code == 200
    assert as_alice.delete(path(other)).status_code == 200
    assert as_alice.delete(f"/api/contacts/trash/{other['id']}").status_code == 200


def test_without_a_quota_nothing_is_refused(as_alice, settings):
    settings.ACCOUNT_QUOTA = None
    add(as_alice, "Ann")


def test_an_uploaded_avatar_counts_for_the_quota_until_no_card_names_it(as_alice, alice, settings):
    contact = add(as_alice, "Ann")
    for _ in range(2):
        assert upload(as_alice, contact).status_code == 200
    row = Contact.objects.get(pk=contact["id"])
    logged = sum(Change.objects.for_user(alice.pk).values_list("size", flat=True))
    files = sum(UploadedAvatar.objects.values_list("size", flat=True))
    assert files > 0 and Book.objects.get(user=alice.pk).bytes == row.size + logged + files
    settings.ACCOUNT_QUOTA = Book.objects.get(user=alice.pk).bytes
    assert upload(as_alice, contact).status_code == 507  # though the card does not grow
    assert UploadedAvatar.objects.count() == 2
    as_alice.delete(path(contact))
    as_alice.delete(f"/api/contacts/trash/{contact['id']}")
    UploadedAvatar.objects.update(created_at="2020-01-01T00:00Z")
    call_command("purge_history")
    assert not UploadedAvatar.objects.exists() and Book.objects.get(user=alice.pk).bytes == 0


def upload(client, contact):
    return client.patch(f"{path(contact)}/avatar", {"file": picture("PNG")}, format="multipart")


def test_a_stored_answer_counts_for_the_quota_until_it_expires(as_alice, alice):
    headers = {"Idempotency-Key": "k"}
    answer = as_alice.post("/api/contacts/", {"fullname": "Ann"}, format="json", headers=headers)
    size = Contact.objects.get().size
    assert Book.objects.get(user=alice.pk).bytes == size + len(answer.content)
    again = as_alice.post("/api/contacts/", {"fullname": "Ann"}, format="json", headers=headers)
    assert again.content == answer.content and Book.objects.get(user=alice.pk).bytes == size + len(answer.content)
    IdempotencyRecord.objects.update(created_at="2020-01-01T00:00Z")
    as_alice.post("/api/groups", {"name": "Work"}, format="json", headers=headers)  # takes the key's place
    assert Book.objects.get(user=alice.pk).bytes == size + IdempotencyRecord.objects.get().size
    IdempotencyRecord.objects.update(created_at="2020-01-01T00:00Z")
    call_command("purge_history")
    assert not IdempotencyRecord.objects.exists() and Book.objects.get(user=alice.pk).bytes == size


def test_a_full_account_stores_a_large_answer_as_the_id(as_alice, alice, settings):
    contact = add(as_alice, "Ann", additional="x" * 5000)
    settings.ACCOUNT_QUOTA = 1
    headers = {"Idempotency-Key": "k"}
    url = f"{path(contact)}/restore"
    first, repeat = (as_alice.post(url, {"to": 1}, format="json", headers=headers) for _ in range(2))
    assert first.json()["fullname"] == "Ann" and repeat.json() == {"id": contact["id"]}


def test_a_batch_that_would_make_too_many_groups_is_413_and_makes_none(as_alice, alice):
    cards = [{"keywords": {f"k{n}-{i}": True for i in range(500)}} for n in range(21)]
    items = [{"op": "create", "contact": {"fullname": "Ann", "card": card}} for card in cards]
    assert as_alice.post("/api/contacts/batch", {"items": items}, format="json").status_code == 413
    assert not Group.objects.exists() and not Contact.objects.exists()
    assert as_alice.post("/api/contacts/batch", {"items": items[:20]}, format="json").status_code == 200
    assert Group.objects.for_user(alice.pk).count() == 10_000
