"""First answers, kept so that a repeated request does nothing twice."""

from datetime import timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone


class FirstAnswerQuerySet(models.QuerySet["FirstAnswer"]):
    KEPT = timedelta(hours=24)

    def current(self) -> Self:
        return self.filter(created_at__gt=timezone.now() - self.KEPT)

    def expired(self) -> Self:
        return self.filter(created_at__lte=timezone.now() - self.KEPT)


class FirstAnswer(models.Model):
    """What a request with an Idempotency-Key was answered; written in the transaction of what it did."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    request = models.CharField(max_length=64)  # SHA-256 of method, path and body
    status = models.PositiveSmallIntegerField(default=0)
    content = models.TextField(default="")
    headers = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = FirstAnswerQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_unique_per_owner")]

    def __str__(self) -> str:
        return f"{self.key}: {self.status}"
