"""Sessions, and the user of a request that has an access token."""

import itertools
import zoneinfo
from datetime import date, datetime
from typing import Self

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone

from accounts.models.user import User
from contactbook.exceptions import NotFoundError

MAX_SESSIONS = 100  # of one account; beyond that the least recently used one ends

# In SQL, since every request runs it: building the statement by the ORM takes five times as long as running it.
ACCOUNT_OF_SESSION = (
    'SELECT account.time_zone, account.leap_day, account.region FROM "accounts_session" AS session'
    ' JOIN "accounts_user" AS account ON account.id = session.user_id'
    " WHERE session.id = %s AND session.user_id = %s AND session.expires_at > %s"
    " AND account.is_active AND account.token_version = %s"
)


class TokenUser:
    """The user of a request, with the few columns that requests need. It is not a model and cannot be saved."""

    is_authenticated = True

    def __init__(self, user_id: int, session_id: int, time_zone: str, leap_day: str, region: str | None) -> None:
        self.pk = self.id = user_id
        self.session_id = session_id
        self.time_zone = time_zone
        self.leap_day = leap_day
        self.region = region

    def today(self) -> date:
        return timezone.localdate(timezone=zoneinfo.ZoneInfo(self.time_zone))


def printable(text: str) -> str:
    return "".join(filter(str.isprintable, text))[:200]


class SessionQuerySet(models.QuerySet["Session"]):
    def begin(self, user: User, client: str = "") -> "Session":
        """Start a session for a user who has just logged in; end those beyond MAX_SESSIONS."""
        now = timezone.now()
        session = Session(user=user, last_used_at=now, client=printable(client))
        session.expires_at = now + settings.REFRESH_TOKEN_LIFETIME
        with transaction.atomic():
            session.save()
            newest = self.filter(user=user).order_by("-last_used_at", "-id")
            surplus = list(newest.values_list("pk", flat=True)[MAX_SESSIONS : 2 * MAX_SESSIONS])
            if surplus:
                self.filter(pk__in=surplus).delete()
        return session

    def expired(self) -> Self:
        return self.filter(expires_at__lte=timezone.now())

    def live_of(self, user_id: int) -> Self:
        return self.filter(user=user_id, expires_at__gt=timezone.now())

    def token_user(self, user_id: int, session_id: int, token_version: int) -> TokenUser | None:
        """Return the user of a token.

        None if the session has ended, the password was changed, or the account is inactive or deleted.
        """
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        with connection.cursor() as cursor:
            cursor.execute(ACCOUNT_OF_SESSION, [session_id, user_id, now, token_version])
            account = cursor.fetchone()
        return TokenUser(user_id, session_id, *account) if account else None

    def lock(self, session_id: int, user_id: int, token_version: int) -> "Session | None":
        """Return the locked session with its account; None if it has ended, or as in `token_user`."""
        sessions = self.select_for_update(of=("self",)).select_related("user").filter(pk=session_id, user=user_id)
        return sessions.filter(user__is_active=True, user__token_version=token_version).first()

    def end_one(self, session_id: int) -> "Session":
        """End the session and return it; NotFoundError if there is none among these."""
        session = self.end(session_id)
        if session is None:
            raise NotFoundError("Session was not found")
        return session

    def end(self, session_id: int) -> "Session | None":
        """End the session; return it, or None if there is none among these."""
        with transaction.atomic():
            session = self.filter(pk=session_id).select_for_update(of=("self",)).first()
            if session:
                session.end()
        return session


class Session(models.Model):
    """One chain of refresh tokens. A token contains its number in the chain; the token itself is not stored.

    `rotations` are the times (seconds since 1970) at which the newest tokens were first used; the last one belongs
    to number `generation` - 1.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(
        help_text="the time of the login or of the newest refresh of the tokens; other requests do not change it"
    )
    expires_at = models.DateTimeField(db_index=True)
    client = models.CharField(max_length=200, blank=True, help_text="the User-Agent of the login")
    generation = models.PositiveIntegerField(default=0)
    rotations = models.JSONField(default=list)

    objects = SessionQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.user_id}: {self.client or self.pk}"

    def used_at(self, generation: int, now: datetime) -> float | None:
        """Return when the token with that number was first used: `now` for the newest; None after REFRESH_GRACE."""
        if generation == self.generation:
            self.rotate(now)
        index = len(self.rotations) - (self.generation - generation)
        used = self.rotations[index] if 0 <= index < len(self.rotations) else 0.0
        return used if now.timestamp() - used <= settings.REFRESH_GRACE.total_seconds() else None

    def rotate(self, now: datetime) -> None:
        oldest = now.timestamp() - settings.REFRESH_GRACE.total_seconds()
        self.rotations = [*itertools.dropwhile(lambda at: at < oldest, self.rotations), now.timestamp()]
        self.generation += 1
        self.last_used_at = now
        self.expires_at = now + settings.REFRESH_TOKEN_LIFETIME
        self.save(update_fields=["rotations", "generation", "last_used_at", "expires_at"])

    def end(self) -> None:
        Session.objects.filter(pk=self.pk).delete()  # unlike self.delete(), this leaves the instance its id
