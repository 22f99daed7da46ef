"""The response cache: an entry's key names the book's version, so the next read after any write is right."""

import datetime
import json

import pytest
from django.conf import settings as django_settings
from django.core.cache import caches
from django.core.management import call_command
from django.db.models import QuerySet

from accounts.models import User
from conftest import client_of
from contactbook.cache import responses
from contactbook.cache.responses import CachedResponse, response_key
from contactbook.tests.live import serving
from contactbook.tests.test_access_table import make_rows
from contacts.models import Book, Contact

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]

READS = [
    "/api/contacts",
    "/api/contacts?limit=1",
    "/api/contacts?q=k&fields=card",
    "/api/contacts?order=-updated",
    "/api/contacts?group=friend",
    "/api/contacts?favourite=true",
    "/api/contacts/kept",
    "/api/contacts/duplicates",
    "/api/contacts/bd?days_range=366&across_year=true",
]
SHOWN = ("ETag", "Link", "X-Total-Count", "Cache-Control", "Vary", "Content-Type")


@pytest.fixture
def stored(monkeypatch):
    """The keys under which responses are stored, in order."""
    keys, store = [], responses.store
    monkeypatch.setattr(responses, "store", lambda key, response: keys.append(key) or store(key, response))
    return keys


def answers(client):
    found = {}
    for path in READS:
        answer = client.get(path)
        shown = {name: answer.get(name) for name in SHOWN}
        found[path] = (answer.status_code, shown, answer.content)
    return found


def test_a_second_read_is_the_stored_answer_to_the_letter(as_alice, alice, stored):
    make_rows(alice)
    first = answers(as_alice)
    assert {status for status, _, _ in first.values()} == {200}
    assert len(stored) == len(READS)
    assert answers(as_alice) == first
    assert len(stored) == len(READS), "nothing was built again"


def test_a_304_and_a_head_come_from_the_cache_too(as_alice, stored):
    etag = as_alice.get("/api/contacts")["ETag"]
    not_modified = as_alice.get("/api/contacts", HTTP_IF_NONE_MATCH=etag)
    head = as_alice.head("/api/contacts")
    assert (not_modified.status_code, not_modified.content, head.status_code) == (304, b"", 200)
    assert not_modified["ETag"] == head["ETag"] == etag
    assert "Content-Type" not in not_modified and not_modified["Cache-Control"] == "private, no-cache"
    assert len(stored) == 1


def test_an_error_is_not_stored(as_alice, stored):
    assert as_alice.get("/api/contacts/nobody").status_code == 404
    assert as_alice.get("/api/contacts?limit=x").status_code == 422
    assert stored == []


# Every write, by whatever program: (name, write); `rows` are those of test_access_table.make_rows

CARD = {"name": {"full": "New"}, "keywords": {"friend": True}}


def post(path, body=None):
    return lambda client, owner, rows: client.post(path.format(**rows), body or {}, format="json")


def changed_by_refold(client, owner, rows):
    """As after a release that folds names in another way."""
    QuerySet(Contact).filter(pk=rows["contact"]).update(fullname_folded="zzz")
    Book.objects.filter(pk=owner.pk).update(fold_version=1)
    client.get("/api/contacts?q=k")
    call_command("refold")


def restored_from_backup(client, owner, rows):
    Book.objects.begin_new_epoch(datetime.datetime.now(datetime.UTC))


WRITES = {
    "create": post("/api/contacts", {"fullname": "Kim", "birthday": "1990-01-01"}),
    "replace": lambda client, owner, rows: client.put(
        f"/api/contacts/{rows['contact']}", {"fullname": "Kept 2", "birthday": "1990-12-31"}, format="json"
    ),
    "change": lambda client, owner, rows: client.patch(
        f"/api/contacts/{rows['contact']}", {"card": {"keywords": {"friend": True}}}, format="json"
    ),
    "delete": lambda client, owner, rows: client.delete(f"/api/contacts/{rows['contact']}"),
    "restore from the trash": post("/api/contacts/trash/{trash_restore}/restore"),
    "purge": lambda client, owner, rows: client.delete(f"/api/contacts/trash/{rows['trash_purge']}"),
    "batch": post("/api/contacts/batch", {"items": [{"op": "create", "contact": {"fullname": "Kai", "card": CARD}}]}),
    "undo": post("/api/undo", {"since": 0}),
    "dismiss": post("/api/contacts/duplicates/{dismiss}/dismiss"),
    "merge": lambda client, owner, rows: client.post(
        "/api/contacts/merge", {"ids": [rows["contact"], rows["contact"] + 2]}, format="json"
    ),
    "group created": post("/api/groups", {"name": "friend"}),
    "group renamed": lambda client, owner, rows: client.patch(
        f"/api/groups/{rows['group']}", {"name": "friend"}, format="json"
    ),
    "group deleted": lambda client, owner, rows: client.delete(f"/api/groups/{rows['group']}"),
    "refold": changed_by_refold,
    "new epoch": restored_from_backup,
    "purge_history": lambda client, owner, rows: call_command("purge_history"),
}


@pytest.mark.parametrize("write", WRITES)
def test_the_next_read_after_a_write_is_as_without_a_cache(as_alice, alice, write):
    rows = make_rows(alice)
    with Book.objects.writing(alice.pk, "test") as book:
        book.create({"name": {"full": "Kurt"}, "keywords": {"Friends": True}})
    answers(as_alice)
    answer = WRITES[write](as_alice, alice, rows)
    assert answer is None or answer.status_code < 400, answer.content
    cached = answers(as_alice)
    caches["responses"].clear()
    assert answers(as_alice) == cached


WRITE_AS_COMMAND = """
from accounts.models import User
from contacts.models import Book
with Book.objects.writing(User.objects.get(email="{email}").pk, "command") as book:
    book.create({{"name": {{"full": "Kim"}}}})
"""


@pytest.mark.postgresql
def test_the_next_read_after_a_command_of_another_process_is_right(tmp_path):
    with serving(tmp_path / "var") as server:
        email, token = server.sign_up()

        def total():
            return server.ask("GET", "/api/contacts?limit=0", token=token).headers["X-Total-Count"]

        assert [total() for _ in range(4)] == ["0"] * 4
        server.manage("shell", "-v0", "-c", WRITE_AS_COMMAND.format(email=email))
        assert [total() for _ in range(4)] == ["1"] * 4


# What the key holds


@pytest.mark.parametrize(
    ("path", "same"),
    [
        ("/api/contacts", "/api/contacts/"),
        ("/api/contacts", "/api/contacts?limit=20&order=fullname"),
        ("/api/contacts", "/api/contacts?nobody_knows=this"),
        ("/api/contacts?limit=5&q=a", "/api/contacts?q=a&limit=005"),
        ("/api/contacts?limit=5", "/api/contacts?limit=7&limit=5"),
        ("/api/contacts/bd", "/api/contacts/bd?days_range=7&across_year=false&skip=0"),
        ("/api/contacts/kept", "/api/contacts/kept/"),
    ],
)
def test_a_key_holds_only_validated_parameters(as_alice, alice, stored, path, same):
    make_rows(alice)
    assert as_alice.get(path).status_code == as_alice.get(same).status_code == 200
    assert len(stored) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/api/contacts?limit=0",
        "/api/contacts?skip=0",  # pages by number, where the other pages by cursor
        "/api/contacts?q=kept",
        "/api/contacts?group=kept",
        "/api/contacts?fields=card",
        "/api/contacts?order=-fullname",
        "/api/contacts?favourite=true",
        "/api/contacts?favourite=false",
        "/api/contacts?updated_since=2026-01-01T00:00:00Z",
        "/api/contacts/bd",
        "/api/contacts/bd?days_range=8",
        "/api/contacts/bd?across_year=true",
        "/api/contacts/kept",
        "/api/contacts/kep",
    ],
)
def test_other_parameters_have_another_key(as_alice, alice, stored, path):
    make_rows(alice)
    as_alice.get("/api/contacts")
    assert as_alice.get(path).status_code == 200
    assert len(set(stored)) == 2


def test_accounts_are_told_apart(as_alice, as_bob, stored):
    """Also those with the same number of changes, whose books are of the same version."""
    for client, name in ((as_alice, "Alice's"), (as_bob, "Bob's")):
        client.post("/api/contacts", {"fullname": name}, format="json")
    for path in ("/api/contacts", "/api/contacts/s"):
        for client, name in ((as_alice, "Alice's"), (as_bob, "Bob's")) * 2:
            assert name in client.get(path).content.decode()
    assert len(set(stored)) == 4


def test_releases_and_public_urls_are_told_apart(as_alice, settings, stored):
    as_alice.post("/api/contacts", {"fullname": "A"}, format="json")
    as_alice.post("/api/contacts", {"fullname": "B"}, format="json")
    as_alice.get("/api/contacts?limit=1")
    settings.PUBLIC_URL = "https://elsewhere.example.org"
    assert "https://elsewhere.example.org/api/" in as_alice.get("/api/contacts?limit=1")["Link"]
    settings.RELEASE = "1.0.1"
    as_alice.get("/api/contacts?limit=1")
    assert len(set(stored)) == 3


def test_days_and_leap_days_are_told_apart(alice, monkeypatch, stored):
    def ask(**fields):
        User.objects.filter(pk=alice.pk).update(**fields)
        client_of(alice).get("/api/contacts/bd")

    ask()
    ask(leap_day="03-01")
    ask(time_zone="Pacific/Kiritimati")
    ask(time_zone="Pacific/Niue")  # 25 hours behind: never the same day
    assert len(set(stored)) >= 3


@pytest.mark.parametrize("column", ["epoch", "sequence", "fold_version", "live"])
def test_every_part_of_a_books_version_is_told_apart(as_alice, alice, stored, column):
    make_rows(alice)
    as_alice.get("/api/contacts")
    Book.objects.filter(pk=alice.pk).update(**{column: 7})
    as_alice.get("/api/contacts")
    assert len(set(stored)) == 2


def test_parts_of_a_key_do_not_run_into_each_other():
    assert response_key(1, 12, parameters={}) != response_key(11, 2, parameters={})
    assert response_key(1, "a", parameters={"q": "b"}) != response_key(1, "a", "b", parameters={"q": ""})


# What is stored


def test_up_to_64_kilobytes_are_stored_and_no_more(as_alice, stored):
    key = response_key(1, parameters={})
    responses.store(key, CachedResponse(b"x" * responses.MAX_BYTES, {}))
    assert responses.get(key) == CachedResponse(b"x" * 64 * 1024, {})
    responses.store(key + "large", CachedResponse(b"x" * (responses.MAX_BYTES + 1), {}))
    assert responses.get(key + "large") is None


def test_a_large_list_is_answered_and_not_stored(as_alice, alice):
    with Book.objects.writing(alice.pk, "test") as book:
        book.create_many([{"name": {"full": f"{n} " + "x" * 240}} for n in range(300)])
    first, second = (as_alice.get("/api/contacts?limit=1000") for _ in range(2))
    assert len(first.content) > responses.MAX_BYTES
    assert first.content == second.content and first["ETag"] == second["ETag"]
    if django_settings.REDIS_URL:
        assert list(caches["responses"].iter_keys("*")) == []


def test_an_entry_is_json_and_expires(as_alice, stored):
    as_alice.get("/api/contacts")
    if django_settings.REDIS_URL:
        cache = caches["responses"]
        raw = cache.client.get_client().get(cache.make_key(stored[0]))
        assert json.loads(raw)[0] == "[]"
        assert 0 < cache.ttl(stored[0]) <= 600
