"""manage.py purge_history"""

import os
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.avatars import storage as avatars
from contacts.cards.vcard import Picture as CardPicture
from contacts.management.commands import purge_history
from contacts.models import Book, Change, Contact, IdempotencyRecord, Picture
from contacts.tests.cast import add, path
from contacts.tests.cloudinary_server import CloudinaryServer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]


@pytest.fixture(autouse=True)
def pictures(settings, tmp_path):
    settings.CLOUDINARY_URL = ""
    options = {"location": tmp_path, "base_url": "/media/avatars/"}
    settings.STORAGES = {
        **settings.STORAGES,
        "avatars": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options},
    }
    return tmp_path


def purge(capsys, **options):
    call_command("purge_history", **options)
    return [int(line.split()[0].replace(",", "")) for line in capsys.readouterr().out.splitlines()]


def aged(days, rows=None):
    """Date all changes, or these, so many days back."""
    then = timezone.now() - timedelta(days=days)
    (Change.objects if rows is None else rows).update(at=then)


def in_the_trash(client, days, **fields):
    contact = add(client, **fields)
    client.delete(path(contact))
    row = Contact.objects.get(pk=contact["id"])
    then = timezone.now() - timedelta(days=days)
    Contact._base_manager.filter(pk=row.pk).update(deleted_at=then)
    return contact


def picture(days=2):
    url = avatars.store(b"jpeg")
    file = storages["avatars"].path(url.rpartition("/")[2])
    then = timezone.now().timestamp() - days * 86400
    os.utime(file, (then, then))
    return url


def is_there(url):
    return storages["avatars"].exists(url.rpartition("/")[2])


def test_old_trash_contents_answers_and_pictures_are_erased(as_alice, capsys):
    young, old = in_the_trash(as_alice, 89), in_the_trash(as_alice, 91)
    changed = add(as_alice)
    as_alice.patch(path(changed), {"fullname": "Bea"}, format="json")
    aged(91, Change.objects.filter(contact_id=changed["id"]))
    as_alice.post("/api/contacts", {"fullname": "x"}, format="json", headers={"idempotency-key": "k"})
    IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(days=1))
    url = picture()
    assert purge(capsys, dry_run=True) == [1, 1, 1, 0, 1]
    assert Contact.objects.count() == 4 and IdempotencyRecord.objects.count() == 1 and is_there(url)
    assert purge(capsys) == [1, 1, 1, 0, 1]
    assert not Contact.objects.filter(pk=old["id"]).exists() and Contact.objects.filter(pk=young["id"]).exists()
    assert not IdempotencyRecord.objects.exists() and not is_there(url)
    purged = Change.objects.get(kind="purged")
    assert (purged.contact_id, purged.via, purged.client) == (old["id"], "command", "purge_history")
    assert not Change.objects.filter(contact_id=old["id"], before__isnull=False).exists()
    assert purge(capsys, dry_run=True) == purge(capsys) == [0, 0, 0, 0, 0]


def test_history_days_is_the_age(as_alice, capsys, settings):
    in_the_trash(as_alice, 3)
    settings.HISTORY_DAYS = 4
    assert purge(capsys)[0] == 0
    settings.HISTORY_DAYS = 2
    assert purge(capsys)[0] == 1


def test_contents_are_counted_after_their_book_is_locked(as_alice):
    """A purge at the same time erases and counts the same contents: they must not be counted twice."""
    contact = add(as_alice)
    as_alice.patch(path(contact), {"fullname": "Bea"}, format="json")
    with CaptureQueriesContext(connection) as queries:
        assert Book.objects.erase_contents(Change.objects.all()) == 2
    lock, counted = [query["sql"] for query in queries if "SELECT" in query["sql"]][:2]
    assert lock.startswith('SELECT "contacts_book"') and "SUM(" in counted
    assert connection.vendor == "sqlite" or lock.endswith("FOR UPDATE")
    assert Book.objects.get().bytes == Contact.objects.get().size


def test_the_numbers_of_the_log_stay(as_alice, capsys):
    in_the_trash(as_alice, 91)
    aged(1000)
    purge(capsys)
    assert list(Change.objects.order_by("number").values_list("number", "kind")) == [
        (1, "created"), (2, "deleted"), (3, "purged")
    ]  # fmt: skip


def test_pictures_that_a_card_the_trash_or_the_log_names_stay(as_alice, as_bob, capsys):
    live, trashed, replaced, bobs, second = (picture() for _ in range(5))
    add(as_alice, avatar=live)
    in_the_trash(as_alice, 10, avatar=trashed)
    contact = add(as_alice, avatar=replaced)
    as_alice.patch(path(contact), {"avatar": None}, format="json")
    add(as_bob, avatar=bobs)
    media = {"a": {"kind": "photo", "uri": "/first.png"}, "b": {"kind": "photo", "uri": second}}
    add(as_alice, card={"name": {"full": "Ann"}, "media": media})
    under_way, unused = picture(days=0), picture()
    assert purge(capsys, dry_run=True) == [0, 0, 0, 0, 1]
    assert purge(capsys) == [0, 0, 0, 0, 1]
    assert all(map(is_there, (live, trashed, replaced, bobs, second, under_way))) and not is_there(unused)
    aged(91)
    assert purge(capsys)[4] == 1 and not is_there(replaced)


def test_a_picture_that_comes_in_again_meanwhile_stays(alice, capsys, monkeypatch):
    """Its card is written after the cards were searched for it."""
    data = CardPicture("data", b"no picture", "image/jpeg")
    with Book.objects.writing(alice.pk, "rest") as book:
        book.add_pictures(Picture.objects.prepare(alice.pk, [data]))
    Picture.objects.update(created_at=timezone.now() - timedelta(days=2))
    found = purge_history.unused_pictures

    def unused_pictures(moment):
        names = found(moment)
        prepared = Picture.objects.prepare(alice.pk, [data])
        with Book.objects.writing(alice.pk, "rest") as book:
            reference = book.add_pictures(prepared)["data"]
            book.create({"name": {"full": "Ann"}, "media": {"m1": {"kind": "photo", "uri": reference}}})
        return names

    monkeypatch.setattr(purge_history, "unused_pictures", unused_pictures)
    purge(capsys)
    assert Picture.objects.count() == 1
    assert Book.objects.get().bytes == Contact.objects.get().size + Picture.objects.get().size


def test_a_file_of_another_name_stays(capsys):
    storages["avatars"].save("readme.txt", ContentFile(b"x"))
    then = timezone.now().timestamp() - 10**6
    os.utime(storages["avatars"].path("readme.txt"), (then, then))
    assert purge(capsys) == [0, 0, 0, 0, 0] and storages["avatars"].exists("readme.txt")


def test_a_contact_restored_meanwhile_stays(as_alice, alice, capsys, monkeypatch):
    contact = in_the_trash(as_alice, 91)
    writing = Book.objects.writing

    def after_a_restore(*args):
        monkeypatch.undo()
        as_alice.post(f"/api/contacts/trash/{contact['id']}/restore")
        return writing(*args)

    monkeypatch.setattr(Book.objects, "writing", after_a_restore)
    assert purge(capsys)[0] == 0 and Contact.objects.get().deleted_at is None


def test_pictures_at_cloudinary_are_found_on_all_its_pages(as_alice, settings, capsys):
    with CloudinaryServer() as server:
        backend = {"BACKEND": "contacts.avatars.cloudinary.CloudinaryStorage", "OPTIONS": {"url": server.url}}
        settings.STORAGES = {**settings.STORAGES, "avatars": backend}
        urls = [avatars.store(b"\xff\xd8\xff") for _ in range(5)]
        server.images["avatars/another"] = server.images["elsewhere"] = b"x"
        add(as_alice, avatar=urls[2])
        assert purge(capsys, dry_run=True) == [0, 0, 0, 0, 4]
        assert purge(capsys) == [0, 0, 0, 0, 4]
        shown = urls[2].rpartition("/")[2].removesuffix(".jpg")
        assert set(server.images) == {f"avatars/{shown}", "avatars/another", "elsewhere"}


def test_where_pictures_cannot_be_listed_the_rest_is_done(as_alice, settings, capsys):
    in_the_trash(as_alice, 91)
    with CloudinaryServer() as gone:
        backend = {"BACKEND": "contacts.avatars.cloudinary.CloudinaryStorage", "OPTIONS": {"url": gone.url}}
    settings.STORAGES = {**settings.STORAGES, "avatars": backend}
    with pytest.raises(CommandError, match="Pictures cannot be listed"):
        purge(capsys)
    assert not Contact.objects.exists()
