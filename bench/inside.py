"""What the benchmark asks the product itself, in a process of its own: `python -m bench.inside QUESTION ARGUMENTS`."""

import json
import os
import statistics
import sys
import time
from urllib.parse import quote

import django

django.setup()

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone

from accounts import tokens
from accounts.models import Session, User
from bench.stage import PASSWORD, SERVER_CORES
from contactbook.api.pagination import Position, encoded


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


def explain(token: str, *queries: str) -> dict[str, list]:
    """What PostgreSQL itself takes, in milliseconds, and its plan: for the statements that these requests send, of
    the first page, a page of the coming birthdays, and the slowest of the searches."""
    searches = [explained(f"/api/contacts/{quote(query)}", token) for query in queries]
    return {
        "first page": explained("/api/contacts/?skip=0&limit=20", token),
        "birthdays": explained("/api/contacts/bd?days_range=7&limit=20", token),
        "find": max(searches, key=lambda each: each[0]),
    }


def explained(path: str, token: str) -> list:
    """The sum over the request's reads of contacts, each the median of five."""
    reads = []

    def keep(execute, sql, params, many, context):
        if sql.startswith("SELECT") and "contacts_contact" in sql:
            reads.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(keep):
        answer = Client().get(path, headers={"Authorization": f"Bearer {token}", "Host": "127.0.0.1"})
    assert answer.status_code == 200 and reads, (path, answer.status_code, reads)
    timed = [timed_plan(sql, params) for sql, params in reads]
    return [sum(milliseconds for milliseconds, _ in timed), "\n".join(plan for _, plan in timed)]


def timed_plan(sql: str, params: tuple) -> tuple[float, str]:
    plans = []
    for _ in range(5):
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN ANALYZE {sql}", params)
            plans.append("\n".join(line for (line,) in cursor.fetchall()))
    times = [float(plan.rpartition("Execution Time: ")[2].split()[0]) for plan in plans]
    return statistics.median(times), plans[-1]


QUESTIONS = {each.__name__: each for each in (people, argon2, cursor, explain)}

if __name__ == "__main__":
    print(json.dumps(QUESTIONS[sys.argv[1]](*sys.argv[2:])))
