"""Groups of contacts, by name."""

from typing import Self

from django.conf import settings
from django.db import models

from contactbook.db.fields import MAX_BIGINT
from contactbook.exceptions import NotFoundError


class GroupQuerySet(models.QuerySet["Group"]):
    def for_user(self, user_id: int) -> Self:
        return self.filter(user=user_id)

    def by_id(self, group_id: int) -> "Group":
        group = self.filter(pk=group_id).first() if abs(group_id) <= MAX_BIGINT else None
        if group is None:
            raise NotFoundError("Group was not found")
        return group


class Group(models.Model):
    """A name that contacts have among their card's keywords (vCard: CATEGORIES). The row lets a group be empty."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="contact_groups")
    name = models.CharField(max_length=255)

    objects = GroupQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="group_name_unique_per_owner")]

    def __str__(self) -> str:
        return self.name
