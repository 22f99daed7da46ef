"""Accounts, their sessions, and the queue of outgoing e-mails."""

from accounts.addresses import email_key
from accounts.models.email import OutgoingEmail, OutgoingEmailQuerySet
from accounts.models.session import MAX_SESSIONS, Session, SessionQuerySet, TokenUser
from accounts.models.user import User, UserQuerySet

__all__ = [
    "MAX_SESSIONS",
    "OutgoingEmail",
    "OutgoingEmailQuerySet",
    "Session",
    "SessionQuerySet",
    "TokenUser",
    "User",
    "UserQuerySet",
    "email_key",
]
