"""Sessions, and who a request of one speaks for."""

import itertools
import zoneinfo
from datetime import date, datetime
from typing import Any, Self

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import FilteredRelation, Q
from django.utils import timezone

from accounts.models.user import User, account_key
from contactbook.cache.responses import Said, forget, remembered
from contactbook.compiled import Compiled, Writes

MAX_SESSIONS = 100  # of one account; the one unused for longest gives way

# What a request asks of an account of which nothing is kept: a row for each live session, or one with none.
ACCOUNT = Compiled(
    lambda: (
        User.objects.filter(is_active=True)
        .filter(pk=0)
        .annotate(live=FilteredRelation("sessions", condition=Q(sessions__expires_at__gt=timezone.now())))
        .order_by("-live__pk")
        .values("token_version", "time_zone", "leap_day", "live__pk")
    )
)
NEWEST = Compiled(lambda: Session.objects.filter(user=0).order_by("-last_used_at", "-id").values("pk"))


class Caller:
    """Who a Bearer token speaks for: what requests need of an account, from the cache.

    Not a row, so it is never saved back.
    """

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, user_id: int, session_id: int, time_zone: str, leap_day: str) -> None:
        self.pk = self.id = user_id
        self.session_id = session_id
        self.time_zone = time_zone
        self.leap_day = leap_day

    @classmethod
    def from_claims(cls, user_id: int, session_id: int, version: int, known: Said | None = None) -> Self | None:
        """None if the account is gone or switched off, the session has ended, or the password was changed.

        What is kept only admits: a login, which ends nothing, leaves it as it was.
        """

        def admits(account: dict[str, Any]) -> bool:
            return account["version"] == version and session_id in account["sessions"]

        account = remembered(account_key(user_id), lambda: cls.account(user_id), known, admits)
        if not account or not admits(account):
            return None
        return cls(user_id, session_id, account["time_zone"], account["leap_day"])

    @staticmethod
    def account(user_id: int) -> dict[str, Any] | None:
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        rows = ACCOUNT.tuples(now, user_id, limit=MAX_SESSIONS)
        if not rows:
            return None
        version, time_zone, leap_day, _ = rows[0]
        sessions = [session for *_, session in rows if session]
        return {"version": version, "time_zone": time_zone, "leap_day": leap_day, "sessions": sessions}

    def today(self) -> date:
        return timezone.localdate(timezone=zoneinfo.ZoneInfo(self.time_zone))


def printable(text: str) -> str:
    return "".join(filter(str.isprintable, text))[:200]


class SessionQuerySet(models.QuerySet["Session"]):
    def begin(self, user: User, client: str = "") -> "Session":
        """A session for a person who has just logged in."""
        now = timezone.now()
        session = Session(user=user, created_at=now, last_used_at=now, client=printable(client))
        session.expires_at = now + settings.REFRESH_TOKEN_LIFETIME
        with transaction.atomic(savepoint=False):
            SESSIONS.insert(session)
            if surplus := NEWEST.rows(user.pk, limit=MAX_SESSIONS, skip=MAX_SESSIONS):
                self.filter(pk__in=[row["pk"] for row in surplus]).delete()
                forget(account_key(user.pk))
        return session

    def expired(self) -> Self:
        return self.filter(expires_at__lte=timezone.now())

    def live_of(self, user_id: int) -> Self:
        return self.filter(user=user_id).filter(expires_at__gt=timezone.now())

    def end(self, session_id: int) -> "Session | None":
        """The session among these, as it was when it ended just now; None if there is none (any more)."""
        with transaction.atomic():
            session = self.filter(pk=session_id).select_for_update(of=("self",)).first()
            if session:
                session.end()
        return session


class Session(models.Model):
    """One chain of refresh tokens. A token carries its place in the chain; nothing of it is stored.

    `rotations` are the times (seconds since 1970) at which the newest places were used; the last one
    belongs to place `generation` - 1.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(
        help_text="when a pair of tokens was given: at the login, and at each refresh; not at each request"
    )
    expires_at = models.DateTimeField(db_index=True)
    client = models.CharField(max_length=200, blank=True, help_text="what the program that logged in called itself")
    generation = models.PositiveIntegerField(default=0)
    rotations = models.JSONField(default=list)

    objects = SessionQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.user_id}: {self.client or self.pk}"

    def used_at(self, generation: int, now: datetime) -> float | None:
        """When the token at that place was first used: `now` if it just is, None if too long ago."""
        if generation == self.generation:
            self.rotate(now)
        place = len(self.rotations) - (self.generation - generation)
        known = self.rotations[place] if 0 <= place < len(self.rotations) else 0.0
        return known if now.timestamp() - known <= settings.REFRESH_GRACE.total_seconds() else None

    def rotate(self, now: datetime) -> None:
        oldest = now.timestamp() - settings.REFRESH_GRACE.total_seconds()
        self.rotations = [*itertools.dropwhile(lambda at: at < oldest, self.rotations), now.timestamp()]
        self.generation += 1
        self.last_used_at = now
        self.expires_at = now + settings.REFRESH_TOKEN_LIFETIME
        self.save(update_fields=["rotations", "generation", "last_used_at", "expires_at"])

    def end(self) -> None:
        Session.objects.filter(pk=self.pk).delete()  # which leaves this instance its id
        forget(account_key(self.user_id))


SESSIONS = Writes(Session)
