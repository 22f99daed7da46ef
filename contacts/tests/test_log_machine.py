"""Any sequence of writes through every interface: the log, undo, and copies that follow the changes feed.

One machine writes as people do. The other also erases, and compares the counters of the book with the rows.
"""

import base64
import copy
import re
import sys
from contextlib import ExitStack, suppress
from datetime import timedelta
from io import StringIO
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from conftest import client_of
from contacts import history
from contacts.cards import jscontact
from contacts.models import Book, Change, Contact, Group, IdempotencyRecord, UploadedAvatar
from contacts.models.group import replace_keyword

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
        self.after = {}  # number of a change -> the contact's card after it
        self.born = set()  # numbers of changes that created a contact
        self.copies = [(0, {})]  # of followers of the feed: (next, {id: contact})
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
            if id not in self.known:
                self.born.add(change.number)
            before, live = self.known.get(id, (None, None))
            kinds = {None: ["created", "deleted"], True: ["changed", "deleted"], False: ["restored"]}[live]
            assert change.kind in kinds
            # A contact that was created and deleted in one transaction has the contents of the deletion.
            assert same(change.before, before) or (live is None and change.kind == "deleted")
            assert change.number >= change.operation > self.seen
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

    @invariant()
    def the_counters_of_the_book_are_those_of_its_rows(self):
        check_counters(self.user)

    # Writes

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

    @precondition(lambda self: self.known)
    @rule(
        number=pick, writes=st.lists(st.sampled_from(["create", "change", "delete", "restore"]), min_size=1, max_size=5)
    )
    def several_writes_in_one_transaction(self, number, writes):
        ids = sorted(self.known)
        with Book.objects.writing(self.user.pk, "command") as book:
            contact = Contact.objects.all_of(self.user.pk).get(pk=ids[number % len(ids)])
            for write in writes:
                contact = write_if_possible(book, contact, write)

    # Restore and undo

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
            restored, expected = (jscontact.flatten(card) for card in (self.now()[change.contact_id][1], source))
            assert (restored.email, restored.phone, restored.birthday, restored.month_day) == (
                expected.email,
                expected.phone,
                expected.birthday,
                expected.month_day,
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
        elif change.kind in ("changed", "deleted") and change.number not in self.born:
            assert same(self.now()[change.contact_id][1], change.before)
        else:
            assert change.contact_id not in self.now()

    # Followers of the feed

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
                # A contact that was changed inside the trash is "restored", and not there.
                assert (change["contact"] is None) == (change["kind"] in ("deleted", "purged")) or (
                    change["contact"] is None and change["kind"] == "restored"
                )
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


def write_if_possible(book, contact, write):
    """Carry out one write, if the contact is where the write needs it; return the contact to go on with."""
    if write == "create":
        return book.create({"name": {"full": "Ann"}, "keywords": {"Work": True}})
    if write == "change" and not contact.deleted_at:
        card = {**contact.card, "x": len(contact.card) + contact.card.get("x", 0) * 10 % 10**6}
        return book.put_card(contact, card)
    if write == "delete" and not contact.deleted_at:
        return book.delete(contact)
    if write == "restore" and contact.deleted_at:
        return book.restore(contact)
    if write == "purge" and contact.deleted_at:
        book.purge(contact)
        return None
    return contact


def check_counters(user):
    """The bytes and the live contacts that the book counts are those of its rows, each of the size of its JSON."""
    book = Book.objects.filter(pk=user.pk).first()
    contacts, changes = Contact.objects.all_of(user.pk), Change.objects.for_user(user.pk)
    sizes = [(each.size, jscontact.size(each.card)) for each in contacts]
    sizes += [(each.size, jscontact.size(each.before) if each.before else 0) for each in changes]
    assert all(size == counted for size, counted in sizes)
    beside = [rows.objects.filter(user=user.pk) for rows in (UploadedAvatar, IdempotencyRecord)]
    total = sum(size for size, _ in sizes) + sum(sum(rows.values_list("size", flat=True)) for rows in beside)
    assert (book.bytes if book else 0) == total
    assert (book.live if book else 0) == contacts.filter(deleted_at=None, kind="individual").count()


class Counters(RuleBasedStateMachine):
    """Every write and every erasure, in transactions of one or several writes, also of group cards."""

    def __init__(self, user):
        super().__init__()
        self.user = user

    @invariant()
    def the_counters_of_the_book_are_those_of_its_rows(self):
        check_counters(self.user)

    @invariant()
    def numbers_have_no_gap_and_every_row_has_its_change(self):
        numbers = list(Change.objects.for_user(self.user.pk).order_by("number").values_list("number", flat=True))
        assert numbers == list(range(1, Book.objects.version(self.user.pk).sequence + 1))
        contacts = Contact.objects.all_of(self.user.pk)
        changes = Change.objects.for_user(self.user.pk)
        assert all(changes.filter(number=each.revision, contact_id=each.pk).exists() for each in contacts)

    def some(self, number):
        ids = list(Contact.objects.all_of(self.user.pk).order_by("pk").values_list("pk", flat=True))
        return Contact.objects.get(pk=ids[number % len(ids)]) if ids else None

    @rule(
        number=pick,
        writes=st.lists(st.sampled_from(["create", "change", "delete", "restore", "purge"]), min_size=1, max_size=6),
    )
    def writes(self, number, writes):
        with Book.objects.writing(self.user.pk, "command") as book:
            contact = self.some(number)
            for write in writes:
                contact = write_if_possible(book, contact, write if contact else "create")

    @rule(cards=st.lists(cards, min_size=1, max_size=3))
    def create_many(self, cards):
        with Book.objects.writing(self.user.pk, "command") as book:
            for contact in book.create_many(cards):
                book.change(contact, {"email": "many@x.org"})

    @rule(card=cards)
    def create_a_group_card(self, card):
        with Book.objects.writing(self.user.pk, "command") as book:
            contact = Contact(user_id=self.user.pk, created_at=timezone.now(), kind=Contact.Kind.GROUP)
            contact.set_card(card)
            book.write(contact, Change.Kind.CREATED, None)

    @rule(name=groups)
    def rename_and_delete_a_group(self, name):
        with Book.objects.writing(self.user.pk, "command") as book:
            group = Group.objects.for_user(self.user.pk).filter(name="Work").first()
            if group:
                replace_keyword(book, "Work", name)
                group.dissolve(book)

    @rule(number=pick)
    def undo(self, number):
        with Book.objects.writing(self.user.pk, "command") as book:
            history.undo(book, history.plan(book, {"since": number % (book.sequence + 1)}), dry_run=False)

    @rule(number=pick)
    def erase_the_contents_of_old_changes(self, number):
        old = Change.objects.for_user(self.user.pk).filter(number__lte=number % 20)
        Book.objects.erase_contents(old)

    @rule(number=pick)
    def purge_history(self, number):
        """As if half of the trash, and of the log, were old."""
        then = timezone.now() - timedelta(days=1000)
        ids = [each.pk for each in Contact.objects.trash_of(self.user.pk) if each.pk % 2 == number % 2]
        Contact._base_manager.filter(pk__in=ids).update(deleted_at=then)
        Change.objects.for_user(self.user.pk).filter(contact_id__in=ids).update(at=then)
        call_command("purge_history", stdout=StringIO())
        assert not Contact.objects.filter(pk__in=ids).exists()

    @rule()
    def refold(self):
        Contact._base_manager.filter(user=self.user.pk).update(fullname_folded="x")
        call_command("refold", stdout=StringIO())

    @rule()
    def a_write_that_fails(self):
        with suppress(ZeroDivisionError), Book.objects.writing(self.user.pk, "command") as book:
            book.delete(book.create({"name": {"full": "Ann"}}))
            raise ZeroDivisionError


def run(machine, examples, steps):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate],  # to shorten a failing run takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def new_machine(make_user, staff):
    """Make a machine of that class, each with an owner of its own."""
    numbers = iter(range(10**6))

    def new(kind):
        owner = make_user(f"owner{next(numbers)}")
        return kind(owner, staff) if kind is Writes else kind(owner)

    return new


@pytest.fixture
def no_pictures(settings, tmp_path):
    """An empty folder of pictures, which purge_history lists."""
    local = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = {**settings.STORAGES, "avatars": local}


def test_any_sequence_of_writes_is_logged_undone_and_followed(new_machine):
    run(lambda: new_machine(Writes), 10, 25)


@pytest.mark.usefixtures("no_pictures")
def test_the_counters_of_a_book_are_those_of_its_rows_after_any_write_and_erasure(new_machine):
    run(lambda: new_machine(Counters), 10, 20)


@pytest.mark.long
def test_long_sequences_of_writes_are_logged_undone_and_followed(new_machine):
    run(lambda: new_machine(Writes), 100, 50)


@pytest.mark.long
@pytest.mark.usefixtures("no_pictures")
def test_the_counters_of_a_book_are_those_of_its_rows_after_many_writes_and_erasures(new_machine):
    run(lambda: new_machine(Counters), 100, 50)
