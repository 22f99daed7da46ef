"""Accounts, their sessions and app passwords, and the queue of outgoing e-mails."""

from accounts.addresses import email_key
from accounts.models.app_password import MAX_APP_PASSWORDS, AppPassword, AppPasswordQuerySet, AppUser
from accounts.models.email import OutgoingEmail, OutgoingEmailQuerySet
from accounts.models.session import MAX_SESSIONS, Session, SessionQuerySet, TokenUser
from accounts.models.user import User, UserQuerySet

__all__ = [
    "MAX_APP_PASSWORDS",
    "MAX_SESSIONS",
    "AppPassword",
    "AppPasswordQuerySet",
    "AppUser",
    "OutgoingEmail",
    "OutgoingEmailQuerySet",
    "Session",
    "SessionQuerySet",
    "TokenUser",
    "User",
    "UserQuerySet",
    "email_key",
]
