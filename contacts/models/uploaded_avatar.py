"""Uploaded avatars: what the files in the storage of avatars count for their owners' quota."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone


class UploadedAvatarQuerySet(models.QuerySet["UploadedAvatar"]):
    def stored_before(self, moment: datetime) -> Self:
        return self.filter(created_at__lt=moment)


class UploadedAvatar(models.Model):
    """The size of a file in the storage of avatars. purge_history deletes both when no card names the file."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=36, unique=True)  # of the file
    size = models.PositiveIntegerField()  # bytes
    created_at = models.DateTimeField(default=timezone.now)

    objects = UploadedAvatarQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
