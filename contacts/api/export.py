"""GET /api/me/export: all data of an account as one zip file."""

import json
import mimetypes
import tempfile
import zipfile
from collections.abc import Iterator
from typing import IO, Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.utils.encoders import JSONEncoder

from accounts.models import AppPassword, User
from contacts.api.base import ContactBookViewSet
from contacts.avatars import storage
from contacts.avatars.references import is_reference, name_of, with_public_urls
from contacts.exporting import in_pages
from contacts.models import Change, Contact, Feed, Group, Import, Picture
from contacts.serializers.contacts import represent_contact
from contacts.serializers.feeds import FeedOutput
from contacts.serializers.imports import ImportOutput
from contacts.streaming import ArchiveResponse, reserved_slot

MAX_PHOTOS = 10_000
PASSWORD = ("id", "name", "write", "created_at", "last_used_at", "last_client", "ended_at")


class ExportViewSet(ContactBookViewSet):
    limits = {"export": "me_export"}
    cache_control = "private, no-store"

    @extend_schema(
        operation_id="exportAccount",
        summary="Export everything in your account as a zip",
        description="Returns a zip file with `account.json`, `groups.json`, `contacts.json`, `trash.json`, "
        "`changes.json`, `feeds.json`, `app_passwords.json` and `imports.json` without secrets, the contacts' pictures "
        "as they are shown in `photos/`, and those from inside cards as they came in `pictures/`. The contacts are as "
        "in this API, with their cards. The files of imports and their reports are not in it. 503 while "
        "other accounts are being exported: try again after `Retry-After`.",
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def export(self, request: Request) -> ArchiveResponse:
        with reserved_slot() as slot:
            archive = slot.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
            write_zip(archive, User.objects.get(pk=self.user.pk))
            response = ArchiveResponse(
                archive, as_attachment=True, filename="contacts.zip", content_type="application/zip"
            )
            response.slot = slot.pop_all()
        return response


def write_zip(file: IO[bytes], user: User) -> None:
    """Write the zip file. The contacts are read in pages, not all at once."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("account.json", encoded(account(user)))
        groups = Group.objects.for_user(user.pk).order_by("id").values("id", "name")
        archive.writestr("groups.json", encoded(list(groups)))
        feeds = Feed.objects.for_user(user.pk).order_by("id")
        archive.writestr("feeds.json", encoded(FeedOutput(feeds, many=True).data))
        passwords = AppPassword.objects.for_user(user.pk).order_by("id").values(*PASSWORD)
        archive.writestr("app_passwords.json", encoded(list(passwords)))
        write_list(archive, "imports.json", imports_of(user))
        write_list(archive, "contacts.json", map(represent_contact, contacts_of(user)))
        write_list(archive, "trash.json", trash_of(user))
        write_list(archive, "changes.json", changes_of(user))
        write_photos(archive, user)
        write_pictures(archive, user)
    file.seek(0)


def account(user: User) -> dict[str, Any]:
    names = ["id", "username", "email", "created_at", "confirmed_at", "time_zone", "leap_day", "region"]
    names += ["reminders", "reminder_days"]
    return {name: getattr(user, name) for name in names}


def contacts_of(user: User) -> Iterator[Contact]:
    return in_pages("id", Contact.objects.for_user(user.pk))


def trash_of(user: User) -> Iterator[dict[str, Any]]:
    for contact in in_pages("id", Contact.objects.trash_of(user.pk)):
        yield {**represent_contact(contact), "deleted_at": contact.deleted_at}


def imports_of(user: User) -> Iterator[dict[str, Any]]:
    for job in Import.objects.for_user(user.pk).order_by("id").iterator(100):
        yield ImportOutput(job).data


def changes_of(user: User) -> Iterator[dict[str, Any]]:
    names = ("number", "operation", "contact_id", "kind", "via", "client", "source", "at")
    for change in in_pages("number", Change.objects.for_user(user.pk)):
        before = with_public_urls(change.before) if change.before else None
        yield {**{name: getattr(change, name) for name in names}, "before": before}


def write_list(archive: zipfile.ZipFile, name: str, items: Iterator[Any]) -> None:
    with archive.open(name, "w") as member:
        member.write(b"[")
        for i, item in enumerate(items):
            member.write(b"\n" if i == 0 else b",\n")
            member.write(encoded(item))
        member.write(b"\n]\n")


def write_photos(archive: zipfile.ZipFile, user: User) -> None:
    with_photo = Contact.objects.all_of(user.pk).exclude(avatar=None).order_by("id")
    for contact_id, avatar in with_photo.values_list("id", "avatar")[:MAX_PHOTOS]:
        picture = thumbnail_of(user, avatar) or storage.read(avatar)
        if picture:
            archive.writestr(f"photos/{contact_id}.jpg", picture)


def thumbnail_of(user: User, avatar: str | None) -> bytes | None:
    """Return the small JPEG of a picture that came inside a card; None for any other text."""
    if not avatar or not is_reference(avatar):
        return None
    pictures = Picture.objects.for_user(user.pk).filter(name=name_of(avatar))
    found = pictures.values_list("thumbnail", flat=True).first()
    return bytes(found) if found else None


def write_pictures(archive: zipfile.ZipFile, user: User) -> None:
    """Write the pictures and sounds from inside cards byte for byte, each by its name in the cards."""
    for picture in in_pages("id", Picture.objects.for_user(user.pk).defer("thumbnail")):
        extension = mimetypes.guess_extension(picture.media_type) or ""
        name = f"pictures/{picture.name.removesuffix('.jpg')}{extension}"
        archive.writestr(name, bytes(picture.original), zipfile.ZIP_STORED)  # most are compressed already


def encoded(value: Any) -> bytes:
    return json.dumps(value, cls=JSONEncoder, ensure_ascii=False).encode()
