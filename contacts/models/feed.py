"""Birthday feeds: the secret URLs at which calendar programs read an owner's birthdays."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from accounts.models import User
from contactbook.db.fields import MAX_BIGINT
from contactbook.exceptions import ConflictError, NotFoundError

MAX_FEEDS = 20  # of one account
MAX_DAYS = 366
READ_INTERVAL = timedelta(minutes=5)  # between two writes of `last_read_at`


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


class FeedQuerySet(models.QuerySet["Feed"]):
    def for_user(self, user_id: int) -> Self:
        return self.filter(user=user_id)

    def by_id(self, feed_id: int) -> "Feed":
        feed = self.filter(pk=feed_id).first() if abs(feed_id) <= MAX_BIGINT else None
        if feed is None:
            raise NotFoundError("Feed was not found")
        return feed

    def by_secret(self, secret: str) -> "Feed | None":
        """Return the feed and its owner; None if there is none, or if the account is inactive or closed."""
        feeds = self.select_related("user").filter(user__is_active=True, user__closed_at=None)
        return feeds.filter(secret=digest(secret)).first()

    def add(self, user_id: int, **fields: Any) -> tuple["Feed", str]:
        """Return a new feed and its secret, of which only the digest is stored; ConflictError beyond MAX_FEEDS."""
        secret = secrets.token_urlsafe(32)
        with transaction.atomic():
            User.objects.lock(user_id)
            if self.for_user(user_id).count() >= MAX_FEEDS:
                raise ConflictError(f"An account has at most {MAX_FEEDS} feeds. Delete one first.")
            feed = self.create(user_id=user_id, secret=digest(secret), **fields)
        return feed, secret


class Feed(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="feeds")
    name = models.CharField(max_length=100)
    secret = models.CharField(max_length=64, unique=True, editable=False)  # SHA-256
    created_at = models.DateTimeField(default=timezone.now)
    last_read_at = models.DateTimeField(null=True, blank=True)
    anniversaries = models.BooleanField(default=False, help_text="weddings and other dates, too")
    alarm_days = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="how many days before each event its alarm is; empty for no alarm"
    )

    objects = FeedQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    def note_reading(self) -> None:
        """Write the time of a reading, at most every five minutes."""
        now = timezone.now()
        if self.last_read_at is None or now - self.last_read_at >= READ_INTERVAL:
            self.last_read_at = now
            Feed.objects.filter(pk=self.pk).update(last_read_at=now)
