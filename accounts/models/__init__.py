"""Accounts, their sessions, and the letters that wait to be sent."""

from ..addresses import email_key
from .letter import Letter, LetterQuerySet
from .session import MAX_SESSIONS, Caller, Session, SessionQuerySet
from .user import User, UserQuerySet, account_key

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
