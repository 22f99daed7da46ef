"""Accounts, their sessions, and the letters that wait to be sent."""

from accounts.addresses import email_key
from accounts.models.email import Letter, LetterQuerySet
from accounts.models.session import MAX_SESSIONS, Caller, Session, SessionQuerySet
from accounts.models.user import User, UserQuerySet, account_key

__all__ = [
    "MAX_SESSIONS",
    "Caller",
    "Letter",
    "LetterQuerySet",
    "Session",
    "SessionQuerySet",
    "User",
    "UserQuerySet",
    "account_key",
    "email_key",
]
