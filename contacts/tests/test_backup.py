"""manage.py backup and restore: what they keep, what they refuse, and what a restore must never bring back"""

import contextlib
import io
import json
import os
import sqlite3
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from accounts.models import OutgoingEmail, Session, User
from accounts.tests.cast import bearer, pair_of, refresh
from contacts import backup, dumps
from contacts.avatars import image as avatars
from contacts.models import Contact, Group
from contacts.tests.cast import add, names, path, settle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limits", "folder")]
CHANGES = "/api/contacts/changes"


@pytest.fixture
def folder(settings, tmp_path, monkeypatch):
    """Where pictures are kept."""
    here = tmp_path / "avatars"
    options = {"location": here, "base_url": f"{settings.PUBLIC_URL}/media/avatars/"}
    local = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "avatars": local}
    monkeypatch.setattr(backup, "AVATARS", here)
    return here


@pytest.fixture
def file(tmp_path):
    return tmp_path / "contacts.zip"


def save(file):
    call_command("backup", str(file), stdout=io.StringIO())
    return file


def restore(file):
    call_command("restore", str(file), yes=True, stdout=io.StringIO())
    if not settings.REDIS_URL:
        settle()  # a server remembers in a process of its own, which is stopped


def refusal(file):
    """The sentence by which it is refused, having changed nothing."""
    before = everything()
    with pytest.raises(CommandError) as refused:
        restore(file)
    assert everything() == before
    return str(refused.value)


def everything():
    """All rows of all tables, but the counters of changes."""
    kept = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT {"user_id" if table == "contacts_book" else "*"} FROM "{table}"')
            kept[table] = sorted(map(repr, cursor.fetchall()))
    return kept


def pictures(folder):
    return {each.name: each.read_bytes() for each in folder.iterdir()}


def fill(client, staff):
    """Something in every table that people fill."""
    ann = add(client, "Ann", phone="+44 20", birthday="2000-02-29", avatar=avatars.keep(b"a picture"))
    client.patch(path(ann), {"card": {"name": {"full": "Łucja\t\\N\n😀"}, "keywords": {"kin": True}}}, format="json")
    client.delete(path(add(client, "Bea", additional="\\.\n")))
    client.post("/api/groups", {"name": "empty"}, format="json")
    answer = client.post("/api/contacts", {"fullname": "Cy"}, format="json", headers={"Idempotency-Key": "once"})
    assert answer.status_code == 201
    OutgoingEmail.objects.queue(OutgoingEmail.Kind.CONFIRM, "eve@example.org")
    kind = ContentType.objects.get_for_model(User)
    LogEntry.objects.create(user=staff, content_type=kind, object_id="1", object_repr="x", action_flag=1)
    return ann


def test_it_works(as_alice, alice, bob, staff, file, folder):
    fill(as_alice, staff)
    state, shown = everything(), pictures(folder)
    assert [table for table in state if table.startswith(("accounts_", "contacts_")) and not state[table]] == [
        "accounts_user_groups",
        "accounts_user_user_permissions",
    ]
    save(file)
    User.objects.all().delete()
    OutgoingEmail.objects.all().delete()
    [each.unlink() for each in folder.iterdir()]
    restore(file)
    books, again = state.pop("contacts_book"), everything()
    assert set(books) < set(again.pop("contacts_book"))  # those of the others begin with the new epoch
    assert again == state
    assert pictures(folder) == shown


def test_tokens_links_and_answers_go_on(as_nobody, as_alice, alice, staff, file):
    pair = pair_of(alice)
    fill(as_alice, staff)
    save(file)
    listed = as_alice.get("/api/contacts").content
    add(as_alice, "Dee")
    User.objects.filter(pk=alice.pk).set_active(False)
    assert as_alice.get("/api/contacts").status_code == 401
    restore(file)
    assert as_alice.get("/api/contacts").content == listed
    assert refresh(as_nobody, pair["refresh_token"]).status_code == 200
    repeated = as_alice.post("/api/contacts", {"fullname": "Cy"}, format="json", headers={"Idempotency-Key": "once"})
    assert repeated.status_code == 201 and as_alice.get("/api/contacts").content == listed


def test_only_its_owner_can_read_the_file(alice, file):
    file.write_text("an older one")
    file.chmod(0o644)
    save(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_whoever_synchronises_is_told(as_alice, as_bob, file):
    """Bob has written nothing before the backup, and has no counter in it."""
    add(as_alice, "Ann")
    save(file)
    for _ in range(2):  # the second time, the same state comes back once more
        held = []
        for client in (as_alice, as_bob):
            add(client, "Bea")
            held.append(client.get(CHANGES).json()["next"])
        restore(file)
        for client, since in zip((as_alice, as_bob), held, strict=True):
            answer = client.get(f"{CHANGES}?since={since}")
            assert answer.status_code == 409 and "restored from a backup" in answer.json()["detail"]
            add(client, "Cy")
            assert client.get(f"{CHANGES}?since={since}").status_code == 409
    assert [each["contact"]["fullname"] for each in as_alice.get(CHANGES).json()["changes"]] == ["Ann", "Cy"]


def test_who_has_read_everything_anew_goes_on_from_there(as_alice, file):
    add(as_alice, "Ann")
    restore(save(file))
    since = as_alice.get(CHANGES).json()["next"]
    assert as_alice.get(f"{CHANGES}?since={since}").json() == {"changes": [], "next": since, "more": False}
    add(as_alice, "Bea")
    answer = as_alice.get(f"{CHANGES}?since={since}").json()
    assert [each["contact"]["fullname"] for each in answer["changes"]] == ["Bea"]
    assert since < answer["next"] < 2**53  # what JavaScript counts exactly


def test_no_etag_of_the_lost_history_is_ever_right_again(as_alice, file):
    contact = add(as_alice, "Ann")
    save(file)
    lost = as_alice.put(path(contact), {"fullname": "Bea"}, format="json")["ETag"]
    restore(file)
    assert as_alice.get(path(contact), headers={"If-None-Match": lost}).json()["fullname"] == "Ann"
    as_alice.put(path(contact), {"fullname": "Cy"}, format="json")
    answer = as_alice.put(path(contact), {"fullname": "Dee"}, format="json", headers={"If-Match": lost})
    assert answer.status_code == 412


def test_no_page_of_the_lost_history_is_shown(as_alice, file):
    add(as_alice, "Ann")
    save(file)
    add(as_alice, "Bea")
    assert names(as_alice.get("/api/contacts")) == ["Ann", "Bea"]  # remembered from here on
    restore(file)
    assert names(as_alice.get("/api/contacts")) == ["Ann"]
    add(as_alice, "Cy")
    assert names(as_alice.get("/api/contacts")) == ["Ann", "Cy"]


def newest(*models):
    return [model.objects.order_by("-pk").values_list("pk", flat=True).first() for model in models]


def test_no_id_of_the_lost_history_is_given_again(as_alice, alice, file, make_user):
    """Not in the history after a second restore, either; and the one after the restored is theirs again."""
    models = (User, Session, Contact, Group)
    save(file)
    lost = [0] * len(models)
    for name in ("bob", "carol", "dave"):
        pair_of(make_user(name))
        add(as_alice, "Ann", additional=name)
        Group.objects.create(user=alice, name=name)
        given = newest(*models)
        assert all(one > other for one, other in zip(given, lost, strict=True))
        lost = given
        restore(file)


def test_a_lost_accounts_token_speaks_for_nobody(as_nobody, alice, file, make_user):
    save(file)
    lost = pair_of(make_user("bob"))
    restore(file)
    pair_of(make_user("carol"))
    assert as_nobody.get("/api/me", headers=bearer(lost["access_token"])).status_code == 401
    assert refresh(as_nobody, lost["refresh_token"]).status_code == 401


def test_whoever_has_refreshed_since_logs_in_again(as_nobody, alice, file):
    pair = pair_of(alice)
    save(file)
    newer = refresh(as_nobody, pair["refresh_token"]).json()
    restore(file)
    assert refresh(as_nobody, newer["refresh_token"]).status_code == 401


def test_migrations_go_on(alice, file):
    """Into an installation whose own counters are behind."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM django_migrations")
        (last,) = cursor.fetchone()
        cursor.execute("INSERT INTO django_migrations (id, app, name, applied) SELECT id + 2, 'x', 'y', applied "
                       "FROM django_migrations WHERE id = %s", [last])  # fmt: skip
    try:
        restore(save(file))
        applied = MigrationRecorder(connection)
        applied.record_applied("x", "z")
        applied.record_applied("x", "zz")
        applied.record_unapplied("x", "zz")
    finally:
        MigrationRecorder.Migration.objects.filter(app="x").delete()


def test_pictures_that_are_missing_or_damaged_come_back(as_alice, file, folder):
    urls = [avatars.keep(text) for text in (b"one", b"two", b"three")]
    missing, damaged, kept = (folder / url.rpartition("/")[2] for url in urls)
    save(file)
    missing.unlink()
    damaged.write_bytes(b"tw0")
    before = kept.stat().st_ino
    later = folder / avatars.keep(b"later").rpartition("/")[2]
    restore(file)
    assert [each.read_bytes() for each in (missing, damaged, kept, later)] == [b"one", b"two", b"three", b"later"]
    assert kept.stat().st_ino == before and len(list(folder.iterdir())) == 4


def test_nothing_but_pictures_is_taken_from_their_folder(file, folder):
    avatars.keep(b"one")
    (folder / "notes.txt").write_text("not ours")
    save(file)
    assert [name for name in zipfile.ZipFile(file).namelist() if "notes" in name] == []


@pytest.mark.parametrize("answer", ["n", "", EOFError])
def test_it_asks_first(as_alice, file, monkeypatch, answer):
    def say(_prompt):
        if answer is EOFError:
            raise EOFError
        return answer

    save(file)
    add(as_alice, "Ann")
    monkeypatch.setattr("builtins.input", say)
    call_command("restore", str(file), stdout=io.StringIO())
    call_command("restore", str(file), dry_run=True, yes=True, stdout=io.StringIO())
    assert names(as_alice.get("/api/contacts")) == ["Ann"]


# What is refused


def rewritten(file, change=None, manifest=None):
    """The archive with other members: `change` gets the dict of their contents, `manifest` that of the manifest."""
    with zipfile.ZipFile(file) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    found = json.loads(contents["manifest.json"])
    (manifest or (lambda found: None))(found)
    contents["manifest.json"] = json.dumps(found).encode()
    (change or (lambda contents: None))(contents)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        [archive.writestr(name, content) for name, content in contents.items()]


def test_what_is_no_archive_is_refused(alice, file):
    assert "No such file" in refusal(file)
    for content in (b"", b"PK", b"x" * 1000, b"PK\x05\x06" + bytes(18)):
        file.write_bytes(content)
        assert "is no whole backup" in refusal(file)


def test_what_is_cut_off_is_refused(as_alice, file):
    whole = save(file).read_bytes()
    for size in (1, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:size])
        assert "is no whole backup" in refusal(file)


@pytest.mark.parametrize(
    ("manifest", "sentence"),
    [
        (lambda found: found["migrations"].append("contacts.9999_later"), "another version, 1.0.0"),
        (lambda found: found.update(migrations=found["migrations"][1:], version="0.9"), "another version, 0.9"),
        (lambda found: found.update(format=2), "another format"),
        (lambda found: found.update(avatars=5), "more in it, or less"),
        (lambda found: found.update(tables=[]), "no whole backup"),
        (lambda found: found.pop("stack"), "no whole backup"),
        (lambda found: found.pop("format"), "no whole backup"),
        (lambda found: found.update(padding="x" * backup.LARGEST_MANIFEST), "too large"),
    ],
)
def test_what_does_not_fit_is_refused(as_alice, file, manifest, sentence):
    add(as_alice, "Ann")
    save(file)
    rewritten(file, manifest=manifest)
    assert sentence in refusal(file)


def test_one_of_the_other_stack_is_refused(alice, file):
    save(file)

    def swap(contents):
        """As the other stack would write it, but for what is in its tables."""
        found = json.loads(contents["manifest.json"])
        [contents.pop(name) for name in list(contents)]
        other = {"sqlite": "postgresql", "postgresql": "sqlite"}[found["stack"]]
        found |= {"stack": other, "tables": {"x": 0}}
        with contextlib.closing(sqlite3.connect(":memory:")) as database:
            database.execute("CREATE TABLE x (y)")
            content = database.serialize() if other == "sqlite" else b""
        contents |= {"manifest.json": json.dumps(found).encode(), dumps.members(found)[0]: content}

    rewritten(file, swap)
    assert "is of another stack: " in refusal(file)


@pytest.mark.parametrize(
    "name",
    [
        "../evil.jpg",
        "avatars/../evil.jpg",
        "avatars/evil.html",
        f"avatars/../{'a' * 32}.jpg",
        "/etc/x",
        "avatars/",
        "x",
    ],
)
def test_a_member_that_we_do_not_write_is_refused(alice, file, folder, name):
    save(file)
    rewritten(file, lambda contents: contents.update({name: b"evil"}))
    assert "more in it, or less" in refusal(file)
    assert not folder.exists()


def test_a_member_that_is_missing_is_refused(alice, file):
    avatars.keep(b"one")
    save(file)
    for name in zipfile.ZipFile(file).namelist():
        whole = file.read_bytes()
        rewritten(file, lambda contents, name=name: contents.pop(name))
        assert "is no whole backup" in refusal(file)
        file.write_bytes(whole)


def test_a_bomb_costs_no_memory(alice, file):
    save(file)
    rewritten(file, lambda contents: contents.update({f"avatars/{'b' * 32}.jpg": bytes(64 * 1024 * 1024)}))
    assert file.stat().st_size < 1024 * 1024
    tracemalloc.start()
    try:
        assert "more in it, or less" in refusal(file)
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_byte_that_was_flipped_is_noticed_or_harms_nothing(as_alice, alice, staff, file):
    fill(as_alice, staff)
    whole = save(file).read_bytes()
    with zipfile.ZipFile(file) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    places = [*range(0, len(whole), max(1, len(whole) // 150)), *range(len(whole) - 200, len(whole))]
    refused = 0
    for place in places:
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            backup.check(file)
        except backup.BackupError as error:
            refused += 1
            assert str(file) in str(error)
        else:  # a date or a mode
            with zipfile.ZipFile(file) as archive:
                assert {name: archive.read(name) for name in archive.namelist()} == contents
    assert refused > 140


# What may happen while it is written


def test_what_a_killed_one_left_is_cleared_away(alice, file):
    left = file.with_name("contacts.zip.part")
    left.mkdir()
    (left / "contacts.zip").write_text("half")
    (left / "database.sqlite3").write_text("half")
    save(file)
    assert not left.exists() and backup.check(file)


def test_two_at_once_do_not_mix(alice, file):
    with dumps.workshop(file) as folder:
        (folder / "half").touch()
        with pytest.raises(CommandError, match="was not written: Another one is at work"):
            save(file)
        assert (folder / "half").exists()
    save(file)


@pytest.mark.parametrize("place", ["/nowhere/contacts.zip", "/proc/contacts.zip", "/tmp"])
def test_a_place_that_takes_no_file_is_told_in_a_sentence(alice, place):
    with pytest.raises(CommandError, match=f"^{place} was not written: "):
        save(Path(place))


def test_what_is_purged_meanwhile_is_in_it_all_the_same(as_alice, alice, file, folder, monkeypatch):
    """A picture that goes after the database was copied, which still names it; one that comes; one that goes before."""
    url = avatars.keep(b"old")
    old = folder / url.rpartition("/")[2]
    os.utime(old, (1, 1))
    add(as_alice, "Ann", avatar=url)
    put = dumps.put
    new = []

    def slowly(*args):
        new.append(avatars.keep(b"new").rpartition("/")[2])
        made = put(*args)
        old.unlink()
        return made

    monkeypatch.setattr(dumps, "put", slowly)
    save(file)
    kept = {name for name in zipfile.ZipFile(file).namelist() if name.startswith("avatars/")}
    assert kept == {f"avatars/{old.name}", f"avatars/{new[0]}"}
