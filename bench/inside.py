"""What the benchmark asks the product itself, in a process of its own: `python -m bench.inside QUESTION ARGUMENTS`."""

import json
import sys
from datetime import timedelta

import django

django.setup()

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from accounts import tokens
from accounts.models import Session, User


def people_and_tokens(argument: str) -> list[list]:
    """[id, address, access token] of every account, each in a session of its own."""
    now, users = timezone.now(), list(User.objects.order_by("id"))
    ends = now + settings.REFRESH_TOKEN_LIFETIME + timedelta(hours=1)
    sessions = [Session(user=user, client="bench", last_used_at=now, expires_at=ends) for user in users]
    QuerySet(Session).bulk_create(sessions, batch_size=500)
    pairs = [tokens.pair(session, 0, now.timestamp()) for session in sessions]
    return [[user.pk, user.email, pair["access_token"]] for user, pair in zip(users, pairs, strict=True)]


if __name__ == "__main__":
    print(json.dumps({"people": people_and_tokens}[sys.argv[1]](sys.argv[2] if sys.argv[2:] else "")))
