"""Any run of writes through all doors: what the log then says, takes back, and tells whoever keeps a copy."""

import base64
import copy
import re
import sys
from contextlib import ExitStack
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from conftest import client_of
from contacts.cards import jscontact
from contacts.models import Book, Change, Contact, Group

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]

PIXEL = base64.b64decode("R0lGODdhAQABAIAAAP///////ywAAAAAAQABAAACAkQBADs=")
GROUPS = ["Work", 'say "hi"', "back\\slash", "a.b", "$", "😀", "it's", "[0]", "123", "100%", jscontact.FAVOURITE]
pick = st.integers(0, 10**6)
names = st.sampled_from(["Ann", "Łukasz", "Zoë", " Bea ", "李"])
emails = st.sampled_from([None, "", "a@x.org", "b@x.org"])
phones = st.sampled_from([None, "+44 20 7946 0018", "020 7946", 0, 442079460018])
birthdays = st.sampled_from([None, "", "2000-02-29", "1984-12-31"])
groups = st.sampled_from(GROUPS)
flats = st.fixed_dictionaries(
    {"fullname": names},
    optional={
        "email": emails,
        "phone": phones,
        "birthday": birthdays,
        "additional": st.sampled_from([None, "one\ntwo"]),
        "avatar": st.sampled_from([None, "https://x.org/1.png", "/2.png"]),
    },
)
unknown = st.recursive(
    st.sampled_from([True, False, 1, 0, 1.0, 1.5, "x", ""]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=3,
)
dates = st.sampled_from(
    [{"month": 2, "day": 29}, {"year": 1984}, {"year": 2000, "month": 2, "day": 29}]
)  # leap years: any two merge to a day that exists
cards = st.fixed_dictionaries(
    {"name": names.map(lambda name: {"full": name})},
    optional={
        "keywords": st.dictionaries(groups, st.just(True), max_size=3),
        "emails": st.dictionaries(st.sampled_from(["e1", "x"]), emails.filter(bool).map(lambda a: {"address": a})),
        "phones": st.dictionaries(
            st.sampled_from(["p1", "work"]),
            st.integers(1, 9).map(lambda n: {"number": f"+{n}", "pref": n, "x:y": True}),
        ),
        "anniversaries": st.dictionaries(
            st.sampled_from(["b", "w"]),
            st.builds(lambda kind, day: {"kind": kind, "date": day}, st.sampled_from(["birth", "wedding"]), dates),
        ),
        "example.org:unknown": unknown,
        "favouriteFoods": unknown,
    },
)


class Writes(RuleBasedStateMachine):
    def __init__(self, user, staff):
        super().__init__()
        self.user, self.client = user, client_of(user)
        self.admin = Client(raise_request_exception=True)
        self.admin.force_login(staff)
        self.states = {0: {}}  # after change n: {id: (uid, card)} of those outside the trash
        self.known = {}  # the same of now, of those in the trash too: {id: (card, live)}
        self.after = {}  # number of a contact's last change in one call -> its card then
        self.copies = [(0, {})]  # what a follower holds: (next, {id: contact})
        self.seen = 0
        self.stack = ExitStack()
        self.stack.enter_context(connection.execute_wrapper(only_through_the_book))

    def teardown(self):
        self.stack.close()

    def send(self, method, path, body=None, expected=(200, 201)):
        answer = getattr(self.client, method)(f"/api/{path}", body, format="json")
        assert answer.status_code in expected, (method, path, body, answer.content)
        return answer

    def some(self, number, live=True):
        ids = sorted(id for id, (_, is_live) in self.known.items() if is_live == live)
        return ids[number % len(ids)]

    def now(self):
        contacts = Contact.objects.for_user(self.user.pk)
        return {contact.pk: (contact.uid, contact.card) for contact in contacts}

    def sequence(self):
        return Book.objects.version(self.user.pk).sequence

    @property
    def has_live(self):
        return any(live for _, live in self.known.values())

    @property
    def has_trash(self):
        return not all(live for _, live in self.known.values())

    @invariant()
    def every_write_is_in_the_log_once_with_what_was_before(self):
        new = list(Change.objects.for_user(self.user.pk).filter(number__gt=self.seen).order_by("number"))
        assert [change.number for change in new] == list(range(self.seen + 1, self.sequence() + 1))
        firsts, lasts = {}, {}
        for change in new:
            firsts.setdefault(change.contact_id, change)
            lasts[change.contact_id] = change
        for id, change in firsts.items():
            before, live = self.known.get(id, (None, None))
            assert same(change.before, before)
            kinds = {None: ["created"], True: ["changed", "deleted"], False: ["restored"]}[live]
            assert change.kind in kinds
        rows = {contact.pk: contact for contact in Contact.objects.all_of(self.user.pk)}
        for id, contact in rows.items():
            if id in lasts:
                assert contact.revision == lasts[id].number
                # A contact that was changed inside the trash is restored, changed and deleted: one change, "restored".
                was_in_trash = not self.known.get(id, (None, True))[1]
                in_trash = contact.deleted_at is not None
                assert in_trash == (lasts[id].kind == "deleted") or (was_in_trash and lasts[id].kind == "restored")
                self.after[lasts[id].number] = copy.deepcopy(contact.card)
            else:
                assert same(contact.card, self.known[id][0])
            assert contact.derived_columns(contact.card) == {name: getattr(contact, name) for name in contact.DERIVED}
        self.known = {id: (contact.card, contact.deleted_at is None) for id, contact in rows.items()}
        self.seen = self.sequence()
        self.states[self.seen] = self.now()

    @invariant()
    def every_group_of_a_card_is_there(self):
        named = {name for _, card in self.now().values() for name in card.get("keywords", {})} - {jscontact.FAVOURITE}
        assert named <= set(Group.objects.for_user(self.user.pk).values_list("name", flat=True))

    # the doors

    @rule(flat=flats, card=cards)
    def create(self, flat, card):
        self.send("post", "contacts", {**flat, "card": card})

    @precondition(lambda self: self.has_live)
    @rule(number=pick, flat=flats)
    def put(self, number, flat):
        self.send("put", f"contacts/{self.some(number)}", flat)

    @precondition(lambda self: self.has_live)
    @rule(number=pick, flat=flats, card=st.none() | cards)
    def patch(self, number, flat, card):
        self.send("patch", f"contacts/{self.some(number)}", {**flat, "card": card} if card else flat)

    @precondition(lambda self: self.has_live)
    @rule(number=pick)
    def patch_properties_away(self, number):
        id = self.some(number)
        name = sorted(self.known[id][0])[-1]
        self.send("patch", f"contacts/{id}", {"card": {name: None}}, (200, 422))

    @precondition(lambda self: self.has_live)
    @rule(number=pick)
    def upload_a_picture(self, number):
        file = SimpleUploadedFile("a.gif", PIXEL)
        answer = self.client.patch(f"/api/contacts/{self.some(number)}/avatar", {"file": file}, format="multipart")
        assert answer.status_code == 200

    @precondition(lambda self: self.has_live)
    @rule(number=pick)
    def delete(self, number):
        self.send("delete", f"contacts/{self.some(number)}")

    @precondition(lambda self: self.has_trash)
    @rule(number=pick)
    def take_out_of_the_trash(self, number):
        self.send("post", f"contacts/trash/{self.some(number, live=False)}/restore")

    @precondition(lambda self: self.has_live)
    @rule(number=pick, flat=flats, card=cards, atomic=st.booleans())
    def batch(self, number, flat, card, atomic):
        id = self.some(number)
        items = [
            {"op": "create", "contact": {**flat, "card": card}},
            {"op": "update", "id": id, "contact": flat},
            {"op": "delete", "id": id},
            {"op": "create", "contact": {}},
        ]
        state = self.now()
        self.send("post", "contacts/batch", {"atomic": atomic, "items": items}, (422,) if atomic else (200,))
        assert not atomic or self.now() == state

    @rule(name=groups)
    def add_a_group(self, name):
        self.send("post", "groups", {"name": name}, (422,) if name == jscontact.FAVOURITE else (201, 409))

    @rule(number=pick, name=groups)
    def rename_a_group(self, number, name):
        ids = sorted(Group.objects.for_user(self.user.pk).values_list("id", flat=True))
        if ids:
            self.send(
                "patch",
                f"groups/{ids[number % len(ids)]}",
                {"name": name},
                (422,) if name == jscontact.FAVOURITE else (200, 409),
            )

    @rule(number=pick)
    def delete_a_group(self, number):
        ids = sorted(Group.objects.for_user(self.user.pk).values_list("id", flat=True))
        if ids:
            self.send("delete", f"groups/{ids[number % len(ids)]}")

    @precondition(lambda self: self.has_live)
    @rule(number=pick, flat=flats)
    def command(self, number, flat):
        with Book.objects.writing(self.user.pk, "command") as book:
            contact = book.change(
                book.get(self.some(number)), {"fullname": flat["fullname"], "email": flat.get("email")}
            )
            book.put_card(contact, {**contact.card, "example.org:command": flat["fullname"]})

    @precondition(lambda self: self.has_live)
    @rule(number=pick, flat=flats)
    def admin_saves(self, number, flat):
        form = {name: "" if value is None else value for name, value in flat.items()}
        answer = self.admin.post(f"/admin/contacts/contact/{self.some(number)}/change/", form)
        assert answer.status_code == 302, answer.content

    @precondition(lambda self: self.has_live)
    @rule(number=pick)
    def admin_deletes(self, number):
        answer = self.admin.post(f"/admin/contacts/contact/{self.some(number)}/delete/", {"post": "yes"})
        assert answer.status_code == 302

    # going back

    @precondition(lambda self: self.after)
    @rule(number=pick)
    def restore_to_a_change(self, number):
        numbers = sorted(self.after)
        change = Change.objects.for_user(self.user.pk).get(number=numbers[number % len(numbers)])
        answer = self.send("post", f"contacts/{change.contact_id}/restore", {"to": change.number}, (200, 422))
        assert (answer.status_code == 422) == (change.kind == "deleted")
        if answer.status_code == 200:
            assert same(self.now()[change.contact_id][1], self.after[change.number])

    @precondition(lambda self: self.after)
    @rule(number=pick)
    def restore_fields(self, number):
        numbers = sorted(self.after)
        change = Change.objects.for_user(self.user.pk).get(number=numbers[number % len(numbers)])
        source = self.after[change.number]
        fields = ["birthday", "email", "fullname", "phone", *(name for name in source if "." in name)]
        body = {"to": change.number, "fields": fields}
        answer = self.send("post", f"contacts/{change.contact_id}/restore", body, (200, 422))
        if answer.status_code == 200:
            ours, theirs = (jscontact.flatten(card) for card in (self.now()[change.contact_id][1], source))
            assert (ours.email, ours.phone, ours.birthday, ours.month_day) == (
                theirs.email,
                theirs.phone,
                theirs.birthday,
                theirs.month_day,
            )

    @rule(number=pick)
    def undo_all_since(self, number):
        numbers = sorted(self.states)
        since = numbers[number % len(numbers)]
        planned = self.send("post", "undo", {"since": since, "dry_run": True}).json()
        assert self.sequence() == self.seen
        done = self.send("post", "undo", {"since": since}).json()
        assert planned == {"dry_run": True, "results": done["results"]} and done["dry_run"] is False
        assert {result["status"] for result in done["results"]} <= {"done"}
        assert same_states(self.now(), self.states[since])

    @precondition(lambda self: self.seen)
    @rule(number=pick)
    def undo_one_change(self, number):
        change = Change.objects.for_user(self.user.pk).get(number=1 + number % self.seen)
        changed_since = Change.objects.for_user(self.user.pk).of(change.contact_id).filter(number__gt=change.number)
        conflict = changed_since.exists()
        (result,) = self.send("post", "undo", {"change": change.number}).json()["results"]
        assert result["id"] == change.contact_id and result["status"] == ("conflict" if conflict else "done")
        if conflict:
            assert self.sequence() == self.seen
        elif change.kind in ("changed", "deleted"):
            assert same(self.now()[change.contact_id][1], change.before)
        else:
            assert change.contact_id not in self.now()

    # those who keep a copy

    @rule(number=pick)
    def begin_a_copy(self, number):
        since, copied = self.copies[number % len(self.copies)]
        self.copies.append((since, copy.deepcopy(copied)))

    @rule(number=pick, limit=st.sampled_from([1, 2, 3, 500]))
    def follow(self, number, limit):
        since, copied = self.copies[number % len(self.copies)]
        more = True
        while more:
            answer = self.send("get", f"contacts/changes?since={since}&limit={limit}&fields=card").json()
            assert len(answer["changes"]) <= limit
            for change in answer["changes"]:
                assert since < change["change"] <= answer["next"]
                copied.pop(change["id"], None)
                if change["contact"]:
                    copied[change["id"]] = change["contact"]
                assert (change["contact"] is None) == (change["kind"] in ("deleted", "purged"))
            ids = [change["id"] for change in answer["changes"]]
            assert len(ids) == len(set(ids))
            since, more = answer["next"], answer["more"]
        assert since == self.seen
        listed = self.send("get", "contacts?limit=1000&fields=card").json()
        assert copied == {contact["id"]: contact for contact in listed}
        self.copies[number % len(self.copies)] = (since, copied)

    @precondition(lambda self: self.seen)
    @rule(name=groups)
    def list_a_group(self, name):
        listed = {
            contact["id"] for contact in self.send("get", f"contacts?limit=1000&{urlencode({'group': name})}").json()
        }
        assert listed == {id for id, (_, card) in self.now().items() if name in card.get("keywords", {})}


def same(one, other):
    return jscontact.same(one, other)


def same_states(one, other):
    return one.keys() == other.keys() and all(
        one[id][0] == other[id][0] and same(one[id][1], other[id][1]) for id in one
    )


def only_through_the_book(execute, sql, params, many, context):
    """Every statement that writes a contact or a change was sent from the one module that may."""
    if re.match(r'(INSERT INTO|UPDATE|DELETE FROM) "contacts_(contact|change)"', sql):
        frame, files = sys._getframe(), set()
        while frame:
            files.add(frame.f_code.co_filename)
            frame = frame.f_back
        assert any(file.endswith("contacts/models/book.py") for file in files), sql
    return execute(sql, params, many, context)


def run(make_user, staff, examples, steps):
    made = iter(range(10**6))
    run_state_machine_as_test(
        lambda: Writes(make_user(f"owner{next(made)}"), staff),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate],  # a run is read as it is: to make it shorter takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_any_sequence_of_writes_is_logged_undone_and_followed(make_user, staff):
    run(make_user, staff, 10, 25)


@pytest.mark.long
def test_long_sequences_of_writes_are_logged_undone_and_followed(make_user, staff):
    run(make_user, staff, 100, 50)
