"""manage.py backup and restore: what a file holds, which files are refused, and what a restore must never bring back"""

import io
import json
import os
import shutil
import tracemalloc
import zipfile

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from accounts.models import OutgoingEmail, Session, User
from accounts.tests.cast import bearer, pair_of, refresh
from contacts import backup
from contacts.avatars import references, storage
from contacts.models import Contact, Dismissal, Group, UploadedAvatar
from contacts.tests import importing
from contacts.tests.cast import add, names, path

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limits", "folder")]
CHANGES = "/api/contacts/changes"


@pytest.fixture
def folder(settings, tmp_path):
    """The folder of pictures."""
    settings.MEDIA_ROOT = tmp_path / "media"
    here = settings.MEDIA_ROOT / "avatars"
    here.mkdir(parents=True)
    options = {"location": here, "base_url": "/media/avatars/"}
    local = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "avatars": local}
    return here


@pytest.fixture
def file(tmp_path):
    return tmp_path / "contacts.zip"


def save(file):
    call_command("backup", str(file), stdout=io.StringIO())
    return file


def restore(file, **options):
    call_command("restore", str(file), stdout=io.StringIO(), **{"yes": True, **options})


def refusal(file):
    """The sentence of a restore that is refused and changes nothing."""
    before = everything()
    with pytest.raises(CommandError) as refused:
        restore(file)
    assert everything() == before
    return str(refused.value)


def everything():
    """All rows of all tables except the counters of the books."""
    rows = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT {"user_id" if table == "contacts_book" else "*"} FROM "{table}"')
            rows[table] = sorted(repr([bytes(v) if isinstance(v, memoryview) else v for v in row]) for row in cursor)
    return rows


def pictures(folder):
    return {each.name: each.read_bytes() for each in folder.iterdir()}


def new_picture(folder, content):
    return folder / storage.store(content).rpartition("/")[2]


def members(file):
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def fill(client, staff):
    """Rows in every table that people fill."""
    ann = add(client, "Ann", phone="+44 20", birthday="2000-02-29", avatar=storage.store(b"a picture"))
    client.patch(path(ann), {"card": {"name": {"full": "Łucja\t\\N\n😀"}, "keywords": {"kin": True}}}, format="json")
    client.delete(path(add(client, "Bea", additional="\\.\n")))
    client.post("/api/groups", {"name": "empty"}, format="json")
    client.post("/api/me/feeds", {"name": "Phone"}, format="json")
    assert create_once(client).status_code == 201
    importing.apply(client, importing.read(client, importing.vcard("Dee", "PHOTO;ENCODING=b;TYPE=JPEG:AAAA"))["id"])
    Dismissal.objects.create(user=staff, key="0" * 32)
    UploadedAvatar.objects.create(user=staff, name="0.jpg", size=1)
    OutgoingEmail.objects.queue(OutgoingEmail.Kind.CONFIRM, "eve@example.org")
    kind = ContentType.objects.get_for_model(User)
    LogEntry.objects.create(user=staff, content_type=kind, object_id="1", object_repr="x", action_flag=1)
    client.post("/api/me/app_passwords", {"name": "Phone"}, format="json")


def create_once(client):
    return client.post("/api/contacts", {"fullname": "Cy"}, format="json", headers={"Idempotency-Key": "once"})


# What comes back


def test_every_table_and_every_picture_comes_back(as_alice, alice, bob, staff, file, folder):
    fill(as_alice, staff)
    state, shown = everything(), pictures(folder)
    assert [table for table in state if table.startswith(("accounts_", "contacts_")) and not state[table]] == [
        "accounts_user_groups",
        "accounts_user_user_permissions",
    ]
    save(file)
    User.objects.all().delete()
    OutgoingEmail.objects.all().delete()
    shutil.rmtree(folder)
    restore(file)
    books, restored = state.pop("contacts_book"), everything()
    assert set(books) < set(restored.pop("contacts_book"))  # the restore makes the missing ones
    assert restored == state
    assert pictures(folder) == shown


def test_sessions_idempotency_keys_and_accounts_are_as_they_were(as_nobody, as_alice, alice, staff, file):
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
    assert create_once(as_alice).status_code == 201 and as_alice.get("/api/contacts").content == listed


def test_pictures_that_are_missing_or_damaged_come_back_and_others_stay(as_alice, file, folder):
    missing, damaged, same = (new_picture(folder, text) for text in (b"one", b"two", b"three"))
    (folder / "notes.txt").write_text("not a picture")
    save(file)
    assert not any("notes" in name for name in members(file))
    missing.unlink()
    damaged.write_bytes(b"tw0")
    before = same.stat().st_ino
    later = new_picture(folder, b"later")
    restore(file)
    assert [each.read_bytes() for each in (missing, damaged, same, later)] == [b"one", b"two", b"three", b"later"]
    assert same.stat().st_ino == before and len(list(folder.iterdir())) == 5


def test_migrations_can_be_recorded_after_a_restore(alice, file):
    """Also in a database whose own sequence is behind the ids in the file."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM django_migrations")
        (last,) = cursor.fetchone()
        cursor.execute("INSERT INTO django_migrations (id, app, name, applied) SELECT id + 1000000, 'x', 'y', applied "
                       "FROM django_migrations WHERE id = %s", [last])  # fmt: skip
    try:
        restore(save(file))
        MigrationRecorder(connection).record_applied("x", "z")
        assert MigrationRecorder.Migration.objects.get(app="x", name="z").pk > last + 1_000_000
    finally:
        MigrationRecorder.Migration.objects.filter(app="x").delete()


# What must never come back


def test_programs_that_synchronise_are_told_to_read_everything_again(as_alice, as_bob, file):
    """Bob has no book in the backup."""
    add(as_alice, "Ann")
    save(file)
    for _ in range(2):  # the second restore brings back the same state once more
        known = []
        for client in (as_alice, as_bob):
            add(client, "Bea")
            known.append(client.get(CHANGES).json()["next"])
        restore(file)
        for client, since in zip((as_alice, as_bob), known, strict=True):
            answer = client.get(f"{CHANGES}?since={since}")
            assert answer.status_code == 409 and "restored from a backup" in answer.json()["detail"]
            add(client, "Cy")
            assert client.get(f"{CHANGES}?since={since}").status_code == 409
    assert [each["contact"]["fullname"] for each in as_alice.get(CHANGES).json()["changes"]] == ["Ann", "Cy"]


def test_a_program_that_has_read_everything_again_goes_on_from_there(as_alice, file):
    add(as_alice, "Ann")
    restore(save(file))
    since = as_alice.get(CHANGES).json()["next"]
    assert as_alice.get(f"{CHANGES}?since={since}").json() == {"changes": [], "next": since, "more": False}
    add(as_alice, "Bea")
    answer = as_alice.get(f"{CHANGES}?since={since}").json()
    assert [each["contact"]["fullname"] for each in answer["changes"]] == ["Bea"]
    assert since < answer["next"] < 2**53  # the largest exact integer in JavaScript


def test_an_etag_given_after_the_backup_is_never_right_again(as_alice, file):
    contact = add(as_alice, "Ann")
    save(file)
    lost = as_alice.put(path(contact), {"fullname": "Bea"}, format="json")["ETag"]
    restore(file)
    assert as_alice.get(path(contact), headers={"If-None-Match": lost}).json()["fullname"] == "Ann"
    as_alice.put(path(contact), {"fullname": "Cy"}, format="json")
    answer = as_alice.put(path(contact), {"fullname": "Dee"}, format="json", headers={"If-Match": lost})
    assert answer.status_code == 412


def test_no_page_cached_after_the_backup_is_shown(as_alice, file):
    add(as_alice, "Ann")
    save(file)
    add(as_alice, "Bea")
    assert names(as_alice.get("/api/contacts")) == ["Ann", "Bea"]  # cached from here on
    restore(file)
    assert names(as_alice.get("/api/contacts")) == ["Ann"]
    add(as_alice, "Cy")
    assert names(as_alice.get("/api/contacts")) == ["Ann", "Cy"]


def test_no_id_given_after_the_backup_is_given_again(as_alice, alice, file, make_user):
    """Not after a second restore either."""
    models = (User, Session, Contact, Group)
    save(file)
    lost = [0] * len(models)
    for name in ("bob", "carol", "dave"):
        pair_of(make_user(name))
        add(as_alice, "Ann", additional=name)
        Group.objects.create(user=alice, name=name)
        given = [model.objects.order_by("-pk").values_list("pk", flat=True)[0] for model in models]
        assert all(one > other for one, other in zip(given, lost, strict=True))
        lost = given
        restore(file)


def test_ids_jump_even_in_a_table_that_has_never_had_a_row(as_alice, alice, file):
    """The installation that gave ids after the backup may be gone, and the file restored into a new one."""
    save(file)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM sqlite_sequence")
    restore(file)
    assert Group.objects.create(user=alice, name="one").pk > backup.ID_GAP
    assert add(as_alice)["id"] > backup.ID_GAP


def test_tokens_given_after_the_backup_are_not_valid(as_nobody, alice, file, make_user):
    """Neither those of an account that is lost nor those of a session that goes on."""
    pair = pair_of(alice)
    save(file)
    newer = refresh(as_nobody, pair["refresh_token"]).json()
    lost = pair_of(make_user("bob"))
    restore(file)
    pair_of(make_user("carol"))
    assert as_nobody.get("/api/me", headers=bearer(lost["access_token"])).status_code == 401
    assert refresh(as_nobody, lost["refresh_token"]).status_code == 401
    assert refresh(as_nobody, newer["refresh_token"]).status_code == 401


@pytest.mark.parametrize("answer", ["n", "", EOFError])
def test_nothing_is_restored_by_a_dry_run_or_without_a_yes(as_alice, file, monkeypatch, answer):
    def reply(_prompt):
        if answer is EOFError:
            raise EOFError
        return answer

    save(file)
    add(as_alice, "Ann")
    monkeypatch.setattr("builtins.input", reply)
    with pytest.raises(CommandError, match="^Nothing was changed"):  # `restore && start` must not start
        restore(file, yes=False)
    restore(file, dry_run=True)
    assert names(as_alice.get("/api/contacts")) == ["Ann"]


# Files that are refused


def rewrite(file, change):
    """Writes the archive again after `change(contents, manifest)`, which may change both dicts."""
    contents = members(file)
    manifest = json.loads(contents.pop("manifest.json"))
    change(contents, manifest)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**contents, "manifest.json": json.dumps(manifest)}.items():
            archive.writestr(name, content)


def test_a_file_that_is_no_archive_or_cut_off_is_refused(as_alice, file):
    assert "No such file" in refusal(file)
    whole = save(file).read_bytes()
    cut_off = [whole[:size] for size in (1, len(whole) // 2, len(whole) - 1)]
    for content in (b"", b"PK", b"x" * 1000, b"PK\x05\x06" + bytes(18), *cut_off):
        file.write_bytes(content)
        assert refusal(file).startswith(f"{file} cannot be restored: ")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda found: found["migrations"].append("contacts.9999_later"), "it is of version 1.0.0"),
        (lambda found: found.update(migrations=found["migrations"][1:], version="0.9"), "it is of version 0.9"),
        (lambda found: found.update(format=2), "its format is 2"),
        (lambda found: found.update(stack="other"), "its database is other, and this installation's is "),
        (lambda found: found.update(members=found["members"][1:]), "other members"),
        (lambda found: found.pop("members"), "cannot be restored"),
        (lambda found: found.pop("stack"), "its manifest has no stack"),
        (lambda found: found.pop("format"), "cannot be restored"),
        (lambda found: found.update(padding="x" * 100_000), "cannot be restored"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(as_alice, file, monkeypatch, change, sentence):
    monkeypatch.setattr(backup, "LARGEST_MANIFEST", 100_000)
    add(as_alice, "Ann")
    save(file)
    rewrite(file, lambda contents, manifest: change(manifest))
    assert sentence in refusal(file)


def test_a_file_whose_database_is_damaged_changes_nothing(as_alice, file):
    """Damaged before it was added, so that its checksum is right."""
    add(as_alice, "Ann")
    save(file)
    rewrite(file, lambda contents, manifest: contents.update(dict.fromkeys(contents, b"x" * 5000)))
    assert refusal(file).startswith("Nothing was changed: ")


PICTURE = f"{'a' * 32}.jpg"
EVIL = [f"../{PICTURE}", f"/etc/{PICTURE}", f"avatars/../{PICTURE}", f"avatars/x/{PICTURE}", "avatars/evil.html", "x"]


@pytest.mark.parametrize("name", [*EVIL, PICTURE])
def test_a_member_that_no_backup_has_is_never_written(alice, file, folder, name):
    whole, before = save(file).read_bytes(), set(folder.parents[1].rglob("*"))
    rewrite(file, lambda contents, manifest: contents.update({name: b"evil"}))
    assert "other members" in refusal(file)
    file.write_bytes(whole)
    rewrite(file, lambda contents, manifest: (contents.update({name: b"evil"}), manifest["members"].append(name)))
    restore(file)
    assert set(folder.parents[1].rglob("*")) == before


def test_a_file_without_one_of_its_members_is_refused(alice, file, folder):
    new_picture(folder, b"one")
    whole = save(file).read_bytes()
    for name in members(file).keys() - {"manifest.json"}:
        rewrite(file, lambda contents, manifest, name=name: contents.pop(name))
        assert "other members" in refusal(file)
        file.write_bytes(whole)


def test_a_member_that_inflates_costs_no_memory(alice, file):
    save(file)
    rewrite(file, lambda contents, manifest: contents.update({f"avatars/{PICTURE}": bytes(64 * 1024 * 1024)}))
    assert file.stat().st_size < 1024 * 1024
    tracemalloc.start()
    try:
        assert "other members" in refusal(file)
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_flipped_byte_is_noticed_or_harms_nothing(as_alice, alice, staff, file):
    fill(as_alice, staff)
    contents, whole = members(save(file)), file.read_bytes()
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
            assert members(file) == contents
    assert refused > 140


# While it is written


def test_only_the_owner_can_read_the_file_and_nothing_is_left_beside_it(alice, file):
    file.write_text("an older one")
    file.chmod(0o644)
    left = file.with_name("contacts.zip.part")  # by a process that was killed
    left.mkdir()
    (left / "backup.zip").write_text("half")
    (left / "database.sqlite3").write_text("half")
    save(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in file.parent.iterdir()) == [file.name, "media"]
    assert backup.check(file)


def test_two_backups_to_one_file_do_not_mix(alice, file):
    with backup.staging_dir(file) as folder:
        (folder / "half").touch()
        with pytest.raises(CommandError, match="was not written: Another process is using"):
            save(file)
        assert (folder / "half").exists()
    save(file)


@pytest.mark.parametrize("place", ["/nowhere/contacts.zip", "/proc/contacts.zip", "/tmp", "/", "."])
def test_a_place_where_no_file_can_be_written_is_a_sentence(alice, place):
    with pytest.raises(CommandError, match=f"^{place} was not written: "):
        save(place)


def test_a_device_or_a_named_pipe_is_never_replaced(alice, file):
    os.mkfifo(file)
    with pytest.raises(CommandError, match="was not written: there is something else than a file"):
        save(file)
    assert file.is_fifo()


def test_a_link_stays_a_link(alice, file):
    link = file.with_name("latest.zip")
    link.symlink_to(file.name)
    save(link)
    assert link.is_symlink() and backup.check(file)


def test_a_picture_deleted_or_uploaded_during_the_backup_is_in_it(as_alice, alice, file, folder, monkeypatch):
    old = new_picture(folder, b"old")
    os.utime(old, (1, 1))
    add(as_alice, "Ann", avatar=references.reference_of(old.name))
    dump = f"dump_{connection.vendor}"
    real, new = getattr(backup, dump), []

    def slow_dump(*args):
        new.append(new_picture(folder, b"new").name)
        made = real(*args)
        old.unlink()
        return made

    monkeypatch.setattr(backup, dump, slow_dump)
    save(file)
    assert {name for name in members(file) if name.startswith("avatars/")} == {f"avatars/{n}" for n in (old.name, *new)}
