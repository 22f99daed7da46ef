"""Answers of requests with an Idempotency-Key."""

from datetime import timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Sum
from django.utils import timezone


class IdempotencyRecordQuerySet(models.QuerySet["IdempotencyRecord"]):
    LIFETIME = timedelta(hours=24)

    def expired(self) -> Self:
        return self.filter(created_at__lte=timezone.now() - self.LIFETIME)

    def sizes_by_owner(self) -> dict[int, int]:
        """Return the bytes of the answers, by owner."""
        return dict(self.order_by().values_list("user").annotate(Sum("size")))


class IdempotencyRecord(models.Model):
    """The answer to a request with an Idempotency-Key, written in the transaction of what the request did."""

    # It needs no index: the one of the constraint begins with it.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=255)
    request = models.CharField(max_length=64)  # SHA-256 of method, path and body
    status = models.PositiveSmallIntegerField(default=0)
    content = models.CharField(max_length=128 * 1024, default="")
    headers = models.JSONField(default=dict)
    size = models.PositiveIntegerField(default=0, db_default=0)  # bytes of the content
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = IdempotencyRecordQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_unique_per_owner")]

    def __str__(self) -> str:
        return f"{self.key}: {self.status}"
