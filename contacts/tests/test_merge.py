"""POST /api/contacts/merge, and its undo."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from conftest import client_of
from contacts.cards.jscontact import same
from contacts.models import Book, Change, Contact, Group
from contacts.tests.cast import NOT_FOUND, WHOLE, add, faults, names, path

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]


def send(client, *ids, **headers):
    body = {"ids": [each["id"] if isinstance(each, dict) else each for each in ids]}
    body |= {"dry_run": True} if headers.pop("dry_run", False) else {}
    return client.post("/api/contacts/merge", body, format="json", headers=headers)


def merge(client, *contacts, **options):
    answer = send(client, *contacts, **options)
    assert answer.status_code == 200, answer.content
    assert answer.json().keys() == {"contact", "conflicts", "change"} and answer.json()["contact"].keys() == WHOLE
    return answer.json()


def undo(client, change):
    answer = client.post("/api/undo", {"change": change}, format="json")
    assert answer.status_code == 200, answer.content
    return {(result["id"], result["does"], result["status"]) for result in answer.json()["results"]}


def state(user):
    return {row.pk: (row.uid, row.card, row.deleted_at is None) for row in Contact.objects.all_of(user.pk)}


def test_the_first_is_kept_with_all_of_the_others_which_go_to_the_trash(as_alice, alice):
    first = add(as_alice, "Ada Lovelace", email="ada@example.org", card={"keywords": {"Work": True}})
    second = add(as_alice, "Ada Lovelace", email="ADA@example.org", phone="+49 221 1234567", birthday="1815-12-10")
    third = add(as_alice, "Lovelace, Ada", phone="0049 221 1234567", card={"keywords": {"Club": True}})
    merged = merge(as_alice, first, second, third)
    assert merged["conflicts"] == {"fullname": ["Ada Lovelace", "Lovelace, Ada"]}
    card = merged["contact"]["card"]
    assert [entry["address"] for entry in card["emails"].values()] == ["ada@example.org"]
    assert [entry["number"] for entry in card["phones"].values()] == ["+49 221 1234567"]
    assert merged["contact"]["birthday"] == "1815-12-10" and card["keywords"] == {"Work": True, "Club": True}
    assert "fullname: Lovelace, Ada" in merged["contact"]["additional"]
    assert names(as_alice.get("/api/contacts")) == ["Ada Lovelace"]
    assert {each["id"] for each in as_alice.get("/api/contacts/trash").json()} == {second["id"], third["id"]}
    assert set(Group.objects.for_user(alice.pk).values_list("name", flat=True)) == {"Work", "Club"}


def test_it_is_one_operation_by_merge_in_the_log(as_alice, alice):
    contacts = [add(as_alice, "Ada", email=f"{number}@example.org") for number in range(3)]
    change = merge(as_alice, *contacts)["change"]
    rows = Change.objects.for_user(alice.pk).filter(number__gte=change).order_by("number")
    assert [(row.kind, row.via, row.operation) for row in rows] == [
        ("changed", "merge", change),
        ("deleted", "merge", change),
        ("deleted", "merge", change),
    ]
    assert as_alice.get(f"{path(contacts[0])}/history").json()[0]["via"] == "merge"


def test_a_dry_run_shows_the_same_and_changes_nothing(as_alice, alice):
    contacts = [add(as_alice, name, email=f"{name}@example.org") for name in ("Ada", "Bea")]
    before, sequence = state(alice), Book.objects.version(alice.pk).sequence
    planned = send(as_alice, *contacts, dry_run=True)
    assert planned.json()["change"] is None and planned["ETag"] == as_alice.get(path(contacts[0]))["ETag"]
    assert (state(alice), Book.objects.version(alice.pk).sequence) == (before, sequence)
    done = merge(as_alice, *contacts)
    for answer in (planned.json(), done):
        del answer["contact"]["card"]["updated"], answer["change"]
    assert planned.json()["contact"]["fullname"] == done["contact"]["fullname"]
    assert planned.json()["conflicts"] == done["conflicts"]


@pytest.mark.parametrize("which", [0, 1, 2])
def test_undo_of_any_change_of_it_takes_back_the_whole_merge(as_alice, alice, which):
    contacts = [add(as_alice, "Ada", email=f"{number}@example.org") for number in range(3)]
    before = state(alice)
    change = merge(as_alice, *contacts)["change"]
    first, *others = (contact["id"] for contact in contacts)
    restored = {(each, "restore", "done") for each in others}
    assert undo(as_alice, change + which) == {(first, "change", "done"), *restored}
    assert state(alice) == before


def test_a_dry_run_of_the_undo_changes_nothing(as_alice, alice):
    change = merge(as_alice, *(add(as_alice, "Ada", email=f"{number}@example.org") for number in range(2)))["change"]
    before = state(alice)
    answer = as_alice.post("/api/undo", {"change": change, "dry_run": True}, format="json")
    assert [result["does"] for result in answer.json()["results"]] == ["change", "restore"]
    assert state(alice) == before


@pytest.mark.parametrize("touch", ["kept", "trashed", "purged"])
def test_a_merge_with_one_conflict_is_not_taken_back_at_all(as_alice, alice, touch):
    contacts = [add(as_alice, "Ada", email=f"{number}@example.org") for number in range(3)]
    change = merge(as_alice, *contacts)["change"]
    trashed = f"/api/contacts/trash/{contacts[2]['id']}"
    if touch == "kept":
        as_alice.patch(path(contacts[0]), {"fullname": "Bea"}, format="json")
    elif touch == "trashed":
        as_alice.post(f"{trashed}/restore")
    else:
        as_alice.delete(trashed)
    before = state(alice)
    assert undo(as_alice, change) == {(contact["id"], "nothing", "conflict") for contact in contacts}
    assert state(alice) == before


def test_undo_since_takes_it_back_too(as_alice, alice):
    contacts = [add(as_alice, "Ada", email=f"{number}@example.org") for number in range(2)]
    before = state(alice)
    change = merge(as_alice, *contacts)["change"]
    as_alice.post("/api/undo", {"since": change - 1}, format="json")
    assert state(alice) == before


@pytest.mark.parametrize("ids", [[], [1], [1, 1], [1, 2, 1], list(range(1, 102)), ["1", "2"], [0, 1], [1, 2**63], None])
def test_fewer_than_two_one_twice_and_over_a_hundred_are_422(as_alice, ids):
    answer = as_alice.post("/api/contacts/merge", {"ids": ids}, format="json")
    assert {tuple(loc[:2]) for loc in faults(answer)} == {("body", "ids")}


def test_too_many_ids_are_one_fault_whatever_they_are(as_alice):
    answer = as_alice.post("/api/contacts/merge", {"ids": ["x"] * 1000}, format="json")
    assert faults(answer) == [["body", "ids"]]


def test_a_contact_that_is_not_there_is_404_and_nothing_is_merged(as_alice, alice):
    contacts = [add(as_alice, "Ada", email=f"{number}@example.org") for number in range(3)]
    as_alice.delete(path(contacts[2]))
    before = state(alice)
    for other in (contacts[2]["id"], 10**9):
        for ids in ((contacts[0]["id"], contacts[1]["id"], other), (other, contacts[0]["id"])):
            answer = send(as_alice, *ids)
            assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert state(alice) == before


def test_bob_does_not_merge_alices_contacts(as_alice, as_bob, alice):
    contacts, own = [add(as_alice, "Ada") for _ in range(2)], add(as_bob, "Bob")
    before = state(alice)
    for ids in (contacts, [own, contacts[0]], [contacts[0], own]):
        answer = send(as_bob, *ids)
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert state(alice) == before


def test_if_match_is_about_the_first(as_alice):
    first, second = (add(as_alice, "Ada", email=f"{number}@example.org") for number in range(2))
    tags = [as_alice.get(path(each))["ETag"] for each in (first, second)]
    assert send(as_alice, first, second, **{"If-Match": tags[1]}).status_code == 412
    answer = send(as_alice, first, second, **{"If-Match": tags[0]})
    assert answer.status_code == 200 and answer["ETag"] == as_alice.get(path(first))["ETag"] != tags[0]


def test_a_repeat_with_the_same_key_gets_the_first_answer(as_alice):
    contacts = [add(as_alice, "Ada", email=f"{number}@example.org") for number in range(2)]
    answers = [send(as_alice, *contacts, **{"Idempotency-Key": "k"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json() and answers[0]["ETag"] == answers[1]["ETag"]


def test_a_large_answer_is_stored_as_the_id_and_the_change(as_alice):
    contacts = [add(as_alice, "Ada", card={"example.org:x": {str(n): "x" * 50_000}}) for n in range(2)]
    first, repeat = (send(as_alice, *contacts, **{"Idempotency-Key": "k"}) for _ in range(2))
    assert first.status_code == 200 and len(first.content) > 64 * 1024
    assert repeat.json() == {"contact": {"id": contacts[0]["id"]}, "change": first.json()["change"]}


def test_a_card_that_would_be_too_large_is_422_and_nothing_is_merged(as_alice, alice):
    contacts = [
        add(
            as_alice,
            "Ada",
            card={"links": {f"l{n}-{i}": {"uri": f"https://x.org/{n}/{i}/{'x' * 1000}"} for i in range(150)}},
        )
        for n in range(2)
    ]
    before = state(alice)
    answer = send(as_alice, *contacts)
    assert faults(answer) == [["body", "ids"]] and "262144 bytes" in answer.json()["detail"][0]["msg"]
    assert state(alice) == before


def test_contacts_that_are_too_large_together_are_413(as_alice, alice, monkeypatch):
    contacts = [add(as_alice, "Ada", additional="x" * 1000) for _ in range(2)]
    monkeypatch.setattr("contacts.merging.PORTION", 1500)
    assert send(as_alice, *contacts).status_code == 413
    assert len(names(as_alice.get("/api/contacts"))) == 2


def numbers(count, area):
    return {"phones": {f"p{n}": {"number": f"{area + n} 1234567"} for n in range(count)}}


def test_contacts_with_too_much_to_compare_are_413(as_alice, alice):
    first = add(as_alice, "Ada", card=numbers(60, 100))
    others = [add(as_alice, "Ada", card=numbers(60, 500)) for _ in range(6)]
    before = state(alice)
    answer = send(as_alice, first, *others)
    assert answer.status_code == 413 and "Merge fewer" in answer.json()["detail"]
    assert state(alice) == before
    merge(as_alice, first, *others[:3])


def test_past_the_quota_a_merge_that_grows_the_card_is_507_and_its_preview_works(as_alice, settings):
    contacts = [add(as_alice, "Ada", email=f"{number}@example.org") for number in range(2)]
    settings.ACCOUNT_QUOTA = 1
    assert send(as_alice, *contacts).status_code == 507
    assert send(as_alice, *contacts, dry_run=True).status_code == 200


class Merges(RuleBasedStateMachine):
    """Merges, edits, deletions and undos of merges in any order."""

    def __init__(self, user):
        super().__init__()
        self.user, self.client = user, client_of(user)
        self.merges = {}  # by the number of the first change: the state before of its contacts
        for number in range(5):
            add(self.client, "Ada", email=f"{number}@x.org", birthday=f"200{number}-01-01" if number % 2 else None)

    def live(self):
        return sorted(key for key, (_, _, live) in state(self.user).items() if live)

    @precondition(lambda self: len(self.live()) > 1)
    @rule(data=st.data())
    def merge(self, data):
        ids = data.draw(st.lists(st.sampled_from(self.live()), min_size=2, max_size=3, unique=True))
        before = state(self.user)
        change = merge(self.client, *ids)["change"]
        self.merges[change] = {key: before[key] for key in ids}

    @rule(number=st.integers(5, 9))
    def create(self, number):
        add(self.client, "Ada", email=f"{number}@x.org")

    @precondition(lambda self: self.live())
    @rule(data=st.data(), name=st.sampled_from(["Ada", "Bea"]))
    def edit(self, data, name):
        self.client.patch(f"/api/contacts/{data.draw(st.sampled_from(self.live()))}", {"fullname": name}, format="json")

    @precondition(lambda self: self.live())
    @rule(data=st.data())
    def delete(self, data):
        self.client.delete(f"/api/contacts/{data.draw(st.sampled_from(self.live()))}")

    @precondition(lambda self: self.merges)
    @rule(data=st.data())
    def undo(self, data):
        change = data.draw(st.sampled_from(sorted(self.merges)))
        before, expected = state(self.user), self.merges[change]
        rows = Change.objects.for_user(self.user.pk).filter(operation=change).order_by("number")
        number = data.draw(st.sampled_from([row.number for row in rows]))
        touched = any(Contact.objects.get(pk=row.contact_id).revision != row.number for row in rows)
        statuses = {status for _, _, status in undo(self.client, number)}
        assert statuses == ({"conflict"} if touched else {"done"})
        after = state(self.user)
        for key, was in before.items():
            uid, card, live = expected[key] if key in expected and not touched else was
            assert after[key][0] == uid and same(after[key][1], card) and after[key][2] == live


@pytest.mark.one_stack
def test_undoing_merges_in_any_order_gives_back_the_cards_or_says_conflict(make_user):
    made = []

    def machine():
        made.append(make_user(f"owner{len(made)}"))
        return Merges(made[-1])

    limits = settings(max_examples=15, stateful_step_count=12, suppress_health_check=list(HealthCheck), deadline=None)
    run_state_machine_as_test(machine, settings=limits)
    assert len(made) > 1


def make_group(user, *members):
    with Book.objects.writing(user.pk, "test") as book:
        card = {"kind": "group", "name": {"full": "Climbers"}, "members": dict.fromkeys(members, True)}
        return book.create(card)


def members_in(group):
    return set(Contact.objects.get(pk=group.pk).card["members"])


@pytest.mark.parametrize("prefix", ["", "urn:uuid:", "URN:UUID:"])
def test_the_kept_one_is_in_the_group_cards_of_the_others_until_the_undo(as_alice, alice, prefix):
    rows = [add(as_alice, "Ada", email=f"{number}@example.org") for number in range(3)]
    first, second, third = (Contact.objects.get(pk=row["id"]).uid for row in rows)
    group = make_group(alice, prefix + second, "mailto:x@example.org")
    both, neither = make_group(alice, prefix + first, prefix + third), make_group(alice, "other")
    before = state(alice)
    change = merge(as_alice, *rows)["change"]
    kept = f"urn:uuid:{first}" if prefix else first
    assert members_in(group) == {kept, "mailto:x@example.org"}
    assert members_in(both) == {prefix + first} and members_in(neither) == {"other"}
    assert {result[2] for result in undo(as_alice, change + 3)} == {"done"}
    assert state(alice) == before


def test_a_group_card_that_was_changed_since_is_no_conflict_and_gets_its_member_back(as_alice, alice):
    rows = [add(as_alice, "Ada", email=f"{number}@example.org") for number in range(2)]
    first, second = (Contact.objects.get(pk=row["id"]).uid for row in rows)
    group, purged = make_group(alice, second), make_group(alice, second)
    change = merge(as_alice, *rows)["change"]
    with Book.objects.writing(alice.pk, "test") as book:
        cards = Contact.objects.groups_of(alice.pk).in_bulk()
        book.put_card(cards[group.pk], cards[group.pk].card | {"members": {first: True, "new": True}})
        book.delete(cards[purged.pk])
        book.purge(cards[purged.pk])
    assert {result[2] for result in undo(as_alice, change)} == {"done"}
    assert members_in(group) == {second, "new"}


def test_of_too_many_group_cards_none_is_changed(as_alice, alice, monkeypatch):
    rows = [add(as_alice, "Ada", email=f"{number}@example.org") for number in range(2)]
    uid = Contact.objects.get(pk=rows[1]["id"]).uid
    groups = [make_group(alice, uid) for _ in range(3)]
    monkeypatch.setattr("contacts.merging.MOST_GROUPS", 2)
    merge(as_alice, *rows)
    assert all(members_in(group) == {uid} for group in groups)
