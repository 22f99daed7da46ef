"""What the benchmark asks the product itself, in a process of its own: `python -m bench.inside QUESTION ARGUMENTS`."""

import json
import os
import statistics
import sys
import time
from datetime import timedelta

import django

django.setup()

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db.models import QuerySet
from django.utils import timezone

from accounts import tokens
from accounts.models import Session, User
from bench.stage import PASSWORD, SERVER_CORES
from contactbook.paging import Position, encoded
from contacts.models import Contact


def people(*addresses: str) -> list[list]:
    """[id, address, access token] of these accounts, or of all, each in the one session that is kept for this."""
    now, users = timezone.now(), User.objects.order_by("id")
    users = list(users.filter(email__in=addresses) if addresses else users)
    sessions = {session.user_id: session for session in Session.objects.filter(client="bench")}
    ends = now + settings.REFRESH_TOKEN_LIFETIME
    new = [Session(user=u, client="bench", last_used_at=now, expires_at=ends) for u in users if u.pk not in sessions]
    sessions |= {session.user_id: session for session in QuerySet(Session).bulk_create(new, batch_size=500)}
    return [[user.pk, user.email, access_token(sessions[user.pk], user)] for user in users]


def access_token(session: Session, user: User) -> str:
    session.user = user
    return tokens.pair(session, 0, time.time())["access_token"]


def argon2() -> float:
    """Milliseconds of one password's check."""
    os.sched_setaffinity(0, SERVER_CORES)
    hashed, times = make_password(PASSWORD), []
    for _ in range(40):
        begun = time.perf_counter()
        check_password(PASSWORD, hashed)
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1000


def cursor(value: str, contact_id: str) -> str:
    """Of the page after that contact."""
    return encoded(Position("fullname", value, int(contact_id), False))


def explain(owner: str, *queries: str) -> dict[str, list]:
    """What PostgreSQL itself takes, in milliseconds (median of five), and the plan: of the first page, the birthdays
    of the coming week (a page of them), and the slowest of these searches."""
    mine, today = Contact.objects.for_user(int(owner)), timezone.localdate()
    soon = mine.birthdays_between(today, today + timedelta(days=7), "02-28")
    asked = {"first page": mine.in_order()[:21], "birthdays": soon[:20]}
    timed = {name: explained(rows) for name, rows in asked.items()}
    searches = [explained(mine.named(query).in_order()[:1]) for query in queries]
    return {**timed, "find": max(searches, key=lambda each: each[0])}


def explained(rows: QuerySet) -> list:
    plans = [rows.explain(analyze=True) for _ in range(5)]
    return [statistics.median(float(plan.rpartition("Execution Time: ")[2].split()[0]) for plan in plans), plans[-1]]


QUESTIONS = {each.__name__: each for each in (people, argon2, cursor, explain)}

if __name__ == "__main__":
    print(json.dumps(QUESTIONS[sys.argv[1]](*sys.argv[2:])))
