"""App passwords: what address book programs log in with, at /dav/ alone."""

import hashlib
import hmac
import re
import secrets
import string
from datetime import timedelta
from typing import NamedTuple, Self

from django.db import models, transaction
from django.utils import timezone

from accounts.addresses import email_key
from accounts.models.session import printable
from accounts.models.user import User
from contactbook.exceptions import ConflictError, NotFoundError

MAX_APP_PASSWORDS = 100  # of one account, without those that were ended
BITS = 128
LETTERS = 28  # hold 131 bits
GROUP = 4  # letters between two separators
USE_NOTED_EVERY = timedelta(minutes=5)
NOT_A_LETTER = re.compile(r"[^a-z]+")

# Compared with the given address where no app password has the digest, so that this takes no less time.
NOBODY = "nobody"


def new_password() -> str:
    """Return 128 random bits as lower-case letters, in groups of four."""
    number, letters = secrets.randbits(BITS), ""
    for _ in range(LETTERS):
        number, index = divmod(number, 26)
        letters += string.ascii_lowercase[index]
    return "-".join(letters[start : start + GROUP] for start in range(0, LETTERS, GROUP))


def digest_of(password: str) -> str:
    """Return the SHA-256 of the letters: separators, spaces and the case of a phone's keyboard make no difference."""
    return hashlib.sha256(NOT_A_LETTER.sub("", password.lower()).encode()).hexdigest()


class AppUser(NamedTuple):
    """The user of a request with an app password."""

    pk: int
    username: str
    app_password: int
    write: bool
    is_authenticated: bool = True


class AppPasswordQuerySet(models.QuerySet["AppPassword"]):
    def for_user(self, user_id: int) -> Self:
        return self.filter(user=user_id)

    def live(self) -> Self:
        return self.filter(ended_at=None)

    def issue(self, user_id: int, name: str, write: bool) -> tuple["AppPassword", str]:
        """Create an app password; return it and the password itself, which is not stored. ConflictError past 100."""
        password = new_password()
        with transaction.atomic():
            User.objects.lock(user_id)
            if self.for_user(user_id).live().count() >= MAX_APP_PASSWORDS:
                raise ConflictError(f"An account has at most {MAX_APP_PASSWORDS} app passwords. Delete one first.")
            issued = self.create(user_id=user_id, name=name, write=write, digest=digest_of(password))
        return issued, password

    def end(self) -> int:
        """End those that are live, at once; the rows stay, since the log refers to them. Return how many."""
        return self.live().update(ended_at=timezone.now())

    def end_one(self, password_id: int) -> None:
        """End that one; NotFoundError if it is not among these, or has ended already."""
        if not self.filter(pk=password_id).end():
            raise NotFoundError("App password was not found")

    def authenticate(self, address: str, password: str, client: str) -> AppUser | None:
        """Return the user with that address and app password; None also if the account is closed or inactive.

        One SELECT. Its condition is a digest of the whole password, so its time says nothing about a part of it.
        """
        usable = self.live().filter(user__is_active=True, user__closed_at=None).select_related("user")
        found = usable.filter(digest=digest_of(password)).first()
        expected = found.user.email_key if found else NOBODY
        is_owner = hmac.compare_digest(email_key(address).encode(), expected.encode())
        if found is None or not is_owner:
            return None
        found.note_use(client)
        return AppUser(found.user_id, found.user.username, found.pk, found.write)


class AppPassword(models.Model):
    """A password of one program. Only its hash is stored: a SHA-256, since 128 random bits cannot be guessed."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="app_passwords")
    name = models.CharField(max_length=150)
    write = models.BooleanField(default=True, help_text="whether it may change contacts")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False, help_text="to five minutes")
    last_client = models.CharField(max_length=200, blank=True, editable=False, help_text="the User-Agent")
    ended_at = models.DateTimeField(null=True, editable=False)

    objects = AppPasswordQuerySet.as_manager()

    class Meta:
        verbose_name = "app password"

    def __str__(self) -> str:
        return self.name

    def note_use(self, client: str) -> None:
        """Save when it was used, and by which program: at the first use, and then at most every five minutes."""
        now = timezone.now()
        if self.last_used_at is None or now - self.last_used_at >= USE_NOTED_EVERY:
            self.last_used_at, self.last_client = now, printable(client)
            self.save(update_fields=["last_used_at", "last_client"])
