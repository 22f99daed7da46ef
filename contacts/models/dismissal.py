"""Duplicates that their owner does not want to be shown."""

from collections.abc import Iterable
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Max

MOST = 50_000  # of one owner; beyond it the oldest are deleted


class DismissalQuerySet(models.QuerySet["Dismissal"]):
    def for_user(self, user_id: int) -> Self:
        return self.filter(user=user_id)

    def newest(self) -> int:
        """Return the highest id, which another dismissal raises; 0 if there is none."""
        return self.aggregate(newest=Max("pk"))["newest"] or 0

    def keys(self) -> set[str]:
        return set(self.values_list("key", flat=True))

    def add(self, user_id: int, keys: Iterable[str]) -> None:
        """Add dismissals with these keys, and delete the oldest beyond MOST."""
        rows: list[Any] = [Dismissal(user_id=user_id, key=key) for key in sorted(keys)]
        self.bulk_create(rows, ignore_conflicts=True, batch_size=500)
        beyond = self.for_user(user_id).order_by("-pk").values_list("pk", flat=True)[MOST : MOST + 1]
        self.for_user(user_id).filter(pk__lte=beyond[0] if beyond else 0).delete()


class Dismissal(models.Model):
    """The key of a set of duplicates, or of two contacts of it that are alike (contacts/duplicates.py)."""

    # It needs no index: the one of the constraint begins with it.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=32)

    objects = DismissalQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="dismissal_key_unique_per_owner")]

    def __str__(self) -> str:
        return self.key
