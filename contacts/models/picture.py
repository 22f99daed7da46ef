"""Pictures that came inside cards: the original byte for byte, and a small JPEG of it where it can be decoded."""

import hashlib
import math
import secrets
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple, Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from contacts.avatars import image, references, storage
from contacts.cards.vcard import Picture as CardPicture

SMALL, MOST_SMALL = 64 * 1024, 100  # bytes of a picture and its thumbnail; pictures that are read at once
USED_LATELY = timedelta(hours=12)  # less than purge_history's IN_PROGRESS


class Prepared(NamedTuple):
    """A picture ready to be stored; `thumbnail` is None where it could not be decoded."""

    reference: str  # as the card names it
    sha256: str
    media_type: str
    original: bytes
    thumbnail: bytes | None


class PictureQuerySet(models.QuerySet["Picture"]):
    def for_user(self, user_id: int) -> Self:
        return self.filter(user=user_id)

    def prepare(self, user_id: int, pictures: Iterable[CardPicture], seconds: float = math.inf) -> list[Prepared]:
        """Return the pictures with their thumbnails. It takes time, so it must not run in a transaction.

        After `seconds` of processor time further pictures get no thumbnail. Those that the owner has already are not
        decoded; their rows count as new, so that none is deleted before a card names it again.
        """
        given = {picture.reference: (hashlib.sha256(picture.data).hexdigest(), picture) for picture in pictures}
        known = self.for_user(user_id).filter(sha256__in=[digest for digest, _ in given.values()])
        known.stored_before(timezone.now() - USED_LATELY).update(created_at=timezone.now())
        stored = set(known.values_list("sha256", flat=True))
        end = time.thread_time() + seconds
        return [
            Prepared(
                reference,
                digest,
                picture.media_type[:100],
                picture.data,
                None if digest in stored or time.thread_time() > end else thumbnail(picture.data),
            )
            for reference, (digest, picture) in given.items()
        ]

    def store(self, user_id: int, prepared: Iterable[Prepared]) -> tuple[dict[str, str], int]:
        """Store the pictures that the owner does not have; return each one's reference, and the bytes added.

        The caller has locked the owner's book.
        """
        prepared = list(prepared)
        known = self.for_user(user_id).filter(sha256__in=[each.sha256 for each in prepared])
        rows: dict[str, Any] = {row.sha256: row for row in known.defer("original", "thumbnail")}
        added = 0
        for each in prepared:
            if each.sha256 not in rows:
                rows[each.sha256] = Picture.of(user_id, each)
                rows[each.sha256].save(force_insert=True)
                added += rows[each.sha256].size
        return {each.reference: rows[each.sha256].reference for each in prepared}, added

    def digests(self, user_id: int, uris: Iterable[str]) -> dict[str, str]:
        """Return the SHA-256 of the originals, by reference, of those references that are the owner's pictures."""
        names = {references.name_of(uri): uri for uri in uris if references.is_reference(uri)}
        found = self.for_user(user_id).filter(name__in=names).values_list("name", "sha256")
        return {names[name]: digest for name, digest in found}

    def stored_before(self, moment: datetime) -> Self:
        return self.filter(created_at__lt=moment)

    def small(self, user_id: int, uris: Iterable[str]) -> dict[str, CardPicture]:
        """Return by reference the first MOST_SMALL of the owner's pictures that are at most SMALL, in one SELECT."""
        names = {references.name_of(uri): uri for uri in islice(uris, MOST_SMALL)}
        rows = self.for_user(user_id).filter(name__in=names, size__lte=SMALL) if names else self.none()
        found = rows.values_list("name", "original", "media_type")
        return {names[name]: CardPicture(names[name], bytes(original), kind) for name, original, kind in found}

    def original(self, user_id: int, reference: str) -> CardPicture | None:
        """Return the picture that a reference in a card of the owner stands for; None for any other text.

        An uploaded avatar is its small JPEG, since nothing else of it is stored.
        """
        if not references.is_reference(reference):
            return None
        rows = self.for_user(user_id).filter(name=references.name_of(reference)).order_by()
        for original, media_type in rows.values_list("original", "media_type"):
            return CardPicture(reference, bytes(original), media_type)
        uploaded = storage.read(reference)
        return CardPicture(reference, uploaded, "image/jpeg") if uploaded else None


class Picture(models.Model):
    """A picture, logo or sound from inside a card. Each is stored once for an owner; cards refer to it by its name.

    It stays while a card, the trash or the log names it; purge_history deletes the others.
    """

    # It needs no index: the one of the constraint begins with it.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="pictures", db_index=False
    )
    name = models.CharField(max_length=36, unique=True)  # 32 hex digits, and .jpg if there is a thumbnail
    sha256 = models.CharField(max_length=64)
    media_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()  # bytes of both
    original = models.BinaryField()
    thumbnail = models.BinaryField(null=True)  # a JPEG of 250×250 pixels
    created_at = models.DateTimeField(default=timezone.now)  # or when it came in again

    objects = PictureQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "sha256"], name="picture_unique_per_owner")]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def of(cls, user_id: int, prepared: Prepared) -> Self:
        thumbnail, original = prepared.thumbnail, prepared.original
        return cls(
            user_id=user_id,
            name=f"{secrets.token_hex(16)}{'.jpg' if thumbnail else ''}",
            sha256=prepared.sha256,
            media_type=prepared.media_type,
            size=len(original) + len(thumbnail or b""),
            original=original,
            thumbnail=thumbnail,
        )

    @property
    def reference(self) -> str:
        """The picture's `uri` in a card."""
        return references.reference_of(self.name)


def thumbnail(data: bytes) -> bytes | None:
    try:
        return image.render_bytes(data)
    except image.NotAnImage:
        return None
