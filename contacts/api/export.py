"""GET /api/me/export: all data of an account as one zip file."""

import contextlib
import json
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from typing import IO, Any

from django.conf import settings
from django.http import FileResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.utils.encoders import JSONEncoder

from accounts.models import User
from contactbook.exceptions import BusyError
from contacts.api.base import ContactBookViewSet
from contacts.avatars import storage
from contacts.avatars.references import with_public_urls
from contacts.exporting import in_pages
from contacts.models import Change, Contact, Feed, Group
from contacts.serializers.contacts import represent_contact
from contacts.serializers.feeds import FeedOutput

MAX_PHOTOS = 10_000
SLOTS = threading.BoundedSemaphore(settings.THREADS // 2)  # the other threads of the process serve short requests
BUSY = "Other accounts are being read as a whole. Try again in a moment."


class ReservedSlot(HttpResponseBase):
    """A response with a `slot`, which is closed when the response was sent or the client has disconnected."""

    slot = contextlib.ExitStack()

    def close(self) -> None:
        super().close()
        self.slot.close()


class ExportResponse(ReservedSlot, FileResponse):
    pass


class ExportViewSet(ContactBookViewSet):
    limits = {"export": "me_export"}

    @extend_schema(
        operation_id="exportAccount",
        summary="Export everything in your account as a zip",
        description="Returns a zip file with `account.json`, `groups.json`, `contacts.json`, `trash.json`, "
        "`changes.json` and the pictures in `photos/`. The contacts are as in this API, with their cards. 503 while "
        "other accounts are being exported: try again after `Retry-After`.",
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def export(self, request: Request) -> ExportResponse:
        with reserved_slot() as slot:
            archive = slot.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
            write_zip(archive, User.objects.get(pk=self.user.pk))
            response = ExportResponse(
                archive, as_attachment=True, filename="contacts.zip", content_type="application/zip"
            )
            response.slot = slot.pop_all()
        return response


def reserved_slot() -> contextlib.ExitStack:
    """Reserve one of the threads that may export; BusyError if there is none."""
    if not SLOTS.acquire(blocking=False):
        raise BusyError(BUSY)
    slot = contextlib.ExitStack()
    slot.callback(SLOTS.release)
    return slot


def write_zip(file: IO[bytes], user: User) -> None:
    """Write the zip file. The contacts are read in pages, not all at once."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("account.json", encoded(account(user)))
        archive.writestr("groups.json", encoded(list(Group.objects.for_user(user.pk).values("id", "name"))))
        archive.writestr("feeds.json", encoded(FeedOutput(Feed.objects.for_user(user.pk), many=True).data))
        write_list(archive, "contacts.json", map(represent_contact, contacts_of(user)))
        write_list(archive, "trash.json", trash_of(user))
        write_list(archive, "changes.json", changes_of(user))
        write_photos(archive, user)
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


def changes_of(user: User) -> Iterator[dict[str, Any]]:
    names = ("number", "contact_id", "kind", "via", "client", "at")
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
        picture = storage.read(avatar)
        if picture:
            archive.writestr(f"photos/{contact_id}.jpg", picture)


def encoded(value: Any) -> bytes:
    return json.dumps(value, cls=JSONEncoder, ensure_ascii=False).encode()
